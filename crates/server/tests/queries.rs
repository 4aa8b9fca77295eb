//! Queries over real connections: what they find, resumed or not, and what they refuse.

mod support;

use aerospike_wire::message::Messages;
use aerospike_wire::{FieldType, Info1, Info2, Info3, OpCode, ParticleType, PartitionId, ResultCode};
use support::query::{Outcome, Query, Row, fill, index, pids, range};
use support::{Client, cluster, op};

#[tokio::test]
async fn a_query_is_resumed_where_it_was() {
    let cluster = cluster(1).await;
    let mut client = Client::connect(cluster.hosts()[0]).await;
    // few partitions with many records each: the place inside a partition is what matters
    fill(&mut client, "pages", 400).await;
    index(&mut client, "pages").await;
    for query in [Query::scan("pages"), Query::range("pages", "n", 0, 1000)] {
        let all = query.run(&mut client).await.digests();
        assert_eq!(all.len(), 400);
        let mut seen: Vec<Row> = Vec::new();
        let mut query = query.with(FieldType::SAMPLE_MAX, &37_u64.to_be_bytes());
        loop {
            let outcome = query.run(&mut client).await;
            assert!(outcome.result.is_ok() && outcome.ended, "{:?}", outcome.result);
            if outcome.rows.is_empty() {
                break;
            }
            seen.extend(&outcome.rows);
            let mut last = std::collections::BTreeMap::new();
            last.extend(seen.iter().map(|row| (row.0.partition(), *row)));
            let digests: Vec<u8> = last.values().flat_map(|(digest, _)| digest.0).collect();
            let places: Vec<u8> = last.values().flat_map(|(_, value)| value.unwrap_or(0).to_le_bytes()).collect();
            let fresh = pids(PartitionId::all().filter(|id| !last.contains_key(id)));
            query = query.with(FieldType::PID_ARRAY, &fresh).with(FieldType::DIGEST_ARRAY, &digests);
            query = query.with(FieldType::BVAL_ARRAY, &places);
        }
        assert_eq!(Outcome { rows: seen, unavailable: vec![], result: ResultCode::OK, ended: true }.digests(), all);
    }
}

#[tokio::test]
async fn a_malformed_query_is_refused() {
    let cluster = cluster(1).await;
    let mut client = Client::connect(cluster.hosts()[0]).await;
    fill(&mut client, "bad", 3).await;
    index(&mut client, "bad").await;
    assert_eq!(client.info_value("sindex-create:ns=test;set=bad;indexname=bad_set;indextype=set").await, "ok");
    let scan = || Query::scan("bad");
    let find =
        |start: &[u8], end: &[u8]| scan().with(FieldType::INDEX_RANGE, &range("n", ParticleType::INTEGER, start, end));
    let one = 1_i64.to_be_bytes();
    let named = |name: &str| {
        scan()
            .with(FieldType::INDEX_RANGE, &range("", ParticleType::INTEGER, &one, &one))
            .with(FieldType::INDEX_NAME, name.as_bytes())
    };
    let write = || op(OpCode::Write, ParticleType::INTEGER, "n", &one);
    let digest = support::digest("bad", "1");
    const MALFORMED: ResultCode = ResultCode::PARAMETER;
    let cases = [
        ("no PARTITION_DONE", scan().header(|h| h.info3 = Info3::empty()), ResultCode::UNSUPPORTED_FEATURE),
        ("no partitions", scan().without(FieldType::PID_ARRAY), ResultCode::UNSUPPORTED_FEATURE),
        ("an empty array", scan().with(FieldType::PID_ARRAY, &[]), MALFORMED),
        ("a partition too high", scan().with(FieldType::PID_ARRAY, &4096_u16.to_le_bytes()), MALFORMED),
        ("a partition twice", scan().with(FieldType::PID_ARRAY, &[1, 0, 1, 0]), MALFORMED),
        ("in both arrays", scan().with(FieldType::DIGEST_ARRAY, &digest.0), MALFORMED),
        ("half a digest", scan().with(FieldType::DIGEST_ARRAY, &digest.0[..10]), MALFORMED),
        ("another namespace", scan().with(FieldType::NAMESPACE, b"nope"), ResultCode::NAMESPACE_NOT_FOUND),
        ("a short limit", scan().with(FieldType::RECORDS_PER_SECOND, &[1]), MALFORMED),
        ("a bad filter", scan().with(FieldType::FILTER, &[0xc1]), MALFORMED),
        ("a filter that is a number", scan().with(FieldType::FILTER, &[0x01]), MALFORMED),
        ("a write", scan().op(write()), MALFORMED),
        (
            "a short query with a limit",
            scan().header(|h| h.info1 |= Info1::SHORT_QUERY).with(FieldType::RECORDS_PER_SECOND, &[0, 0, 0, 9]),
            MALFORMED,
        ),
        ("no such index", Query::range("bad", "other", 1, 2), ResultCode::INDEX_NOT_FOUND),
        (
            "another kind of index",
            Query::range("bad", "n", 1, 2).with(FieldType::INDEX_TYPE, &[1]),
            ResultCode::INDEX_NOT_FOUND,
        ),
        (
            "an unknown kind",
            Query::range("bad", "n", 1, 2).with(FieldType::INDEX_TYPE, &[9]),
            ResultCode::INDEX_NOT_FOUND,
        ),
        ("the index of a set", named("bad_set"), ResultCode::INDEX_NOT_READABLE),
        ("an unknown name", named("nope"), ResultCode::INDEX_NOT_FOUND),
        ("a name and a bin", find(&one, &one).with(FieldType::INDEX_NAME, b"bad_n"), MALFORMED),
        ("backwards", find(&2_i64.to_be_bytes(), &one), MALFORMED),
        ("a short integer", find(&[1], &[1]), MALFORMED),
        ("two ranges", scan().with(FieldType::INDEX_RANGE, &[2]), MALFORMED),
        ("an empty range", scan().with(FieldType::INDEX_RANGE, &[]), MALFORMED),
        ("a float", scan().with(FieldType::INDEX_RANGE, &range("n", ParticleType::FLOAT, &one, &one)), MALFORMED),
        ("a bad context", find(&one, &one).with(FieldType::INDEX_CONTEXT, &[0x91, 0x10]), MALFORMED),
        (
            "digests without values",
            find(&one, &one).without(FieldType::PID_ARRAY).with(FieldType::DIGEST_ARRAY, &digest.0),
            MALFORMED,
        ),
        ("no operations", Query::background("bad", vec![]), MALFORMED),
        (
            "a read in the background",
            Query::background("bad", vec![op(OpCode::Read, ParticleType::NULL, "n", &[])]),
            MALFORMED,
        ),
        ("no such set", Query::background("nope", vec![write()]), ResultCode::NOT_FOUND),
        (
            "too fast in the background",
            Query::background("bad", vec![write()]).with(FieldType::RECORDS_PER_SECOND, &10_001_u32.to_be_bytes()),
            MALFORMED,
        ),
    ];
    for (why, query, code) in cases {
        assert_eq!(query.fails(&mut client, why).await, code, "{why}");
    }
    let unknown = Query::scan("nope").run(&mut client).await;
    assert!(unknown.rows.is_empty() && unknown.ended && unknown.result.is_ok());
    assert_eq!(named("bad_n").run(&mut client).await.rows.len(), 1, "by name");
    let by_name = scan().with(FieldType::INDEX_NAME, b"bad_n").run(&mut client).await;
    assert_eq!((by_name.rows.len(), by_name.rows[0].1), (3, None), "a name without a range");
}

#[tokio::test]
async fn an_index_asked_by_name_in_another_set_has_nothing_of_it() {
    let cluster = cluster(1).await;
    let mut client = Client::connect(cluster.hosts()[0]).await;
    fill(&mut client, "named", 3).await;
    fill(&mut client, "beside", 3).await;
    index(&mut client, "named").await;
    let one = 1_i64.to_be_bytes();
    for (set, count) in [("named", 1), ("beside", 0), ("not_there", 0), ("", 1)] {
        let query = Query::scan(set)
            .with(FieldType::INDEX_RANGE, &range("", ParticleType::INTEGER, &one, &one))
            .with(FieldType::INDEX_NAME, b"named_n");
        let answer = query.run(&mut client).await;
        assert_eq!((answer.result, answer.rows.len()), (ResultCode::OK, count), "set '{set}'");
    }
}

#[tokio::test]
async fn a_query_reads_what_it_was_asked_for() {
    let cluster = cluster(1).await;
    let mut client = Client::connect(cluster.hosts()[0]).await;
    fill(&mut client, "part", 5).await;
    let missing = || op(OpCode::Read, ParticleType::NULL, "other", &[]);
    assert_eq!(Query::scan("part").op(missing()).run(&mut client).await.rows.len(), 0, "nothing to answer with");
    let all = Query::scan("part").op(missing()).header(|h| h.info2 = Info2::RESPOND_ALL_OPS);
    assert_eq!(all.run(&mut client).await.rows.len(), 5, "an answer for each operation");
    let short = Query::scan("part").header(|h| h.info1 |= Info1::SHORT_QUERY | Info1::GET_NO_BINS);
    client.send(&short.frame()).await;
    let (_, body) = client.frame().await;
    let messages: Vec<_> = Messages::new(&body).map(|message| message.unwrap().1.header).collect();
    assert_eq!(messages.len(), 6, "a short query has one frame");
    assert!(messages[0].info1.contains(Info1::GET_NO_BINS) && messages[0].op_count == 0 && messages[5].is_last());
    assert_eq!(client.info_value("query-show").await.matches("trid=").count(), 2, "short queries are not listed");
}
