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
        ("sets/test/", ""),
        ("sets:/", "ns_type=unknown"),
        ("sindex//", "ns_type=unknown"),
        ("sindex/nope/i", "ns_type=unknown"),
        ("sindex/test/", "ERROR:201:no index"),
        ("replicas:max=+1", "ERROR:4:bad max"),
        ("cluster-stable:size=+1", "ERROR:4:bad size"),
        ("cluster-stable:ignore-migrations=falsely", "ERROR:4:'ignore-migrations' value too long"),
        ("log-set:id=+0;misc=info", "ERROR:4:bad id"),
        ("log-set:id=0;misc=", "ERROR:4:bad level"),
        ("query-show:id=+1", "ERROR:2:job not found"),
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

/// What a real server 8.1.2 answered, one command after another.
#[tokio::test]
async fn parameters_are_checked_as_by_a_real_server() {
    let (_cluster, mut client) = client().await;
    let cases: &[(&str, &str)] = &[
        ("sindex-create:", "ERROR:4:missing 'indexname'"),
        ("sindex-create:namespace=nope", "ERROR:4:missing 'indexname'"),
        ("sindex-create:namespace=", "ERROR:4:missing 'indexname'"),
        ("sindex-create:ns=nope;indexname=i1", "ERROR:4:both 'indexdata' and 'type' are missing"),
        ("sindex-list:namespace=nope", "ERROR:20:namespace not found on node;ERROR:20:namespace not found on node"),
        ("sindex-list:namespace=", "ERROR:20:missing 'namespace' value;ERROR:20:missing 'namespace' value"),
        ("sindex-stat:", "ERROR:4:missing 'indexname'ERROR:20:missing 'namespace'"),
        ("sindex-stat:namespace=test", "ERROR:4:missing 'indexname'ERROR:201:no index"),
        ("sindex-stat:namespace=nope;indexname=i1", "ERROR:20:namespace not found on node"),
        ("sindex-stat:namespace=test;indexname=", "ERROR:4:missing 'indexname' valueERROR:201:no index"),
        ("sindex-stat:namespace=test;indexname=nope", "ERROR:201:no index"),
        ("sindex-stat:ns=test;indexname=i1", "ERROR:201:no index"),
        ("sindex-stat/test/i1", "ERROR:4:missing 'indexname'ERROR:20:missing 'namespace'"),
        ("sindex/nope", "ns_type=unknown"),
        ("sindex-exists:namespace=test", "ERROR:4:missing 'indexname'false"),
        ("sindex-exists:namespace=nope;indexname=x", "ERROR:20:namespace not found on node"),
        ("sindex-exists:namespace=test;indexname=", "ERROR:4:missing 'indexname' valuefalse"),
        ("sindex-exists:namespace=test;indexname=nope", "false"),
        ("sindex-exists:namespace=test;indexname=i1", "false"),
        ("sindex-delete:namespace=test", "ERROR:4:missing 'indexname'ok"),
        ("sindex-delete:namespace=nope;indexname=x", "ok"),
        ("sindex-delete:namespace=test;indexname=", "ERROR:4:missing 'indexname' valueok"),
        ("sindex-delete:namespace=test;indexname=nope", "ok"),
        ("sindex-delete:namespace=test;set=s;indexname=i1", "ok"),
        ("sindex-delete:namespace=test;indexname=i1", "ok"),
        ("sindex-delete:namespace=test;indexname=i2", "ok"),
        ("sindex-delete:namespace=test;indexname=i10", "ok"),
        ("sindex-delete:namespace=test;indexname=i11", "ok"),
        ("sindex-delete:namespace=test;indexname=i9", "ok"),
        ("truncate:", "ERROR:20:missing 'namespace'"),
        ("truncate:namespace=test", "ERROR:4:missing 'set'"),
        ("truncate:namespace=nope", "ERROR:4:missing 'set'"),
        ("truncate:namespace=nope;set=s", "ok"),
        ("truncate:namespace=;set=s", "ERROR:20:missing 'namespace' value"),
        ("truncate:namespace=test;set=", "ERROR:4:missing 'set' value"),
        ("truncate:namespace=test;set=nosuch", "ok"),
        ("truncate:namespace=test;set=differ", "ok"),
        ("truncate:namespace=test;set=differ;lut=", "ERROR:4:missing 'lut' value"),
        ("truncate:namespace=test;set=differ;lut=abc", "ERROR:4:would truncate to 0"),
        ("truncate:namespace=test;set=differ;lut=1", "ERROR:4:would truncate to 0"),
        ("truncate:namespace=test;set=differ;lut=0", "ERROR:4:would truncate to 0"),
        ("truncate:namespace=test;set=differ;lut=99999999999999999999999", "ERROR:4:would truncate in the future"),
        ("truncate:namespace=test;set=differ;lut=9999999999999999999", "ERROR:4:would truncate in the future"),
        ("truncate-namespace:namespace=nope", "ok"),
        ("truncate-namespace:namespace=bar", "ok"),
        ("truncate-namespace:namespace=bar;lut=abc", "ERROR:4:would truncate to 0"),
        ("truncate-undo:namespace=test", "ERROR:4:missing 'set'"),
        ("truncate-undo:namespace=test;set=", "ERROR:4:missing 'set' value"),
        ("truncate-undo:namespace=test;set=differ", "ok"),
        ("truncate-undo:namespace=test;set=nosuch", "ok"),
        ("truncate-undo:namespace=nope;set=nosuch", "ok"),
        ("truncate-namespace-undo:namespace=bar", "ok"),
        ("truncate-namespace-undo:namespace=nope", "ok"),
        ("get-config:context=namespace", "ERROR:20:missing 'namespace'"),
        ("get-config:context=namespace;namespace=nope", "ERROR:20:namespace not found on node"),
        ("get-config:context=security", ""),
        ("get-config:context=xdr", ""),
        ("get-config:context=logging", "ERROR:4:invalid context"),
        ("get-config:context=foo", "ERROR:4:invalid context"),
        ("get-config:context=", "ERROR:4:missing 'context' value"),
        ("get-config:foo", "ERROR:4:missing 'context'"),
        ("get-config:context=mod-lua", "ERROR:4:invalid context"),
        ("get-stats:context=foo", "ERROR:4:unknown context"),
        ("get-stats:context=xdr", ""),
        ("get-stats:context=", "ERROR:4:missing 'context' value"),
        ("set-config:context=service", "ERROR:4:invalid set-config parameter"),
        ("set-config:context=foo;a=b", "ERROR:4:invalid context"),
        ("set-config:context=service;foo=1", "ERROR:4:invalid set-config parameter"),
        ("set-config:context=service;proto-fd-max=", "ERROR:4:invalid set-config parameter"),
        ("set-config:context=service;proto-fd-max=abc", "ERROR:4:invalid set-config parameter"),
        ("set-config:context=service;transaction-max-ms=1000", "ok"),
        ("set-config:context=namespace", "ERROR:20:missing 'namespace'"),
        ("set-config:context=namespace;namespace=nope;default-ttl=1", "ERROR:20:namespace not found on node"),
        ("set-config:context=namespace;namespace=test;foo=1", "ERROR:4:invalid set-config parameter"),
        ("set-config:context=namespace;namespace=test;default-ttl=abc", "ERROR:4:invalid set-config parameter"),
        ("set-config:context=namespace;namespace=test;default-ttl=0", "ok"),
        ("set-config:context=namespace;id=test;default-ttl=0", "ok"),
        ("set-config:context=namespace;namespace=test;nsup-period=10", "ok"),
        ("set-config:context=security;foo=1", "ERROR:25:enterprise only"),
        ("set-config:context=logging", "ERROR:4:invalid context"),
        ("namespace/nope", "type=unknown"),
        ("namespace/", "type=unknown"),
        ("namespace/test/x", "type=unknown"),
        ("namespace:", "type=unknown"),
        ("bins/test", "ERROR:4:unrecognized command"),
        ("latency:", "ERROR:4:unrecognized command"),
        ("latencies:hist=read", "ERROR:4:bad hist name"),
        ("latencies:hist=foo", "ERROR:4:bad hist name"),
        ("latencies:hist=", "ERROR:4:missing 'hist' value"),
        ("latencies:hist={nope}-read", "ERROR:4:bad hist name"),
        ("histogram:", "ERROR:20:missing 'namespace'"),
        ("histogram:namespace=test", "ERROR:4:missing 'type'"),
        ("histogram:namespace=test;type=ttl", ""),
        ("histogram:namespace=test;type=object-size", ""),
        ("histogram:namespace=test;type=object-size-linear", ""),
        ("histogram:namespace=test;type=foo", "ERROR:4:unknown hist name"),
        ("histogram:namespace=nope;type=ttl", "ERROR:20:namespace not found on node"),
        ("histogram:namespace=test;set=nosuch;type=ttl", "ERROR:4:unknown set name"),
        ("dump-cluster:verbose=true", "ok"),
        ("dump-cluster:verbose=foo", "ERROR:4:'verbose' may be either 'true' or 'false'"),
        ("dump-cluster:verbose=", "ERROR:4:missing 'verbose' value"),
        ("dump-fabric:verbose=foo", "ERROR:4:'verbose' may be either 'true' or 'false'"),
        ("dump-hb:verbose=foo", "ERROR:4:'verbose' may be either 'true' or 'false'"),
        ("dump-hlc:verbose=foo", "ERROR:4:'verbose' may be either 'true' or 'false'"),
        ("dump-migrates:verbose=foo", "ERROR:4:'verbose' may be either 'true' or 'false'"),
        ("dump-wb-summary:namespace=test", "ERROR:4:'verbose' may be either 'true' or 'false'"),
        ("dump-wb-summary:namespace=nope", "ERROR:20:namespace not found on node"),
        ("dump-wb-summary:ns=test", "ERROR:4:'verbose' may be either 'true' or 'false'"),
        ("debug-record:namespace=test", "ERROR:4:missing 'keyd'"),
        ("debug-record:namespace=nope;keyd=00", "ERROR:20:namespace not found on node"),
        ("debug-record-meta:namespace=test", "ERROR:4:missing 'keyd'"),
        ("eviction-reset:namespace=test", "ok"),
        ("eviction-reset:namespace=nope", "ok"),
        ("eviction-reset:namespace=test;ttl=abc", "ok"),
        ("eviction-reset:namespace=test;ttl=", "ERROR:4:missing 'ttl' value"),
        ("physical-devices:path=", "ERROR:4:missing 'path' value"),
        ("query-show:", ""),
        ("query-show:id=5", "ERROR:2:job not found"),
        ("query-show:id=abc", "ERROR:4:bad id"),
        ("query-show:id=", "ERROR:4:missing 'id' value"),
        ("query-show:trid=5", "ERROR:2:job not found"),
        ("query-abort:id=", "ERROR:4:missing 'id' value"),
        ("query-abort:id=abc", "ERROR:4:bad id"),
        ("query-abort:id=5", "ERROR:2:id not active"),
        ("query-abort:trid=5", "ERROR:2:id not active"),
        ("query-abort-all:", "number-of-queries-killed:0"),
        ("scan-abort:id=5", "ERROR:4:unrecognized command"),
        ("cluster-stable:size=2", "ERROR:7:cluster not specified size"),
        ("cluster-stable:size=abc", "ERROR:4:bad size"),
        ("cluster-stable:size=", "ERROR:4:missing 'size' value"),
        ("cluster-stable:size=10000", "ERROR:4:'size' value too long"),
        ("cluster-stable:ignore-migrations=foo", "ERROR:4:bad ignore migrations"),
        ("cluster-stable:ignore-migrations=", "ERROR:4:missing 'ignore-migrations' value"),
        ("cluster-stable:ignore-migrations=yes", "ERROR:4:bad ignore migrations"),
        ("cluster-stable:namespace=nope", "ERROR:20:namespace not found on node"),
        ("cluster-stable:namespace=", "ERROR:20:missing 'namespace' value"),
        ("cluster-stable:size=2;namespace=nope", "ERROR:7:cluster not specified size"),
        ("tip:", "ERROR:4:missing 'host'"),
        ("tip:host=1.2.3.4", "ERROR:4:missing 'port'"),
        ("tip:host=;port=3002", "ERROR:4:missing 'host' value"),
        ("tip:host=1.2.3.4;port=abc", "ERROR:4:'port' must be an integer"),
        ("tip:host=1.2.3.4;port=3002;tls=foo", "ERROR:4:'tls' must be either 'true' or 'false'"),
        ("tip-clear:host-port-list=", "ERROR:4:missing 'host-port-list' value"),
        ("tip-clear:host-port-list=foo", "ERROR::0 cleared, 0 not found"),
        ("tip-clear:host-port-list=a:", "ERROR::0 cleared, 0 not found"),
        ("udf-list:", ""),
        ("udf-get:filename=nope.lua", "error=not_found"),
        ("udf-put:filename=a.lua", "error=invalid_content_len"),
        ("udf-put:filename=a;content=;content-len=0", "error=invalid_filename"),
        ("udf-put:filename=a.lua;content=;content-len=0", "error=invalid_base64_content"),
        (
            "udf-put:filename=a.lua;content=YQ==;content-len=4",
            "error=compile_error;file=a.lua;line=1;message=c3ludGF4IGVycm9yIG5lYXIgPGVvZj4=",
        ),
        ("udf-put:filename=a.lua;content=YQ==;content-len=5", "error=invalid_content_len"),
        ("udf-put:filename=a.lua;content=YQ==;content-len=abc", "error=invalid_content_len"),
        ("udf-put:filename=a.lua;content=YQ==;content-len=4;udf-type=PYTHON", "error=invalid_udf_type"),
        ("udf-remove:filename=", "ok"),
        ("udf-remove:filename=nope.lua", "ok"),
        ("udf-remove:filename=a.txt", "ok"),
        ("udf-clear-cache:", "ok"),
        ("racks:", "ERROR:25:enterprise only"),
        ("racks:namespace=nope", "ERROR:25:enterprise only"),
        ("roster:", "ERROR:25:enterprise only"),
        ("roster:namespace=test", "ERROR:25:enterprise only"),
        ("roster-set:namespace=test;nodes=A", "ERROR:25:enterprise only"),
        ("revive:namespace=test", "ERROR:25:enterprise only"),
        ("quiesce:", "ERROR:25:enterprise only"),
        ("quiesce-undo:", "ERROR:25:enterprise only"),
        ("rack-ids:", "ERROR:25:enterprise only"),
        ("masking:", "ERROR:25:enterprise only"),
        ("masking-show:", "ERROR:25:enterprise only"),
        ("xdr-dc-state:dc=x", "ERROR:25:enterprise only"),
        ("replicas:max=abc", "ERROR:4:bad max"),
        ("replicas:max=", "ERROR:4:missing 'max' value"),
        ("replicas:max=-1", "ERROR:4:bad max"),
        ("foo:bar", "ERROR:4:unrecognized command"),
        ("foo/bar", "ERROR:4:unrecognized command"),
        ("build:", "8.1.1.2"),
        ("build;", "8.1.1.2"),
        ("build/x", "8.1.1.2"),
        ("build:x=y", "8.1.1.2"),
        ("config-set:context=foo;x=y", "ERROR:4:invalid context"),
        ("get-stats:context=xdr;dc=x", ""),
        ("truncate:ns=test;set=s", "ERROR:20:missing 'namespace'"),
        ("query-show:id=0x10", "ERROR:2:job not found"),
        ("query-show:id=0", "ERROR:4:bad id"),
        ("query-show:id=-1", "ERROR:2:job not found"),
        ("sindex-exists:ns=test;indexname=i1", "false"),
        ("latencies:hist={test}-read-touch", "{test}-read-touch:"),
        ("latencies:hist={test}-proxy", "{test}-proxy:"),
        ("latencies:hist={test}-re-repl", "{test}-re-repl:"),
        ("latencies:hist=info", "info:"),
        ("latencies:hist={test}read", "ERROR:4:bad hist name"),
        ("debug-record:namespace=test;keyd=00", "ERROR:4:keyd"),
        ("debug-record:namespace=test;keyd=zz00000000000000000000000000000000000000", "ERROR:4:bad keyd"),
        ("debug-record:namespace=test;keyd=0000000000000000000000000000000000000000;mode=foo", "ERROR:4:unknown mode"),
        ("debug-record-meta:namespace=test;keyd=0000000000000000000000000000000000000000", "ERROR:2:record not found"),
        ("truncate-namespace:namespace=test;set=x", "ERROR:4:unexpected set name"),
        ("truncate-namespace-undo:namespace=test;set=x", "ERROR:4:unexpected set name"),
    ];
    for (command, answer) in cases {
        assert_eq!(client.info_value(command).await, *answer, "{command}");
    }
}

#[tokio::test]
async fn settings_are_told_and_the_time_to_live_can_be_set() {
    let (_cluster, mut client) = client().await;
    let ttl = "set-config:context=namespace;namespace=test;default-ttl=";
    assert!(client.info_value("get-config:context=namespace;namespace=test").await.contains(";default-ttl=0;"));
    for (value, told) in [("90", "90"), ("2m", "120"), ("1D", "86400"), ("", "0")] {
        assert_eq!(client.info_value(&format!("{ttl}{value}")).await, "ok");
        assert!(client.info_value("namespace/test").await.contains(&format!(";default-ttl={told};")), "{value}");
    }
    for wrong in ["-1", "x", "11y", "99999999999"] {
        assert_eq!(
            client.info_value(&format!("{ttl}{wrong}")).await,
            "ERROR:4:invalid set-config parameter",
            "{wrong:?}"
        );
    }
    assert_eq!(client.info_value("set-config:context=service;proto-fd-max=15000").await, "ok");
    assert_eq!(
        client.info_value("set-config:context=service;proto-fd-max=1").await,
        "ERROR:4:invalid set-config parameter"
    );
}

#[tokio::test]
async fn levels_of_the_log_are_kept() {
    let (_cluster, mut client) = client().await;
    assert_eq!(client.info_value("log/0/rw").await, "rw:INFO");
    assert_eq!(client.info_value("log-set:id=0;rw=detail").await, "ok");
    assert_eq!(client.info_value("log/0/rw").await, "rw:DETAIL");
    assert_eq!(client.info_value("log-set:id=0;any=warning").await, "ok");
    assert!(client.info_value("log/0").await.split(';').all(|line| line.ends_with(":WARNING")));
}

#[tokio::test]
async fn the_name_of_an_index_is_taken_in_a_namespace_that_is_not_there() {
    let (_cluster, mut client) = client().await;
    let create = |bin: &str| format!("sindex-create:namespace=none;set=s;indexname=i;bin={bin};type=numeric");
    assert_eq!(client.info_value(&create("a")).await, "ok");
    assert_eq!(client.info_value(&create("a")).await, "ok");
    assert!(client.info_value(&create("b")).await.starts_with("ERROR:200:"));
    assert_eq!(client.info_value("sindex-delete:namespace=none;indexname=i").await, "ok");
    assert_eq!(client.info_value(&create("b")).await, "ok");
}
