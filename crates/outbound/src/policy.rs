//! Address policy: which IP addresses outbound requests may reach.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// IPv4 networks that are not public, from IANA's registries of special-purpose addresses.
const REFUSED_V4: [([u8; 4], u8); 17] = [
    ([0, 0, 0, 0], 8),          // this host
    ([10, 0, 0, 0], 8),         // private
    ([100, 64, 0, 0], 10),      // carrier-grade NAT; metadata of some clouds
    ([127, 0, 0, 0], 8),        // loopback
    ([168, 63, 129, 16], 32),   // host of a cloud, reachable from its machines only
    ([169, 254, 0, 0], 16),     // link-local; metadata of most clouds
    ([172, 16, 0, 0], 12),      // private
    ([192, 0, 0, 0], 24),       // protocol assignments
    ([192, 0, 2, 0], 24),       // documentation
    ([192, 88, 99, 0], 24),     // 6to4 relays
    ([192, 168, 0, 0], 16),     // private
    ([198, 18, 0, 0], 15),      // benchmarks
    ([198, 51, 100, 0], 24),    // documentation
    ([203, 0, 113, 0], 24),     // documentation
    ([224, 0, 0, 0], 4),        // multicast
    ([240, 0, 0, 0], 4),        // reserved
    ([255, 255, 255, 255], 32), // broadcast
];

/// IPv6 networks that are not public: everything outside of global unicast (`2000::/3`), and the
/// special-purpose networks within it. The former covers mapped and translated IPv4
/// (`::ffff:0:0/96`, `64:ff9b::/96`, `64:ff9b:1::/48`), loopback, unique local, link-local and
/// multicast.
const REFUSED_V6: [([u16; 3], u8); 7] = [
    ([0, 0, 0], 3),
    ([0x2001, 0, 0], 23),     // protocol assignments, including Teredo, benchmarks and ORCHID
    ([0x2001, 0xdb8, 0], 32), // documentation
    ([0x2002, 0, 0], 16),     // 6to4
    ([0x3fff, 0, 0], 20),     // documentation
    ([0x4000, 0, 0], 2),
    ([0x8000, 0, 0], 1),
];

/// The reachable addresses: public ones, and those of explicitly allowed networks.
#[derive(Debug, Clone, Default)]
pub struct AddressPolicy {
    allowed: Vec<IpNet>,
}

impl AddressPolicy {
    /// Creates a policy that admits public addresses and the networks in `allowed`.
    #[must_use]
    pub const fn new(allowed: Vec<IpNet>) -> Self {
        Self { allowed }
    }

    /// Whether `address` may be reached. An IPv4-mapped IPv6 address counts as IPv6: it is refused
    /// unless an IPv6 network that contains it was allowed.
    #[must_use]
    pub fn admits(&self, address: IpAddr) -> bool {
        self.allowed.iter().any(|network| network.contains(&address)) || !is_special(address)
    }
}

fn is_special(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => REFUSED_V4
            .iter()
            .any(|(network, bits)| Ipv4Net::new((*network).into(), *bits).is_ok_and(|net| net.contains(&address))),
        IpAddr::V6(address) => REFUSED_V6.iter().any(|([a, b, c], bits)| {
            let network = [*a, *b, *c, 0, 0, 0, 0, 0].into();
            Ipv6Net::new(network, *bits).is_ok_and(|net| net.contains(&address))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(policy: &AddressPolicy, text: &str) -> bool {
        policy.admits(text.parse().unwrap())
    }

    #[test]
    fn public_addresses_are_admitted() {
        for text in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "128.0.0.1",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.20.0.0",
            "223.255.255.255",
            "2000::1",
            "2001:200::1",
            "2606:4700:4700::1111",
            "3ffe::1",
        ] {
            assert!(admits(&AddressPolicy::default(), text), "{text}");
        }
    }

    #[test]
    fn special_purpose_addresses_are_refused() {
        for text in [
            "0.0.0.0",
            "0.255.255.255",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.100.100.200",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::ffff:0:8.8.8.8",
            "64:ff9b::127.0.0.1",
            "64:ff9b::8.8.8.8",
            "64:ff9b:1::a00:1",
            "100::1",
            "2001::1",
            "2001:0:4136:e378:8000:63bf:3fff:fdd2",
            "2001:2::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:808:808::1",
            "3fff::1",
            "3fff:fff::1",
            "4000::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!admits(&AddressPolicy::default(), text), "{text}");
        }
    }

    #[test]
    fn allowing_a_network_admits_that_network_only() {
        let policy = AddressPolicy::new(vec!["10.1.0.0/16".parse().unwrap(), "fd00::/8".parse().unwrap()]);
        assert!(admits(&policy, "10.1.2.3") && admits(&policy, "fd12::1"));
        for text in ["10.2.0.1", "127.0.0.1", "::ffff:10.1.2.3", "fc00::1", "::1"] {
            assert!(!admits(&policy, text), "{text}");
        }
    }
}
