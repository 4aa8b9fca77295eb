//! Secondary indexes: what they are of, how they are managed, and that they stay right.

mod support;

use std::time::Duration;

use aerospike_wire::{FieldType, OpCode, ParticleType, ResultCode};
use support::query::{Query, fill, index, range, values};
use support::{Client, cluster, op};

#[tokio::test]
async fn an_index_follows_whatever_happens_to_records() {
    let cluster = cluster(3).await;
    let mut client = Client::connect(cluster.hosts()[0]).await;
    fill(&mut client, "live", 60).await;
    index(&mut client, "live").await;
    assert_eq!(values(&cluster, "live", 10, 19).await, (10..20).collect::<Vec<_>>());

    client.put("live", "12", 500).await;
    client.put("live", "13", 14).await;
    client.remove("live", "15").await;
    client.put_for("live", "16", 16, 1).await;
    assert_eq!(values(&cluster, "live", 10, 19).await, [10, 11, 14, 14, 16, 17, 18, 19]);
    assert_eq!(values(&cluster, "live", 500, 500).await, [500]);

    tokio::time::sleep(Duration::from_millis(2100)).await;
    assert_eq!(values(&cluster, "live", 10, 19).await, [10, 11, 14, 14, 17, 18, 19], "expired");

    cluster.stop_node(2).await.unwrap();
    assert_eq!(values(&cluster, "live", 10, 19).await, [10, 11, 14, 14, 17, 18, 19], "moved");
    client.put("live", "17", 1).await;
    cluster.start_node(2).await.unwrap();
    assert_eq!(values(&cluster, "live", 10, 19).await, [10, 11, 14, 14, 18, 19], "moved back");

    assert_eq!(client.info_value("truncate:namespace=test;set=live").await, "ok");
    assert_eq!(values(&cluster, "live", -1000, 1000).await, [] as [i64; 0]);
}

#[tokio::test]
async fn contexts_and_expressions_can_be_indexed() {
    let cluster = cluster(1).await;
    let mut client = Client::connect(cluster.hosts()[0]).await;
    for n in 0..10_u8 {
        // a list with a number inside a list, beside the number itself
        let ops = [
            op(OpCode::Write, ParticleType::LIST, "l", &[0x92, 0x92, n, 0x63, 0x01]),
            op(OpCode::Write, ParticleType::INTEGER, "n", &i64::from(n).to_be_bytes()),
        ]
        .concat();
        assert!(client.run("deep", &n.to_string(), support::write(&ops, 2)).await.result.is_ok());
    }
    let context = [0x92, 0x10, 0x00];
    // base64 of the context `list_index(0)`, then of `add(bin_int("n"), 100)`
    for (command, answer) in [
        ("sindex-create:ns=test;set=deep;indexname=c;indextype=list;bin=l;type=numeric;context=khAA", "ok"),
        ("sindex-create:ns=test;set=deep;indexname=e;type=numeric;exp=kxSTUQKhbmQ=", "ok"),
        (
            "sindex-create:ns=test;set=deep;indexname=e;type=string;exp=kxSTUQKhbmQ=",
            "ERROR:4:bad 'exp' - expression type 'numeric' does not match expected type 'string'",
        ),
        ("sindex-create:ns=test;set=deep;indexname=x;type=numeric;exp=!!", "ERROR:4:bad 'exp'"),
        ("sindex-create:ns=test;set=deep;indexname=x;type=numeric;exp=AAAA", "ERROR:4:bad 'exp'"),
        (
            "sindex-create:ns=test;set=deep;indexname=x;bin=n;type=numeric;exp=kxSTUQKhbmQ=",
            "ERROR:4:both 'bin' and 'exp' are specified",
        ),
        ("sindex-create:ns=test;set=deep;indexname=x;bin=l;type=numeric;context=!", "ERROR:4:'context' invalid base64"),
        (
            "sindex-list:ns=test",
            "ns=test:indexname=c:set=deep:bin=l:type=numeric:indextype=list:context=[[list_index(0)]:exp=null:state=RW;\
             ns=test:indexname=e:set=deep:bin=null:type=numeric:indextype=default:context=null:exp=add(bin_int(\"n\"), 100):state=RW",
        ),
    ] {
        assert_eq!(client.info_value(command).await, answer, "{command}");
    }
    let by_context = Query::range("deep", "l", 3, 5).with(FieldType::INDEX_TYPE, &[1]);
    assert_eq!(by_context.fails(&mut client, "no context").await, ResultCode::INDEX_NOT_FOUND);
    assert_eq!(by_context.with(FieldType::INDEX_CONTEXT, &context).run(&mut client).await.rows.len(), 3);
    let expression = [0x93, 0x14, 0x93, 0x51, 0x02, 0xa1, b'n', 0x64];
    let by_expression = Query::range("deep", "", 103, 104).with(FieldType::INDEX_EXPRESSION, &expression);
    assert_eq!(by_expression.run(&mut client).await.rows.len(), 2);
}

#[tokio::test]
async fn indexes_are_managed_by_info_commands() {
    let cluster = cluster(1).await;
    let mut client = Client::connect(cluster.hosts()[0]).await;
    fill(&mut client, "made", 4).await;
    const ONE_OF: &str = "must be one of 'numeric', 'string', 'blob', 'geo2dsphere'";
    let bad_type = format!("ERROR:4:bad 'type' - {ONE_OF}");
    let bad_data = format!("ERROR:4:bad 'indexdata' bin type - {ONE_OF}");
    let listed = "ns=test:indexname=b:set=made:bin=n:type=numeric:indextype=default:context=null:exp=null:state=RW;\
                  ns=test:indexname=s:set=made:indextype=set";
    let counts =
        "entries=4;used_bytes=16777216;entries_per_bval=1;entries_per_rec=1;load_pct=100;load_time=0;stat_gc_recs=0";
    for (command, answer) in [
        ("sindex-create:ns=test;set=made;indexname=a;bin=n;type=numeric", "ok"),
        ("sindex-create:ns=test;set=made;indexname=a;indexdata=n,NUMERIC", "ok"),
        (
            "sindex-create:ns=test;set=made;indexname=a;bin=n;type=string",
            "ERROR:200:'indexname' already exists with different definition",
        ),
        ("sindex-create:ns=test;set=made;indexname=b;bin=n;type=numeric", "ok"),
        ("sindex-exists:ns=test;indexname=a", "false"),
        ("sindex-exists:ns=test;indexname=b", "true"),
        ("sindex-create:ns=zz;set=made;indexname=b;bin=n;type=numeric", "ok"),
        ("sindex-create:ns=test;indexname=c;bin=n;type=integer", &bad_type),
        ("sindex-create:ns=test;indexname=c;indexdata=n,float", &bad_data),
        ("sindex-create:ns=test;indexname=c;indexdata=n", "ERROR:4:'indexdata' missing bin type"),
        ("sindex-create:ns=test;indexname=c;bin=n", "ERROR:4:both 'indexdata' and 'type' are missing"),
        (
            "sindex-create:ns=test;indexname=c;bin=n;type=numeric;indextype=tree",
            "ERROR:4:bad 'indextype' - must be one of 'default', 'list', 'mapkeys', 'mapvalues'",
        ),
        ("sindex-create:set=made;indexname=c;bin=n;type=numeric", "ERROR:20:missing 'namespace'"),
        // base64 of the context `list_index(-129)`, in two bytes
        (
            "sindex-create:ns=test;set=made;indexname=c;bin=n;type=numeric;context=khDR/38=",
            "ERROR:4:'context' not normalized msgpack",
        ),
        ("sindex-create:ns=test;set=made;indexname=s;indextype=set", "ok"),
        ("sindex-list:", listed),
        ("sindex-stat:namespace=test;indexname=b", counts),
        ("sindex/test/b", counts),
        ("sindex-stat:ns=test;indexname=s", "entries=4;used_bytes=64;load_pct=100"),
        ("sindex-stat:ns=test;indexname=a", "ERROR:201:no index"),
        ("sindex-delete:ns=test;indexname=b", "ok"),
        ("sindex-delete:ns=test;indexname=b", "ok"),
        ("sindex-exists:ns=test;indexname=b", "false"),
    ] {
        assert_eq!(client.info_value(command).await, answer, "{command}");
    }
    let name = "x".repeat(64);
    let command = format!("sindex-create:ns=test;indexname={name};bin=n;type=numeric");
    assert_eq!(client.info_value(&command).await, "ERROR:4:'indexname' value too long");
}

#[tokio::test]
async fn the_end_of_a_range_counts_for_integers_only() {
    let cluster = cluster(1).await;
    let mut client = Client::connect(cluster.hosts()[0]).await;
    let bin = op(OpCode::Write, ParticleType::STRING, "s", b"a");
    client.run("ends", "k", support::write(&bin, 1)).await;
    let a_to_b = range("s", ParticleType::STRING, b"a", b"b");
    let query = Query::scan("ends").with(FieldType::INDEX_RANGE, &a_to_b);
    assert_eq!(query.fails(&mut client, "no index").await, ResultCode::INDEX_NOT_FOUND);
    assert_eq!(client.info_value("sindex-create:ns=test;set=ends;indexname=ends;bin=s;type=string").await, "ok");
    let found = query.run(&mut client).await;
    assert!(found.result.is_ok());
    assert_eq!(found.rows.len(), 1);
}

#[tokio::test]
async fn an_index_that_nobody_can_read_keeps_its_name() {
    let cluster = cluster(1).await;
    let mut client = Client::connect(cluster.hosts()[0]).await;
    let create = |bin: &str| format!("sindex-create:namespace=test;set=s;indexname=odd;type=string;bin={bin}");
    let taken = "ERROR:200:'indexname' already exists with different definition";
    assert_eq!(client.info_value(&create("a|b")).await, "ok");
    assert_eq!(client.info_value("sindex-exists:namespace=test;indexname=odd").await, "false");
    assert_eq!(client.info_value(&create("a")).await, taken);
    assert_eq!(client.info_value("sindex-delete:namespace=test;indexname=odd").await, "ok");
    assert_eq!(client.info_value(&create("a")).await, "ok");
    assert_eq!(client.info_value("sindex-exists:namespace=test;indexname=odd").await, "true");
    assert_eq!(client.info_value(&create("a|b")).await, taken);
}

#[tokio::test]
async fn a_value_in_a_description_ends_after_a_hundred_characters() {
    let cluster = cluster(1).await;
    let mut client = Client::connect(cluster.hosts()[0]).await;
    // base64 of the context `map_value(-1e300), map_key("")`
    let create = "sindex-create:namespace=test;set=s;indexname=long;type=string;bin=a;context=lCPL/jfkPIgAdZwioQM=";
    assert_eq!(client.info_value(create).await, "ok");
    let value = "-10000000000000000525047602552044202487044685811081591549158541155118024579889081957863713750804478";
    let text = format!(":context=[[map_value({value}, map_key(<string#0>)]:exp=null");
    assert!(client.info_value("sindex-list:namespace=test").await.contains(&text));
}
