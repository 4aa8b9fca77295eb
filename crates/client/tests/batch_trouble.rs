//! Batches whose rows are turned away, follow one another, or wait for a node in trouble.

mod support;

use aerospike_core::{BatchReply, Code, CommandPolicy, RowOutcome};
use aerospike_server::Refusal;
use support::{cluster, connect, get, put, put_spec, reads, row_value, value};

const OVERLOAD: Refusal = Refusal { code: 18, probability: 1.0, room: 0, rows: None };

fn codes(reply: &BatchReply) -> Vec<i16> {
    reply.rows.iter().map(|row| row.code.0).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_see_the_writes_before_them_and_not_those_behind() {
    let cluster = cluster(3).await;
    let client = connect(&cluster).await;
    let mut batch = reads("order", (0..300).map(|n| n % 3));
    batch.specs.extend((0..300).map(put_spec));
    for (at, row) in (0u32..).zip(&mut batch.rows) {
        // of each record: a write, two reads, a write …
        row.spec = if at / 3 % 3 == 0 { at + 1 } else { 0 };
    }
    batch.policy.total_timeout = 20_000;
    let reply = client.batch(batch).await;
    for at in 0..300 {
        assert_eq!(reply.rows[at].code, Code::OK, "row {at}");
        if at / 3 % 3 != 0 {
            let written = at - (at / 3 % 3) * 3;
            assert_eq!(row_value(&reply, at), Some(written as u64), "row {at}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_fails_lets_the_next_one_of_its_record_go() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    let mut batch = reads("order", [1, 1, 1]);
    batch.specs.extend([put_spec(5), put_spec(6)]);
    batch.specs[1].info2 |= aerospike_core::wire::Info2::GENERATION;
    batch.specs[1].generation = 9;
    batch.rows[0].spec = 1;
    batch.rows[1].spec = 2;
    let reply = client.batch(batch).await;
    assert_eq!((codes(&reply), row_value(&reply, 2)), (vec![3, 0, 0], Some(6)));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_wait_for_others_end_with_the_time() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    cluster.freeze_node(0).unwrap();
    let mut batch = reads("order", std::iter::repeat_n(1, 1000));
    batch.specs.push(put_spec(5));
    batch.rows.iter_mut().for_each(|row| row.spec = 1);
    batch.policy = CommandPolicy { total_timeout: 300, ..CommandPolicy::write() };
    let reply = client.batch(batch).await;
    assert!(reply.rows.iter().all(|row| row.code == Code::TIMEOUT));
    assert!(reply.rows[0].in_doubt);
    assert!(reply.rows[1..].iter().all(|row| !row.in_doubt && row.node == RowOutcome::NO_NODE && row.attempts == 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_turned_away_for_now_are_sent_again() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    for (set, code) in [("r11", 11), ("r14", 14), ("r18", 18)] {
        cluster.refuse_rows(0, Some(Refusal { code, rows: Some(30), ..OVERLOAD })).unwrap();
        let mut batch = reads(set, 0..100);
        batch.specs = vec![put_spec(7)];
        batch.policy = CommandPolicy { total_timeout: 20_000, ..CommandPolicy::write() };
        batch.refusal_retries = 5;
        let reply = client.batch(batch).await;
        assert!(reply.rows.iter().all(|row| row.code == Code::OK && !row.in_doubt), "{:?}", codes(&reply));
        assert_eq!(reply.rows.iter().filter(|row| row.attempts > 1).count(), 30);
        assert_eq!(value(&get(&client, set, 99).await.unwrap().message), Some(7));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_the_server_ran_out_of_time_for_is_not_sent_again() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    let timed_out = Refusal { code: 9, rows: Some(1), ..OVERLOAD };
    for (idempotent, code, attempts) in [(false, Code::TIMEOUT, 1), (true, Code::OK, 2)] {
        cluster.refuse_rows(0, Some(timed_out)).unwrap();
        let mut batch = reads("late", [1]);
        batch.specs = vec![put_spec(7)];
        batch.policy = CommandPolicy { total_timeout: 20_000, idempotent, max_retries: 3, ..CommandPolicy::write() };
        let row = client.batch(batch).await.rows[0];
        assert_eq!((row.code, row.in_doubt, row.attempts), (code, !idempotent, attempts));
    }
    cluster.refuse_rows(0, Some(timed_out)).unwrap();
    let mut batch = reads("late", [1]);
    batch.policy.total_timeout = 20_000;
    let reply = client.batch(batch).await;
    assert_eq!((reply.rows[0].code, row_value(&reply, 0)), (Code::OK, Some(7)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stays_turned_away_says_so_and_is_not_in_doubt() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    cluster.refuse_rows(0, Some(OVERLOAD)).unwrap();
    let mut batch = reads("full", 0..50);
    batch.specs = vec![put_spec(7)];
    batch.policy = CommandPolicy { total_timeout: 20_000, ..CommandPolicy::write() };
    batch.refusal_retries = 2;
    let reply = client.batch(batch.clone()).await;
    assert!(reply.rows.iter().all(|row| row.code == Code(18) && !row.in_doubt && row.attempts == 3));
    batch.refusal_retries = 0;
    assert!(client.batch(batch).await.rows.iter().all(|row| row.code == Code(18) && row.attempts == 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_little_room_gets_smaller_requests_until_it_takes_them() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    // of 400 rows in one request it would take 60, five times over that is not enough
    cluster.refuse_rows(0, Some(Refusal { room: 60, ..OVERLOAD })).unwrap();
    let mut batch = reads("room", 0..400);
    batch.specs = vec![put_spec(7)];
    batch.policy = CommandPolicy { total_timeout: 60_000, ..CommandPolicy::write() };
    batch.refusal_retries = 10;
    let reply = client.batch(batch).await;
    assert!(reply.rows.iter().all(|row| row.code == Code::OK), "{:?}", codes(&reply));
    let requests = reply.nodes[0].round_trips;
    assert!((6..100).contains(&requests), "{requests} requests");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_nodes_that_answer_do_not_wait_for_a_frozen_one() {
    let cluster = cluster(3).await;
    let client = connect(&cluster).await;
    for number in 0..100 {
        put(&client, "parts", number, number).await.unwrap();
    }
    cluster.freeze_node(1).unwrap();
    let mut batch = reads("parts", 0..100);
    batch.policy = CommandPolicy { total_timeout: 4000, max_retries: 0, ..CommandPolicy::default() };
    let mut parts = Vec::new();
    let last = client.batch_in_parts(batch, &mut |part| parts.push(part)).await;
    assert!(!parts.is_empty());
    let early: usize = parts.iter().flat_map(|part| &part.rows).filter(|row| !row.is_elsewhere).count();
    let late = last.rows.iter().filter(|row| !row.is_elsewhere).count();
    assert!(early > 0 && late > 0 && early + late == 100, "{early} and {late}");
    parts.push(last);
    for (at, number) in (0..100).enumerate() {
        let mut homes = parts.iter().filter(|part| !part.rows[at].is_elsewhere);
        let (home, other) = (homes.next().unwrap(), homes.next());
        assert!(other.is_none(), "row {at} is in two parts");
        match home.rows[at].code {
            Code::OK => assert_eq!(row_value(home, at), Some(number)),
            code => assert_eq!(code, Code::TIMEOUT),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_whose_nodes_all_answer_at_once_has_one_part() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    let mut parts = 0;
    let reply = client.batch_in_parts(reads("parts", 0..100), &mut |_| parts += 1).await;
    assert!(parts == 0 && reply.rows.iter().all(|row| row.code == Code(2) && !row.is_elsewhere));
}
