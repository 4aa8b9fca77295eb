//! Sockets: taking connections, reading frames, sending answers. What frames mean is no business of this module.

mod compression;
mod connection;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use crate::cluster::{NodeIndex, State};
use crate::tls::Acceptor;

/// How long to wait before accepting again when the process is out of sockets.
const PAUSE: Duration = Duration::from_millis(50);

/// Takes connections for a node until the task is aborted; encrypted ones with an acceptor.
pub(crate) async fn accept(socket: TcpListener, tls: Option<Acceptor>, state: Arc<State>, index: NodeIndex) {
    let Some(node) = state.nodes.get(index) else { return };
    loop {
        node.faults.thawed().await;
        match socket.accept().await {
            Ok((stream, _)) if node.faults.rejects() => drop(reset(stream)),
            Ok((stream, _)) => {
                let _ = stream.set_nodelay(true); // only a matter of speed
                let state = Arc::clone(&state);
                match tls.clone() {
                    None => node.spawn_connection(connection::run(stream, None, state, index)),
                    Some(tls) => node.spawn_connection(async move {
                        // who cannot shake hands is told by the handshake
                        let Ok((stream, certified)) = tls.accept(stream).await else { return };
                        connection::run(stream, certified, state, index).await;
                    }),
                };
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// Makes the peer see a reset rather than an orderly end.
fn reset(stream: TcpStream) -> io::Result<()> {
    stream.set_zero_linger()
}
