//! Access control: who is let in, who may do what and where, and how much of it.

mod support;

use std::sync::LazyLock;
use std::time::Instant;

use aerospike_server::{Cluster, ClusterOptions, Edition, SecurityOptions, UserOptions};
use aerospike_wire::admin::{
    AdminMessage, AdminRequest, Credential, LoginReply, PASSWORD_COST, PASSWORD_SALT, PRIVILEGES, Privilege,
    PrivilegeCode, RoleReply, UserReply,
};
use aerospike_wire::batch::{BatchFlags, BatchWriter};
use aerospike_wire::command::CommandSpec;
use aerospike_wire::proto::write_frame;
use aerospike_wire::{FieldType, Info1, Info2, MessageHeader, OpCode, ParticleType, ProtoType, ResultCode};
use bytes::BytesMut;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use support::query::Query;
use support::{Client, digest, op, read_all, write};

fn hash(password: &str) -> String {
    let parts = bcrypt::hash_with_salt(password, PASSWORD_COST, PASSWORD_SALT).unwrap();
    parts.format_for_version(bcrypt::Version::TwoA)
}

/// That of the first administrator's password, which many connections need.
fn hash_of_admin() -> &'static str {
    static HASH: LazyLock<String> = LazyLock::new(|| hash("admin"));
    &HASH
}

fn options() -> ClusterOptions {
    let security = Some(SecurityOptions::default());
    ClusterOptions { nodes: 2, edition: Edition::Enterprise, security, ..ClusterOptions::default() }
}

/// A cluster and a connection of its administrator.
async fn secured() -> (Cluster, Client) {
    let cluster = Cluster::start(options()).await.unwrap();
    let mut admin = Client::connect(cluster.hosts()[0]).await;
    assert_eq!(log_in(&mut admin, "admin", &hash("admin")).await, ResultCode::OK);
    (cluster, admin)
}

/// What a request is answered.
async fn ask(client: &mut Client, request: &AdminRequest<'_>) -> ResultCode {
    answer(client, request).await.0
}

/// What a request is answered, and the whole answer.
async fn answer(client: &mut Client, request: &AdminRequest<'_>) -> (ResultCode, Vec<u8>) {
    let mut out = BytesMut::new();
    request.encode(&mut out);
    client.send(&out).await;
    let (kind, body) = client.frame().await;
    assert_eq!(kind, ProtoType::Security);
    let result = AdminMessage::decode(&mut &body[..]).unwrap().result;
    (result, body)
}

async fn log_in(client: &mut Client, user: &str, hash: &str) -> ResultCode {
    ask(client, &AdminRequest::Login(Credential::Internal { user, hash })).await
}

async fn token(client: &mut Client, user: &str, hash: &str) -> Vec<u8> {
    let (result, body) = answer(client, &AdminRequest::Login(Credential::Internal { user, hash })).await;
    assert_eq!(result, ResultCode::OK);
    LoginReply::of(&AdminMessage::decode_exact(&body).unwrap()).unwrap().token.to_vec()
}

/// All entries of a list.
async fn list<T>(client: &mut Client, request: &AdminRequest<'_>, read: impl Fn(&AdminMessage<'_>) -> T) -> Vec<T> {
    let (mut entries, (_, mut body)) = (Vec::new(), answer(client, request).await);
    loop {
        let mut rest = &body[..];
        while !rest.is_empty() {
            let message = AdminMessage::decode(&mut rest).unwrap();
            if message.result == ResultCode::QUERY_END {
                return entries;
            }
            assert_eq!(message.result, ResultCode::OK);
            entries.push(read(&message));
        }
        body = client.frame().await.1;
    }
}

async fn users(client: &mut Client, user: Option<&str>) -> Vec<UserReply> {
    list(client, &AdminRequest::QueryUsers { user }, |message| UserReply::of(message).unwrap()).await
}

async fn roles(client: &mut Client, role: Option<&str>) -> Vec<RoleReply> {
    list(client, &AdminRequest::QueryRoles { role }, |message| RoleReply::of(message).unwrap()).await
}

/// A connection of a new user.
async fn with_roles(cluster: &Cluster, admin: &mut Client, user: &str, roles: &[&str]) -> Client {
    let secret = hash(user);
    let create = AdminRequest::CreateUser { user, password: &secret, roles: roles.to_vec() };
    assert_eq!(ask(admin, &create).await, ResultCode::OK);
    let mut client = Client::connect(cluster.hosts()[1]).await;
    assert_eq!(log_in(&mut client, user, &secret).await, ResultCode::OK);
    client
}

#[tokio::test]
async fn access_control_that_is_off_is_told_from_access_control_that_is_not_there() {
    for (edition, code) in [
        (Edition::Community, ResultCode::SECURITY_NOT_SUPPORTED),
        (Edition::Enterprise, ResultCode::SECURITY_NOT_ENABLED),
    ] {
        let cluster = Cluster::start(ClusterOptions { edition, ..ClusterOptions::default() }).await.unwrap();
        let mut client = Client::connect(cluster.hosts()[0]).await;
        assert_eq!(log_in(&mut client, "admin", &hash("admin")).await, code);
        assert_eq!(client.put("s", "k", 1).await.result, ResultCode::OK, "the connection goes on");
    }
    let security = Some(SecurityOptions::default());
    assert!(Cluster::start(ClusterOptions { security, ..ClusterOptions::default() }).await.is_err());
}

#[tokio::test]
async fn nothing_is_done_for_whom_nobody_knows() {
    let (cluster, _admin) = secured().await;
    let mut client = Client::connect(cluster.hosts()[0]).await;
    assert_eq!(client.info(&["node", "build"]).await, "ERROR:80:not authenticated\n");
    assert_eq!(client.get("s", "k").await.result, ResultCode::NOT_AUTHENTICATED);
    client.namespace = "none";
    assert_eq!(client.get("s", "k").await.result, ResultCode::NOT_AUTHENTICATED, "before the namespace is looked at");
    client.namespace = "test";
    client.send(&batch(&["demo"])).await;
    let (rows, result) = client.rows().await;
    assert!(rows.is_empty() && result == ResultCode::NOT_AUTHENTICATED, "a batch ends with its refusal: {result}");
    assert_eq!(ask(&mut client, &AdminRequest::QueryUsers { user: None }).await, ResultCode::NOT_AUTHENTICATED);
    assert_eq!(log_in(&mut client, "admin", &hash("wrong")).await, ResultCode::INVALID_CREDENTIAL);
    assert_eq!(log_in(&mut client, "nobody", &hash("admin")).await, ResultCode::INVALID_USER);
    assert_eq!(client.get("s", "k").await.result, ResultCode::NOT_AUTHENTICATED);
    assert_eq!(log_in(&mut client, "admin", &hash("admin")).await, ResultCode::OK);
    assert_eq!(client.put("s", "k", 1).await.result, ResultCode::OK);
    assert_eq!(client.info(&["node"]).await, "node\tA1\n");
}

#[tokio::test]
async fn connections_join_a_session_by_its_token() {
    let (cluster, mut admin) = secured().await;
    let token = token(&mut admin, "admin", &hash("admin")).await;
    let mut other = Client::connect(cluster.hosts()[1]).await;
    let join = |user, token| AdminRequest::Authenticate { user, token };
    assert_eq!(ask(&mut other, &join(Some("admin"), b"guessed")).await, ResultCode::INVALID_CREDENTIAL);
    assert_eq!(ask(&mut other, &join(Some("ann"), &token)).await, ResultCode::INVALID_CREDENTIAL);
    assert_eq!(other.get("s", "k").await.result, ResultCode::NOT_AUTHENTICATED);
    assert_eq!(ask(&mut other, &join(Some("admin"), &token)).await, ResultCode::OK);
    assert_eq!(other.get("s", "k").await.result, ResultCode::NOT_FOUND);
}

#[tokio::test]
async fn a_session_ends() {
    let security = Some(SecurityOptions { session_ttl: 0, ..SecurityOptions::default() });
    let cluster = Cluster::start(ClusterOptions { security, ..options() }).await.unwrap();
    let mut client = Client::connect(cluster.hosts()[0]).await;
    let token = token(&mut client, "admin", &hash("admin")).await;
    let mut late = Client::connect(cluster.hosts()[0]).await;
    let join = AdminRequest::Authenticate { user: Some("admin"), token: &token };
    assert_eq!(ask(&mut late, &join).await, ResultCode::EXPIRED_SESSION);
    assert_eq!(client.get("s", "k").await.result, ResultCode::NOT_FOUND, "a connection that is in stays in");
}

#[tokio::test]
async fn users_and_roles_are_made_changed_and_removed() {
    let (_cluster, mut admin) = secured().await;
    let secret = hash("secret");
    let admin = &mut admin;
    let read = || vec![Privilege { code: PrivilegeCode::READ, namespace: "test".into(), set: "demo".into() }];
    let bad = || vec![Privilege::everywhere(PrivilegeCode(64))];
    let unscoped = || vec![Privilege { code: PrivilegeCode::READ, namespace: String::new(), set: "demo".into() }];
    let no_quotas = [None, None];
    let long = "x".repeat(64);
    let (user, role, password) = ("ann", "reporter", secret.as_str());
    use AdminRequest as A;
    let steps = [
        (A::CreateRole { role, privileges: bad(), allowlist: "", quotas: no_quotas }, ResultCode::INVALID_PRIVILEGE),
        (
            A::CreateRole { role, privileges: unscoped(), allowlist: "", quotas: no_quotas },
            ResultCode::INVALID_PRIVILEGE,
        ),
        (
            A::CreateRole { role, privileges: read(), allowlist: "bad", quotas: no_quotas },
            ResultCode::INVALID_WHITELIST,
        ),
        (
            A::CreateRole { role, privileges: read(), allowlist: "", quotas: [Some(1), None] },
            ResultCode::QUOTAS_NOT_ENABLED,
        ),
        (A::CreateRole { role, privileges: read(), allowlist: "127.0.0.1", quotas: [Some(0), None] }, ResultCode::OK),
        (A::CreateRole { role, privileges: read(), allowlist: "", quotas: no_quotas }, ResultCode::ROLE_ALREADY_EXISTS),
        (A::CreateUser { user, password, roles: vec![""] }, ResultCode::INVALID_ROLE),
        (A::CreateUser { user, password, roles: vec!["reporter", "read"] }, ResultCode::OK),
        (A::CreateUser { user, password, roles: vec![] }, ResultCode::USER_ALREADY_EXISTS),
        (A::GrantRoles { user, roles: vec!["udf-admin"] }, ResultCode::OK),
        (A::GrantRoles { user: "bob", roles: vec!["udf-admin"] }, ResultCode::INVALID_USER),
        (A::GrantRoles { user, roles: vec![&long] }, ResultCode::INVALID_ROLE),
        (A::RevokeRoles { user, roles: vec!["read"] }, ResultCode::OK),
        (A::GrantPrivileges { role, privileges: vec![Privilege::everywhere(PrivilegeCode::TRUNCATE)] }, ResultCode::OK),
        (A::RevokePrivileges { role, privileges: vec![Privilege::everywhere(PrivilegeCode::READ)] }, ResultCode::OK),
        (A::SetAllowlist { role, allowlist: "10.0.0.0/8" }, ResultCode::OK),
        (A::SetAllowlist { role: "none", allowlist: "10.0.0.0/8" }, ResultCode::INVALID_ROLE),
        (A::SetQuotas { role, quotas: [Some(5), None] }, ResultCode::QUOTAS_NOT_ENABLED),
        (A::DropRole { role: "read" }, ResultCode::INVALID_ROLE),
        (A::SetPassword { user: "bob", password }, ResultCode::INVALID_USER),
    ];
    for (step, code) in &steps {
        assert_eq!(ask(admin, step).await, *code, "{step:?}");
    }
    let ann = users(admin, Some("ann")).await;
    assert_eq!(ann[0].roles, ["reporter", "udf-admin"]);
    assert_eq!((ann.len(), ann[0].reads, ann[0].connections), (1, None, 0));
    let reporter = roles(admin, Some("reporter")).await.remove(0);
    assert_eq!(reporter.allowlist, "10.0.0.0/8");
    let mut privileges = read();
    privileges.push(Privilege::everywhere(PrivilegeCode::TRUNCATE));
    assert_eq!(reporter.privileges, privileges, "only a privilege of the same scope is revoked");
    assert_eq!(roles(admin, None).await.len(), PRIVILEGES.len() + 1);
    let names: Vec<_> = users(admin, None).await.into_iter().map(|user| user.user).collect();
    assert_eq!(names, ["admin", "ann"]);

    assert_eq!(ask(admin, &A::DropRole { role }).await, ResultCode::OK);
    assert_eq!(users(admin, Some("ann")).await[0].roles, ["udf-admin"]);
    assert_eq!(ask(admin, &A::DropUser { user }).await, ResultCode::OK);
    assert_eq!(ask(admin, &A::DropUser { user }).await, ResultCode::INVALID_USER);
    assert_eq!(ask(admin, &A::QueryUsers { user: Some(user) }).await, ResultCode::INVALID_USER);
    assert_eq!(ask(admin, &A::QueryRoles { role: Some(role) }).await, ResultCode::INVALID_ROLE);
}

#[tokio::test]
async fn many_users_are_listed_over_several_frames() {
    let (_cluster, mut admin) = secured().await;
    let secret = hash("secret");
    let names: Vec<_> = (0..1500).map(|i| format!("user-{i:04}-{}", "x".repeat(40))).collect();
    for user in &names {
        let create = AdminRequest::CreateUser { user, password: &secret, roles: vec!["read"] };
        assert_eq!(ask(&mut admin, &create).await, ResultCode::OK);
    }
    let listed: Vec<_> = users(&mut admin, None).await.into_iter().map(|user| user.user).collect();
    assert_eq!(listed.len(), 1501);
    assert_eq!(listed[1..], names[..]);
}

#[tokio::test]
async fn users_change_their_own_password_and_know_their_own_roles() {
    let (cluster, mut admin) = secured().await;
    let mut ann = with_roles(&cluster, &mut admin, "ann", &["read"]).await;
    let (old, new, other) = (hash("ann"), hash("new"), hash("admin"));
    use AdminRequest as A;
    let change = |user, old| A::ChangePassword { user, old, password: &new };
    assert_eq!(ask(&mut ann, &change("ann", &new)).await, ResultCode::INVALID_PASSWORD);
    assert_eq!(ask(&mut ann, &change("nobody", &old)).await, ResultCode::INVALID_USER);
    assert_eq!(ask(&mut ann, &change("admin", &other)).await, ResultCode::ROLE_VIOLATION);
    assert_eq!(ask(&mut ann, &A::SetPassword { user: "ann", password: &new }).await, ResultCode::ROLE_VIOLATION);
    assert_eq!(ask(&mut ann, &A::QueryUsers { user: None }).await, ResultCode::ROLE_VIOLATION);
    assert_eq!(users(&mut ann, Some("ann")).await[0].roles, ["read"]);
    assert_eq!(ask(&mut ann, &change("ann", &old)).await, ResultCode::OK);
    assert_eq!(ann.get("s", "k").await.result, ResultCode::NOT_FOUND, "the connection goes on");
    let mut other = Client::connect(cluster.hosts()[0]).await;
    assert_eq!(log_in(&mut other, "ann", &old).await, ResultCode::INVALID_CREDENTIAL);
    assert_eq!(log_in(&mut other, "ann", &new).await, ResultCode::OK);
}

#[tokio::test]
async fn open_connections_see_changes_at_once_on_every_node() {
    let (cluster, mut admin) = secured().await;
    let mut ann = with_roles(&cluster, &mut admin, "ann", &[]).await;
    assert_eq!(ann.get("s", "k").await.result, ResultCode::ROLE_VIOLATION);
    assert_eq!(ann.info_value("node").await, "A2", "what needs nothing is answered");
    let grant = AdminRequest::GrantRoles { user: "ann", roles: vec!["read-write"] };
    assert_eq!(ask(&mut admin, &grant).await, ResultCode::OK);
    assert_eq!(ann.put("s", "k", 1).await.result, ResultCode::OK);
    let revoke = AdminRequest::RevokeRoles { user: "ann", roles: vec!["read-write"] };
    assert_eq!(ask(&mut admin, &revoke).await, ResultCode::OK);
    assert_eq!(ann.put("s", "k", 1).await.result, ResultCode::ROLE_VIOLATION);
    assert_eq!(ask(&mut admin, &AdminRequest::DropUser { user: "ann" }).await, ResultCode::OK);
    assert_eq!(ann.put("s", "k", 1).await.result, ResultCode::NOT_AUTHENTICATED);
    // a user who is made anew under the name is another
    let secret = hash("ann");
    let create = AdminRequest::CreateUser { user: "ann", password: &secret, roles: vec!["read-write"] };
    assert_eq!(ask(&mut admin, &create).await, ResultCode::OK);
    assert_eq!(ann.put("s", "k", 1).await.result, ResultCode::NOT_AUTHENTICATED);
}

/// A batch that reads a record of each set.
fn batch(sets: &[&str]) -> BytesMut {
    batch_of(sets, &read_all())
}

fn batch_of(sets: &[&str], spec: &CommandSpec<'_>) -> BytesMut {
    let mut out = BytesMut::new();
    let mut batch = BatchWriter::begin(&mut out, 1000, Info1::empty(), BatchFlags::RESPOND_ALL_KEYS, None);
    for (index, set) in sets.iter().enumerate() {
        batch.row(index as u32, &digest(set, "k"), b"test", set.as_bytes(), None, spec);
    }
    batch.finish();
    out
}

/// A call of a function on a record.
fn call(set: &str) -> BytesMut {
    let fields = [
        (FieldType::NAMESPACE, b"test".to_vec()),
        (FieldType::SET, set.into()),
        (FieldType::DIGEST, digest(set, "k").0.to_vec()),
        (FieldType::UDF_MODULE, b"module".to_vec()),
        (FieldType::UDF_FUNCTION, b"function".to_vec()),
        (FieldType::UDF_ARGUMENTS, vec![0x90]),
    ];
    let header = MessageHeader { info2: Info2::WRITE, ..MessageHeader::default() };
    Query { header, fields: fields.to_vec(), ops: Vec::new() }.frame()
}

/// A query of each class.
fn query(class: &str, set: &str) -> Query {
    let value = op(OpCode::Write, ParticleType::INTEGER, "n", &1_i64.to_be_bytes());
    match class {
        "query" => Query::scan(set),
        "query that writes" => Query::background(set, vec![value]),
        _ => Query::background(set, Vec::new())
            .with(FieldType::UDF_OP, &[2])
            .with(FieldType::UDF_MODULE, b"module")
            .with(FieldType::UDF_FUNCTION, b"function")
            .with(FieldType::UDF_ARGUMENTS, &[0x90]),
    }
}

#[tokio::test]
async fn rows_of_a_batch_are_refused_one_by_one() {
    let (cluster, mut admin) = secured().await;
    admin.put("mine", "k", 1).await;
    admin.put("theirs", "k", 1).await;
    let privileges = vec![Privilege { code: PrivilegeCode::READ, namespace: "test".into(), set: "mine".into() }];
    let role = AdminRequest::CreateRole { role: "mine", privileges, allowlist: "", quotas: [None, None] };
    assert_eq!(ask(&mut admin, &role).await, ResultCode::OK);
    let mut ann = with_roles(&cluster, &mut admin, "ann", &["mine"]).await;
    ann.send(&batch(&["mine", "theirs", "mine"])).await;
    let (rows, result) = ann.rows().await;
    let codes: Vec<_> = rows.iter().map(|row| row.result).collect();
    assert_eq!(codes, [ResultCode::OK, ResultCode::ROLE_VIOLATION, ResultCode::OK]);
    assert_eq!(result, ResultCode::OK);
}

#[tokio::test]
async fn users_come_from_where_their_roles_allow() {
    let (cluster, mut admin) = secured().await;
    for (role, allowlist) in [("near", "127.0.0.1,10.0.0.0/8"), ("far", "10.0.0.0/8")] {
        let create = AdminRequest::CreateRole { role, privileges: vec![], allowlist, quotas: [None, None] };
        assert_eq!(ask(&mut admin, &create).await, ResultCode::OK);
    }
    let secret = hash("ann");
    let create = AdminRequest::CreateUser { user: "ann", password: &secret, roles: vec!["far", "read"] };
    assert_eq!(ask(&mut admin, &create).await, ResultCode::OK);
    let mut ann = Client::connect(cluster.hosts()[0]).await;
    assert_eq!(log_in(&mut ann, "ann", &secret).await, ResultCode::NOT_WHITELISTED);
    assert_eq!(ann.get("s", "k").await.result, ResultCode::NOT_AUTHENTICATED);
    let grant = AdminRequest::GrantRoles { user: "ann", roles: vec!["near"] };
    assert_eq!(ask(&mut admin, &grant).await, ResultCode::OK);
    assert_eq!(log_in(&mut ann, "ann", &secret).await, ResultCode::OK);
}

#[tokio::test]
async fn a_quota_is_for_a_second_at_a_node() {
    let security = Some(SecurityOptions { quotas: true, ..SecurityOptions::default() });
    let cluster = Cluster::start(ClusterOptions { security, ..options() }).await.unwrap();
    let mut admin = Client::connect(cluster.hosts()[0]).await;
    assert_eq!(log_in(&mut admin, "admin", &hash("admin")).await, ResultCode::OK);
    let privileges = vec![Privilege::everywhere(PrivilegeCode::READ_WRITE)];
    let role = AdminRequest::CreateRole { role: "slow", privileges, allowlist: "", quotas: [Some(20), Some(5)] };
    assert_eq!(ask(&mut admin, &role).await, ResultCode::OK);
    let mut ann = with_roles(&cluster, &mut admin, "ann", &["slow"]).await;
    // however slow the machine is: the seconds that a time can touch are one more than it has, and each has its quota
    let most = |quota: usize, start: Instant| quota * (start.elapsed().as_secs() as usize + 2);
    let (mut done, start) = (0, Instant::now());
    let refused = loop {
        match ann.put("s", "k", 1).await.result {
            ResultCode::OK => done += 1,
            other => break other,
        }
        assert!(done <= most(5, start), "{done} writes in {:?}", start.elapsed());
    };
    assert_eq!(refused, ResultCode::QUOTA_EXCEEDED);
    assert!(done >= 5, "{done}");
    let start = Instant::now();
    ann.send(&batch(&["s"; 60])).await;
    let (rows, _) = ann.rows().await;
    let read = rows.iter().filter(|row| row.result != ResultCode::QUOTA_EXCEEDED).count();
    assert!((20..=most(20, start)).contains(&read), "{read} reads in {:?}", start.elapsed());
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    assert_eq!(ann.put("s", "k", 1).await.result, ResultCode::OK);
    let usage = users(&mut ann, Some("ann")).await.remove(0);
    assert_eq!((usage.reads.unwrap().quota, usage.writes.unwrap().quota, usage.connections), (20, 5, 1));
    let set = AdminRequest::SetQuotas { role: "slow", quotas: [None, Some(0)] };
    assert_eq!(ask(&mut admin, &set).await, ResultCode::OK);
    assert_eq!(roles(&mut admin, Some("slow")).await[0].read_quota, 20);
    for _ in 0..40 {
        assert_eq!(ann.put("s", "k", 1).await.result, ResultCode::OK);
    }
}

#[tokio::test]
async fn external_users_are_asked_of_the_directory_and_certified_ones_have_no_password() {
    let external = vec![UserOptions {
        name: "ext".into(),
        password: Some("outside".to_owned().into()),
        roles: vec!["read".into()],
    }];
    let security = Some(SecurityOptions { external, ..SecurityOptions::default() });
    let cluster = Cluster::start(ClusterOptions { security, ..options() }).await.unwrap();
    let mut client = Client::connect(cluster.hosts()[0]).await;
    let (secret, admins) = (hash("outside"), hash("admin"));
    let external = |user, hash, password| AdminRequest::Login(Credential::External { user, hash, password });
    assert_eq!(ask(&mut client, &external("ext", &secret, "wrong")).await, ResultCode::LDAP_AUTHENTICATION);
    assert_eq!(ask(&mut client, &external("nobody", &secret, "outside")).await, ResultCode::LDAP_AUTHENTICATION);
    assert_eq!(log_in(&mut client, "ext", &secret).await, ResultCode::INVALID_CREDENTIAL);
    assert_eq!(ask(&mut client, &external("ext", &secret, "outside")).await, ResultCode::OK);
    assert_eq!(client.get("s", "k").await.result, ResultCode::NOT_FOUND);
    assert_eq!(ask(&mut client, &external("admin", &admins, "admin")).await, ResultCode::OK, "known here");
    let nopassword = hash("nopassword");
    let create = AdminRequest::CreateUser { user: "cert", password: &nopassword, roles: vec![] };
    assert_eq!(ask(&mut client, &create).await, ResultCode::OK);
    assert_eq!(log_in(&mut client, "cert", &nopassword).await, ResultCode::FORBIDDEN_PASSWORD);
    assert_eq!(ask(&mut client, &AdminRequest::Login(Credential::Certificate)).await, ResultCode::INVALID_CREDENTIAL);
    let (plain, mut admin) = secured().await;
    assert_eq!(ask(&mut admin, &external("ext", &secret, "outside")).await, ResultCode::LDAP_NOT_CONFIGURED);
    plain.stop().await;
}

/// A command of each class on a set, and what it is answered.
async fn run_class(client: &mut Client, class: &str, set: &str) -> ResultCode {
    let value = op(OpCode::Write, ParticleType::INTEGER, "n", &1_i64.to_be_bytes());
    let read = op(OpCode::Read, ParticleType::NULL, "n", b"");
    let both = [&value[..], &read].concat();
    let spec = match class {
        "read" => read_all(),
        "exists" => CommandSpec { info1: Info1::READ | Info1::GET_NO_BINS, ..CommandSpec::default() },
        "write" => write(&value, 1),
        "read and write" => CommandSpec { info1: Info1::READ, ..write(&both, 2) },
        "delete" => CommandSpec { info2: Info2::WRITE | Info2::DELETE, ..CommandSpec::default() },
        "call" => {
            client.send(&call(set)).await;
            return client.answer().await.result;
        }
        "row that reads" | "row that writes" => {
            client
                .send(&batch_of(&[set], &if class == "row that reads" { read_all() } else { write(&value, 1) }))
                .await;
            return client.rows().await.0.first().map_or(ResultCode::OK, |row| row.result);
        }
        "query" | "query that writes" | "query that calls" => {
            return query(class, set).run(client).await.result;
        }
        "user administration" => {
            return ask(client, &AdminRequest::DropRole { role: "there is none" }).await;
        }
        info => {
            let answer = client.info_value(&info.replace("SET", set)).await;
            let is_refused = answer.starts_with("ERROR:81:role violation - requires permission '");
            return if is_refused { ResultCode::ROLE_VIOLATION } else { ResultCode::OK };
        }
    };
    client.run(set, "k", spec).await.result
}

/// What each class needs: the privileges that do. Those of the second list are never limited to a scope.
const NEEDS: &[(&str, &[&str], &[&str])] = &[
    ("read", &["read", "read-write", "read-write-udf"], &[]),
    ("exists", &["read", "read-write", "read-write-udf"], &[]),
    ("write", &["write", "read-write", "read-write-udf"], &[]),
    ("read and write", &["read-write", "read-write-udf"], &[]),
    ("delete", &["write", "read-write", "read-write-udf"], &[]),
    ("call", &["read-write-udf"], &[]),
    ("row that reads", &["read", "read-write", "read-write-udf"], &[]),
    ("row that writes", &["write", "read-write", "read-write-udf"], &[]),
    ("query", &["read", "read-write", "read-write-udf"], &[]),
    ("query that writes", &["write", "read-write", "read-write-udf"], &[]),
    ("query that calls", &["read-write-udf"], &[]),
    ("truncate:namespace=test;set=SET", &["truncate"], &["data-admin", "sys-admin"]),
    (
        "sindex-create:namespace=test;set=SET;indexname=i;bin=b;type=numeric",
        &[],
        &["sindex-admin", "data-admin", "sys-admin"],
    ),
    ("sindex-delete:namespace=test;set=SET;indexname=i", &[], &["sindex-admin", "data-admin", "sys-admin"]),
    ("udf-put:filename=a.lua;content=LS0=;udf-type=LUA", &[], &["udf-admin", "data-admin", "sys-admin"]),
    ("udf-remove:filename=a.lua", &[], &["udf-admin", "data-admin", "sys-admin"]),
    ("user administration", &[], &["user-admin"]),
    ("truncate-undo:namespace=test;set=SET", &["truncate"], &["data-admin", "sys-admin"]),
    ("sindex-exists:namespace=test;indexname=i", &[], &["sindex-admin", "data-admin", "sys-admin"]),
    ("udf-clear-cache:", &[], &["udf-admin", "data-admin", "sys-admin"]),
    ("query-abort:trid=1", &[], &["data-admin", "sys-admin"]),
    ("eviction-reset:namespace=test", &[], &["data-admin", "sys-admin"]),
    ("debug-record-meta:namespace=test", &[], &["sys-admin"]),
    ("jem-stats:", &[], &["sys-admin"]),
    ("quiesce-undo:", &[], &["sys-admin"]),
    ("query-abort-all:", &[], &["data-admin", "sys-admin"]),
    ("set-config:context=service;a=b", &[], &["sys-admin"]),
    ("log-set:id=0;any=info", &[], &["sys-admin"]),
    ("recluster:", &[], &["sys-admin"]),
    ("xdr-set-filter:dc=x;namespace=test", &[], &["sys-admin"]),
    ("masking:namespace=test;set=SET", &["masking-admin"], &[]),
];

#[tokio::test]
async fn every_class_of_commands_needs_its_privilege_in_its_scope() {
    let (cluster, mut admin) = secured().await;
    let mut ann = with_roles(&cluster, &mut admin, "ann", &[]).await;
    let scopes = [("", ""), ("test", ""), ("test", "demo"), ("bar", ""), ("bar", "demo"), ("test", "other")];
    for (code, privilege) in PRIVILEGES {
        for (namespace, set) in scopes.iter().filter(|(namespace, _)| code.is_scoped() || namespace.is_empty()) {
            let privileges = vec![Privilege { code: *code, namespace: (*namespace).into(), set: (*set).into() }];
            let role = AdminRequest::CreateRole { role: "r", privileges, allowlist: "", quotas: [None, None] };
            assert_eq!(ask(&mut admin, &role).await, ResultCode::OK);
            let grant = AdminRequest::GrantRoles { user: "ann", roles: vec!["r"] };
            assert_eq!(ask(&mut admin, &grant).await, ResultCode::OK);
            let covers = namespace.is_empty() || (*namespace == "test" && (set.is_empty() || *set == "demo"));
            for (class, scoped, global) in NEEDS {
                let allowed = (scoped.contains(privilege) && covers) || global.contains(privilege);
                let result = run_class(&mut ann, class, "demo").await;
                let is_refused = result == ResultCode::ROLE_VIOLATION;
                assert_ne!(is_refused, allowed, "{class} with {privilege} on '{namespace}' '{set}': {result}");
            }
            assert_eq!(ask(&mut admin, &AdminRequest::DropRole { role: "r" }).await, ResultCode::OK);
        }
    }
}

#[tokio::test]
async fn hostile_requests_are_answered_and_the_connection_goes_on() {
    let (_cluster, mut admin) = secured().await;
    let mut frame = BytesMut::new();
    for body in
        [&[][..], &[0; 15], &[0xff; 16], &[0, 0, 1, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255]]
    {
        frame.clear();
        write_frame(&mut frame, ProtoType::Security, |out| out.extend_from_slice(body));
        admin.send(&frame).await;
        let (kind, body) = admin.frame().await;
        assert_eq!((kind, body.len()), (ProtoType::Security, 16));
        assert_ne!(body[1], 0);
    }
    assert_eq!(admin.get("s", "k").await.result, ResultCode::NOT_FOUND);
}

/// Requests of every kind that make sense to an administrator, as bodies.
fn sensible_bodies() -> Vec<Vec<u8>> {
    let (user, role, password) = ("ann", "r", hash("ann"));
    let everywhere = || vec![Privilege::everywhere(PrivilegeCode::READ)];
    let scoped = Privilege { code: PrivilegeCode::WRITE, namespace: "test".into(), set: "demo".into() };
    let requests = [
        AdminRequest::Authenticate { user: Some("admin"), token: &[7; 40] },
        AdminRequest::Login(Credential::Internal { user, hash: &password }),
        AdminRequest::Login(Credential::External { user, hash: &password, password: "ann" }),
        AdminRequest::Login(Credential::Certificate),
        AdminRequest::CreateUser { user, password: &password, roles: vec!["read", role] },
        AdminRequest::SetPassword { user, password: &password },
        AdminRequest::ChangePassword { user, old: &password, password: &password },
        AdminRequest::GrantRoles { user, roles: vec![role] },
        AdminRequest::RevokeRoles { user, roles: vec![role] },
        AdminRequest::QueryUsers { user: None },
        AdminRequest::QueryUsers { user: Some(user) },
        AdminRequest::CreateRole { role, privileges: everywhere(), allowlist: "10.0.0.0/8", quotas: [Some(5), None] },
        AdminRequest::GrantPrivileges { role, privileges: vec![scoped.clone()] },
        AdminRequest::RevokePrivileges { role, privileges: vec![scoped] },
        AdminRequest::SetAllowlist { role, allowlist: "127.0.0.1,::1/128,10.1.0.0/16" },
        AdminRequest::SetQuotas { role, quotas: [Some(0), Some(7)] },
        AdminRequest::QueryRoles { role: None },
        AdminRequest::QueryRoles { role: Some(role) },
        AdminRequest::DropRole { role },
        AdminRequest::DropUser { user },
    ];
    let body = |request: &AdminRequest<'_>| {
        let mut out = BytesMut::new();
        request.encode(&mut out);
        out[8..].to_vec()
    };
    requests.iter().map(body).collect()
}

/// A sensible request with some bytes changed, or cut.
fn spoilt_body() -> impl Strategy<Value = Vec<u8>> {
    let edits = vec((any::<Index>(), any::<u8>()), 0..4);
    (select(sensible_bodies()), edits, any::<Index>(), 0..8_u8).prop_map(|(mut body, edits, end, cut)| {
        for (at, byte) in edits {
            let at = at.index(body.len());
            body[at] = byte;
        }
        if cut == 0 {
            body.truncate(end.index(body.len()));
        }
        body
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn spoilt_requests_are_all_answered_and_the_administrator_stays_one(bodies in vec(spoilt_body(), 100)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (cluster, mut admin) = secured().await;
            // what is spoilt may well log somebody else in, so it comes over a connection of its own each time
            for body in &bodies {
                let mut client = Client::connect(cluster.hosts()[1]).await;
                assert_eq!(log_in(&mut client, "admin", hash_of_admin()).await, ResultCode::OK);
                let mut frame = BytesMut::new();
                write_frame(&mut frame, ProtoType::Security, |out| out.extend_from_slice(body));
                client.send(&frame).await;
                loop {
                    let (kind, answer) = client.frame().await;
                    assert_eq!(kind, ProtoType::Security);
                    let mut rest = &answer[..];
                    let mut last = ResultCode::OK;
                    let mut count = 0;
                    while !rest.is_empty() {
                        last = AdminMessage::decode(&mut rest).unwrap().result;
                        count += 1;
                    }
                    let is_list = matches!(body.get(2), Some(9 | 16)) && last.is_ok() && count > 0;
                    if !is_list {
                        break;
                    }
                }
                assert_ne!(client.get("s", "k").await.result, ResultCode::SERVER_ERROR);
            }
            assert!(users(&mut admin, Some("admin")).await[0].roles.contains(&"user-admin".to_owned()));
        });
    }
}

/// Every info command that needs more than a session (protocol 2, section 2.6), and what it is called in the refusal.
const INFO_NEEDS: &[(&str, &[&str])] = &[
    ("set-config", &["config-set", "set-config"]),
    (
        "logging-ctrl",
        &[
            "log-set",
            "set-log",
            "log-message",
            "dump-cluster",
            "dump-fabric",
            "dump-hb",
            "dump-hlc",
            "dump-migrates",
            "dump-skew",
            "dump-wb-summary",
            "jem-stats",
        ],
    ),
    (
        "service-ctrl",
        &["quiesce", "quiesce-undo", "recluster", "revive", "roster-set", "services-alumni-reset", "tip", "tip-clear"],
    ),
    ("sindex-admin", &["sindex-create", "sindex-delete", "sindex-exists"]),
    ("truncate", &["truncate", "truncate-undo", "truncate-namespace", "truncate-namespace-undo"]),
    ("udf-admin", &["udf-put", "udf-remove", "udf-clear-cache"]),
    ("query-admin", &["query-abort", "query-abort-all"]),
    ("evict-admin", &["eviction-reset"]),
    ("record-info", &["debug-record", "debug-record-meta"]),
    ("xdr-set-filter", &["xdr-set-filter"]),
    ("masking-admin", &["masking"]),
];

#[tokio::test]
async fn every_info_command_needs_what_its_table_says_and_all_others_a_session() {
    let (cluster, mut admin) = secured().await;
    let mut ann = with_roles(&cluster, &mut admin, "ann", &[]).await;
    for (permission, commands) in INFO_NEEDS {
        for command in *commands {
            for request in [(*command).to_owned(), format!("{command}:namespace=test")] {
                let refusal = format!("ERROR:81:role violation - requires permission '{permission}'");
                assert_eq!(ann.info_value(&request).await, refusal, "{request}");
            }
        }
    }
    let guarded = |name: &str| INFO_NEEDS.iter().any(|(_, commands)| commands.contains(&name));
    let help = ann.info_value("help").await;
    let others: Vec<&str> = help.split(';').filter(|name| !guarded(name)).collect();
    assert!(others.len() > 40, "{help}");
    for name in others {
        let answer = ann.info_value(name).await;
        assert!(!answer.starts_with("ERROR:81"), "{name}: {answer}");
    }
}
