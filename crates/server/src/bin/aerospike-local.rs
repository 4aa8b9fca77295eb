//! `aerospike-local --nodes N --port P`: a cluster in a process of its own.
//!
//! Prints one line, `ready HOST:PORT,…`, when every node accepts connections, and ends with SIGINT or SIGTERM.

use std::process::ExitCode;

use aerospike_server::{Cluster, ClusterOptions, SecurityOptions};
use tokio::signal::unix::{SignalKind, signal};

const USAGE: &str = "usage: aerospike-local [--nodes N] [--port P] [--host 127.0.0.1] [--replication-factor N]
                       [--cluster-name NAME] [--edition community|enterprise] [--security on|off]
                       [--strong-consistency NAMESPACE,…]

  --nodes N               nodes to start (1 to 8), default 1
  --port P                port of the first node, the others follow; default: free ports
  --host 127.0.0.1        the only host there is; a cluster listens on loopback alone
  --replication-factor N  copies of a record, default 2
  --cluster-name NAME     default 'local'
  --edition EDITION       'community' or 'enterprise', default 'community'
  --security on           access control, with the user admin and the password admin; needs --edition enterprise
  --strong-consistency NAMESPACE,…
                          namespaces that are strongly consistent: test, bar or more; in the Enterprise edition";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let result = match parse(&arguments) {
        Ok(options) => serve(options).await.map_err(|error| error.to_string()),
        Err(why) => Err(format!("{why}\n{USAGE}")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("aerospike-local: {why}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(options: ClusterOptions) -> std::io::Result<()> {
    // before the ready line: who reads it may send a signal at once
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let cluster = Cluster::start(options).await?;
    let hosts: Vec<String> = cluster.hosts().iter().map(ToString::to_string).collect();
    println!("ready {}", hosts.join(","));
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    cluster.stop().await;
    Ok(())
}

fn parse(arguments: &[String]) -> Result<ClusterOptions, String> {
    let mut options = ClusterOptions::default();
    for pair in arguments.chunks(2) {
        let [name, value] = pair else { return Err(format!("{} wants a value", pair.concat())) };
        let number = || value.parse::<u16>().map_err(|_| format!("{name} wants a number, not '{value}'"));
        match name.as_str() {
            "--nodes" => options.nodes = number()?.into(),
            "--port" => options.port = Some(number()?),
            "--replication-factor" => options.replication_factor = number()?.into(),
            "--cluster-name" => options.cluster_name.clone_from(value),
            "--strong-consistency" => options = options.with_strong(value.split(',')),
            "--edition" => options.edition = value.parse()?,
            "--security" if value == "on" => options.security = Some(SecurityOptions::default()),
            "--security" if value == "off" => options.security = None,
            "--host" if value == "127.0.0.1" || value == "localhost" => {}
            "--host" => return Err("a cluster listens on 127.0.0.1 alone".to_owned()),
            _ => return Err(format!("there is no option {name}")),
        }
    }
    Ok(options)
}
