//! How fast the core is against a server: gets and puts per second at a number in flight, and batch rows per second.
//!
//! ```text
//! cargo run --release -p aerospike-core --example load -- 127.0.0.1:3000 [seconds] [in flight] [rows per batch] [workers] [only]
//! ```
//!
//! With `only`, measures what has that word in its name. Writes 10,000 records of five bins to set `load` of namespace `test` first, and leaves them there. Prints CPU time
//! per operation of this process beside the rates: on a machine shared with the server that is the steadier number.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use aerospike_core::wire::op::write_op;
use aerospike_core::wire::{Info2, KeyType, ParticleType};
use aerospike_core::{
    Batch, BatchFlags, BatchRow, Client, Command, CommandPolicy, Config, Endpoint, Key, Keyspace, Spec,
};
use bytes::{Bytes, BytesMut};

const KEYS: u64 = 10_000;

fn key(number: u64) -> Key {
    Key::User { kind: KeyType::Integer, bytes: Bytes::copy_from_slice(&number.to_be_bytes()) }
}

fn command(number: u64, spec: Spec, policy: CommandPolicy) -> Command {
    Command {
        namespace: Bytes::from_static(b"test"),
        set: Bytes::from_static(b"load"),
        key: key(number),
        send_key: false,
        spec,
        policy,
        sent: None,
        timed: false,
    }
}

fn put_spec() -> Spec {
    let mut ops = BytesMut::new();
    write_op(&mut ops, 2, ParticleType::INTEGER, b"id", &42u64.to_be_bytes());
    write_op(&mut ops, 2, ParticleType::STRING, b"name", b"Alice Liddell");
    write_op(&mut ops, 2, ParticleType::STRING, b"city", b"Oxford");
    write_op(&mut ops, 2, ParticleType::FLOAT, b"score", &0.75f64.to_be_bytes());
    write_op(&mut ops, 2, ParticleType::INTEGER, b"seen", &1_700_000_000u64.to_be_bytes());
    Spec { info2: Info2::WRITE, op_count: 5, ops: ops.freeze(), ..Spec::default() }
}

fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|f| f.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

/// Keeps `in_flight` copies of an operation going and prints its rate.
async fn measure<F, R>(name: &str, seconds: u64, in_flight: usize, per_call: u64, run: F)
where
    F: Fn(u64) -> R + Send + Sync + 'static,
    R: Future<Output = bool> + Send + 'static,
{
    if std::env::args().nth(6).is_some_and(|only| !name.contains(&only)) {
        return;
    }
    let run = Arc::new(run);
    let (done, failed) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (cpu, start) = (cpu_seconds(), Instant::now());
    let end = start + Duration::from_secs(seconds);
    let loops = (0..in_flight).map(|seed| {
        let (run, done, failed) = (run.clone(), done.clone(), failed.clone());
        tokio::spawn(async move {
            let mut number = seed as u64 * 7919;
            while Instant::now() < end {
                number = number.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                let ok = run((number >> 33) % KEYS).await;
                done.fetch_add(1, Ordering::Relaxed);
                failed.fetch_add(u64::from(!ok), Ordering::Relaxed);
            }
        })
    });
    for task in loops.collect::<Vec<_>>() {
        task.await.expect("the loop ends by itself");
    }
    let count = done.load(Ordering::Relaxed) * per_call;
    let (cpu, wall) = (cpu_seconds() - cpu, start.elapsed().as_secs_f64());
    let failed = failed.load(Ordering::Relaxed);
    println!(
        "{name:<24} {:>10.0}/s   {:>6.2} us CPU each   {failed} failed",
        count as f64 / wall,
        cpu * 1e6 / count as f64
    );
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: u64| args.get(at).and_then(|a| a.parse().ok()).unwrap_or(default);
    let host = args.first().map_or("127.0.0.1:3000", String::as_str).to_owned();
    let (seconds, in_flight, rows) = (number(1, 3), number(2, 64) as usize, number(3, 1000));
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(number(4, 1) as usize).enable_all();
    runtime.build().expect("a runtime").block_on(async move {
        let endpoint = Endpoint::parse(&host, 3000).expect("host:port");
        let client = Client::connect(Config::new([endpoint])).await.expect("a cluster");
        let write = CommandPolicy::write();
        let read = CommandPolicy::default();
        // patient enough to be started while a node comes or goes
        let patient = CommandPolicy { total_timeout: 30_000, max_retries: 10, idempotent: true, ..read };
        for number in 0..KEYS {
            client.execute(command(number, put_spec(), patient)).await.expect("a record written");
        }
        let c = client.clone();
        measure("get, 1 in flight", seconds, 1, 1, move |n| {
            let c = c.clone();
            async move { c.execute(command(n, Spec::read_all(), read)).await.is_ok() }
        })
        .await;
        let c = client.clone();
        measure(&format!("get, {in_flight} in flight"), seconds, in_flight, 1, move |n| {
            let c = c.clone();
            async move { c.execute(command(n, Spec::read_all(), read)).await.is_ok() }
        })
        .await;
        let (c, spec) = (client.clone(), put_spec());
        measure(&format!("put, {in_flight} in flight"), seconds, in_flight, 1, move |n| {
            let (c, spec) = (c.clone(), spec.clone());
            async move { c.execute(command(n, spec, write)).await.is_ok() }
        })
        .await;
        for batches in [1, 4] {
            let c = client.clone();
            measure(&format!("batch of {rows}, {batches} at once"), seconds, batches, rows, move |n| {
                let c = c.clone();
                let row = |at| BatchRow { keyspace: 0, spec: 0, send_key: false, key: key((n + at) % KEYS) };
                let batch = Batch {
                    flags: BatchFlags::INLINE | BatchFlags::RESPOND_ALL_KEYS,
                    specs: vec![Spec::read_all()],
                    keyspaces: vec![Keyspace { namespace: "test".into(), set: "load".into() }],
                    rows: (0..rows).map(row).collect(),
                    ..Batch::default()
                };
                async move { c.batch(batch).await.rows.iter().all(|row| row.code.0 == 0) }
            })
            .await;
        }
        client.close(Duration::from_secs(1)).await;
    });
}
