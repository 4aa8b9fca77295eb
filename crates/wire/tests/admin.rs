//! The admin protocol: requests and replies as the protocol lays them out, there and back, and from strangers.

use aerospike_wire::admin::{
    AdminCommand, AdminField, AdminMessage, AdminRequest, AdminWriter, Credential, LoginReply, Privilege,
    PrivilegeCode, RoleReply, Usage, UserReply, write_result,
};
use aerospike_wire::{DecodeError, ResultCode};
use bytes::BytesMut;
use proptest::collection::vec;
use proptest::prelude::*;

const HASH: &str = "$2a$10$7EqJtq98hPqEX7fNZaFWoO1mVO/4MLpGzsqojz6E9Gef6iXDjXdDa";

fn body_of(request: &AdminRequest<'_>) -> Vec<u8> {
    let mut out = BytesMut::new();
    request.encode(&mut out);
    out[8..].to_vec()
}

fn scoped(code: PrivilegeCode) -> Privilege {
    Privilege { code, namespace: "test".into(), set: "demo".into() }
}

fn requests() -> Vec<AdminRequest<'static>> {
    let privileges = || vec![Privilege::everywhere(PrivilegeCode::UDF_ADMIN), scoped(PrivilegeCode::READ)];
    let (user, role, password, roles) = ("ann", "reporter", HASH, || vec!["read", "reporter"]);
    vec![
        AdminRequest::Authenticate { user: Some(user), token: b"token" },
        AdminRequest::Authenticate { user: None, token: b"token" },
        AdminRequest::Login(Credential::Internal { user, hash: HASH }),
        AdminRequest::Login(Credential::External { user, hash: HASH, password: "secret" }),
        AdminRequest::Login(Credential::Certificate),
        AdminRequest::CreateUser { user, password, roles: roles() },
        AdminRequest::CreateUser { user, password, roles: vec![] },
        AdminRequest::DropUser { user },
        AdminRequest::SetPassword { user, password },
        AdminRequest::ChangePassword { user, old: HASH, password },
        AdminRequest::GrantRoles { user, roles: roles() },
        AdminRequest::RevokeRoles { user, roles: roles() },
        AdminRequest::QueryUsers { user: None },
        AdminRequest::QueryUsers { user: Some(user) },
        AdminRequest::CreateRole { role, privileges: privileges(), allowlist: "10.0.0.0/8", quotas: [Some(5), None] },
        AdminRequest::CreateRole { role, privileges: vec![], allowlist: "", quotas: [None, None] },
        AdminRequest::DropRole { role },
        AdminRequest::GrantPrivileges { role, privileges: privileges() },
        AdminRequest::RevokePrivileges { role, privileges: privileges() },
        AdminRequest::SetAllowlist { role, allowlist: "" },
        AdminRequest::SetAllowlist { role, allowlist: "127.0.0.1" },
        AdminRequest::SetQuotas { role, quotas: [Some(0), Some(7)] },
        AdminRequest::QueryRoles { role: None },
        AdminRequest::QueryRoles { role: Some(role) },
    ]
}

#[test]
fn every_request_is_read_as_it_was_written() {
    let all = requests();
    for request in &all {
        assert_eq!(AdminRequest::decode(&body_of(request)).as_ref(), Ok(request));
    }
    for code in 0..=u8::MAX {
        let Some(command) = AdminCommand::from_code(code) else { continue };
        assert!(all.iter().any(|request| request.command() == command), "no case for {command:?}");
    }
}

#[test]
fn a_request_has_the_bytes_of_the_protocol() {
    let body = body_of(&AdminRequest::GrantPrivileges { role: "r", privileges: vec![scoped(PrivilegeCode::WRITE)] });
    let header = [0, 0, 12, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let role = [0, 0, 0, 2, 11, b'r'];
    let privileges = [&[0, 0, 0, 13, 12, 1, 13, 4][..], b"test", &[4], b"demo"].concat();
    assert_eq!(body, [&header[..], &role, &privileges].concat());
}

#[test]
fn what_is_wrong_with_a_request_is_a_result_code() {
    let long = "x".repeat(64);
    let mut unknown = BytesMut::new();
    AdminWriter::request(&mut unknown, AdminCommand::DropRole);
    unknown[2] = 99;
    let mut scheme = BytesMut::new();
    AdminWriter::request(&mut scheme, AdminCommand::QueryRoles);
    scheme[0] = 1;
    let mut field = body_of(&AdminRequest::DropUser { user: "ann" });
    field[16..20].copy_from_slice(&u32::MAX.to_be_bytes());
    let cases = [
        (unknown.to_vec(), ResultCode::INVALID_COMMAND),
        (scheme.to_vec(), ResultCode::SECURITY_SCHEME_NOT_SUPPORTED),
        (field, ResultCode::INVALID_FIELD),
        (vec![], ResultCode::INVALID_FIELD),
        (body_of(&AdminRequest::DropUser { user: "" }), ResultCode::INVALID_USER),
        (body_of(&AdminRequest::DropUser { user: &long }), ResultCode::INVALID_USER),
        (body_of(&AdminRequest::DropRole { role: &long }), ResultCode::INVALID_ROLE),
        (body_of(&AdminRequest::SetPassword { user: "ann", password: "plain" }), ResultCode::INVALID_PASSWORD),
    ];
    for (body, code) in cases {
        assert_eq!(AdminRequest::decode(&body).map(|_| ()), Err(code));
    }
}

#[test]
fn a_quota_that_is_not_to_change_may_be_sent_as_all_ones() {
    let body = body_of(&AdminRequest::SetQuotas { role: "r", quotas: [Some(u32::MAX), Some(3)] });
    assert_eq!(AdminRequest::decode(&body), Ok(AdminRequest::SetQuotas { role: "r", quotas: [None, Some(3)] }));
}

#[test]
fn users_and_roles_are_read_as_they_were_written() {
    let user = UserReply {
        user: "ann".into(),
        roles: vec!["read".into(), "write".into()],
        reads: Some(Usage { quota: 10, single_record_tps: 2, query_rps_limited: 3, query_limitless: 1 }),
        writes: None,
        connections: 4,
        auth_mode: Some("password".into()),
    };
    let role = RoleReply {
        role: "reporter".into(),
        privileges: vec![scoped(PrivilegeCode::READ), Privilege::everywhere(PrivilegeCode(99))],
        allowlist: "127.0.0.1,10.0.0.0/8".into(),
        read_quota: 7,
        write_quota: 0,
    };
    let mut out = BytesMut::new();
    user.encode(&mut out);
    role.encode(&mut out);
    let mut rest = &out[..];
    assert_eq!(UserReply::of(&AdminMessage::decode(&mut rest).unwrap()), Ok(user));
    assert_eq!(RoleReply::of(&AdminMessage::decode(&mut rest).unwrap()), Ok(role));
    assert!(rest.is_empty());
}

#[test]
fn a_session_has_a_token_of_a_sensible_size() {
    let mut out = BytesMut::new();
    LoginReply { token: b"token", ttl: Some(86_400) }.encode(&mut out);
    let reply = LoginReply::of(&AdminMessage::decode_exact(&out[8..]).unwrap()).unwrap();
    assert_eq!((reply.token, reply.ttl), (&b"token"[..], Some(86_400)));
    for token in [&[][..], &[0; 1 << 20]] {
        out.clear();
        LoginReply { token, ttl: None }.encode(&mut out);
        assert!(LoginReply::of(&AdminMessage::decode_exact(&out[8..]).unwrap()).is_err());
    }
    out.clear();
    write_result(&mut out, ResultCode::INVALID_CREDENTIAL);
    let message = AdminMessage::decode_exact(&out[8..]).unwrap();
    assert_eq!((message.result, out.len()), (ResultCode::INVALID_CREDENTIAL, 24));
}

#[test]
fn nothing_secret_is_printed() {
    for request in requests() {
        let mut out = BytesMut::new();
        request.encode(&mut out);
        let printed = format!("{request:?} {:?}", AdminMessage::decode_exact(&out[8..]).unwrap());
        assert!(!printed.contains("$2a$") && !printed.contains("secret") && !printed.contains("token"), "{printed}");
    }
    assert!(!format!("{:?}", LoginReply { token: b"abc", ttl: None }).contains("97"));
}

#[test]
fn a_field_that_passes_the_end_is_refused() {
    let mut out = BytesMut::new();
    AdminWriter::request(&mut out, AdminCommand::DropUser).bytes(AdminField::User, b"ann");
    assert!(matches!(AdminMessage::decode_exact(&out[..out.len() - 1]), Err(DecodeError::Truncated(_))));
    out.extend_from_slice(&[0]);
    assert!(matches!(AdminMessage::decode_exact(&out), Err(DecodeError::Trailing(_))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn random_bytes_never_panic(command in 0..24_u8, count in 0..6_u8, rest in vec(any::<u8>(), 0..200)) {
        let mut body = vec![0, 0, command, count];
        body.resize(16, 0);
        body.extend_from_slice(&rest);
        let _ = AdminRequest::decode(&body);
        let mut left = &body[..];
        while let Ok(message) = AdminMessage::decode(&mut left) {
            let _ = (UserReply::of(&message), RoleReply::of(&message), LoginReply::of(&message));
        }
    }
}
