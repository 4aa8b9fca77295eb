//! From where users of a role may come: addresses and networks, comma separated.

use std::net::IpAddr;

/// A network, or a single address with all bits fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    /// Bits that count.
    prefix: u32,
}

/// Addresses and networks; none of them means everywhere.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Allowlist {
    text: String,
    networks: Vec<Network>,
}

impl Allowlist {
    /// Reads a list; `None` when a part of it is no address and no network.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::default());
        }
        let networks = text.split(',').map(|part| Network::parse(part.trim())).collect::<Option<_>>()?;
        Some(Self { text: text.to_owned(), networks })
    }

    /// The list as it was given.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it says nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.networks.is_empty()
    }

    /// Whether an address is on it.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(address.to_canonical()))
    }
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { u32::BITS } else { u128::BITS };
        let prefix = prefix.map_or(Some(most), |prefix| prefix.parse().ok()).filter(|prefix| *prefix <= most)?;
        Some(Self { address, prefix })
    }

    fn contains(&self, other: IpAddr) -> bool {
        match (self.address, other) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let differ = u32::from(own) ^ u32::from(other);
                differ.leading_zeros() >= self.prefix
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let differ = u128::from(own) ^ u128::from(other);
                differ.leading_zeros() >= self.prefix
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_addresses_and_networks() {
        let list = Allowlist::parse("10.0.0.0/8, 127.0.0.1,fe80::/16").unwrap();
        for (address, is_on) in [
            ("10.200.1.1", true),
            ("11.0.0.1", false),
            ("127.0.0.1", true),
            ("127.0.0.2", false),
            ("::ffff:127.0.0.1", true),
            ("fe80::1", true),
            ("fe81::1", false),
        ] {
            assert_eq!(list.contains(address.parse().unwrap()), is_on, "{address}");
        }
        assert!(Allowlist::parse("0.0.0.0/0").unwrap().contains("8.8.8.8".parse().unwrap()));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in ["bad", "10.0.0", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", ",", "10.0.0.1,", "::/129"] {
            assert!(Allowlist::parse(text).is_none(), "{text}");
        }
        assert!(Allowlist::parse("").unwrap().is_empty());
    }
}
