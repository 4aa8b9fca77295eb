//! The program: what it prints, and how it ends.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

fn run(arguments: &[&str]) -> Child {
    let program = env!("CARGO_BIN_EXE_aerospike-local");
    Command::new(program).args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn it_says_when_it_is_ready_and_ends_well_when_told_to() {
    for signal in ["TERM", "INT"] {
        let mut child = run(&["--nodes", "3", "--host", "127.0.0.1"]);
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let hosts: Vec<_> = line.trim_end().strip_prefix("ready ").unwrap().split(',').collect();
        assert_eq!(hosts.len(), 3);
        assert!(hosts.iter().all(|host| host.starts_with("127.0.0.1:") && TcpStream::connect(host).is_ok()), "{line}");
        Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status().unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "after SIG{signal}");
        let mut rest = String::new();
        output.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "", "one line is all it prints");
    }
}

#[test]
fn it_refuses_what_it_does_not_understand() {
    for arguments in [&["--nodes", "0"][..], &["--nodes"], &["--frobnicate", "1"], &["--host", "0.0.0.0"]] {
        let output = run(arguments).wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(output.stderr.starts_with(b"aerospike-local: "), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}
