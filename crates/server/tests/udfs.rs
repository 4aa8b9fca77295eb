//! Modules of functions: registered, called on records, in batches, over streams and in the background.

mod support;

use std::time::Duration;

use aerospike_lua::DIRECTORY;
use aerospike_server::Cluster;
use aerospike_wire::field::write_field;
use aerospike_wire::message::Messages;
use aerospike_wire::proto::write_frame;
use aerospike_wire::{FieldType, Info1, Info2, MessageHeader, ParticleType, ProtoType, ResultCode, Value};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::BytesMut;
use support::query::{Query, fill, index, values};
use support::{Answer, Client, TIME_LIMIT, cluster, digest};

const SOURCE: &str = r#"
function get(r, bin) return r[bin] end
function add(r, bin, n)
  r[bin] = (r[bin] or 0) + n
  if aerospike:exists(r) then aerospike:update(r) else aerospike:create(r) end
  return r[bin]
end
function forget(r) r.x = 1 return 1 end
function fail(r) r.n = -1 aerospike:update(r) error('no') end
function remove(r) return aerospike:remove(r) end
function for_a_minute(r) record.set_ttl(r, 60) return aerospike:update(r) end
function spin(r) while true do end end
function many(r) for i = 1, 600 do r['b' .. i] = i end return aerospike:create(r) end
function itself(r) r.me = r return aerospike:create(r) end
local function n(r) return r.n end
local function sum(a, b) return a + b end
function total(s) return s : map(n) : reduce(sum) end
function broken(s) return s : map(function(r) return r.n + nil end) end
"#;

async fn register(client: &mut Client, file: &str, source: &str) -> String {
    let content = STANDARD.encode(source);
    let size = content.len();
    client.info_value(&format!("udf-put:filename={file};content={content};content-len={size};udf-type=LUA;")).await
}

fn packed(arguments: &[Value]) -> Vec<u8> {
    let mut out = BytesMut::new();
    Value::List(arguments.to_vec()).pack(&mut out);
    out.to_vec()
}

fn call_fields(set: &str, key: &str, function: &str, arguments: &[Value]) -> Vec<(FieldType, Vec<u8>)> {
    vec![
        (FieldType::NAMESPACE, b"test".to_vec()),
        (FieldType::SET, set.into()),
        (FieldType::DIGEST, digest(set, key).0.to_vec()),
        (FieldType::UDF_MODULE, b"funcs".to_vec()),
        (FieldType::UDF_FUNCTION, function.into()),
        (FieldType::UDF_ARGUMENTS, packed(arguments)),
    ]
}

fn call_frame(fields: &[(FieldType, Vec<u8>)], header: MessageHeader) -> BytesMut {
    let mut out = BytesMut::new();
    write_frame(&mut out, ProtoType::Message, |out| {
        MessageHeader { info2: header.info2 | Info2::WRITE, field_count: fields.len() as u16, ..header }.encode(out);
        fields.iter().for_each(|(kind, data)| write_field(out, *kind, data));
    });
    out
}

async fn answer(client: &mut Client) -> Answer {
    let body = client.frame().await.1;
    Messages::new(&body).next().unwrap().unwrap().1.into()
}

async fn call(client: &mut Client, set: &str, key: &str, function: &str, arguments: &[Value]) -> Answer {
    let header = MessageHeader { timeout: 5000, ..MessageHeader::default() };
    client.send(&call_frame(&call_fields(set, key, function, arguments), header)).await;
    answer(client).await
}

fn result_of(answer: &Answer) -> (&[u8], Value) {
    let [(1, kind, name, value)] = answer.ops.as_slice() else { panic!("one operation: {answer:?}") };
    (name, Value::from_particle(ParticleType(*kind), value).unwrap())
}

async fn started(nodes: usize) -> (Cluster, Client) {
    let cluster = cluster(nodes).await;
    let mut client = Client::connect(cluster.hosts()[0]).await;
    assert_eq!(register(&mut client, "funcs.lua", SOURCE).await, "ok");
    (cluster, client)
}

#[tokio::test]
async fn a_module_is_known_to_all_nodes_until_it_is_removed() {
    let cluster = cluster(2).await;
    let mut clients = [Client::connect(cluster.hosts()[0]).await, Client::connect(cluster.hosts()[1]).await];
    assert_eq!(register(&mut clients[0], "a.lua", "x = 1").await, "ok");
    for client in &mut clients {
        let list = client.info_value("udf-list").await;
        assert!(list.starts_with("filename=a.lua,hash=") && list.ends_with(",type=LUA;"), "{list}");
        assert_eq!(client.info_value("udf-get:filename=a.lua").await, "type=LUA;content=eCA9IDE=;");
    }
    assert_eq!(clients[1].info_value("udf-remove:filename=a.lua").await, "ok");
    assert_eq!(clients[0].info_value("udf-list").await, "");
    assert_eq!(clients[0].info_value("udf-remove:filename=a.lua").await, "ok");
    assert_eq!(clients[0].info_value("udf-get:filename=a.lua").await, "error=not_found");
}

#[tokio::test]
async fn what_is_wrong_with_a_registration_is_told() {
    let cluster = cluster(1).await;
    let mut client = Client::connect(cluster.hosts()[0]).await;
    let cases = [
        ("udf-put:content=eA==;content-len=4", "error=invalid_filename"),
        ("udf-put:filename=a;content=eA==;content-len=4", "error=invalid_filename"),
        ("udf-put:filename=.lua;content=eA==;content-len=4", "error=invalid_filename"),
        ("udf-put:filename=a.;content=eA==;content-len=4", "error=invalid_filename"),
        ("udf-put:filename=a.lua;content=eA==", "error=invalid_content_len"),
        ("udf-put:filename=a.lua;content=eA==;content-len=x", "error=invalid_content_len"),
        ("udf-put:filename=a.lua;content=eA==;content-len=4;udf-type=PY", "error=invalid_udf_type"),
        ("udf-put:filename=a.lua;content-len=4", "error=invalid_content"),
        ("udf-put:filename=a.lua;content=eA==;content-len=8", "error=invalid_content"),
        ("udf-put:filename=a.lua;content=e*==;content-len=4", "error=invalid_base64_content"),
        ("udf-get:", "error=invalid_filename"),
        ("udf-remove:", "error=invalid_filename"),
    ];
    for (command, answer) in cases {
        assert_eq!(client.info_value(command).await, answer, "{command}");
    }
    let broken = register(&mut client, "b.lua", "x = 1\nerror('at load')").await;
    assert_eq!(broken, format!("error=compile_error;file=b.lua;line=2;message={}", STANDARD.encode("at load")));
    assert_eq!(client.info_value("udf-list").await, "");
}

#[tokio::test]
async fn a_function_reads_writes_and_removes_its_record() {
    let (_cluster, mut client) = started(1).await;
    let made = call(&mut client, "udf", "k", "add", &["n".into(), 5.into()]).await;
    assert_eq!((made.result, made.generation, result_of(&made)), (ResultCode::OK, 1, (&b"SUCCESS"[..], 5.into())));
    let added = call(&mut client, "udf", "k", "add", &["n".into(), 2.into()]).await;
    assert_eq!((added.generation, result_of(&added).1), (2, 7.into()));
    assert_eq!(client.get("udf", "k").await.integer("n"), Some(7));
    let read = call(&mut client, "udf", "k", "get", &["n".into()]).await;
    assert_eq!((read.generation, result_of(&read).1), (2, 7.into()));
    let kept = call(&mut client, "udf", "k", "for_a_minute", &[]).await;
    assert!(kept.ttl > 0 && result_of(&kept).1 == 0.into(), "{kept:?}");
    let removed = call(&mut client, "udf", "k", "remove", &[]).await;
    assert_eq!((removed.result, removed.generation, result_of(&removed).1), (ResultCode::OK, 4, 0.into()));
    assert_eq!(client.get("udf", "k").await.result, ResultCode::NOT_FOUND);
    assert_eq!(result_of(&call(&mut client, "udf", "k", "remove", &[]).await).1, 1.into());
}

#[tokio::test]
async fn what_a_function_does_not_write_or_fails_to_is_lost() {
    let (_cluster, mut client) = started(1).await;
    client.put("lost", "k", 1).await;
    assert_eq!(call(&mut client, "lost", "k", "forget", &[]).await.generation, 1);
    let failed = call(&mut client, "lost", "k", "fail", &[]).await;
    let text = format!("{DIRECTORY}/funcs.lua:9: no");
    assert_eq!((failed.result, failed.generation), (ResultCode::UDF_EXECUTION, 1));
    assert_eq!(result_of(&failed), (&b"FAILURE"[..], text.as_str().into()));
    let record = client.get("lost", "k").await;
    assert_eq!((record.generation, record.integer("n"), record.ops.len()), (1, Some(1), 1));
}

#[tokio::test]
async fn calls_that_cannot_be_made_are_told_apart() {
    let (_cluster, mut client) = started(1).await;
    let text = |answer: &Answer| result_of(answer).1;
    let missing = call(&mut client, "calls", "k", "nothing", &[]).await;
    assert_eq!((missing.result, text(&missing)), (ResultCode::UDF_EXECUTION, "function not found".into()));
    for (function, code) in [("many", ResultCode::BIN_NAME), ("itself", ResultCode::INCOMPATIBLE_TYPE)] {
        let refused = call(&mut client, "calls", "k", function, &[]).await;
        assert_eq!((refused.result, refused.ops.len()), (code, 0));
    }
    let mut fields = call_fields("calls", "k", "get", &[]);
    fields[3].1 = b"funcs.lua".to_vec();
    client.send(&call_frame(&fields, MessageHeader::default())).await;
    let unknown = answer(&mut client).await;
    assert_eq!((unknown.result, text(&unknown)), (ResultCode::UDF_EXECUTION, "UDF: Execution Error 1".into()));
    fields.pop();
    client.send(&call_frame(&fields, MessageHeader::default())).await;
    assert_eq!(answer(&mut client).await.result, ResultCode::PARAMETER);
    let policy = MessageHeader { info2: Info2::CREATE_ONLY, ..MessageHeader::default() };
    client.send(&call_frame(&call_fields("calls", "k", "get", &[]), policy)).await;
    assert_eq!(answer(&mut client).await.result, ResultCode::PARAMETER);
}

#[tokio::test]
async fn nothing_is_called_where_a_record_is_read_or_removed() {
    let (_cluster, mut client) = started(1).await;
    client.put("other", "k", 1).await;
    let fields = call_fields("other", "k", "add", &["n".into(), 5.into()]);
    let as_read = |bits: Info2| {
        let mut out = BytesMut::new();
        write_frame(&mut out, ProtoType::Message, |out| {
            let header = MessageHeader { info1: Info1::READ, info2: bits, ..MessageHeader::default() };
            MessageHeader { field_count: fields.len() as u16, ..header }.encode(out);
            fields.iter().for_each(|(kind, data)| write_field(out, *kind, data));
        });
        out
    };
    client.send(&as_read(Info2::empty())).await;
    let read = answer(&mut client).await;
    assert_eq!((read.result, read.generation, read.ops.len()), (ResultCode::PARAMETER, 1, 0));
    client.send(&as_read(Info2::WRITE | Info2::DELETE)).await;
    assert_eq!(answer(&mut client).await.result, ResultCode::OK);
    assert_eq!(client.get("other", "k").await.result, ResultCode::NOT_FOUND);
}

#[tokio::test]
async fn errors_name_the_lines_of_the_server_s_own_lua() {
    const SOURCE: &str = "function clone(r) return list.clone(5) end function merge(r) return map.merge(map(), 5) end
        function diff(r) return map.diff(map{a = 1}, 5) end function sum(r) return math.sum(1, nil) end";
    let (_cluster, mut client) = started(1).await;
    assert_eq!(register(&mut client, "funcs.lua", SOURCE).await, "ok");
    for (function, text) in [
        ("clone", "6: bad argument #1 to 'iterator' (userdata expected, got number)"),
        ("merge", "26: bad argument #1 to 'pairs' (userdata expected, got number)"),
        ("diff", "34: attempt to index a number value (local 'm2')"),
        ("sum", "53: attempt to perform arithmetic on a nil value (local 'b')"),
    ] {
        let failed = call(&mut client, "lines", "k", function, &[]).await;
        assert_eq!(result_of(&failed).1, format!("[string \"as.lua\"]:{text}").as_str().into());
    }
}

#[tokio::test]
async fn an_ordered_list_is_stored_in_order_and_answered_without_it() {
    let (_cluster, mut client) = started(1).await;
    let source = "function keep(r, l) r.l = l r.m = map{a = l} r.c = list.clone(l) aerospike:create(r) return l end";
    assert_eq!(register(&mut client, "funcs.lua", source).await, "ok");
    let mut fields = call_fields("lists", "k", "keep", &[]);
    fields[5].1 = vec![0x91, 0x93, 0xc7, 0, 1, 2, 1];
    client.send(&call_frame(&fields, MessageHeader { timeout: 5000, ..MessageHeader::default() })).await;
    let made = answer(&mut client).await;
    assert_eq!(made.ops[0].3, [0x92, 2, 1]);
    let record = client.get("lists", "k").await;
    let bin = |name: &[u8]| record.ops.iter().find(|op| op.2 == name).unwrap().3.clone();
    assert_eq!(bin(b"l"), [0x93, 0xc7, 0, 1, 1, 2]);
    assert_eq!(bin(b"m"), [0x81, 0xa2, 3, b'a', 0x93, 0xc7, 0, 1, 1, 2]);
    assert_eq!(bin(b"c"), [0x92, 2, 1]);
}

#[tokio::test]
async fn a_function_without_an_end_keeps_nobody_waiting() {
    let (cluster, mut client) = started(1).await;
    client.put("spin", "k", 1).await;
    let header = MessageHeader { timeout: 3000, ..MessageHeader::default() };
    client.send(&call_frame(&call_fields("spin", "k", "spin", &[]), header)).await;
    // the very record it is called on can be written meanwhile
    let mut other = Client::connect(cluster.hosts()[0]).await;
    assert!(other.put("spin", "k", 2).await.result.is_ok());
    assert_eq!(other.get("spin", "k").await.integer("n"), Some(2));
    let ended = answer(&mut client).await;
    assert!(ended.result == ResultCode::TIMEOUT || ended.result == ResultCode::UDF_EXECUTION, "{ended:?}");
}

#[tokio::test]
async fn calls_on_one_record_from_many_clients_all_count() {
    let (cluster, _) = started(2).await;
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..4 {
        let host = cluster.hosts()[task % 2];
        tasks.spawn(async move {
            let mut client = Client::connect(host).await;
            for _ in 0..25 {
                let added = call(&mut client, "all", "k", "add", &["n".into(), 1.into()]).await;
                assert!(added.result.is_ok(), "{added:?}");
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    for host in cluster.hosts() {
        assert_eq!(Client::connect(host).await.get("all", "k").await.integer("n"), Some(100));
    }
}

#[tokio::test]
async fn indexes_follow_what_functions_write() {
    let (cluster, mut client) = started(2).await;
    index(&mut client, "followed").await;
    fill(&mut client, "followed", 10).await;
    call(&mut client, "followed", "3", "add", &["n".into(), 100.into()]).await;
    assert_eq!(values(&cluster, "followed", 50, 200).await, [103]);
    call(&mut client, "followed", "3", "remove", &[]).await;
    assert!(values(&cluster, "followed", 50, 200).await.is_empty());
}

fn stream(set: &str, kind: u8, function: &str, arguments: &[Value]) -> Query {
    let mut query = Query::scan(set).without(FieldType::PID_ARRAY).with(FieldType::UDF_OP, &[kind]);
    query.header = MessageHeader::default();
    if kind == 1 {
        query.header.info1 = Info1::READ;
    } else {
        query.header.info2 = Info2::WRITE;
    }
    let query = query.with(FieldType::UDF_MODULE, b"funcs").with(FieldType::UDF_FUNCTION, function.as_bytes());
    query.with(FieldType::UDF_ARGUMENTS, &packed(arguments))
}

/// The messages of an answer up to its end.
async fn messages(client: &mut Client, query: &Query) -> Vec<Answer> {
    client.send(&query.frame()).await;
    let mut answers: Vec<Answer> = Vec::new();
    while !answers.last().is_some_and(|answer| answer.last || !answer.result.is_ok()) {
        let body = client.frame().await.1;
        answers.extend(Messages::new(&body).map(|message| Answer::from(message.unwrap().1)));
    }
    answers
}

#[tokio::test]
async fn an_aggregation_answers_for_the_records_of_each_node() {
    let (cluster, mut client) = started(3).await;
    fill(&mut client, "summed", 50).await;
    let mut total = 0;
    for host in cluster.hosts() {
        let answers = messages(&mut Client::connect(host).await, &stream("summed", 1, "total", &[])).await;
        let (last, values) = answers.split_last().unwrap();
        assert!(last.result.is_ok() && last.ops.is_empty());
        total += values.iter().map(|value| value.integer("SUCCESS").unwrap()).sum::<i64>();
    }
    assert_eq!(total, (0..50).sum::<i64>());
}

#[tokio::test]
async fn an_aggregation_that_fails_says_why_and_ends() {
    let (_cluster, mut client) = started(1).await;
    fill(&mut client, "broken", 1).await;
    let answers = messages(&mut client, &stream("broken", 1, "broken", &[])).await;
    let [why, last] = answers.as_slice() else { panic!("{answers:?}") };
    let text =
        format!("UDF: Execution Error 2 : {DIRECTORY}/funcs.lua:18: attempt to perform arithmetic on a nil value");
    assert_eq!((why.result, result_of(why)), (ResultCode::OK, (&b"FAILURE"[..], text.as_str().into())));
    assert_eq!((last.result, last.last), (ResultCode::SERVER_ERROR, true));
    // only records can be sampled
    let sampled = stream("broken", 1, "total", &[]).with(FieldType::SAMPLE_MAX, &[1]);
    assert_eq!(messages(&mut client, &sampled).await.last().unwrap().result, ResultCode::OK);
    let filtered = stream("broken", 1, "total", &[]).with(FieldType::FILTER, &[0xc3]);
    assert_eq!(filtered.fails(&mut client, "a filter").await, ResultCode::UNSUPPORTED_FEATURE);
    let nowhere = stream("nowhere", 1, "total", &[]);
    assert_eq!(nowhere.fails(&mut client, "no set").await, ResultCode::NOT_FOUND);
    let short = stream("broken", 1, "total", &[]).header(|header| header.info1 |= Info1::SHORT_QUERY);
    assert_eq!(short.fails(&mut client, "short").await, ResultCode::PARAMETER);
}

#[tokio::test]
async fn a_function_is_called_on_every_record_in_the_background() {
    let (cluster, mut client) = started(3).await;
    fill(&mut client, "called", 30).await;
    let query = stream("called", 2, "add", &["n".into(), 1000.into()]).with(FieldType::TASK_ID, &91_u64.to_be_bytes());
    for host in cluster.hosts() {
        assert!(query.run(&mut Client::connect(host).await).await.ended);
    }
    let began = tokio::time::Instant::now();
    for host in cluster.hosts() {
        let mut client = Client::connect(host).await;
        let mut line = client.info_value("query-show:id=91").await;
        while !line.contains("status=done") {
            assert!(began.elapsed() < TIME_LIMIT, "{line}");
            tokio::time::sleep(Duration::from_millis(10)).await;
            line = client.info_value("query-show:id=91").await;
        }
        assert!(line.contains(":job-type=background-udf:") && line.contains(":recs-failed=0:"), "{line}");
        assert!(line.ends_with(":udf-filename=funcs:udf-function=add:udf-active=0"), "{line}");
    }
    for n in 0..30 {
        assert_eq!(client.get("called", &n.to_string()).await.integer("n"), Some(n + 1000));
    }
}
