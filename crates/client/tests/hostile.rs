//! Nodes that answer what is no answer, and addresses where nobody does.

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use aerospike_core::wire::{Info3, MessageHeader, ProtoHeader, ProtoType, ResultCode};
use aerospike_core::{AuthMode, Client, Code, CommandPolicy, Config, Credentials, Endpoint};
use aerospike_server::Garble;
use support::fake::{Fake, done, message};
use support::{cluster, config, connect, get, put, reads};
use tokio::net::TcpListener;

#[tokio::test(flavor = "multi_thread")]
async fn garbage_fails_the_command_and_not_the_client() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    put(&client, "h", 1, 1).await.unwrap();
    for garble in [Garble::Noise, Garble::Truncated, Garble::Oversized, Garble::CorruptBody] {
        cluster.garble_node(0, Some(garble)).unwrap();
        let start = Instant::now();
        for _ in 0..5 {
            // a corrupt body may look like a result, but never like the record
            assert!(get(&client, "h", 1).await.is_err(), "{garble:?}");
            let reply = client.batch(reads("h", [1, 2, 3])).await;
            assert_eq!(reply.rows.len(), 3);
        }
        assert!(start.elapsed() < Duration::from_secs(30), "{garble:?} took {:?}", start.elapsed());
        cluster.garble_node(0, None).unwrap();
        tokio::time::sleep(Duration::from_millis(1100)).await; // for the breaker's window
        put(&client, "h", 1, 1).await.unwrap();
        assert!(client.batch(reads("h", [1])).await.rows[0].is_answered());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_index_out_of_range_closes_the_connection_and_fails_the_rows() {
    let fake = Fake::start(|_, _| {
        let row = |timeout| MessageHeader { timeout, ..MessageHeader::default() };
        Some([message(row(0)), message(row(7))].concat())
    })
    .await;
    let client = Client::connect(fake.config()).await.unwrap();
    let mut batch = reads("h", [1, 2, 3]);
    batch.policy = CommandPolicy { max_retries: 0, ..CommandPolicy::default() };
    let reply = client.batch(batch).await;
    assert!(reply.rows[0].is_answered());
    assert!(reply.rows[1..].iter().all(|r| !r.is_answered() && r.code == Code::CONNECTION));
    assert_eq!(client.nodes()[0].connections_open, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn duplicate_rows_are_ignored_and_missing_ones_told() {
    let fake = Fake::start(|_, _| {
        let row = |timeout, result| MessageHeader { timeout, result, ..MessageHeader::default() };
        let last = MessageHeader { info3: Info3::LAST, ..MessageHeader::default() };
        Some([message(row(1, ResultCode::NOT_FOUND)), message(row(1, ResultCode::OK)), message(last)].concat())
    })
    .await;
    let client = Client::connect(fake.config()).await.unwrap();
    let reply = client.batch(reads("h", [1, 2])).await;
    assert_eq!((reply.rows[0].code, reply.rows[0].is_answered()), (Code::NO_RESPONSE, false));
    assert_eq!((reply.rows[1].code, reply.rows[1].is_answered()), (Code(2), true));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_announced_gigantic_answer_does_not_take_its_memory() {
    let fake = Fake::start(|_, _| Some(ProtoHeader::encode(ProtoType::Message, 120 << 20).to_vec())).await;
    let client = Client::connect(fake.config()).await.unwrap();
    let error = get(&client, "h", 1).await.unwrap_err();
    assert_eq!(error.code(), Code::TIMEOUT);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_answers_twice_does_not_answer_the_next_command() {
    let count = AtomicUsize::new(0);
    let fake = Fake::start(move |_, _| {
        let not_found = message(MessageHeader { result: ResultCode::NOT_FOUND, ..MessageHeader::default() });
        // the first command gets two answers
        Some(if count.fetch_add(1, Ordering::Relaxed) == 0 { [not_found, done()].concat() } else { done() })
    })
    .await;
    let client = Client::connect(fake.config()).await.unwrap();
    let _ = get(&client, "h", 1).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(get(&client, "h", 1).await.unwrap().message.len(), 22);
}

#[tokio::test(flavor = "multi_thread")]
async fn retryable_results_are_retried_and_others_are_not() {
    let count = AtomicUsize::new(0);
    let fake = Fake::start(move |_, _| {
        let result = [ResultCode::UNAVAILABLE, ResultCode::DEVICE_OVERLOAD, ResultCode::OK]
            [count.fetch_add(1, Ordering::Relaxed) % 3];
        Some(message(MessageHeader { result, ..MessageHeader::default() }))
    })
    .await;
    let client = Client::connect(fake.config()).await.unwrap();
    assert_eq!(get(&client, "h", 1).await.unwrap().attempts, 3);
    // a write is repeated after results that say that nothing was done
    let policy = CommandPolicy { max_retries: 1, ..CommandPolicy::write() };
    let error = client.execute(support::command("h", 1, support::put_spec(1), policy)).await.unwrap_err();
    assert_eq!((error.code(), error.attempts(), error.sub_errors().len()), (Code(18), 2, 2));
    assert!(error.in_doubt(), "it went out twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn connecting_to_a_silent_host_fails_in_time_and_says_why() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let mut config = Config::new([Endpoint { host: "127.0.0.1".into(), port }]);
    config.connect_timeout = Duration::from_millis(400);
    let start = Instant::now();
    let error = Client::connect(config).await.unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    assert!(error.to_string().contains(&format!("no answer from 127.0.0.1:{port}")), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn connecting_to_a_dead_host_fails_at_once_and_names_it() {
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().port()
    };
    let start = Instant::now();
    let error = Client::connect(Config::new([Endpoint { host: "127.0.0.1".into(), port }])).await.unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(4), "the default timeout is 5 s");
    assert_eq!((error.code(), error.sub_errors().len()), (Code::CONNECTION, 1));
    assert!(error.to_string().contains(&port.to_string()), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_still_starting_is_waited_for_as_long_as_the_timeout_says() {
    let fake = Fake::starting(3).await;
    let client = Client::connect(fake.config()).await.unwrap();
    assert_eq!(client.nodes().len(), 1);

    let fake = Fake::starting(u32::MAX).await;
    let mut config = fake.config();
    config.connect_timeout = Duration::from_millis(350);
    let start = Instant::now();
    let error = Client::connect(config).await.unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    assert!(error.to_string().contains("is still starting"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_good_seed_among_silent_and_dead_ones_is_enough() {
    let cluster = cluster(2).await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = config(&cluster);
    config.hosts.truncate(1);
    config.hosts.insert(0, Endpoint { host: "127.0.0.1".into(), port: silent.local_addr().unwrap().port() });
    config.hosts.insert(0, Endpoint { host: "127.0.0.1".into(), port: 1 });
    let start = Instant::now();
    let client = Client::connect(config).await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    assert_eq!(client.nodes().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_of_another_name_is_refused() {
    let cluster = cluster(1).await;
    let wrong = Config { cluster_name: Some("other".into()), ..config(&cluster) };
    let error = Client::connect(wrong).await.unwrap_err();
    assert!(error.to_string().contains("belongs to cluster \"local\", not \"other\""), "{error}");
    let right = Config { cluster_name: Some("local".into()), ..config(&cluster) };
    Client::connect(right).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn options_that_cannot_be_are_named() {
    for (config, what) in [
        (Config::default(), "hosts"),
        (Config::new([Endpoint { host: "a".into(), port: 0 }]), "hosts"),
        (
            Config { max_connections_per_node: 0, ..Config::new([Endpoint { host: "a".into(), port: 1 }]) },
            "max_connections",
        ),
        (
            Config { min_connections_per_node: 101, ..Config::new([Endpoint { host: "a".into(), port: 1 }]) },
            "min_connections",
        ),
    ] {
        let error = Client::connect(config).await.unwrap_err();
        assert!(error.code() == Code::PARAM && error.to_string().contains(what), "{error}");
    }
}

/// A server with one user: `ann`, whose password is `admin`.
fn secured(kind: ProtoType, body: &[u8]) -> Option<Vec<u8>> {
    const CREDENTIAL: &[u8] = b"$2a$10$7EqJtq98hPqEX7fNZaFWoO1mVO/4MLpGzsqojz6E9Gef6iXDjXdDa";
    if kind != ProtoType::Security {
        return Some(done());
    }
    let contains = |what: &[u8]| body.windows(what.len()).any(|w| w == what);
    let (result, fields) = match body[2] {
        20 if !contains(b"\x00ann") => (60, Vec::new()),
        20 if !contains(CREDENTIAL) => (62, Vec::new()),
        20 => (0, [&8u32.to_be_bytes()[..], &[5], b"session"].concat()),
        0 if contains(b"\x05session") => (0, Vec::new()),
        _ => (80, Vec::new()),
    };
    let mut answer = ProtoHeader::encode(ProtoType::Security, 16 + fields.len()).to_vec();
    answer.extend([0, result, 0, u8::from(!fields.is_empty())]);
    answer.extend([0; 12]);
    answer.extend(fields);
    Some(answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_logs_in_and_every_connection_joins_the_session() {
    let fake = Fake::start(secured).await;
    let login = |user: &str, password: &str| Config {
        credentials: Some(Credentials { mode: AuthMode::Internal, user: user.into(), password: password.into() }),
        ..fake.config()
    };
    let client = Client::connect(login("ann", "admin")).await.unwrap();
    get(&client, "h", 1).await.unwrap();
    let error = Client::connect(login("ann", "guess")).await.unwrap_err();
    assert_eq!(error.code(), Code(62));
    assert!(!format!("{error} {error:?}").contains("guess"));
    assert_eq!(Client::connect(login("bob", "admin")).await.unwrap_err().code(), Code(60));
    assert!(!format!("{:?}", login("ann", "admin")).contains("admin"));
}
