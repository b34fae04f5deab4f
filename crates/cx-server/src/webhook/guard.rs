//! In: addresses that a name stands for. Kept: nothing. Out: those a request may go to.
//! Never knows: names. Whoever writes definitions must not reach into our own networks by them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The first address, if all of them may be told; a name that stands for one of ours as well is refused.
///
/// # Errors
/// Which address is refused.
pub(crate) fn choose(all: &[SocketAddr], allow_private: bool) -> Result<SocketAddr, String> {
    let refused = all.iter().find(|a| !allow_private && !public(a.ip()));
    match (all.first(), refused) {
        (None, _) => Err("the name stands for no address".to_owned()),
        (_, Some(refused)) => Err(format!(
            "{} is no public address; allow_private: true allows it",
            refused.ip()
        )),
        (Some(first), None) => Ok(*first),
    }
}

fn public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => public_v4(ip),
        IpAddr::V6(ip) => public_v6(ip),
    }
}

/// By IANA's registry of special addresses.
fn public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = ip.is_loopback()
        || ip.is_private()
        || ip.is_link_local()
        || ip.is_broadcast()
        || ip.is_multicast()
        || ip.is_documentation()
        || ip.is_unspecified();
    let ranges = a == 0
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b))
        || a >= 240;
    !(special || ranges)
}

fn public_v6(ip: Ipv6Addr) -> bool {
    if let Some(inner) = inner_v4(ip) {
        return public_v4(inner);
    }
    let first = ip.segments()[0];
    // Global unicast only, without what stands for documentation and protocols.
    let documentation = first == 0x2001 && (ip.segments()[1] == 0xdb8 || ip.segments()[1] < 0x200);
    (0x2000..0x4000).contains(&first) && !documentation && first != 0x3fff
}

/// The address of version 4 that one of version 6 stands for.
fn inner_v4(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = ip.segments();
    let of = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Ipv4Addr::new(a, b, c, d)
    };
    match s {
        // Mapped, translated by a gateway, and 6to4.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(of(high, low))
        }
        [0x2002, high, low, ..] => Some(of(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_networks_and_what_stands_for_them_are_refused() {
        for bad in [
            "127.0.0.1",
            "10.1.2.3",
            "172.31.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.100.0.1",
            "0.0.0.0",
            "0.1.2.3",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "192.0.2.1",
            "240.0.0.1",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "fc00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::",
            "2001:db8::1",
            "::7f00:1",
        ] {
            assert!(!public(bad.parse().expect(bad)), "{bad}");
        }
        for good in [
            "93.184.216.34",
            "8.8.8.8",
            "172.32.0.1",
            "100.128.0.1",
            "2606:2800:220:1::1",
            "64:ff9b::808:808",
        ] {
            assert!(public(good.parse().expect(good)), "{good}");
        }
    }

    #[test]
    fn a_name_that_also_stands_for_one_of_ours_is_refused() {
        let at = |ip: &str| SocketAddr::new(ip.parse().expect(ip), 443);
        let mixed = [at("8.8.8.8"), at("10.0.0.1")];
        let refused = choose(&mixed, false).expect_err("one of ours");
        assert!(
            refused.starts_with("10.0.0.1 is no public address"),
            "{refused}"
        );
        assert_eq!(choose(&mixed, true), Ok(mixed[0]));
        assert_eq!(choose(&mixed[..1], false), Ok(mixed[0]));
        assert!(choose(&[], true).is_err());
    }
}
