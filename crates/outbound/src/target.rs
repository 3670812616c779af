//! Target URLs: parsing, and the checks that do not need name resolution.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use url::{Host, Url};

use crate::{AddressPolicy, OutboundError};

/// A parsed URL that leads to no forbidden address as far as its text shows. Host names are checked
/// when they are resolved for the connection.
///
/// `Display` and `Debug` omit path and query, which may contain a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Target(Url);

impl AddressPolicy {
    /// Parses a URL. It must be absolute, http or https, without user name and password, and its
    /// host, if it is an IP address in any notation or `localhost`, must be admitted. A fragment is
    /// dropped.
    ///
    /// # Errors
    /// If the URL is invalid or not admitted.
    pub fn target(&self, text: &str) -> Result<Target, OutboundError> {
        self.admit(Url::parse(text.trim()).map_err(|_| OutboundError::Malformed)?)
    }

    /// The target of a redirect from `from`.
    ///
    /// # Errors
    /// Those of [`Self::target`].
    pub fn redirected(&self, from: &Target, location: &str) -> Result<Target, OutboundError> {
        self.admit(from.0.join(location.trim()).map_err(|_| OutboundError::Malformed)?)
    }

    fn admit(&self, mut url: Url) -> Result<Target, OutboundError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(OutboundError::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(OutboundError::Credentials);
        }
        // The parser has already converted short, octal, hexadecimal and decimal notations to
        // addresses.
        let literal = match url.host() {
            None => return Err(OutboundError::Malformed),
            Some(Host::Domain(name)) => lenient_literal(name),
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
        };
        let is_refused = match (literal, url.domain()) {
            (Some(address), _) => !self.admits(address),
            (None, Some(name)) => is_this_machine(name) && !self.admits_loopback(),
            (None, None) => false,
        };
        if is_refused {
            return Err(OutboundError::Refused);
        }
        url.set_fragment(None);
        Ok(Target(url))
    }

    fn admits_loopback(&self) -> bool {
        self.admits(Ipv4Addr::LOCALHOST.into()) || self.admits(Ipv6Addr::LOCALHOST.into())
    }
}

/// Whether a name is that of the machine itself (RFC 6761).
fn is_this_machine(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    name == "localhost" || name.ends_with(".localhost")
}

/// An address that a connector might read from a name, such as one with a trailing dot.
fn lenient_literal(name: &str) -> Option<IpAddr> {
    name.trim_end_matches('.').parse().ok()
}

impl Target {
    /// The full URL, including secrets: for the connection and the database.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The host without port: for logs and for per-host limits.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    pub(crate) fn url(&self) -> Url {
        self.0.clone()
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.0.scheme(), self.host())?;
        if let Some(port) = self.0.port() {
            write!(f, ":{port}")?;
        }
        f.write_str("/...")
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Target, OutboundError> {
        AddressPolicy::default().target(text)
    }

    #[test]
    fn public_urls_are_parsed_and_normalized() {
        for (text, whole) in [
            ("https://example.com/clip.mp4?token=a b#t=3", "https://example.com/clip.mp4?token=a%20b"),
            (" HTTP://Example.COM:8080 ", "http://example.com:8080/"),
            ("http://1.1.1.1/x", "http://1.1.1.1/x"),
            ("http://[2606:4700:4700::1111]/x", "http://[2606:4700:4700::1111]/x"),
            ("http://localhost.example.com/", "http://localhost.example.com/"),
        ] {
            assert_eq!(parse(text).unwrap().as_str(), whole);
        }
    }

    #[test]
    fn the_machine_itself_is_refused_by_name_unless_its_network_is_allowed() {
        let loopback = AddressPolicy::new(vec!["127.0.0.0/8".parse().unwrap()]);
        for text in ["http://localhost/", "http://LOCALHOST:8787/", "http://localhost./", "https://a.localhost/x"] {
            assert!(matches!(parse(text), Err(OutboundError::Refused)), "{text}");
            assert!(loopback.target(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn forbidden_ip_addresses_are_refused_in_every_notation() {
        for text in [
            "http://127.0.0.1/",
            "http://127.0.0.1:8787/",
            "http://127.0.0.1./",
            "http://127.1/",
            "http://127.0.1/",
            "http://0/",
            "http://0.0.0.0/",
            "http://2130706433/",
            "http://017700000001/",
            "http://0177.0.0.1/",
            "http://0x7f.0.0.1/",
            "http://0x7f000001/",
            "http://0x7f.1/",
            "http://%31%32%37.0.0.1/",
            "http://１２７.０.０.１/",
            "http://①②⑦.⓪.⓪.①/",
            "http://127。0。0。1/",
            "http:\\\\127.0.0.1\\",
            "http:127.0.0.1/",
            "http:///127.0.0.1/",
            "http://[::1]/",
            "http://[::]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://[0:0:0:0:0:ffff:127.0.0.1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://[2002:7f00:1::]/",
            "http://[fe80::1]/",
            "http://[fd00:ec2::254]/",
            "http://169.254.169.254/latest/meta-data/",
            "http://2852039166/",
            "http://10.0.0.1/",
            "http://192.168.1.1/",
            "http://100.64.0.1/",
        ] {
            assert!(matches!(parse(text), Err(OutboundError::Refused)), "{text}: {:?}", parse(text));
        }
    }

    #[test]
    fn malformed_urls_other_schemes_and_credentials_are_rejected_with_the_reason() {
        for text in [
            "",
            "clip.mp4",
            "/etc/passwd",
            "//example.com/x",
            "http://",
            "http://[::1%25lo]/",
            "http://256.0.0.1/",
            "http://ex ample.com/",
        ] {
            assert!(matches!(parse(text), Err(OutboundError::Malformed)), "{text}: {:?}", parse(text));
        }
        for text in
            ["file:///etc/passwd", "ftp://example.com/x", "gopher://example.com/", "data:video/mp4,x", "javascript:1"]
        {
            assert!(matches!(parse(text), Err(OutboundError::Scheme)), "{text}: {:?}", parse(text));
        }
        for text in ["http://user@example.com/", "http://:secret@example.com/", "http://example.com@127.0.0.1/"] {
            assert!(matches!(parse(text), Err(OutboundError::Credentials)), "{text}: {:?}", parse(text));
        }
    }

    #[test]
    fn a_redirect_is_resolved_against_its_origin_and_checked_like_any_url() {
        let policy = AddressPolicy::default();
        let from = policy.target("https://example.com/a/b?c").unwrap();
        let redirect_to = |location| policy.redirected(&from, location);
        assert_eq!(redirect_to("d").unwrap().as_str(), "https://example.com/a/d");
        assert_eq!(redirect_to("//other.example/x").unwrap().as_str(), "https://other.example/x");
        for location in ["http://127.0.0.1/", "//2130706433/x", "http://[::ffff:127.0.0.1]/"] {
            assert!(matches!(redirect_to(location), Err(OutboundError::Refused)), "{location}");
        }
        assert!(matches!(redirect_to("file:///etc/passwd"), Err(OutboundError::Scheme)));
    }

    #[test]
    fn a_displayed_target_contains_no_secret() {
        let target = parse("https://example.com:8443/u-secret/clip.mp4?signature=secret").unwrap();
        assert_eq!(target.to_string(), "https://example.com:8443/...");
        assert!(!format!("{target:?}").contains("secret"));
    }
}
