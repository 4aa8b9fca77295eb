//! Encrypted connections.
#![cfg(feature = "tls")]

mod support;

use std::sync::Arc;

use aerospike_core::wire::{Info1, Info3, MessageHeader};
use aerospike_core::{Client, Code, Config, TlsConfig};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use support::fake::{Fake, done, message};
use support::{get, reads};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// A node behind TLS whose certificate carries `name`, and the certificate.
async fn encrypted(name: &str) -> (Fake, Vec<u8>) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed([name.to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let answer = |_: _, body: &[u8]| {
        let is_batch = body.get(1).is_some_and(|info1| Info1::from_bits_retain(*info1).contains(Info1::BATCH));
        let last = MessageHeader { info3: Info3::LAST, ..MessageHeader::default() };
        Some(if is_batch { [done(), message(last)].concat() } else { done() })
    };
    let fake = Fake::start_with(Some(TlsAcceptor::from(Arc::new(config))), answer).await;
    (fake, cert.pem().into_bytes())
}

fn trusting(fake: &Fake, ca: Vec<u8>, server_name: &str) -> Config {
    let tls = TlsConfig { ca, server_name: Some(server_name.into()), ..TlsConfig::default() };
    Config { tls: Some(tls), ..fake.config() }
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_and_batches_travel_encrypted() {
    let (fake, ca) = encrypted("node.example").await;
    let client = Client::connect(trusting(&fake, ca, "node.example")).await.unwrap();
    for number in 0..100 {
        get(&client, "t", number).await.unwrap();
        assert!(client.batch(reads("t", [number])).await.rows[0].is_answered());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_another_name_or_that_nobody_vouches_for_is_refused() {
    let (fake, ca) = encrypted("node.example").await;
    let error = Client::connect(trusting(&fake, ca, "other.example")).await.unwrap_err();
    assert_eq!(error.code(), Code::TLS);
    let (_, stranger) = encrypted("node.example").await;
    let error = Client::connect(trusting(&fake, stranger, "node.example")).await.unwrap_err();
    assert_eq!(error.code(), Code::TLS);
    let error = Client::connect(trusting(&fake, b"no certificate".to_vec(), "node.example")).await.unwrap_err();
    assert!(error.code() == Code::PARAM && error.to_string().contains("tls.ca"), "{error}");
}
