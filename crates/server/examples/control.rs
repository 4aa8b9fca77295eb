//! A cluster that is told what to do line by line, to try a client of any language against a cluster in trouble.
//!
//! `cargo run --example control -- 3 3900`, then for example `stop 1`, `start 1`, `freeze 0`, `thaw 0`, `slow 2 50`,
//! `drop 1`. Every line is answered with `done`, or with what is wrong.

use std::io;
use std::time::Duration;

use aerospike_server::{Cluster, ClusterOptions};
use tokio::io::{AsyncBufReadExt, BufReader};

#[tokio::main]
async fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u16>().ok());
    let nodes = arguments.next().flatten().map_or(3, usize::from);
    let port = arguments.next().flatten();
    let cluster = Cluster::start(ClusterOptions { nodes, port, ..ClusterOptions::default() }).await?;
    println!("ready {:?}", cluster.hosts());
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        match obey(&cluster, &line).await {
            Ok(()) => println!("done {line}"),
            Err(why) => println!("{why}"),
        }
    }
    cluster.stop().await;
    Ok(())
}

async fn obey(cluster: &Cluster, line: &str) -> io::Result<()> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let number = |place: usize| words.get(place).and_then(|word| word.parse::<usize>().ok()).unwrap_or_default();
    let node = number(1);
    match words.first().copied() {
        Some("stop") => cluster.stop_node(node).await,
        Some("start") => cluster.start_node(node).await,
        Some("freeze") => cluster.freeze_node(node),
        Some("thaw") => cluster.thaw_node(node),
        Some("slow") => cluster.slow_node(node, Duration::from_millis(number(2) as u64)),
        Some("drop") => cluster.drop_connections(node).await,
        _ => Err(io::Error::other("stop, start, freeze, thaw, slow or drop, and a node")),
    }
}
