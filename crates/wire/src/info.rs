//! The text protocol of cluster tending: commands terminated by newlines, answers as `name<TAB>value` lines, and the
//! grammars of the values a client reads.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::{BufMut, BytesMut};

use crate::digest::PartitionId;
use crate::error::{DecodeError, Result};
use crate::limits::{MAX_NAMESPACES, MAX_NODES, MAX_REPLICAS, PARTITIONS};
use crate::proto::{ProtoType, write_frame};

/// Appends a frame that asks for every command in `names`.
pub fn write_request<'a>(out: &mut BytesMut, names: impl IntoIterator<Item = &'a str>) {
    write_frame(out, ProtoType::Info, |out| {
        for name in names {
            out.put_slice(name.as_bytes());
            out.put_u8(b'\n');
        }
    });
}

/// The lines of an answer as (command, value) pairs, in the order they were asked.
///
/// ```
/// let lines: Vec<_> = aerospike_wire::info::lines("node\tA1\nbuild\t8.1.1.2\n").collect();
/// assert_eq!(lines, [("node", "A1"), ("build", "8.1.1.2")]);
/// ```
pub fn lines(body: &str) -> impl Iterator<Item = (&str, &str)> {
    body.split_terminator('\n').map(|line| line.split_once('\t').unwrap_or((line, "")))
}

/// The value of one command in an answer.
pub fn value<'a>(body: &'a str, name: &str) -> Option<&'a str> {
    lines(body).find(|(command, _)| *command == name).map(|(_, value)| value)
}

/// An error value: `ERROR:code:message`, or `FAIL:…` of older servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InfoError {
    /// The result code; 1 when the server left it out.
    pub code: u8,
    /// What the server said.
    pub message: String,
}

/// Reads an error value; `None` when the value is none.
pub fn error(value: &str) -> Option<InfoError> {
    let (word, rest) = value.split_once(':').unwrap_or((value, ""));
    if !word.eq_ignore_ascii_case("error") && !word.eq_ignore_ascii_case("fail") {
        return None;
    }
    let (code, message) = rest.split_once(':').unwrap_or(("", rest));
    Some(InfoError { code: code.parse().unwrap_or(1), message: message.to_owned() })
}

/// A host name or address, and a port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// Name or address, IPv6 without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl Endpoint {
    /// Reads `host`, `host:port`, `[v6]` or `[v6]:port`.
    pub fn parse(text: &str, default_port: u16) -> Result<Self> {
        const BAD: DecodeError = DecodeError::Invalid("endpoint");
        let (host, rest) = match text.strip_prefix('[') {
            Some(v6) => v6.split_once(']').ok_or(BAD)?,
            None => text.find(':').map_or((text, ""), |at| text.split_at(at)),
        };
        let port = match rest.strip_prefix(':') {
            Some(port) => port.parse().map_err(|_| BAD)?,
            None if rest.is_empty() => default_port,
            None => return Err(BAD),
        };
        if host.is_empty() {
            return Err(BAD);
        }
        Ok(Self { host: host.to_owned(), port })
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Reads the value of `service-clear-std` and its kin: endpoints separated by commas.
pub fn parse_services(value: &str) -> Result<Vec<Endpoint>> {
    value.split(',').filter(|s| !s.is_empty()).map(|s| Endpoint::parse(s, 3000)).collect()
}

/// A node as its peers announce it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The node's id, upper-case hex.
    pub node: String,
    /// The name its certificate must carry; empty without TLS.
    pub tls_name: String,
    /// Where it listens.
    pub endpoints: Vec<Endpoint>,
}

/// The value of `peers-clear-std` and its kin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peers {
    /// Grows whenever the list changes.
    pub generation: i64,
    /// Every other node.
    pub peers: Vec<Peer>,
}

/// Reads `generation,default_port,[[id,tls,[endpoint,…]],…]`.
pub fn parse_peers(value: &str) -> Result<Peers> {
    const BAD: DecodeError = DecodeError::Invalid("peers list");
    let (generation, rest) = value.split_once(',').ok_or(BAD)?;
    let (port, rest) = rest.split_once(',').ok_or(BAD)?;
    let generation = generation.parse().map_err(|_| BAD)?;
    let default_port = if port.is_empty() { 3000 } else { port.parse().map_err(|_| BAD)? };
    let mut rest = rest.strip_prefix('[').and_then(|r| r.strip_suffix(']')).ok_or(BAD)?;
    let mut peers = Vec::new();
    while !rest.is_empty() {
        let peer = rest.strip_prefix('[').ok_or(BAD)?;
        let (node, peer) = peer.split_once(',').ok_or(BAD)?;
        let (tls_name, peer) = peer.split_once(',').ok_or(BAD)?;
        let (endpoints, after) = match peer.strip_prefix('[') {
            Some(list) => {
                let end = list.find("]]").ok_or(BAD)?;
                // an IPv6 address may close its own bracket right before the list's
                let end = end + list[end..].bytes().take_while(|b| *b == b']').count() - 2;
                list.split_at_checked(end).map(|(l, r)| (l, &r[2..])).ok_or(BAD)?
            }
            None => peer.split_once(']').ok_or(BAD)?, // a node that left, in the delta form
        };
        let endpoints = endpoints
            .split(',')
            .filter(|e| !e.is_empty())
            .map(|e| Endpoint::parse(e, default_port))
            .collect::<Result<_>>()?;
        if peers.len() == MAX_NODES {
            return Err(DecodeError::TooLarge {
                what: "peers list",
                size: MAX_NODES as u64 + 1,
                limit: MAX_NODES as u64,
            });
        }
        peers.push(Peer { node: node.to_owned(), tls_name: tls_name.to_owned(), endpoints });
        rest = if after.is_empty() { after } else { after.strip_prefix(',').ok_or(BAD)? };
    }
    Ok(Peers { generation, peers })
}

/// One bit per partition: which of them a node holds.
#[derive(Clone, PartialEq, Eq)]
pub struct PartitionBitmap(Box<[u8; PARTITIONS / 8]>);

impl PartitionBitmap {
    /// No partition.
    pub fn empty() -> Self {
        Self(Box::new([0; PARTITIONS / 8]))
    }

    /// Whether a partition is in it.
    pub fn contains(&self, id: PartitionId) -> bool {
        self.0[id.index() >> 3] & (0x80 >> (id.index() & 7)) != 0
    }

    /// Adds a partition.
    pub fn insert(&mut self, id: PartitionId) {
        self.0[id.index() >> 3] |= 0x80 >> (id.index() & 7);
    }

    /// The 684 characters of the bitmap.
    pub fn to_base64(&self) -> String {
        BASE64.encode(&self.0[..])
    }

    /// Reads 684 characters.
    pub fn from_base64(text: &str) -> Result<Self> {
        let mut bits = Self::empty();
        // the decoder wants room for whole groups of three bytes
        let mut room = [0; PARTITIONS / 8 + 3];
        match BASE64.decode_slice(text, &mut room) {
            Ok(n) if n == PARTITIONS / 8 => {
                bits.0.copy_from_slice(&room[..n]);
                Ok(bits)
            }
            _ => Err(DecodeError::Invalid("partition bitmap")),
        }
    }
}

impl std::fmt::Debug for PartitionBitmap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let count: u32 = self.0.iter().map(|b| b.count_ones()).sum();
        write!(f, "PartitionBitmap({count} partitions)")
    }
}

/// What one node says of one namespace's partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamespaceReplicas {
    /// The namespace.
    pub namespace: String,
    /// 0 in AP namespaces; a smaller regime than the one held is stale.
    pub regime: u32,
    /// The partitions the node holds as master, first replica, and so on.
    pub replicas: Vec<PartitionBitmap>,
}

/// Reads the value of `replicas`: `ns:regime,count,bitmap…;…`.
pub fn parse_replicas(value: &str) -> Result<Vec<NamespaceReplicas>> {
    const BAD: DecodeError = DecodeError::Invalid("partition map");
    let mut namespaces = Vec::new();
    for entry in value.split(';').filter(|e| !e.is_empty()) {
        if namespaces.len() == MAX_NAMESPACES {
            return Err(BAD);
        }
        let (namespace, rest) = entry.split_once(':').ok_or(BAD)?;
        let mut parts = rest.split(',');
        let regime = parts.next().and_then(|r| r.parse().ok()).ok_or(BAD)?;
        let count: usize = parts.next().and_then(|c| c.parse().ok()).ok_or(BAD)?;
        let replicas = parts
            .by_ref()
            .take(count.min(MAX_REPLICAS))
            .map(PartitionBitmap::from_base64)
            .collect::<Result<Vec<_>>>()?;
        if replicas.len() < count.min(MAX_REPLICAS) {
            return Err(BAD);
        }
        namespaces.push(NamespaceReplicas { namespace: namespace.to_owned(), regime, replicas });
    }
    Ok(namespaces)
}
