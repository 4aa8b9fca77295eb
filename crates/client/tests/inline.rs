//! Inline I/O, driven here as an event loop would: by asking again and again.

mod support;

use std::time::{Duration, Instant};

use aerospike_core::wire::op::write_op;
use aerospike_core::wire::{Info2, ParticleType};
use aerospike_core::{
    Batch, BatchReply, Client, Code, Command, CommandPolicy, Config, ConnectionId, Error, Event, InlineIo, NodeCost,
    Reply, Resumed, ResumedBatch, Spec, Tag,
};
use bytes::{Bytes, BytesMut};
use support::{cluster, command, config, connect, eventually, get, put, put_spec, reads, row_value, value};

const TIMEOUT: Duration = Duration::from_secs(5);

fn read(number: u64) -> Command {
    command("x", number, Spec::read_all(), CommandPolicy::default())
}

fn write(number: u64, value: u64) -> Command {
    command("x", number, put_spec(value), CommandPolicy::write())
}

/// A thread with an event loop, in miniature.
struct EventLoop {
    client: Client,
    io: InlineIo,
    connections: Vec<ConnectionId>,
    events: Vec<(Tag, Event)>,
    last_tag: Tag,
}

enum Outcome {
    Inline(Result<Reply, Error>),
    Resumed(Box<Resumed>),
    Rows(Box<BatchReply>),
    ResumedBatch(Box<ResumedBatch>),
}

impl EventLoop {
    fn new(client: &Client) -> Self {
        Self {
            client: client.clone(),
            io: client.inline_io(),
            connections: Vec::new(),
            events: Vec::new(),
            last_tag: 0,
        }
    }

    async fn at(client: &Client) -> Self {
        let mut event_loop = Self::new(client);
        // the connections come with the first commands
        let mut number = 0;
        eventually_async("connections to all nodes", async || {
            number += 1;
            _ = event_loop.run(read(number)).await;
            event_loop.connections.len() >= client.nodes().len()
        })
        .await;
        event_loop
    }

    /// With its first connections, and without a command that went the usual way and took a connection for that.
    async fn undisturbed(client: &Client) -> Self {
        let mut event_loop = Self::new(client);
        eventually_async("the first connections", async || {
            assert!(event_loop.io.begin(read(1), 1).is_err(), "there is no connection yet");
            tokio::time::sleep(Duration::from_millis(1)).await;
            event_loop.look();
            !event_loop.connections.is_empty()
        })
        .await;
        event_loop
    }

    fn tag(&mut self) -> Tag {
        self.last_tag += 1;
        self.last_tag
    }

    /// Begins a command, as soon as there is a connection for it; until then it goes the usual way.
    async fn begin(&mut self, command: &Command) -> Tag {
        let start = Instant::now();
        let tag = self.tag();
        while let Err(command) = self.io.begin(command.clone(), tag) {
            _ = self.client.execute(command).await;
            self.look();
            assert!(start.elapsed() < TIMEOUT, "no connection came");
        }
        self.io.flush();
        tag
    }

    /// What an event loop does in a turn.
    fn look(&mut self) {
        self.connections.extend(self.io.new_connections());
        for connection in self.connections.clone() {
            self.io.on_readable(connection);
        }
        self.io.flush();
        self.io.maintain();
        for released in self.io.released() {
            self.connections.retain(|connection| *connection != released.connection);
            released.complete();
        }
        self.events.extend(self.io.events());
    }

    /// Looks until a command is answered, or has to go on elsewhere.
    async fn follow(&mut self, tag: Tag) -> Outcome {
        let start = Instant::now();
        loop {
            self.look();
            if let Some(at) = self.events.iter().position(|(of, _)| *of == tag) {
                return match self.events.swap_remove(at).1 {
                    Event::Answer(answer) => Outcome::Inline(answer),
                    Event::Resume(resumed) => Outcome::Resumed(resumed),
                    Event::Rows(reply) => Outcome::Rows(reply),
                    Event::ResumeBatch(resumed) => Outcome::ResumedBatch(resumed),
                };
            }
            assert!(start.elapsed() < TIMEOUT, "nothing became of the command");
            tokio::task::yield_now().await;
        }
    }

    async fn finish(&mut self, tag: Tag) -> Result<Reply, Error> {
        match self.follow(tag).await {
            Outcome::Inline(answer) => answer,
            Outcome::Resumed(resumed) => resumed.finish().await,
            Outcome::Rows(_) | Outcome::ResumedBatch(_) => panic!("a command became a batch"),
        }
    }

    async fn run(&mut self, command: Command) -> Result<Reply, Error> {
        let tag = self.begin(&command).await;
        self.finish(tag).await
    }

    /// Begins a batch on connections, as soon as that is possible.
    async fn begin_batch(&mut self, batch: &Batch) -> Tag {
        self.begin_parts(batch, false).await
    }

    async fn begin_parts(&mut self, batch: &Batch, in_parts: bool) -> Tag {
        let start = Instant::now();
        loop {
            let tag = self.tag();
            match self.io.begin_batch(batch.clone(), tag, in_parts) {
                Ok(()) => {
                    self.io.flush();
                    self.events.extend(self.io.events());
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
            assert!(start.elapsed() < TIMEOUT, "no connections came");
        }
    }

    /// The reply, and whether it came without the runtime.
    async fn finish_batch(&mut self, tag: Tag) -> (BatchReply, bool) {
        match self.follow(tag).await {
            Outcome::Rows(reply) => (*reply, true),
            Outcome::ResumedBatch(resumed) => (resumed.finish(&mut |_| panic!("a part")).await, false),
            Outcome::Inline(_) | Outcome::Resumed(_) => panic!("a batch became a command"),
        }
    }

    async fn close(&mut self) {
        self.io.close();
        self.look();
    }
}

async fn eventually_async(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !so().await {
        assert!(start.elapsed() < TIMEOUT, "{what} never came to be");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_those_of_execute() {
    let cluster = cluster(3).await;
    let client = connect(&cluster).await;
    let mut event_loop = EventLoop::at(&client).await;
    for number in 0..200 {
        let reply = event_loop.run(write(number, number + 1)).await.unwrap();
        assert_eq!(reply.attempts, 1);
        let reply = event_loop.run(read(number)).await.unwrap();
        let usual = get(&client, "x", number).await.unwrap();
        assert_eq!((value(&reply.message), &reply.node), (Some(number + 1), &usual.node));
    }
    let missing = event_loop.run(read(1_000_000)).await.unwrap_err();
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
        let mut event_loop = EventLoop::at(&client).await;
        for number in 0..40 {
            let tag = event_loop.tag();
            let value = round * 1000 + number;
            // what finds no room goes the usual way, and settles here at once
            match event_loop.io.begin(write(number, value), tag) {
                Ok(()) => turns.push(tag),
                Err(command) => _ = client.execute(command).await.unwrap(),
            }
        }
        event_loop.io.flush();
        for tag in turns.drain(..) {
            event_loop.finish(tag).await.unwrap();
        }
        // on a busy machine the connections may be gone by now
        let mut event_loop = EventLoop::at(&client).await;
        let reads: Vec<_> = (0..40)
            .filter_map(|number| {
                let tag = event_loop.tag();
                event_loop.io.begin(read(number), tag).is_ok().then_some((number, tag))
            })
            .collect();
        assert!(reads.len() > 1, "{}", reads.len());
        event_loop.io.flush();
        for (number, tag) in reads {
            let reply = event_loop.finish(tag).await.unwrap();
            assert_eq!(value(&reply.message), Some(round * 1000 + number));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_brief_or_has_no_time_goes_the_usual_way() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    let mut event_loop = EventLoop::at(&client).await;
    let mut slow = read(1);
    slow.spec.exclusive = true;
    assert!(event_loop.io.begin(slow, 1).is_err());
    let mut short = read(1);
    short.policy.total_timeout = 20;
    assert!(event_loop.io.begin(short, 2).is_err());
    let mut writes = reads("x", [1]);
    writes.specs[0] = put_spec(1);
    assert!(event_loop.io.begin_batch(writes, 3, false).is_err());
    assert!(event_loop.io.begin_batch(reads("x", 0..1025), 4, false).is_err());
    assert!(event_loop.io.begin(read(1), 5).is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_from_a_node_that_freezes_is_served_by_a_replica() {
    let cluster = cluster(3).await;
    let client = connect(&cluster).await;
    let mut event_loop = EventLoop::at(&client).await;
    put(&client, "x", 7, 70).await.unwrap();
    let master = event_loop.run(read(7)).await.unwrap().node;
    let index = cluster_index(&cluster, &client, &master);
    cluster.freeze_node(index).unwrap();
    let start = Instant::now();
    let reply = event_loop.run(read(7)).await.unwrap();
    assert_eq!(value(&reply.message), Some(70));
    assert_ne!(reply.node, master);
    assert!(reply.attempts > 1 && start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    cluster.thaw_node(index).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_on_a_node_that_freezes_are_all_answered_once_it_thaws() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    let mut event_loop = EventLoop::at(&client).await;
    cluster.freeze_node(0).unwrap();
    let mut tags = Vec::new();
    for number in 0..20 {
        let tag = event_loop.tag();
        let command = if number % 2 == 0 { write(number, number) } else { read(number) };
        if event_loop.io.begin(command, tag).is_ok() {
            tags.push((number, tag));
        }
    }
    event_loop.io.flush();
    // on a busy machine the node may have seemed slow, and not get all of them
    assert!(tags.len() > 1, "{}", tags.len());
    let written: Vec<_> = tags.iter().map(|(number, _)| *number).filter(|number| number % 2 == 0).collect();
    let mut going = Vec::new();
    for (number, tag) in tags {
        match event_loop.follow(tag).await {
            Outcome::Resumed(resumed) => going.push((number, tokio::spawn(resumed.finish()))),
            _ => panic!("a frozen node answered"),
        }
    }
    assert!(!event_loop.io.has_in_flight());
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
    let mut event_loop = EventLoop::at(&client).await;
    cluster.freeze_node(0).unwrap();
    let mut write = write(1, 2);
    write.policy.total_timeout = 200;
    let start = Instant::now();
    let error = event_loop.run(write).await.unwrap_err();
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
        let mut event_loop = EventLoop::at(&client).await;
        put(&client, "x", 7, 70).await.unwrap();
        let master = event_loop.run(read(7)).await.unwrap().node;
        let index = cluster_index(&cluster, &client, &master);
        cluster.freeze_node(index).unwrap(); // so that the command is under way when the node dies
        let tag = event_loop.begin(&if is_write { write(7, 71) } else { read(7) }).await;
        cluster.stop_node(index).await.unwrap();
        match event_loop.finish(tag).await {
            Ok(reply) => assert!(!is_write && value(&reply.message) == Some(70)),
            Err(error) => assert!(is_write && error.in_doubt(), "{error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_few_reads_is_what_it_is_elsewhere() {
    let cluster = cluster(3).await;
    let client = connect(&cluster).await;
    let mut event_loop = EventLoop::at(&client).await;
    for number in 0..100 {
        put(&client, "x", number, number + 1).await.unwrap();
    }
    let batch = reads("x", 50..150);
    let start = Instant::now();
    let reply = loop {
        let tag = event_loop.begin_batch(&batch).await;
        let (reply, was_inline) = event_loop.finish_batch(tag).await;
        if was_inline {
            break reply;
        }
        assert!(start.elapsed() < TIMEOUT, "it never came by itself");
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
    let mut event_loop = EventLoop::at(&client).await;
    let large = reads("x", 0..1000);
    let start = Instant::now();
    let tag = loop {
        let tag = event_loop.begin_batch(&large).await;
        if event_loop.io.has_in_flight() {
            break tag;
        }
        _ = event_loop.finish_batch(tag).await;
        assert!(start.elapsed() < TIMEOUT, "it never went on connections");
    };
    assert!(event_loop.io.begin_batch(reads("x", 0..129), 1000, false).is_err(), "one is under way here");
    let (reply, _) = event_loop.finish_batch(tag).await;
    assert!(reply.rows.iter().all(|row| row.code == Code(2)));
    assert_eq!((reply.nodes[0].round_trips, reply.nodes[0].answered), (2, 1000));
    cluster.freeze_node(0).unwrap();
    let elsewhere = tokio::spawn({
        let (client, batch) = (client.clone(), reads("x", 0..10));
        async move { client.batch(batch).await }
    });
    eventually("a batch elsewhere", || event_loop.io.max_rows() == InlineIo::MAX_ROWS).await;
    cluster.thaw_node(0).unwrap();
    elsewhere.await.unwrap();
    assert_eq!(event_loop.io.max_rows(), InlineIo::MAX_ROWS_ALONE);
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_with_trouble_go_on_where_they_are() {
    let cluster = cluster(3).await;
    let client = connect(&cluster).await;
    let mut event_loop = EventLoop::at(&client).await;
    for number in 0..100 {
        put(&client, "x", number, number + 1).await.unwrap();
    }
    cluster.freeze_node(1).unwrap();
    let tag = event_loop.begin_batch(&reads("x", 0..100)).await;
    let (reply, was_inline) = event_loop.finish_batch(tag).await;
    assert!(!was_inline);
    for row in 0..100 {
        assert_eq!(row_value(&reply, row), Some(row as u64 + 1), "{:?}", reply.rows[row]);
    }
    cluster.thaw_node(1).unwrap();

    // a node that is late, and answers before anyone else is asked
    let tag = event_loop.begin_batch(&reads("x", 0..100)).await;
    event_loop.finish_batch(tag).await;
    cluster.slow_node(2, Duration::from_millis(40)).unwrap();
    let tag = event_loop.begin_batch(&reads("x", 0..100)).await;
    let (reply, was_inline) = event_loop.finish_batch(tag).await;
    assert!(!was_inline);
    assert!(reply.rows.iter().all(|row| row.code == Code::OK && row.attempts == 1));
    cluster.slow_node(2, Duration::ZERO).unwrap();

    let tag = event_loop.begin_batch(&reads("x", 0..100)).await;
    cluster.drop_connections(0).await.unwrap();
    let (reply, _) = event_loop.finish_batch(tag).await;
    for row in 0..100 {
        assert_eq!(row_value(&reply, row), Some(row as u64 + 1), "{:?}", reply.rows[row]);
    }
}

#[test]
fn a_batch_for_a_node_that_is_left_alone_needs_no_runtime_to_begin() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (cluster, client, mut event_loop) = runtime.block_on(async {
        let cluster = cluster(1).await;
        let config = Config { max_error_rate: 1, error_rate_window: 100, ..config(&cluster) };
        let client = Client::connect(config).await.unwrap();
        put(&client, "x", 1, 1).await.unwrap();
        let event_loop = EventLoop::at(&client).await;
        // a few failures are too many
        cluster.freeze_node(0).unwrap();
        let mut brief = read(1);
        brief.policy.total_timeout = 50;
        while client.execute(brief.clone()).await.err().is_none_or(|e| e.code() != Code::MAX_ERROR_RATE) {}
        cluster.thaw_node(0).unwrap();
        (cluster, client, event_loop)
    });
    // on a thread that Tokio knows nothing of, as the one of JavaScript
    let tag = event_loop.tag();
    let mut batch = reads("x", [1]);
    batch.policy.max_retries = 0;
    let outcome = event_loop.io.begin_batch(batch, tag, false);
    let reply = runtime.block_on(async {
        match outcome {
            Ok(()) => event_loop.finish_batch(tag).await.0,
            Err(batch) => client.batch(batch).await,
        }
    });
    assert_eq!(reply.rows[0].code, Code::MAX_ERROR_RATE);
    let mut batch = reads("x", [1]);
    batch.policy.max_retries = 1;
    assert!(event_loop.io.begin_batch(batch, 99, false).is_ok());
    runtime.block_on(async { drop((event_loop, client, cluster)) });
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_do_not_wait_for_each_other_come_when_they_are_there() {
    let cluster = cluster(3).await;
    let client = connect(&cluster).await;
    let mut event_loop = EventLoop::at(&client).await;
    for number in 0..100 {
        put(&client, "x", number, number + 1).await.unwrap();
    }
    // until there are connections to all three
    let tag = event_loop.begin_batch(&reads("x", 0..100)).await;
    event_loop.finish_batch(tag).await;
    cluster.slow_node(1, Duration::from_millis(150)).unwrap();
    let tag = event_loop.begin_parts(&reads("x", 0..100), true).await;
    let Outcome::ResumedBatch(resumed) = event_loop.follow(tag).await else { panic!("the slow node was quick") };
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
    let mut event_loop = EventLoop::at(&client).await;
    let tag = event_loop.begin_batch(&reads("x", [])).await;
    assert!(event_loop.finish_batch(tag).await.0.rows.is_empty());
    let mut nowhere = reads("x", [1, 2]);
    nowhere.keyspaces[0].namespace = "nowhere".into();
    let tag = event_loop.begin_batch(&nowhere).await;
    let (reply, was_inline) = event_loop.finish_batch(tag).await;
    assert!(was_inline && reply.rows.iter().all(|row| row.code == Code(20)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_the_server_closes_departs_and_another_comes() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    let mut event_loop = EventLoop::at(&client).await;
    cluster.drop_connections(0).await.unwrap();
    eventually_async("the release of the connections", async || {
        event_loop.look();
        tokio::time::sleep(Duration::from_millis(1)).await;
        event_loop.connections.is_empty()
    })
    .await;
    put(&client, "x", 1, 1).await.unwrap();
    assert_eq!(value(&event_loop.run(read(1)).await.unwrap().message), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_at_rest_is_open_but_not_in_use_and_goes_back() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    let mut event_loop = EventLoop::at(&client).await;
    let in_use = || client.nodes()[0].connections_in_use;
    eventually("no connection in use", || in_use() == 0).await;
    let open = client.nodes()[0].connections_open;
    tokio::time::sleep(Duration::from_millis(2100)).await;
    event_loop.look();
    assert!(event_loop.connections.is_empty());
    eventually("the connection back in the pool", || in_use() == 0 && client.nodes()[0].connections_open == open).await;
    assert!(!event_loop.io.is_busy());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_connections_of_a_node_are_a_pair_which_is_used_again() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    let mut event_loop = EventLoop::undisturbed(&client).await;
    assert_eq!(event_loop.connections.len(), 2);
    let open = client.nodes()[0].connections_open;
    // at rest they go back together, and the next connections are the same two
    tokio::time::sleep(Duration::from_millis(2100)).await;
    event_loop.look();
    assert!(event_loop.connections.is_empty());
    // the runtime takes them back
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut again = EventLoop::undisturbed(&client).await;
    assert_eq!((again.connections.len(), client.nodes()[0].connections_open), (2, open));
    again.look();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pair_that_cannot_be_opened_leaves_nothing_behind() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    let mut io = client.inline_io();
    cluster.stop_node(0).await.unwrap();
    for tag in 0..40 {
        if let Err(command) = io.begin(read(1), tag) {
            _ = client.execute(command).await;
        }
        assert!(io.new_connections().is_empty());
    }
    let open = || client.nodes().first().map_or(0, |node| node.connections_open + node.connections_in_use);
    eventually("no connection", || open() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn small_pools_keep_their_connections() {
    let cluster = cluster(1).await;
    let client = Client::connect(Config { max_connections_per_node: 3, ..config(&cluster) }).await.unwrap();
    let mut io = client.inline_io();
    for tag in 0..100 {
        let Err(command) = io.begin(read(1), tag) else { panic!("a connection came") };
        let _ = client.execute(command).await;
        assert!(io.new_connections().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_node_gets_few_commands_on_a_line() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    let mut event_loop = EventLoop::at(&client).await;
    let mut taken = Vec::new();
    cluster.slow_node(0, Duration::from_millis(3)).unwrap();
    for _ in 0..12 {
        let mut tags = Vec::new();
        for number in 0..40 {
            let tag = event_loop.tag();
            if event_loop.io.begin(read(number), tag).is_ok() {
                tags.push(tag);
            }
        }
        event_loop.io.flush();
        taken.push(tags.len());
        for tag in tags {
            _ = event_loop.finish(tag).await;
        }
    }
    assert!(taken[0] > taken[11] && taken[11] < 12, "{taken:?}");
    cluster.slow_node(0, Duration::ZERO).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn large_answers_go_the_usual_way() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    let mut event_loop = EventLoop::at(&client).await;
    let large = Bytes::from(vec![7; 900_000]);
    let mut ops = BytesMut::new();
    write_op(&mut ops, 2, ParticleType::BLOB, b"v", &large);
    let spec = Spec { info2: Info2::WRITE, op_count: 1, ops: ops.freeze(), ..Spec::default() };
    client.execute(command("x", 1, spec, CommandPolicy::write())).await.unwrap();
    let mut refused = 0;
    for _ in 0..50 {
        let tag = event_loop.tag();
        match event_loop.io.begin(read(1), tag) {
            Ok(()) => {
                event_loop.io.flush();
                assert!(event_loop.finish(tag).await.unwrap().message.len() > large.len());
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
    let mut event_loop = EventLoop::at(&client).await;
    cluster.slow_node(0, Duration::from_millis(200)).unwrap();
    let tag = event_loop.begin(&write(1, 2)).await;
    event_loop.close().await;
    let closing = tokio::spawn({
        let client = client.clone();
        async move { client.close(TIMEOUT).await }
    });
    event_loop.finish(tag).await.unwrap();
    tokio::time::timeout(TIMEOUT, closing).await.unwrap().unwrap();
    assert!(event_loop.io.begin(read(1), 99).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn close_does_not_wait_for_a_command_that_was_dropped() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    let mut event_loop = EventLoop::at(&client).await;
    cluster.freeze_node(0).unwrap();
    event_loop.begin(&write(1, 2)).await;
    drop(event_loop);
    let start = Instant::now();
    client.close(TIMEOUT).await;
    assert!(start.elapsed() < TIMEOUT);
    cluster.thaw_node(0).unwrap();
}

/// Which of the cluster's nodes has this name.
fn cluster_index(cluster: &aerospike_server::Cluster, client: &Client, name: &str) -> usize {
    let port = client.nodes().iter().find(|n| *n.name == *name).unwrap().port;
    cluster.hosts().iter().position(|a| a.port() == port).unwrap()
}
