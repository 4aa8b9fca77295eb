//! Commands that a thread sends and receives by itself, driven here as an event loop would: by asking again and again.

mod support;

use std::time::{Duration, Instant};

use aerospike_core::wire::op::write_op;
use aerospike_core::wire::{Info2, ParticleType};
use aerospike_core::{
    Batch, BatchReply, Client, Code, Command, CommandPolicy, Config, Error, Event, Express, LineId, NodeCost, Reply,
    Resumed, ResumedBatch, Spec, Tag,
};
use bytes::{Bytes, BytesMut};
use support::{cluster, command, config, connect, eventually, get, put, put_spec, reads, row_value, value};

const PATIENCE: Duration = Duration::from_secs(5);

fn read(number: u64) -> Command {
    command("x", number, Spec::read_all(), CommandPolicy::default())
}

fn write(number: u64, value: u64) -> Command {
    command("x", number, put_spec(value), CommandPolicy::write())
}

/// A thread with an event loop, in miniature.
struct Desk {
    client: Client,
    express: Express,
    lines: Vec<LineId>,
    events: Vec<(Tag, Event)>,
    last_tag: Tag,
}

enum Way {
    Express(Result<Reply, Error>),
    Resumed(Box<Resumed>),
    Rows(Box<BatchReply>),
    ResumedBatch(Box<ResumedBatch>),
}

impl Desk {
    fn new(client: &Client) -> Self {
        Self { client: client.clone(), express: client.express(), lines: Vec::new(), events: Vec::new(), last_tag: 0 }
    }

    async fn at(client: &Client) -> Self {
        let mut desk = Self::new(client);
        // the lines come with the first commands
        let mut number = 0;
        eventually_async("lines to all nodes", async || {
            number += 1;
            _ = desk.run(read(number)).await;
            desk.lines.len() >= client.nodes().len()
        })
        .await;
        desk
    }

    /// With its first lines, and without a command that went the usual way and took a connection for that.
    async fn undisturbed(client: &Client) -> Self {
        let mut desk = Self::new(client);
        eventually_async("the first lines", async || {
            assert!(desk.express.begin(read(1), 1).is_err(), "there is no line yet");
            tokio::time::sleep(Duration::from_millis(1)).await;
            desk.look();
            !desk.lines.is_empty()
        })
        .await;
        desk
    }

    fn tag(&mut self) -> Tag {
        self.last_tag += 1;
        self.last_tag
    }

    /// Begins a command, as soon as there is a line for it; until then it goes the usual way.
    async fn begin(&mut self, command: &Command) -> Tag {
        let start = Instant::now();
        let tag = self.tag();
        while let Err(command) = self.express.begin(command.clone(), tag) {
            _ = self.client.execute(command).await;
            self.look();
            assert!(start.elapsed() < PATIENCE, "no line came");
        }
        self.express.flush();
        tag
    }

    /// What an event loop does in a turn.
    fn look(&mut self) {
        self.lines.extend(self.express.arrivals());
        for line in self.lines.clone() {
            self.express.on_readable(line);
        }
        self.express.flush();
        self.express.look_after();
        for departure in self.express.departures() {
            self.lines.retain(|line| *line != departure.line);
            departure.complete();
        }
        self.events.extend(self.express.events());
    }

    /// Looks until a command is answered, or has to go on elsewhere.
    async fn follow(&mut self, tag: Tag) -> Way {
        let start = Instant::now();
        loop {
            self.look();
            if let Some(at) = self.events.iter().position(|(of, _)| *of == tag) {
                return match self.events.swap_remove(at).1 {
                    Event::Answer(answer) => Way::Express(answer),
                    Event::Resume(resumed) => Way::Resumed(resumed),
                    Event::Rows(reply) => Way::Rows(reply),
                    Event::ResumeBatch(resumed) => Way::ResumedBatch(resumed),
                };
            }
            assert!(start.elapsed() < PATIENCE, "nothing became of the command");
            tokio::task::yield_now().await;
        }
    }

    async fn finish(&mut self, tag: Tag) -> Result<Reply, Error> {
        match self.follow(tag).await {
            Way::Express(answer) => answer,
            Way::Resumed(resumed) => resumed.finish().await,
            Way::Rows(_) | Way::ResumedBatch(_) => panic!("a command became a batch"),
        }
    }

    async fn run(&mut self, command: Command) -> Result<Reply, Error> {
        let tag = self.begin(&command).await;
        self.finish(tag).await
    }

    /// Begins a batch on lines, as soon as that is possible.
    async fn begin_batch(&mut self, batch: &Batch) -> Tag {
        self.begin_parts(batch, false).await
    }

    async fn begin_parts(&mut self, batch: &Batch, in_parts: bool) -> Tag {
        let start = Instant::now();
        loop {
            let tag = self.tag();
            match self.express.begin_batch(batch.clone(), tag, in_parts) {
                Ok(()) => {
                    self.express.flush();
                    self.events.extend(self.express.events());
                    let gone = |(of, event): &(Tag, Event)| *of == tag && matches!(event, Event::ResumeBatch(_));
                    match self.events.iter().position(gone) {
                        None => return tag,
                        Some(at) => _ = self.events.swap_remove(at),
                    }
                }
                Err(batch) => _ = self.client.batch(batch).await,
            }
            self.look();
            tokio::time::sleep(Duration::from_millis(1)).await;
            assert!(start.elapsed() < PATIENCE, "no lines came");
        }
    }

    /// The reply, and whether it came without the runtime.
    async fn finish_batch(&mut self, tag: Tag) -> (BatchReply, bool) {
        match self.follow(tag).await {
            Way::Rows(reply) => (*reply, true),
            Way::ResumedBatch(resumed) => (resumed.finish(&mut |_| panic!("a part")).await, false),
            Way::Express(_) | Way::Resumed(_) => panic!("a batch became a command"),
        }
    }

    async fn close(&mut self) {
        self.express.close();
        self.look();
    }
}

async fn eventually_async(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !so().await {
        assert!(start.elapsed() < PATIENCE, "{what} never came to be");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_those_of_execute() {
    let cluster = cluster(3).await;
    let client = connect(&cluster).await;
    let mut desk = Desk::at(&client).await;
    for number in 0..200 {
        let reply = desk.run(write(number, number + 1)).await.unwrap();
        assert_eq!(reply.attempts, 1);
        let reply = desk.run(read(number)).await.unwrap();
        let usual = get(&client, "x", number).await.unwrap();
        assert_eq!((value(&reply.message), &reply.node), (Some(number + 1), &usual.node));
    }
    let missing = desk.run(read(1_000_000)).await.unwrap_err();
    let usual = get(&client, "x", 1_000_000).await.unwrap_err();
    assert_eq!((missing.code(), missing.attempts(), missing.node()), (usual.code(), usual.attempts(), usual.node()));
    assert!(!missing.in_doubt() && missing.message().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_begun_together_get_each_its_own_answer() {
    let cluster = cluster(3).await;
    let client = connect(&cluster).await;
    let mut turns = Vec::new();
    for round in 0..10 {
        let mut desk = Desk::at(&client).await;
        for number in 0..40 {
            let tag = desk.tag();
            let value = round * 1000 + number;
            // what finds no room goes the usual way, and settles here at once
            match desk.express.begin(write(number, value), tag) {
                Ok(()) => turns.push(tag),
                Err(command) => _ = client.execute(command).await.unwrap(),
            }
        }
        desk.express.flush();
        for tag in turns.drain(..) {
            desk.finish(tag).await.unwrap();
        }
        // on a busy machine the lines may be gone by now
        let mut desk = Desk::at(&client).await;
        let reads: Vec<_> = (0..40)
            .filter_map(|number| {
                let tag = desk.tag();
                desk.express.begin(read(number), tag).is_ok().then_some((number, tag))
            })
            .collect();
        assert!(reads.len() > 1, "{}", reads.len());
        desk.express.flush();
        for (number, tag) in reads {
            let reply = desk.finish(tag).await.unwrap();
            assert_eq!(value(&reply.message), Some(round * 1000 + number));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_brief_or_has_no_time_goes_the_usual_way() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    let mut desk = Desk::at(&client).await;
    let mut slow = read(1);
    slow.spec.exclusive = true;
    assert!(desk.express.begin(slow, 1).is_err());
    let mut hasty = read(1);
    hasty.policy.total_timeout = 20;
    assert!(desk.express.begin(hasty, 2).is_err());
    let mut writes = reads("x", [1]);
    writes.specs[0] = put_spec(1);
    assert!(desk.express.begin_batch(writes, 3, false).is_err());
    assert!(desk.express.begin_batch(reads("x", 0..1025), 4, false).is_err());
    assert!(desk.express.begin(read(1), 5).is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_from_a_node_that_freezes_is_served_by_a_replica() {
    let cluster = cluster(3).await;
    let client = connect(&cluster).await;
    let mut desk = Desk::at(&client).await;
    put(&client, "x", 7, 70).await.unwrap();
    let master = desk.run(read(7)).await.unwrap().node;
    let index = cluster_index(&cluster, &client, &master);
    cluster.freeze_node(index).unwrap();
    let start = Instant::now();
    let reply = desk.run(read(7)).await.unwrap();
    assert_eq!(value(&reply.message), Some(70));
    assert_ne!(reply.node, master);
    assert!(reply.attempts > 1 && start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    cluster.thaw_node(index).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_on_a_node_that_freezes_are_all_answered_once_it_thaws() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    let mut desk = Desk::at(&client).await;
    cluster.freeze_node(0).unwrap();
    let mut tags = Vec::new();
    for number in 0..20 {
        let tag = desk.tag();
        let command = if number % 2 == 0 { write(number, number) } else { read(number) };
        if desk.express.begin(command, tag).is_ok() {
            tags.push((number, tag));
        }
    }
    desk.express.flush();
    // on a busy machine the node may have seemed slow, and not get all of them
    assert!(tags.len() > 1, "{}", tags.len());
    let written: Vec<_> = tags.iter().map(|(number, _)| *number).filter(|number| number % 2 == 0).collect();
    let mut going = Vec::new();
    for (number, tag) in tags {
        match desk.follow(tag).await {
            Way::Resumed(resumed) => going.push((number, tokio::spawn(resumed.finish()))),
            _ => panic!("a frozen node answered"),
        }
    }
    assert!(!desk.express.is_under_way());
    tokio::time::sleep(Duration::from_millis(50)).await;
    cluster.thaw_node(0).unwrap();
    for (number, command) in going {
        match command.await.unwrap() {
            Ok(_) => {}
            Err(error) => assert!(number % 2 == 1 && error.code() == Code(2), "{number}: {error}"),
        }
    }
    for number in written {
        assert_eq!(value(&get(&client, "x", number).await.unwrap().message), Some(number));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_to_a_node_that_freezes_is_in_doubt_at_its_deadline() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    let mut desk = Desk::at(&client).await;
    cluster.freeze_node(0).unwrap();
    let mut write = write(1, 2);
    write.policy.total_timeout = 200;
    let start = Instant::now();
    let error = desk.run(write).await.unwrap_err();
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
        let mut desk = Desk::at(&client).await;
        put(&client, "x", 7, 70).await.unwrap();
        let master = desk.run(read(7)).await.unwrap().node;
        let index = cluster_index(&cluster, &client, &master);
        cluster.freeze_node(index).unwrap(); // so that the command is under way when the node dies
        let tag = desk.begin(&if is_write { write(7, 71) } else { read(7) }).await;
        cluster.stop_node(index).await.unwrap();
        match desk.finish(tag).await {
            Ok(reply) => assert!(!is_write && value(&reply.message) == Some(70)),
            Err(error) => assert!(is_write && error.in_doubt(), "{error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_few_reads_is_what_it_is_elsewhere() {
    let cluster = cluster(3).await;
    let client = connect(&cluster).await;
    let mut desk = Desk::at(&client).await;
    for number in 0..100 {
        put(&client, "x", number, number + 1).await.unwrap();
    }
    let batch = reads("x", 50..150);
    let start = Instant::now();
    let reply = loop {
        let tag = desk.begin_batch(&batch).await;
        let (reply, was_express) = desk.finish_batch(tag).await;
        if was_express {
            break reply;
        }
        assert!(start.elapsed() < PATIENCE, "it never came by itself");
    };
    let usual = client.batch(batch).await;
    for row in 0..100 {
        let (ours, theirs) = (reply.rows[row], usual.rows[row]);
        assert_eq!((ours.code, ours.attempts, ours.in_doubt), (theirs.code, theirs.attempts, theirs.in_doubt));
        assert_eq!(reply.nodes[usize::from(ours.node)].name, usual.nodes[usize::from(theirs.node)].name);
        assert_eq!(row_value(&reply, row), (row < 50).then_some(row as u64 + 51));
        assert_eq!(row_value(&usual, row), row_value(&reply, row));
    }
    let totals = |reply: &BatchReply| {
        reply.nodes.iter().fold([0; 4], |[out, into, trips, answered], node| {
            let NodeCost { bytes_out, bytes_in, round_trips, answered: rows, .. } = node;
            [out + bytes_out, into + bytes_in, trips + u64::from(*round_trips), answered + u64::from(*rows)]
        })
    };
    assert_eq!(totals(&reply), totals(&usual));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_batch_is_taken_in_while_it_is_the_only_one() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    let mut desk = Desk::at(&client).await;
    let large = reads("x", 0..1000);
    let start = Instant::now();
    let tag = loop {
        let tag = desk.begin_batch(&large).await;
        if desk.express.is_under_way() {
            break tag;
        }
        _ = desk.finish_batch(tag).await;
        assert!(start.elapsed() < PATIENCE, "it never went on lines");
    };
    assert!(desk.express.begin_batch(reads("x", 0..129), 1000, false).is_err(), "one is under way here");
    let (reply, _) = desk.finish_batch(tag).await;
    assert!(reply.rows.iter().all(|row| row.code == Code(2)));
    assert_eq!((reply.nodes[0].round_trips, reply.nodes[0].answered), (2, 1000));
    cluster.freeze_node(0).unwrap();
    let elsewhere = tokio::spawn({
        let (client, batch) = (client.clone(), reads("x", 0..10));
        async move { client.batch(batch).await }
    });
    eventually("a batch elsewhere", || desk.express.most_rows() == Express::MOST_ROWS).await;
    cluster.thaw_node(0).unwrap();
    elsewhere.await.unwrap();
    assert_eq!(desk.express.most_rows(), Express::MOST_ROWS_ALONE);
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_with_trouble_go_on_where_they_are() {
    let cluster = cluster(3).await;
    let client = connect(&cluster).await;
    let mut desk = Desk::at(&client).await;
    for number in 0..100 {
        put(&client, "x", number, number + 1).await.unwrap();
    }
    cluster.freeze_node(1).unwrap();
    let tag = desk.begin_batch(&reads("x", 0..100)).await;
    let (reply, was_express) = desk.finish_batch(tag).await;
    assert!(!was_express);
    for row in 0..100 {
        assert_eq!(row_value(&reply, row), Some(row as u64 + 1), "{:?}", reply.rows[row]);
    }
    cluster.thaw_node(1).unwrap();

    // a node that is late, and answers before anyone else is asked
    let tag = desk.begin_batch(&reads("x", 0..100)).await;
    desk.finish_batch(tag).await;
    cluster.slow_node(2, Duration::from_millis(40)).unwrap();
    let tag = desk.begin_batch(&reads("x", 0..100)).await;
    let (reply, was_express) = desk.finish_batch(tag).await;
    assert!(!was_express);
    assert!(reply.rows.iter().all(|row| row.code == Code::OK && row.attempts == 1));
    cluster.slow_node(2, Duration::ZERO).unwrap();

    let tag = desk.begin_batch(&reads("x", 0..100)).await;
    cluster.drop_connections(0).await.unwrap();
    let (reply, _) = desk.finish_batch(tag).await;
    for row in 0..100 {
        assert_eq!(row_value(&reply, row), Some(row as u64 + 1), "{:?}", reply.rows[row]);
    }
}

#[test]
fn a_batch_for_a_node_that_is_left_alone_needs_no_runtime_to_begin() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (cluster, client, mut desk) = runtime.block_on(async {
        let cluster = cluster(1).await;
        let config = Config { max_error_rate: 1, error_rate_window: 100, ..config(&cluster) };
        let client = Client::connect(config).await.unwrap();
        put(&client, "x", 1, 1).await.unwrap();
        let desk = Desk::at(&client).await;
        // a few failures are too many
        cluster.freeze_node(0).unwrap();
        let mut brief = read(1);
        brief.policy.total_timeout = 50;
        while client.execute(brief.clone()).await.err().is_none_or(|e| e.code() != Code::MAX_ERROR_RATE) {}
        cluster.thaw_node(0).unwrap();
        (cluster, client, desk)
    });
    // on a thread that Tokio knows nothing of, as the one of JavaScript
    let tag = desk.tag();
    let mut batch = reads("x", [1]);
    batch.policy.max_retries = 0;
    let outcome = desk.express.begin_batch(batch, tag, false);
    let reply = runtime.block_on(async {
        match outcome {
            Ok(()) => desk.finish_batch(tag).await.0,
            Err(batch) => client.batch(batch).await,
        }
    });
    assert_eq!(reply.rows[0].code, Code::MAX_ERROR_RATE);
    let mut batch = reads("x", [1]);
    batch.policy.max_retries = 1;
    assert!(desk.express.begin_batch(batch, 99, false).is_ok());
    runtime.block_on(async { drop((desk, client, cluster)) });
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_do_not_wait_for_each_other_come_when_they_are_there() {
    let cluster = cluster(3).await;
    let client = connect(&cluster).await;
    let mut desk = Desk::at(&client).await;
    for number in 0..100 {
        put(&client, "x", number, number + 1).await.unwrap();
    }
    // until there are lines to all three
    let tag = desk.begin_batch(&reads("x", 0..100)).await;
    desk.finish_batch(tag).await;
    cluster.slow_node(1, Duration::from_millis(150)).unwrap();
    let tag = desk.begin_parts(&reads("x", 0..100), true).await;
    let Way::ResumedBatch(resumed) = desk.follow(tag).await else { panic!("the slow node was quick") };
    let start = Instant::now();
    let mut parts = Vec::new();
    let rest = resumed.finish(&mut |part| parts.push((start.elapsed(), part))).await;
    assert!(!parts.is_empty() && parts[0].0 < Duration::from_millis(100), "{:?}", parts.first());
    for row in 0..100 {
        let of: Vec<_> =
            parts.iter().map(|(_, part)| part).chain([&rest]).filter(|r| !r.rows[row].is_elsewhere).collect();
        assert_eq!(of.len(), 1);
        assert_eq!(row_value(of[0], row), Some(row as u64 + 1));
    }
    cluster.slow_node(1, Duration::ZERO).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_nothing_and_one_of_nowhere_end_at_once() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    let mut desk = Desk::at(&client).await;
    let tag = desk.begin_batch(&reads("x", [])).await;
    assert!(desk.finish_batch(tag).await.0.rows.is_empty());
    let mut nowhere = reads("x", [1, 2]);
    nowhere.keyspaces[0].namespace = "nowhere".into();
    let tag = desk.begin_batch(&nowhere).await;
    let (reply, was_express) = desk.finish_batch(tag).await;
    assert!(was_express && reply.rows.iter().all(|row| row.code == Code(20)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_the_server_closes_departs_and_another_comes() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    let mut desk = Desk::at(&client).await;
    cluster.drop_connections(0).await.unwrap();
    eventually_async("the departure of the lines", async || {
        desk.look();
        tokio::time::sleep(Duration::from_millis(1)).await;
        desk.lines.is_empty()
    })
    .await;
    put(&client, "x", 1, 1).await.unwrap();
    assert_eq!(value(&desk.run(read(1)).await.unwrap().message), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_at_rest_is_open_but_not_in_use_and_goes_back() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    let mut desk = Desk::at(&client).await;
    let in_use = || client.nodes()[0].connections_in_use;
    eventually("no connection in use", || in_use() == 0).await;
    let open = client.nodes()[0].connections_open;
    tokio::time::sleep(Duration::from_millis(2100)).await;
    desk.look();
    assert!(desk.lines.is_empty());
    eventually("the connection back in the pool", || in_use() == 0 && client.nodes()[0].connections_open == open).await;
    assert!(!desk.express.is_busy());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_lines_of_a_node_are_a_pair_which_is_used_again() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    let mut desk = Desk::undisturbed(&client).await;
    assert_eq!(desk.lines.len(), 2);
    let open = client.nodes()[0].connections_open;
    // at rest they go back together, and the next lines are the same two
    tokio::time::sleep(Duration::from_millis(2100)).await;
    desk.look();
    assert!(desk.lines.is_empty());
    // the runtime takes them back
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut again = Desk::undisturbed(&client).await;
    assert_eq!((again.lines.len(), client.nodes()[0].connections_open), (2, open));
    again.look();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pair_that_cannot_be_opened_leaves_nothing_behind() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    let mut express = client.express();
    cluster.stop_node(0).await.unwrap();
    for tag in 0..40 {
        if let Err(command) = express.begin(read(1), tag) {
            _ = client.execute(command).await;
        }
        assert!(express.arrivals().is_empty());
    }
    let open = || client.nodes().first().map_or(0, |node| node.connections_open + node.connections_in_use);
    eventually("no connection", || open() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn small_pools_keep_their_connections() {
    let cluster = cluster(1).await;
    let client = Client::connect(Config { max_connections_per_node: 3, ..config(&cluster) }).await.unwrap();
    let mut express = client.express();
    for tag in 0..100 {
        let Err(command) = express.begin(read(1), tag) else { panic!("a line came") };
        let _ = client.execute(command).await;
        assert!(express.arrivals().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_node_gets_few_commands_on_a_line() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    let mut desk = Desk::at(&client).await;
    let mut taken = Vec::new();
    cluster.slow_node(0, Duration::from_millis(3)).unwrap();
    for _ in 0..12 {
        let mut tags = Vec::new();
        for number in 0..40 {
            let tag = desk.tag();
            if desk.express.begin(read(number), tag).is_ok() {
                tags.push(tag);
            }
        }
        desk.express.flush();
        taken.push(tags.len());
        for tag in tags {
            _ = desk.finish(tag).await;
        }
    }
    assert!(taken[0] > taken[11] && taken[11] < 12, "{taken:?}");
    cluster.slow_node(0, Duration::ZERO).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn large_answers_go_the_usual_way() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    let mut desk = Desk::at(&client).await;
    let large = Bytes::from(vec![7; 900_000]);
    let mut ops = BytesMut::new();
    write_op(&mut ops, 2, ParticleType::BLOB, b"v", &large);
    let spec = Spec { info2: Info2::WRITE, op_count: 1, ops: ops.freeze(), ..Spec::default() };
    client.execute(command("x", 1, spec, CommandPolicy::write())).await.unwrap();
    let mut refused = 0;
    for _ in 0..50 {
        let tag = desk.tag();
        match desk.express.begin(read(1), tag) {
            Ok(()) => {
                desk.express.flush();
                assert!(desk.finish(tag).await.unwrap().message.len() > large.len());
            }
            Err(_) => refused += 1,
        }
    }
    assert!((10..50).contains(&refused), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn close_waits_for_a_command_under_way() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    let mut desk = Desk::at(&client).await;
    cluster.slow_node(0, Duration::from_millis(200)).unwrap();
    let tag = desk.begin(&write(1, 2)).await;
    desk.close().await;
    let closing = tokio::spawn({
        let client = client.clone();
        async move { client.close(PATIENCE).await }
    });
    desk.finish(tag).await.unwrap();
    tokio::time::timeout(PATIENCE, closing).await.unwrap().unwrap();
    assert!(desk.express.begin(read(1), 99).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn close_does_not_wait_for_a_command_that_was_dropped() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    let mut desk = Desk::at(&client).await;
    cluster.freeze_node(0).unwrap();
    desk.begin(&write(1, 2)).await;
    drop(desk);
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
