//! What a real server answered to single-record commands, batches, expressions and queries, answered again.

mod support;

use std::io::Read as _;
use std::time::Duration;

use aerospike_server::{Cluster, ClusterOptions};
use aerospike_wire::{FieldType, Info1, ResultCode};
use flate2::read::GzDecoder;
use serde_json::Value as Json;
use support::{Answer, Client};

fn cases(name: &str) -> Vec<Json> {
    let path = format!("{}/../../__test__/corpus/{name}.jsonl.gz", env!("CARGO_MANIFEST_DIR"));
    let mut text = String::new();
    GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn frames(step: &Json, name: &str) -> Vec<Vec<u8>> {
    let hex = |text: &str| text.as_bytes().chunks(2).map(byte).collect();
    let byte_list = step[name].as_array().unwrap();
    byte_list.iter().map(|frame| hex(frame.as_str().unwrap())).collect()
}

fn byte(pair: &[u8]) -> u8 {
    u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()
}

/// The messages of frames, without what may differ between runs: times, and the order of a batch's rows.
fn comparable(bodies: &[Vec<u8>], is_batch: bool) -> Vec<Answer> {
    let messages = bodies.iter().flat_map(|body| aerospike_wire::message::Messages::new(body));
    let mut answers: Vec<Answer> = messages.map(|message| message.unwrap().1.into()).collect();
    answers.iter_mut().for_each(|answer| answer.ttl = answer.ttl.min(1));
    if is_batch {
        answers.sort_by_key(|answer| (answer.last, answer.index));
    }
    answers
}

/// Sends every request of a file and compares the answers; how many there were.
async fn replay(name: &str) -> usize {
    let cluster = Cluster::start(ClusterOptions::default()).await.unwrap();
    let mut client = Client::connect(cluster.hosts()[0]).await;
    let mut compared = 0;
    for (line, case) in cases(name).iter().enumerate() {
        for (number, step) in case["steps"].as_array().unwrap().iter().enumerate() {
            let requests = frames(step, "req");
            let [request] = requests.as_slice() else {
                assert!(requests.is_empty(), "a call that was retried");
                continue;
            };
            let is_batch = Info1::from_bits_retain(request[9]).contains(Info1::BATCH);
            client.send(request).await;
            let mut bodies = Vec::new();
            loop {
                bodies.push(client.frame().await.1);
                if !is_batch || comparable(&bodies, true).iter().any(|answer| answer.last) {
                    break;
                }
            }
            let recorded: Vec<_> = frames(step, "res").into_iter().map(|frame| frame[8..].to_vec()).collect();
            let (expected, got) = (comparable(&recorded, is_batch), comparable(&bodies, is_batch));
            assert_eq!(got, expected, "line {line}, step {number}: {}", step["call"]);
            compared += 1;
        }
    }
    compared
}

#[tokio::test]
async fn every_recorded_command_is_answered_as_recorded() {
    assert_eq!(replay("kv").await, 2203);
}

#[tokio::test]
async fn every_recorded_expression_is_evaluated_as_recorded() {
    assert_eq!(replay("expressions").await, 5000);
}

/// Commands as `npm run differ` makes them of seed 101, and geometries, with what a real server 8.1.2 answered.
#[tokio::test]
async fn every_corner_is_answered_as_recorded() {
    assert_eq!(replay("corners").await, 20_838);
}

/// The messages of a query's answer, whose order is free, with the digests of its records.
fn found(bodies: &[Vec<u8>]) -> Vec<(Option<Vec<u8>>, Answer)> {
    let messages = bodies.iter().flat_map(|body| aerospike_wire::message::Messages::new(body));
    let mut found: Vec<_> = messages
        .map(|message| {
            let message = message.unwrap().1;
            // by which of its values an index found a record is the index's own business
            let answer = Answer { ttl: message.header.ttl.min(1), fields: Vec::new(), ..message.into() };
            (message.field(FieldType::DIGEST).map(<[u8]>::to_vec), answer)
        })
        .collect();
    // values of an aggregation have no digest, and come in the order in which its threads were done
    found.sort_by_cached_key(|(digest, answer)| (digest.clone(), answer.last, format!("{answer:?}")));
    found
}

fn is_over(body: &[u8]) -> bool {
    let last = aerospike_wire::message::Messages::new(body).last().unwrap().unwrap().1.header;
    last.is_last() || (last.result != ResultCode::OK && last.info3.is_empty())
}

/// Whether a request is a query: a message without a digest that is no batch.
fn is_query(request: &[u8]) -> bool {
    aerospike_wire::Message::decode_exact(&request[8..])
        .is_ok_and(|message| message.field(FieldType::DIGEST).is_none() && !message.header.info1.contains(Info1::BATCH))
}

/// The text of an info answer; of one that lists something in an order of its own, with all lists in order.
fn told(bodies: &[Vec<u8>], is_sorted: bool) -> String {
    let text = String::from_utf8_lossy(&bodies.concat()).into_owned();
    if !is_sorted {
        return text;
    }
    let sorted = |line: &str| {
        let mut items: Vec<_> = line.split([';', '\t']).collect();
        items.sort_unstable();
        items.join(";")
    };
    text.split('\n').map(sorted).collect::<Vec<_>>().join("\n")
}

/// Asks until what was begun is over, or there is nothing left.
async fn wait(client: &mut Client, request: &[u8]) {
    const TRIES: usize = 400;
    for _ in 0..TRIES {
        client.send(request).await;
        let answer = told(&[client.frame().await.1], false);
        let is_over =
            ["status=done", "load_pct=100", "ERROR", "features", "content"].iter().any(|end| answer.contains(end));
        if is_over || answer.ends_with("\t\n") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Sends every request of a file and compares the answers; how many there were. Requests that are about the connection have
/// one of their own.
async fn replay_requests(name: &str) -> usize {
    const INFO: u8 = 1;
    const SECURITY: u8 = 2;
    let cluster = Cluster::start(ClusterOptions::default()).await.unwrap();
    let mut client = Client::connect(cluster.hosts()[0]).await;
    let mut compared = 0;
    for (line, case) in cases(name).iter().enumerate() {
        for (number, step) in case["steps"].as_array().unwrap().iter().enumerate() {
            let request = frames(step, "req").remove(0);
            if step["until"] == true {
                wait(&mut client, &request).await;
                continue;
            }
            let mut alone = match step["alone"] == true {
                true => Some(Client::connect(cluster.hosts()[0]).await),
                false => None,
            };
            let client = alone.as_mut().unwrap_or(&mut client);
            client.send(&request).await;
            let recorded: Vec<_> = frames(step, "res").into_iter().map(|frame| frame[8..].to_vec()).collect();
            if step["ignored"] == true && step["alone"] == true {
                continue; // that may have no answer at all
            }
            let mut bodies = vec![client.frame().await.1];
            let is_info = request[1] == INFO;
            let is_query = !is_info && is_query(&request);
            while is_query && !is_over(bodies.last().unwrap()) {
                bodies.push(client.frame().await.1);
            }
            if step["ignored"] == true {
                continue;
            }
            let place = format!("line {line}, step {number}");
            if is_info {
                let is_sorted = step["sorted"] == true;
                assert_eq!(told(&bodies, is_sorted), told(&recorded, is_sorted), "{place}");
            } else if is_query {
                assert_eq!(found(&bodies), found(&recorded), "{place}");
            } else if request[1] == SECURITY {
                assert_eq!(bodies, recorded, "{place}");
            } else {
                assert_eq!(comparable(&bodies, false), comparable(&recorded, false), "{place}");
            }
            compared += 1;
        }
    }
    compared
}

/// Functions, info commands, odd messages, queries, jobs and definitions of indexes as `npm run differ` makes them of seed 203,
/// with what a real server 8.1.2 answered.
#[tokio::test]
async fn every_odd_request_is_answered_as_recorded() {
    assert_eq!(replay_requests("requests").await, 1003);
}

#[tokio::test]
async fn every_recorded_query_finds_what_was_recorded() {
    let cluster = Cluster::start(ClusterOptions::default()).await.unwrap();
    let mut client = Client::connect(cluster.hosts()[0]).await;
    let mut compared = 0;
    for (line, case) in cases("query").iter().enumerate() {
        for step in case["steps"].as_array().unwrap() {
            let call = step["call"].as_str().unwrap();
            for exchange in step["info"].as_array().into_iter().flatten() {
                let command = exchange[0].as_str().unwrap().trim_end();
                if command.starts_with("sindex-create") {
                    assert_eq!(client.info_value(command).await, "ok");
                }
                if command.starts_with("udf-") {
                    let recorded = exchange[1].as_str().unwrap_or_default();
                    let got = client.info(&[command]).await;
                    assert!(recorded.is_empty() || got == recorded, "line {line}: {got} is not {recorded}");
                }
            }
            let requests = frames(step, "req");
            let [request] = requests.as_slice() else { continue };
            client.send(request).await;
            let mut bodies = vec![client.frame().await.1];
            while ["query", "scan", "aggregate", "batchApply"].contains(&call) && !is_over(bodies.last().unwrap()) {
                bodies.push(client.frame().await.1);
            }
            let recorded: Vec<_> = frames(step, "res").into_iter().map(|frame| frame[8..].to_vec()).collect();
            assert_eq!(found(&bodies), found(&recorded), "line {line}: {call}");
            if call.starts_with("background") || call == "queryApplyBackground" {
                while client.info_value("query-show").await.contains("status=active") {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
            compared += 1;
        }
    }
    assert_eq!(compared, 119);
}
