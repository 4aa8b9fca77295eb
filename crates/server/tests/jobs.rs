//! Queries as jobs: at a rate, aborted, abandoned, in the background.

mod support;

use std::time::Duration;

use aerospike_wire::message::Messages;
use aerospike_wire::{FieldType, Info2, OpCode, ParticleType, ResultCode};
use support::query::{Query, fill, index, values};
use support::{Client, TIME_LIMIT, cluster, op};

#[tokio::test]
async fn operations_in_the_background_reach_every_record_and_copy() {
    let cluster = cluster(3).await;
    let mut client = Client::connect(cluster.hosts()[0]).await;
    fill(&mut client, "jobs", 40).await;
    index(&mut client, "jobs").await;
    let add = op(OpCode::Increment, ParticleType::INTEGER, "n", &1000_i64.to_be_bytes());
    let ten = Query::range("jobs", "n", 0, 9).fields.pop().unwrap().1;
    let query = Query::background("jobs", vec![add]).with(FieldType::INDEX_RANGE, &ten);
    let query = query.with(FieldType::TASK_ID, &77_u64.to_be_bytes());
    for host in cluster.hosts() {
        let mut client = Client::connect(host).await;
        let outcome = query.run(&mut client).await;
        assert!(outcome.ended && outcome.result.is_ok());
        assert_eq!(query.fails(&mut client, "the same id").await, ResultCode::PARAMETER);
    }
    let mut written = 0;
    for host in cluster.hosts() {
        let mut client = Client::connect(host).await;
        let line = done(&mut client, 77).await;
        assert!(
            line.starts_with("trid=77:ns=test:set=jobs:sindex-name=jobs_n:rps=10000:active-threads=0:status=done(ok):")
        );
        let count = line.split_once("recs-succeeded=").unwrap().1.split(':').next().unwrap();
        written += count.parse::<usize>().unwrap();
    }
    assert_eq!(written, 10, "each record once");
    assert_eq!(values(&cluster, "jobs", 1000, 1009).await, (1000..1010).collect::<Vec<_>>());
    for host in cluster.hosts() {
        assert_eq!(Client::connect(host).await.get("jobs", "3").await.integer("n"), Some(1003));
    }
    // records are deleted by an operation: the flag of a command that does is none of a query's
    let flagged = Query::background("jobs", vec![]).header(|h| h.info2 = Info2::WRITE | Info2::DELETE);
    let mut client = Client::connect(cluster.hosts()[0]).await;
    assert_eq!(flagged.fails(&mut client, "no operation").await, ResultCode::PARAMETER);
    let delete = Query::background("jobs", vec![op(OpCode::DeleteAll, ParticleType::NULL, "", &[])]);
    for host in cluster.hosts() {
        let mut client = Client::connect(host).await;
        assert!(delete.run(&mut client).await.result.is_ok());
    }
    let started = tokio::time::Instant::now();
    while !values(&cluster, "jobs", 0, 2000).await.is_empty() {
        assert!(started.elapsed() < TIME_LIMIT);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn operations_in_the_background_need_not_name_a_set() {
    let cluster = cluster(1).await;
    let mut client = Client::connect(cluster.hosts()[0]).await;
    client.put("one", "k", 1).await;
    client.put("two", "k", 2).await;
    let add = op(OpCode::Increment, ParticleType::INTEGER, "n", &10_i64.to_be_bytes());
    let query = Query::background("", vec![add]).without(FieldType::SET).with(FieldType::TASK_ID, &5_u64.to_be_bytes());
    assert!(query.run(&mut client).await.result.is_ok());
    done(&mut client, 5).await;
    assert_eq!(client.get("one", "k").await.integer("n"), Some(11));
    assert_eq!(client.get("two", "k").await.integer("n"), Some(12));
}

/// The line of a job once it is done.
async fn done(client: &mut Client, id: u64) -> String {
    let started = tokio::time::Instant::now();
    loop {
        let line = client.info_value(&format!("query-show:id={id}")).await;
        if line.contains("status=done") {
            return line;
        }
        assert!(started.elapsed() < TIME_LIMIT, "{line}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_query_keeps_to_its_rate_and_can_be_aborted() {
    let cluster = cluster(1).await;
    let mut client = Client::connect(cluster.hosts()[0]).await;
    fill(&mut client, "slow", 30).await;
    let started = tokio::time::Instant::now();
    let query = Query::scan("slow").with(FieldType::RECORDS_PER_SECOND, &100_u32.to_be_bytes());
    assert_eq!(query.run(&mut client).await.rows.len(), 30);
    assert!(started.elapsed() >= Duration::from_millis(250), "{:?}", started.elapsed());

    let query = Query::scan("slow").with(FieldType::RECORDS_PER_SECOND, &5_u32.to_be_bytes());
    let query = query.with(FieldType::TASK_ID, &5_u64.to_be_bytes());
    client.send(&query.frame()).await;
    client.frame().await;
    let mut other = Client::connect(cluster.hosts()[0]).await;
    assert!(other.info_value("query-show:trid=5").await.contains(":rps=5:active-threads=1:status=active(ok):"));
    assert_eq!(other.info_value("query-abort:id=5").await, "ok");
    let end = loop {
        let (_, body) = client.frame().await;
        let last = Messages::new(&body).map(|message| message.unwrap().1.header).last().unwrap();
        if last.is_last() {
            break last.result;
        }
    };
    assert_eq!(end, ResultCode::QUERY_ABORTED);
    assert!(done(&mut other, 5).await.contains("status=done(user-aborted)"));
    assert_eq!(other.info_value("query-abort:id=5").await, "ERROR:2:id not active");
    assert_eq!(other.info_value("query-abort").await, "ERROR:4:missing 'id'");
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_nothing_up_for_long() {
    let cluster = cluster(1).await;
    let mut client = Client::connect(cluster.hosts()[0]).await;
    let value = vec![7; 512 * 1024];
    for n in 0..40 {
        let ops = op(OpCode::Write, ParticleType::BLOB, "b", &value);
        assert!(client.run("big", &n.to_string(), support::write(&ops, 1)).await.result.is_ok());
    }
    let query = Query::scan("big").with(FieldType::SOCKET_TIMEOUT, &300_u32.to_be_bytes());
    let query = query.with(FieldType::TASK_ID, &9_u64.to_be_bytes());
    client.send(&query.frame()).await;
    let mut other = Client::connect(cluster.hosts()[0]).await;
    assert!(done(&mut other, 9).await.contains("status=done(abandoned-response-timeout)"));
    let query = Query::scan("big").with(FieldType::TASK_ID, &10_u64.to_be_bytes());
    let mut gone = Client::connect(cluster.hosts()[0]).await;
    gone.send(&query.frame()).await;
    gone.frame().await;
    drop(gone);
    assert!(done(&mut other, 10).await.contains("status=done(abandoned-response-error)"));
}
