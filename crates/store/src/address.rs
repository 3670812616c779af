//! The address of a bucket, and the origin of the pages that read from it: what is accepted.

use std::{fmt, net::Ipv4Addr, str::FromStr};

use object_store::{path::Path as Location, signer::Url};

use crate::SettingError;

/// Longest prefix. The names of the objects below it are shorter than the rest of the 1024 bytes
/// that S3 allows.
const MAX_PREFIX_BYTES: usize = 512;

/// Address of an S3-compatible store: a bucket, or the part of it below a prefix. Its text is
/// `s3://bucket/prefix`, and never holds a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreAddress {
    bucket: String,
    prefix: Location,
}

impl StoreAddress {
    pub(crate) fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The location of all objects; empty if they lie at the top of the bucket.
    pub(crate) const fn prefix(&self) -> &Location {
        &self.prefix
    }
}

impl FromStr for StoreAddress {
    type Err = SettingError;

    fn from_str(text: &str) -> Result<Self, SettingError> {
        let refused = |what| Err(SettingError::Address(what));
        let Some(rest) = text.strip_prefix("s3://") else {
            return refused("it does not begin with s3://");
        };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.contains(['@', ':']) {
            return refused("it holds a key or a port, which belong in the variables of the AWS tools");
        }
        if rest.contains(['?', '#']) {
            return refused("it has a query, which belongs in the variables of the AWS tools");
        }
        if !is_bucket(bucket) {
            return refused(
                "a bucket has 3 to 63 lower-case letters, digits, hyphens and single dots, begins and ends with a letter or digit, and is no IP address",
            );
        }
        // One slash at the end is what other tools print.
        match Location::parse(prefix) {
            Ok(location) if prefix.is_empty() || is_prefix(prefix.strip_suffix('/').unwrap_or(prefix)) => {
                Ok(Self { bucket: bucket.to_owned(), prefix: location })
            }
            _ => refused(
                "a prefix has at most 512 letters, digits and - _ . ! * ' ( ) = between single slashes, and no part is . or ..",
            ),
        }
    }
}

fn is_bucket(name: &str) -> bool {
    let is_end = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    (3..=63).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte))
        && is_end(name.bytes().next())
        && is_end(name.bytes().last())
        && !name.contains("..")
        && name.parse::<Ipv4Addr>().is_err()
}

/// Whether S3 and every tool agree on these names, without an encoding.
fn is_prefix(prefix: &str) -> bool {
    let is_part = |part: &str| {
        !matches!(part, "" | "." | "..")
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.!*'()=".contains(&byte))
    };
    prefix.len() <= MAX_PREFIX_BYTES && prefix.split('/').all(is_part)
}

impl fmt::Display for StoreAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}", self.bucket)?;
        if self.prefix.as_ref().is_empty() { Ok(()) } else { write!(f, "/{}", self.prefix) }
    }
}

/// Origin of pages, as browsers send it: `https://cut.example.com` or `http://127.0.0.1:8787`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// The origin of the web address `text`, which `variable` holds.
    ///
    /// # Errors
    /// If it is no web address.
    pub fn of_address(variable: &str, text: &str) -> Result<Self, SettingError> {
        match Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(Self(url.origin().ascii_serialization())),
            _ => Err(SettingError::Variable {
                name: variable.to_owned(),
                allowed: "an address like https://cut.example.com",
            }),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Origin {
    type Err = SettingError;

    fn from_str(text: &str) -> Result<Self, SettingError> {
        match web_address(text) {
            Some(url) if !text.ends_with('/') => Ok(Self(url.origin().ascii_serialization())),
            _ => Err(SettingError::Origin),
        }
    }
}

/// An address of a web server, with scheme, host and port alone, and perhaps one slash at its end.
pub(crate) fn web_address(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_bare = matches!(url.scheme(), "http" | "https")
        && url.username().is_empty()
        && url.password().is_none()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none();
    // The parser takes blanks, backslashes and missing slashes for what they may be meant as.
    let authority = text.split_once("://").map(|(_, rest)| rest.strip_suffix('/').unwrap_or(rest))?;
    let is_plain = !authority.contains(['/', '\\', '@']) && !text.contains(char::is_whitespace);
    (is_bare && is_plain).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_as_it_was_given_but_for_a_slash_at_its_end() {
        for (text, shown) in [
            ("s3://bucket", "s3://bucket"),
            ("s3://bucket/", "s3://bucket"),
            ("s3://my.bucket-1/a/B_2.c", "s3://my.bucket-1/a/B_2.c"),
            ("s3://bucket/prefix/", "s3://bucket/prefix"),
        ] {
            assert_eq!(text.parse::<StoreAddress>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn an_address_that_s3_would_refuse_or_read_otherwise_is_refused() {
        for (text, what) in [
            ("bucket", "begin with s3://"),
            ("S3://bucket", "begin with s3://"),
            ("https://s3.example.com/bucket", "begin with s3://"),
            ("s3://", "a bucket has"),
            ("s3:///x", "a bucket has"),
            ("s3://ab", "a bucket has"),
            ("s3://Bucket", "a bucket has"),
            ("s3://my_bucket", "a bucket has"),
            ("s3://bucket-", "a bucket has"),
            ("s3://a..b", "a bucket has"),
            ("s3://192.168.0.1", "a bucket has"),
            ("s3://bücket", "a bucket has"),
            ("s3://key:secret-word@bucket", "holds a key"),
            ("s3://bucket:9000/x", "a port"),
            ("s3://bucket?region=x", "a query"),
            ("s3://bucket/x?versionId=secret-word", "a query"),
            ("s3://bucket/x#y", "a query"),
            ("s3://bucket//", "a prefix has"),
            ("s3://bucket//b", "a prefix has"),
            ("s3://bucket/a//b", "a prefix has"),
            ("s3://bucket/a/../b", "a prefix has"),
            ("s3://bucket/a/./b", "a prefix has"),
            ("s3://bucket/a%2Fb", "a prefix has"),
            ("s3://bucket/a b", "a prefix has"),
            ("s3://bucket/key/secret-word@b", "a prefix has"),
        ] {
            let message = text.parse::<StoreAddress>().unwrap_err().to_string();
            assert!(message.contains(what) && !message.contains("secret-word"), "{text}: {message}");
        }
        assert!(format!("s3://bucket/{}", "a".repeat(512)).parse::<StoreAddress>().is_ok());
        assert!(format!("s3://bucket/{}", "a".repeat(513)).parse::<StoreAddress>().is_err());
    }

    #[test]
    fn an_origin_is_what_a_browser_sends_and_nothing_more() {
        for (text, origin) in [
            ("https://cut.example.com", "https://cut.example.com"),
            ("http://127.0.0.1:8787", "http://127.0.0.1:8787"),
            ("https://cut.example.com:443", "https://cut.example.com"),
            ("http://[::1]:80", "http://[::1]"),
        ] {
            assert_eq!(text.parse::<Origin>().unwrap().as_str(), origin);
        }
        let public = Origin::of_address("URL", "https://cut.example.com/below/").unwrap();
        assert_eq!(public.as_str(), "https://cut.example.com");
        assert!(Origin::of_address("URL", "cut.example.com").unwrap_err().to_string().starts_with("URL must be"));
        for text in [
            "",
            "*",
            "null",
            "cut.example.com",
            "ftp://cut.example.com",
            "https://",
            "https:cut.example.com",
            "https:///cut.example.com",
            "https://cut.example.com/",
            "https://cut.example.com/page",
            "https://cut.example.com?a=b",
            "https://cut.example.com#a",
            "https://ann@cut.example.com",
            "https://@cut.example.com",
            "https://cut.example.com:port",
            " https://cut.example.com",
            "https://cut.example.com\\",
        ] {
            assert!(text.parse::<Origin>().is_err(), "{text}");
        }
    }
}
