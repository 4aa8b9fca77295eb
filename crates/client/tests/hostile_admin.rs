//! Answers of the admin protocol that are none: each fails in time, and takes no memory to speak of.

mod support;

use std::time::{Duration, Instant};

use aerospike_core::admin::{AdminCall, AdminReply};
use aerospike_core::wire::admin::{AdminCommand, AdminField, AdminMessage, AdminWriter, LoginReply, UserReply};
use aerospike_core::wire::proto::write_frame;
use aerospike_core::wire::{ProtoHeader, ProtoType, ResultCode};
use aerospike_core::{AuthMode, Client, Code, Config, Credentials};
use bytes::BytesMut;
use support::fake::{Fake, done};

/// What all answers of a case may take: the limit is a second, and the machine may be busy.
const IN_TIME: Duration = Duration::from_secs(10);
const LIMIT: Duration = Duration::from_secs(1);

fn framed(body: &[u8]) -> Vec<u8> {
    let mut out = BytesMut::new();
    write_frame(&mut out, ProtoType::Security, |out| out.extend_from_slice(body));
    out.to_vec()
}

/// A header that says how many fields follow, and bytes that follow.
fn answer(result: u8, fields: u8, bytes: &[u8]) -> Vec<u8> {
    let mut body = vec![0; 16];
    body[1] = result;
    body[3] = fields;
    body.extend_from_slice(bytes);
    framed(&body)
}

fn token(size: usize) -> Vec<u8> {
    let mut out = BytesMut::new();
    write_frame(&mut out, ProtoType::Security, |out| {
        AdminWriter::reply(out, ResultCode::OK).bytes(AdminField::SessionToken, &vec![7; size]);
    });
    out.to_vec()
}

/// What is no answer to anything.
fn nonsense() -> Vec<(&'static str, Vec<u8>)> {
    let announced = |size: usize| ProtoHeader::encode(ProtoType::Security, size).to_vec();
    vec![
        ("nothing in the frame", framed(&[])),
        ("half a header", framed(&[0; 15])),
        ("a field that is not there", answer(0, 1, &[])),
        ("a field without a size", answer(0, 1, &[0, 0])),
        ("a field of size 0", answer(0, 1, &[0, 0, 0, 0])),
        ("a field beyond the end", answer(0, 1, &[0, 0, 1, 0, 5, 1, 2, 3])),
        ("a field of 4 GiB", answer(0, 1, &[0xff, 0xff, 0xff, 0xff, 5])),
        ("255 fields", answer(0, 255, &[0, 0, 0, 1, 5])),
        ("bytes after the message", answer(0, 0, &[1, 2, 3])),
        ("a frame that does not come", announced(1 << 20)),
        ("a frame above the limit", vec![2, 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        ("a version that is none", vec![9, 2, 0, 0, 0, 0, 0, 16]),
        ("a command's answer", done()),
    ]
}

fn resident() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    text.split(' ').nth(1)?.parse::<usize>().ok().map(|pages| pages * 4096)
}

fn command(body: &[u8]) -> Option<u8> {
    AdminMessage::decode(&mut &*body).ok().map(|message| message.command)
}

fn logging_in(fake: &Fake) -> Config {
    let credentials = Credentials { mode: AuthMode::Internal, user: "ann".into(), password: "mellon".into() };
    Config { credentials: Some(credentials), login_timeout: LIMIT, connect_timeout: LIMIT * 2, ..fake.config() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_is_answered_with_nonsense_fails_in_time() {
    let tokens = [
        ("a token of 1 MiB", token(1 << 20)),
        ("a token of 64 MiB", token(64 << 20)),
        ("no token", answer(0, 0, &[])),
        ("an empty token", answer(0, 1, &[0, 0, 0, 1, 5])),
        ("a time to live of 3 bytes", answer(0, 2, &[0, 0, 0, 2, 5, 7, 0, 0, 0, 4, 6, 1, 2, 3])),
    ];
    let before = resident();
    for (what, bytes) in nonsense().into_iter().chain(tokens) {
        let fake = Fake::start(move |_, _| Some(bytes.clone())).await;
        let start = Instant::now();
        let error = Client::connect(logging_in(&fake)).await.expect_err(what);
        assert!(start.elapsed() < IN_TIME, "{what} took {:?}", start.elapsed());
        assert!(!error.code().is_server() || error.code() == Code::TIMEOUT, "{what}: {error}");
    }
    if let (Some(before), Some(after)) = (before, resident()) {
        // the fakes hold what they send
        assert!(after.saturating_sub(before) < (400 << 20), "{} MiB", after.saturating_sub(before) >> 20);
    }
}

/// A node that lets everybody in and answers all other requests of the admin protocol with `bytes`.
async fn answering(bytes: Vec<u8>) -> Fake {
    Fake::start(move |_, body| {
        let is_login = matches!(command(body), Some(code) if code == AdminCommand::Login as u8);
        let joins = matches!(command(body), Some(code) if code == AdminCommand::Authenticate as u8);
        Some(match () {
            () if is_login => {
                let mut out = BytesMut::new();
                LoginReply { token: b"token", ttl: Some(86_400) }.encode(&mut out);
                out.to_vec()
            }
            () if joins => answer(0, 0, &[]),
            () => bytes.clone(),
        })
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_answered_with_nonsense_fails_in_time() {
    for (what, bytes) in nonsense() {
        let fake = answering(bytes).await;
        let client = Client::connect(logging_in(&fake)).await.unwrap();
        for call in [AdminCall::DropUser { user: "bob".into() }, AdminCall::QueryUsers { user: None }] {
            let start = Instant::now();
            let outcome = client.admin(call.clone(), LIMIT).await;
            assert!(start.elapsed() < IN_TIME, "{what} took {:?}", start.elapsed());
            let error = outcome.expect_err(what);
            assert!(!error.code().is_server() || error.code() == Code::TIMEOUT, "{what}, {call:?}: {error}");
        }
        // the client itself is none the worse
        assert_eq!(client.nodes().len(), 1, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_does_not_end_is_given_up() {
    // the smallest users there are, which take most memory for their bytes
    let mut users = BytesMut::new();
    let small =
        UserReply { user: "u".into(), roles: Vec::new(), reads: None, writes: None, connections: 0, auth_mode: None };
    while users.len() < 4 << 20 {
        small.encode(&mut users);
    }
    let frame = framed(&users);
    let endless = frame.repeat(8);
    let fake = answering(endless).await;
    let client = Client::connect(logging_in(&fake)).await.unwrap();
    let (before, start) = (resident(), Instant::now());
    let error = client.admin(AdminCall::QueryUsers { user: None }, IN_TIME).await.unwrap_err();
    assert!(error.to_string().contains("does not end"), "{error}");
    assert!(start.elapsed() < IN_TIME);
    if let (Some(before), Some(after)) = (before, resident()) {
        assert!(after.saturating_sub(before) < (250 << 20), "{} MiB", after.saturating_sub(before) >> 20);
    }
    // a list that is silent in the middle ends with the time of the call
    let fake = answering(framed(&users[..users.len().min(64)])).await;
    let client = Client::connect(logging_in(&fake)).await.unwrap();
    let error = client.admin(AdminCall::QueryUsers { user: None }, LIMIT).await.unwrap_err();
    assert!(!matches!(error.code(), Code(0)), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_ends_is_taken_whole() {
    let mut users = BytesMut::new();
    let user =
        UserReply { user: "u".into(), roles: Vec::new(), reads: None, writes: None, connections: 0, auth_mode: None };
    for _ in 0..1000 {
        user.encode(&mut users);
    }
    let list = [framed(&users), answer(50, 0, &[])].concat();
    let fake = answering(list).await;
    let client = Client::connect(logging_in(&fake)).await.unwrap();
    let reply = client.admin(AdminCall::QueryUsers { user: None }, LIMIT).await.unwrap();
    assert!(matches!(reply, AdminReply::Users(users) if users.len() == 1000));
}
