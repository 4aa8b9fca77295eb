//! Queries and scans: every record once, limits, cursors and errors.

mod support;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use aerospike_core::wire::op::write_op;
use aerospike_core::wire::{Digest, Info2, ParticleType};
use aerospike_core::{Code, CommandPolicy, Cursor, InfoTarget, Job, Query, Replica, Step};
use bytes::{Bytes, BytesMut};
use support::query::{SET, Seen, all, create_index, fill, range, read, scan};
use support::{cluster, connect, eventually, get, key, value};

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_gives_every_record_once() {
    let cluster = cluster(3).await;
    let client = connect(&cluster).await;
    fill(&client, 20_000).await;
    let stream = client.query(scan());
    let mut seen = Seen::default();
    assert!(!seen.finish(&stream).await.unwrap());
    assert_eq!(seen.0, all(20_000));
    assert_eq!(stream.progress(), (4096, 4096));
    assert_eq!(stream.cursor().progress(), (4096, 4096));
    assert!(matches!(stream.next().await, Step::End { more: false }));
    // one node after the other, and without bins
    let (seen, _) = read(&client, Query { concurrency: 1, no_bins: true, ..scan() }).await;
    assert_eq!(seen.len(), 20_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_divide_a_set() {
    let cluster = cluster(2).await;
    let client = connect(&cluster).await;
    fill(&client, 3000).await;
    let mut seen = Seen::default();
    for (begin, count) in [(0, 1000), (1000, 3000), (4000, 96)] {
        let stream = client.query(Query { from: Cursor::of_partitions(begin, count, false).unwrap(), ..scan() });
        seen.finish(&stream).await.unwrap();
        assert_eq!(stream.progress(), (count as usize, count as usize));
    }
    assert_eq!(seen.0, all(3000));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_of_records_is_kept_to_the_record_and_the_cursor_leads_on() {
    let cluster = cluster(3).await;
    let client = connect(&cluster).await;
    fill(&client, 1000).await;
    let mut seen = Seen::default();
    let mut from = scan().from;
    for limit in [1, 2, 7, 100, 500] {
        let before = seen.0.len();
        let stream = client.query(Query { max_records: limit, from, ..scan() });
        assert!(seen.finish(&stream).await.unwrap(), "there is more");
        assert_eq!((seen.0.len() - before) as u64, limit);
        // through bytes, as in another process
        from = Cursor::decode(&stream.cursor().encode(), false).unwrap();
    }
    // more than there are: all that are left
    let stream = client.query(Query { max_records: 10_000, from, ..scan() });
    assert!(!seen.finish(&stream).await.unwrap());
    assert_eq!(seen.0, all(1000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_of_an_index_is_found_and_resumed() {
    let cluster = cluster(3).await;
    let client = connect(&cluster).await;
    fill(&client, 5000).await;
    create_index(&client).await;
    let wanted: BTreeSet<Digest> = (1000..=2999).map(|number| key(number).digest(SET.as_bytes())).collect();
    assert_eq!(read(&client, range(1000, 2999)).await.0, wanted);
    let mut seen = Seen::default();
    let mut from = range(0, 0).from;
    loop {
        let stream = client.query(Query { max_records: 333, from, ..range(1000, 2999) });
        let more = seen.finish(&stream).await.unwrap();
        from = Cursor::decode(&stream.cursor().encode(), true).unwrap();
        if !more {
            break;
        }
    }
    assert_eq!(seen.0, wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_is_not_there_is_an_error_at_once() {
    let cluster = cluster(2).await;
    let client = connect(&cluster).await;
    fill(&client, 10).await;
    let error = Seen::default().finish(&client.query(range(0, 1))).await.unwrap_err();
    assert_eq!((error.code(), error.attempts()), (Code(201), 1));
    let elsewhere = Query { namespace: Bytes::from_static(b"nowhere"), ..scan() };
    let error = Seen::default().finish(&client.query(elsewhere)).await.unwrap_err();
    assert_eq!(error.code(), Code(20));
    let set = Query { set: Bytes::from_static(b"no_such_set"), ..scan() };
    assert_eq!(read(&client, set).await, (BTreeSet::new(), false));
}

#[tokio::test(flavor = "multi_thread")]
async fn any_replica_gives_the_same_records() {
    let cluster = cluster(3).await;
    let client = connect(&cluster).await;
    fill(&client, 2000).await;
    for replica in [Replica::Master, Replica::Any, Replica::PreferRack] {
        let policy = CommandPolicy { replica, ..scan().policy };
        assert_eq!(read(&client, Query { policy, ..scan() }).await, (all(2000), false), "{replica:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_node_gives_its_own_records_when_it_is_asked_alone() {
    let cluster = cluster(3).await;
    let client = connect(&cluster).await;
    fill(&client, 2000).await;
    let (mut seen, mut total) = (Seen::default(), 0);
    for id in cluster.node_ids() {
        let stream = client.query(Query { nodes: Some(vec![id.as_str().into()]), ..scan() });
        assert!(!seen.finish(&stream).await.unwrap());
        assert_eq!(stream.progress().0, stream.progress().1);
        total += stream.cursor().progress().1;
    }
    assert_eq!((seen.0, total), (all(2000), 4096));
    let stranger = Query { nodes: Some(vec!["STRANGER".into()]), ..scan() };
    let error = Seen::default().finish(&client.query(stranger)).await.unwrap_err();
    assert_eq!(error.code(), Code::INVALID_NODE);
    assert!(error.detail().contains("STRANGER"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn records_come_no_faster_than_they_may() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    fill(&client, 200).await;
    let start = Instant::now();
    assert_eq!(read(&client, Query { records_per_second: 100, ..scan() }).await.0.len(), 200);
    assert!(start.elapsed() > Duration::from_millis(1500), "{:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_stops_goes_on_at_the_page_it_read_last() {
    let cluster = cluster(3).await;
    let client = connect(&cluster).await;
    fill(&client, 20_000).await;
    let mut seen = Seen::default();
    let mut from = scan().from;
    let mut stops = 0;
    loop {
        let stream = client.query(Query { from, ..scan() });
        let before = seen.0.len();
        let Step::Page { chunks, count } = stream.next().await else { break };
        seen.take(&chunks, count);
        // the page was handed out, but the cursor is before it until the next is asked for
        assert_eq!(Cursor::decode(&stream.cursor().encode(), false).unwrap(), stream.cursor());
        if let Step::Page { chunks, count } = stream.next().await {
            // read, but not taken: it comes again
            assert_eq!(count as usize, support::query::digests(&chunks, count).len());
        }
        from = stream.cursor();
        stream.close();
        assert!(matches!(stream.next().await, Step::End { .. }));
        assert!(seen.0.len() > before);
        stops += 1;
    }
    assert_eq!(seen.0, all(20_000));
    assert!(stops > 3, "{stops}");
}

/// A job that writes bin `v` of every record of the set.
fn job() -> Job {
    let mut ops = BytesMut::new();
    write_op(&mut ops, 2, ParticleType::INTEGER, b"v", &77u64.to_be_bytes());
    Job {
        namespace: Bytes::from_static(b"test"),
        set: Bytes::from_static(SET.as_bytes()),
        field_count: 0,
        fields: Bytes::new(),
        op_count: 1,
        ops: ops.freeze(),
        info2: Info2::WRITE,
        ttl: 0,
        records_per_second: 0,
        task_id: None,
        policy: CommandPolicy { total_timeout: 10_000, ..CommandPolicy::write() },
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_background_job_runs_on_every_node() {
    let cluster = cluster(3).await;
    let client = connect(&cluster).await;
    fill(&client, 500).await;
    let reply = client.start_job(job()).await;
    reply.outcome.unwrap();
    let show = format!("query-show:trid={}", reply.task_id);
    let mut done = 0;
    for _ in 0..1000 {
        let answers = client.info(InfoTarget::All, &show, Duration::from_secs(5)).await.unwrap();
        done = answers.iter().filter(|(_, text)| text.contains("status=done")).count();
        if done == 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(done, 3);
    for number in 0..500 {
        assert_eq!(value(&get(&client, SET, number).await.unwrap().message), Some(77));
    }
    // the id is known to the nodes
    let error = client.start_job(Job { task_id: Some(reply.task_id), ..job() }).await.outcome.unwrap_err();
    assert_eq!((error.code(), error.in_doubt(), error.sub_errors().len()), (Code(4), false, 3));
    let set = Bytes::from_static(b"no_such_set");
    let error = client.start_job(Job { set, ..job() }).await.outcome.unwrap_err();
    assert_eq!(error.code(), Code(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_a_node_did_not_take_on_says_where_it_runs() {
    let cluster = cluster(2).await;
    let client = connect(&cluster).await;
    fill(&client, 100).await;
    cluster.freeze_node(1).unwrap();
    let policy = CommandPolicy { socket_timeout: 300, ..job().policy };
    let error = client.start_job(Job { policy, ..job() }).await.outcome.unwrap_err();
    cluster.thaw_node(1).unwrap();
    assert!(error.in_doubt(), "{error:?}");
    assert_eq!(error.code(), Code::TIMEOUT);
    assert!(error.detail().contains(&cluster.node_ids()[0]), "{error}");
    eventually("the other node", || client.is_connected()).await;
}
