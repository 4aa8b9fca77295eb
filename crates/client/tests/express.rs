//! Commands that a thread sends and receives by itself, driven here as an event loop would: by asking again and again.

mod support;

use std::time::{Duration, Instant};

use aerospike_core::{
    Client, Code, Command, CommandPolicy, Config, Error, Event, Express, LineId, Reply, Resumed, Spec,
};
use support::{cluster, command, config, connect, eventually, get, put, put_spec, value};

const PATIENCE: Duration = Duration::from_secs(5);

fn read(number: u64) -> Command {
    command("x", number, Spec::read_all(), CommandPolicy::default())
}

fn write(number: u64, value: u64) -> Command {
    command("x", number, put_spec(value), CommandPolicy::write())
}

fn clear(express: &mut Express) {
    express.departures().into_iter().for_each(aerospike_core::Departure::complete);
}

/// Begins a command, as soon as there is a line for it; until then it goes the usual way.
async fn begin(client: &Client, express: &mut Express, command: &Command) -> LineId {
    let start = Instant::now();
    loop {
        match express.begin(command.clone()) {
            Ok(line) => return line,
            Err(command) => _ = client.execute(command).await,
        }
        express.arrivals();
        clear(express);
        assert!(start.elapsed() < PATIENCE, "no line came");
    }
}

enum Way {
    Express(Result<Reply, Error>),
    Resumed(Box<Resumed>),
}

/// Looks at the line until the command is answered, or has to go on elsewhere.
async fn follow(express: &mut Express, line: LineId) -> Way {
    let start = Instant::now();
    loop {
        match express.on_readable(line) {
            Event::Answer(answer) => return Way::Express(answer),
            Event::Resume(resumed) => return Way::Resumed(resumed),
            Event::Nothing => {}
        }
        if express.overdue() == Some(line)
            && let Some(resumed) = express.hand_over(line)
        {
            return Way::Resumed(resumed);
        }
        assert!(start.elapsed() < PATIENCE, "nothing became of the command");
        tokio::task::yield_now().await;
    }
}

async fn run(client: &Client, express: &mut Express, command: Command) -> Result<Reply, Error> {
    let line = begin(client, express, &command).await;
    let outcome = match follow(express, line).await {
        Way::Express(answer) => answer,
        Way::Resumed(resumed) => resumed.finish().await,
    };
    clear(express);
    outcome
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_those_of_execute() {
    let cluster = cluster(3).await;
    let client = connect(&cluster).await;
    let mut express = client.express();
    for number in 0..200 {
        let reply = run(&client, &mut express, write(number, number + 1)).await.unwrap();
        assert_eq!(reply.attempts, 1);
        let reply = run(&client, &mut express, read(number)).await.unwrap();
        let usual = get(&client, "x", number).await.unwrap();
        assert_eq!((value(&reply.message), &reply.node), (Some(number + 1), &usual.node));
    }
    let missing = run(&client, &mut express, read(1_000_000)).await.unwrap_err();
    let usual = get(&client, "x", 1_000_000).await.unwrap_err();
    assert_eq!((missing.code(), missing.attempts(), missing.node()), (usual.code(), usual.attempts(), usual.node()));
    assert!(!missing.in_doubt() && missing.message().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_brief_goes_the_usual_way() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    let mut express = client.express();
    run(&client, &mut express, write(1, 1)).await.unwrap();
    let mut slow = read(1);
    slow.spec.exclusive = true;
    assert!(express.begin(slow).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_one_command_is_on_a_line() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    let mut express = client.express();
    let line = begin(&client, &mut express, &write(1, 1)).await;
    assert!(express.begin(write(2, 2)).is_err());
    assert!(matches!(follow(&mut express, line).await, Way::Express(Ok(_))));
    begin(&client, &mut express, &write(2, 2)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_from_a_node_that_freezes_is_served_by_a_replica() {
    let cluster = cluster(3).await;
    let client = connect(&cluster).await;
    let mut express = client.express();
    put(&client, "x", 7, 70).await.unwrap();
    let master = run(&client, &mut express, read(7)).await.unwrap().node;
    let index = cluster_index(&cluster, &client, &master);
    cluster.freeze_node(index).unwrap();
    let start = Instant::now();
    let reply = run(&client, &mut express, read(7)).await.unwrap();
    assert_eq!(value(&reply.message), Some(70));
    assert_ne!(reply.node, master);
    assert!(reply.attempts > 1 && start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    cluster.thaw_node(index).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_to_a_node_that_freezes_is_in_doubt_at_its_deadline() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    let mut express = client.express();
    run(&client, &mut express, write(1, 1)).await.unwrap();
    cluster.freeze_node(0).unwrap();
    let mut write = write(1, 2);
    write.policy.total_timeout = 200;
    let start = Instant::now();
    let error = run(&client, &mut express, write).await.unwrap_err();
    assert_eq!(error.code(), Code::TIMEOUT);
    assert!(error.in_doubt());
    assert!((190..1000).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
    cluster.thaw_node(0).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_dies_costs_a_read_nothing_and_a_write_its_certainty() {
    for is_write in [false, true] {
        let cluster = cluster(3).await;
        let client =
            Client::connect(Config { tend_interval: Duration::from_millis(250), ..config(&cluster) }).await.unwrap();
        let mut express = client.express();
        put(&client, "x", 7, 70).await.unwrap();
        let master = run(&client, &mut express, read(7)).await.unwrap().node;
        let index = cluster_index(&cluster, &client, &master);
        cluster.freeze_node(index).unwrap(); // so that the command is under way when the node dies
        let command = if is_write { write(7, 71) } else { read(7) };
        let line = express.begin(command).unwrap();
        cluster.stop_node(index).await.unwrap();
        let outcome = match follow(&mut express, line).await {
            Way::Express(answer) => answer,
            Way::Resumed(resumed) => resumed.finish().await,
        };
        clear(&mut express);
        match outcome {
            Ok(reply) => assert!(!is_write && value(&reply.message) == Some(70)),
            Err(error) => assert!(is_write && error.in_doubt(), "{error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_the_server_closes_departs_and_another_comes() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    let mut express = client.express();
    let line = begin(&client, &mut express, &write(1, 1)).await;
    assert!(matches!(follow(&mut express, line).await, Way::Express(Ok(_))));
    cluster.drop_connections(0).await.unwrap();
    let start = Instant::now();
    while express.departures().is_empty() {
        assert!(matches!(express.on_readable(line), Event::Nothing));
        assert!(start.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(value(&run(&client, &mut express, read(1)).await.unwrap().message), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_at_rest_is_open_but_not_in_use_and_goes_back() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    let mut express = client.express();
    run(&client, &mut express, write(1, 1)).await.unwrap();
    let in_use = || client.nodes()[0].connections_in_use;
    eventually("no connection in use", || in_use() == 0).await;
    let open = client.nodes()[0].connections_open;
    tokio::time::sleep(Duration::from_millis(2100)).await;
    express.tidy();
    let departures = express.departures();
    assert_eq!(departures.len(), 1);
    departures.into_iter().for_each(aerospike_core::Departure::complete);
    eventually("the connection back in the pool", || in_use() == 0 && client.nodes()[0].connections_open == open).await;
    assert!(!express.is_busy());
}

#[tokio::test(flavor = "multi_thread")]
async fn small_pools_keep_their_connections() {
    let cluster = cluster(1).await;
    let client = Client::connect(Config { max_connections_per_node: 3, ..config(&cluster) }).await.unwrap();
    let mut express = client.express();
    for _ in 0..100 {
        let Err(command) = express.begin(read(1)) else { panic!("a line came") };
        let _ = client.execute(command).await;
        assert!(express.arrivals().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn close_waits_for_a_command_under_way() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    let mut express = client.express();
    run(&client, &mut express, write(1, 1)).await.unwrap();
    cluster.slow_node(0, Duration::from_millis(200)).unwrap();
    let line = express.begin(write(1, 2)).unwrap();
    express.close();
    let closing = tokio::spawn({
        let client = client.clone();
        async move { client.close(PATIENCE).await }
    });
    let outcome = match follow(&mut express, line).await {
        Way::Express(answer) => answer,
        Way::Resumed(resumed) => resumed.finish().await,
    };
    outcome.unwrap();
    clear(&mut express);
    tokio::time::timeout(PATIENCE, closing).await.unwrap().unwrap();
    assert!(express.begin(read(1)).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn close_does_not_wait_for_a_command_that_was_dropped() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    let mut express = client.express();
    run(&client, &mut express, write(1, 1)).await.unwrap();
    cluster.freeze_node(0).unwrap();
    express.begin(write(1, 2)).unwrap();
    drop(express);
    let start = Instant::now();
    client.close(PATIENCE).await;
    assert!(start.elapsed() < PATIENCE);
    cluster.thaw_node(0).unwrap();
}

/// Which of the cluster's nodes has this name.
fn cluster_index(cluster: &aerospike_server::Cluster, client: &Client, name: &str) -> usize {
    let port = client.nodes().iter().find(|n| *n.name == *name).unwrap().port;
    cluster.hosts().iter().position(|a| a.port() == port).unwrap()
}
