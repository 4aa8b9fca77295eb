//! The text protocol: framing, errors, and what clients tend a cluster by.

mod support;

use aerospike_server::{Cluster, ClusterOptions, Edition};
use aerospike_wire::ResultCode;
use aerospike_wire::info::{parse_peers, parse_replicas, parse_services};
use aerospike_wire::proto::write_frame;
use aerospike_wire::{PartitionId, ProtoType};
use bytes::{BufMut, BytesMut};
use support::{Client, cluster};

async fn client() -> (Cluster, Client) {
    let cluster = cluster(1).await;
    let client = Client::connect(cluster.hosts()[0]).await;
    (cluster, client)
}

/// The body of the answer to a body that is sent as it is.
async fn raw(client: &mut Client, body: &[u8]) -> String {
    let mut out = BytesMut::new();
    write_frame(&mut out, ProtoType::Info, |out| out.put_slice(body));
    client.send(&out).await;
    String::from_utf8(client.frame().await.1).unwrap()
}

#[tokio::test]
async fn lines_are_answered_in_order_and_only_whole_lines() {
    let (_cluster, mut client) = client().await;
    let cases: &[(&str, &str)] = &[
        ("node\nbuild\n", "node\tA1\nbuild\t8.1.1.2\n"),
        ("node", ""),
        ("node\nbuild", "node\tA1\n"),
        ("\n", "\tERROR:4:unrecognized command\n"),
        ("node\r\n", "node\r\tERROR:4:unrecognized command\n"),
        ("Node\n", "Node\tERROR:4:unrecognized command\n"),
        ("status\nstatus\n", "status\tok\nstatus\tok\n"),
    ];
    for (sent, answered) in cases {
        assert_eq!(raw(&mut client, sent.as_bytes()).await, *answered, "{sent:?}");
    }
}

#[tokio::test]
async fn an_enterprise_cluster_says_that_it_is_one() {
    let options = ClusterOptions { nodes: 2, edition: Edition::Enterprise, ..ClusterOptions::default() };
    let cluster = Cluster::start(options).await.unwrap();
    let mut client = Client::connect(cluster.hosts()[0]).await;
    let cases: &[(&str, &str)] = &[
        ("edition", "Aerospike Enterprise Edition"),
        ("version", "Aerospike Enterprise Edition build 8.1.1.2"),
        ("build", "8.1.1.2"),
        ("racks:", "ns=test:rack_0=A1,A2;ns=bar:rack_0=A1,A2"),
        ("racks:namespace=bar", "ns=bar:rack_0=A1,A2"),
        ("racks:namespace=none", "ERROR:20:namespace not found on node"),
        ("rack-ids", "test:0;bar:0"),
        ("service-tls-std", ""),
        ("peers-tls-std", "1,3000,[]"),
        ("quiesce:", "ERROR:4:unrecognized command"),
    ];
    for (name, value) in cases {
        assert_eq!(client.info_value(name).await, *value, "{name}");
    }
    let release = client.info_value("release").await;
    assert!(release.starts_with("edition=Aerospike Enterprise Edition;version=8.1.1.2;"), "{release}");
}

#[tokio::test]
async fn commands_answer_as_recorded() {
    let (_cluster, mut client) = client().await;
    let features = "batch-any;batch-index;blob-bits;cdt-index;cdt-list;cdt-map;cluster-stable;float;geo;sindex-exists;\
        peers;pipelining;pquery;pscans;query-show;relaxed-sc;replicas;replicas-all;replicas-master;replicas-max;\
        truncate-namespace;udf";
    let cases: &[(&str, &str)] = &[
        ("edition", "Aerospike Community Edition"),
        ("version", "Aerospike Community Edition build 8.1.1.2"),
        ("features", features),
        ("namespaces", "test;bar"),
        ("cluster-name", "local"),
        ("partitions", "4096"),
        ("racks:", "ERROR:25:enterprise only"),
        ("racks:namespace=test", "ERROR:25:enterprise only"),
        ("service-tls-std", "ERROR:25:enterprise only"),
        ("health-stats", ""),
        ("udf-list", ""),
        ("services", ""),
        ("sindex-list:", ""),
        ("sindex-list:ns=zz", "ERROR:20:namespace not found on node;ERROR:20:namespace not found on node"),
        ("sindex-exists:ns=test;indexname=nope", "false"),
        ("sindex-exists:indexname=nope", "ERROR:20:missing 'namespace'"),
        ("sindex-exists:ns=test;indexname=", "ERROR:4:missing 'indexname' valuefalse"),
        ("query-show", ""),
        ("query-show:trid=7", "ERROR:2:job not found"),
        ("query-show:id=seven", "ERROR:4:bad id"),
        ("query-abort-all", "number-of-queries-killed:0"),
        ("sindex-exists:namespace=zz;indexname=nope", "ERROR:20:namespace not found on node"),
        ("sindex-stat:namespace=zz;indexname=nope", "ERROR:20:namespace not found on node"),
        ("truncate:", "ERROR:20:missing 'namespace'"),
        ("truncate:namespace=;set=s", "ERROR:20:missing 'namespace' value"),
        ("truncate:namespace=nonesuch", "ERROR:4:missing 'set'"),
        ("truncate:namespace=test;set=s;lut=abc", "ERROR:4:would truncate to 0"),
        ("truncate:namespace=test;set=s;lut=-5", "ERROR:4:would truncate in the future"),
        ("udf-put:filename=a.lua;content=;content-len=0;udf-type=LUA;", "error=invalid_base64_content"),
        ("truncate:namespace=nonesuch;set=s", "ok"),
        ("truncate:namespace=test;set=s;lut=1", "ERROR:4:would truncate to 0"),
        ("truncate:namespace=test;set=s;lut=99999999999999999999999", "ERROR:4:would truncate in the future"),
        ("truncate-namespace:namespace=test;lut=9999999999999999999", "ERROR:4:would truncate in the future"),
        ("truncate-undo:namespace=test;set=s", "ok"),
        ("namespace/zz", "type=unknown"),
        ("sets/zz", "ns_type=unknown"),
        ("sets/test/nope", ""),
        ("latencies:hist=nope", "ERROR:4:bad hist name"),
        ("latencies:hist={test}-read", "{test}-read:"),
        ("cluster-stable:size=2", "ERROR:7:cluster not specified size"),
        ("peers-clear-alt", "1,3000,[]"),
        ("peers-clear-std", "1,3000,[]"),
    ];
    for (command, value) in cases {
        assert_eq!(client.info_value(command).await, *value, "{command}");
    }
    let unnamed = "batch-index:;{test}-read:;{test}-write:";
    assert!(client.info_value("latencies:").await.starts_with(unnamed));
}

#[tokio::test]
async fn one_node_holds_everything() {
    let (cluster, mut client) = client().await;
    let services = parse_services(&client.info_value("service-clear-std").await).unwrap();
    assert_eq!(services[0].to_string(), cluster.hosts()[0].to_string());
    assert!(parse_peers(&client.info_value("peers-clear-std").await).unwrap().peers.is_empty());
    let maps = parse_replicas(&client.info_value("replicas").await).unwrap();
    assert_eq!(maps.iter().map(|map| map.namespace.as_str()).collect::<Vec<_>>(), ["test", "bar"]);
    for map in maps {
        assert_eq!((map.regime, map.replicas.len()), (0, 1));
        assert!(PartitionId::all().all(|id| map.replicas[0].contains(id)));
    }
}

#[tokio::test]
async fn partition_maps_come_in_all_their_forms() {
    let cluster = cluster(3).await;
    let mut client = Client::connect(cluster.hosts()[0]).await;
    let whole = client.info_value("replicas").await;
    assert!(whole.starts_with("test:0,2,") && whole.contains(";bar:0,2,") && !whole.ends_with(';'));
    let maps = parse_replicas(&whole).unwrap();
    let (masters, replicas) = (maps[0].replicas[0].to_base64(), maps[0].replicas[1].to_base64());
    assert_eq!(masters.len(), 684);
    assert!(client.info_value("replicas:max=1").await.starts_with(&format!("test:0,1,{masters};bar:")));
    let all = client.info_value("replicas-all").await;
    assert_eq!(all, format!("test:2,{masters},{replicas};bar:2,{masters},{replicas}"));
    assert_eq!(client.info_value("replicas-master").await, format!("test:{masters};bar:{masters}"));
    let lines = client.info_value("partition-info").await;
    assert_eq!(lines.split(';').count(), 1 + 2 * 4096);
    assert!(lines.starts_with("namespace:partition:state:n_replicas:replica:"));
}

#[tokio::test]
async fn the_default_port_is_left_out_of_peers_lists() {
    let options = ClusterOptions { nodes: 2, port: Some(3000), ..ClusterOptions::default() };
    let Ok(cluster) = Cluster::start(options).await else { return }; // somebody else has the port
    let mut client = Client::connect(cluster.hosts()[1]).await;
    assert_eq!(client.info_value("peers-clear-std").await, "1,3000,[[A1,,[127.0.0.1]]]");
}

#[tokio::test]
async fn a_client_names_itself_once() {
    let (_cluster, mut client) = client().await;
    let refused = [
        ("user-agent-set:", "ERROR:4:missing 'value'"),
        ("user-agent-set:value=***", "ERROR:4:'value' invalid base64"),
        (&format!("user-agent-set:value={}", "QUFB".repeat(22)), "ERROR:4:'value' value too long"),
    ];
    for (command, error) in refused {
        assert_eq!(client.info_value(command).await, error, "{command}");
    }
    assert_eq!(client.info_value("user-agent-set:value=MSxjLTcuNS4wLG15YXBw").await, "ok");
    assert_eq!(client.info_value("user-agent-set:value=MSxjLTcuNS4wLG15YXBw").await, "ERROR:4:already set");
    assert_eq!(client.info_value("user-agents").await, "user-agent=MSxjLTcuNS4wLG15YXBw:count=1;");
}

#[tokio::test]
async fn what_is_stored_is_counted() {
    let cluster = cluster(2).await;
    let mut client = Client::connect(cluster.hosts()[0]).await;
    for n in 0..10 {
        client.put("demo", &n.to_string(), n).await;
    }
    let sets = client.info_value("sets").await;
    assert!(sets.starts_with("ns=test:set=demo:objects=10:tombstones=0:data_used_bytes="), "{sets}");
    assert!(client.info_value("sets/test/demo").await.starts_with("objects=10:"));
    let mut masters = 0;
    for host in cluster.hosts() {
        let mut client = Client::connect(host).await;
        let namespace = client.info_value("namespace/test").await;
        assert!(namespace.starts_with("ns_cluster_size=2;effective_replication_factor=2;objects=10;"), "{namespace}");
        let count = namespace.split(';').find_map(|pair| pair.strip_prefix("master_objects=")).unwrap();
        masters += count.parse::<u32>().unwrap();
    }
    assert_eq!(masters, 10);
    assert!(client.info_value("statistics").await.contains("cluster_size=2;"));
}

#[tokio::test]
async fn a_truncation_removes_what_was_written_before_it() {
    let cluster = cluster(3).await;
    let mut client = Client::connect(cluster.hosts()[0]).await;
    for n in 0..20 {
        client.put("old", &n.to_string(), n).await;
        client.put("other", &n.to_string(), n).await;
    }
    let ten_seconds_ago =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() - 10_000_000_000;
    assert_eq!(client.info_value(&format!("truncate:namespace=test;set=old;lut={ten_seconds_ago}")).await, "ok");
    assert_eq!(client.get("old", "1").await.result, ResultCode::OK);
    assert_eq!(client.info_value("truncate:namespace=test;set=old").await, "ok");
    for n in 0..20 {
        assert_eq!(client.get("old", &n.to_string()).await.result, ResultCode::NOT_FOUND);
        assert_eq!(client.get("other", &n.to_string()).await.result, ResultCode::OK);
    }
    client.put("old", "1", 2).await;
    assert_eq!(client.get("old", "1").await.generation, 1);
    assert_eq!(client.info_value("truncate-namespace:namespace=test").await, "ok");
    assert_eq!(client.get("other", "1").await.result, ResultCode::NOT_FOUND);
}

#[tokio::test]
async fn refusals_are_those_of_a_real_server() {
    let (_cluster, mut client) = client().await;
    for line in include_str!("refusals.tsv").lines().skip(1) {
        let (command, answer) = line.split_once('\t').unwrap();
        assert_eq!(client.info_value(command).await, answer, "{command}");
    }
}
