//! Links to objects that end by themselves and cannot be changed.

use std::{fmt, fmt::Write as _, fs, io, path::Path};

use clearcut_job::{UnixMillis, UploadId};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::{ObjectName, disk::write_whole};

/// What a link is for; a link for one purpose opens nothing for another.
const FILE: &str = "file";
const UPLOAD: &str = "upload";

/// Signs links to objects and checks them. Whoever has the link has the object, until it ends.
pub struct UrlSigner {
    secret: [u8; 32],
}

/// A link to an object: its path and query below the server's own address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedPath(pub String);

/// Why a link does not open its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SigningError {
    /// Something in it was changed, or it was signed by another server.
    #[error("the signature of the link does not fit")]
    Changed,
    /// Its time is over.
    #[error("the link has expired")]
    Expired,
}

impl UrlSigner {
    /// A signer with this secret.
    #[must_use]
    pub const fn new(secret: [u8; 32]) -> Self {
        Self { secret }
    }

    /// A signer with the secret in the file `path`, which is drawn and written there, readable by its owner alone, if it
    /// is missing. Links outlive a restart by this.
    ///
    /// # Errors
    /// If the file cannot be read or written, or does not hold a secret.
    pub fn open(path: &Path) -> io::Result<Self> {
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => write_secret(path)?,
            text => text?,
        };
        let mut secret = [0; 32];
        hex::decode_to_slice(text.trim(), &mut secret)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the file does not hold a secret"))?;
        Ok(Self::new(secret))
    }

    /// The link that opens `name` until `expires`, to the second.
    #[must_use]
    pub fn sign(&self, name: &ObjectName, expires: UnixMillis) -> SignedPath {
        SignedPath(format!("/files/{name}?{}", self.query(FILE, name.as_str(), expires)))
    }

    /// The link that opens `name` until `expires`, and says that it is called `file_name`: a name that the link's reader can rely on is part of
    /// what is signed.
    #[must_use]
    pub fn sign_as(&self, name: &ObjectName, file_name: &str, expires: UnixMillis) -> SignedPath {
        let encoded = percent_encode(file_name);
        let query = self.query(FILE, &named(name, Some(&encoded)), expires);
        SignedPath(format!("/files/{name}?filename={encoded}&{query}"))
    }

    /// The link that takes the bytes of `upload` until `expires`, to the second.
    #[must_use]
    pub fn sign_upload(&self, upload: &UploadId, expires: UnixMillis) -> SignedPath {
        SignedPath(format!("/api/v1/uploads/{upload}?{}", self.query(UPLOAD, upload.as_str(), expires)))
    }

    fn query(&self, purpose: &str, name: &str, expires: UnixMillis) -> String {
        let expires_secs = expires.whole_secs();
        let signature = hex::encode(self.mac(purpose, name, expires_secs).finalize().into_bytes());
        format!("expires={expires_secs}&signature={signature}")
    }

    /// Whether a link to `name` with these values opens it at `now`; `encoded` is the file name as it stands in the link, if one does.
    ///
    /// # Errors
    /// If anything was changed or its time is over; the signature is looked at first, so that an expired link tells
    /// nothing to one who made it up.
    pub fn check(
        &self,
        name: &ObjectName,
        encoded: Option<&str>,
        (expires, signature): (&str, &str),
        now: UnixMillis,
    ) -> Result<(), SigningError> {
        self.check_query(FILE, &named(name, encoded), (expires, signature), now)
    }

    /// Whether a link to `upload` with these two values takes bytes at `now`.
    ///
    /// # Errors
    /// As with a link to an object.
    pub fn check_upload(
        &self,
        upload: &UploadId,
        expires: &str,
        signature: &str,
        now: UnixMillis,
    ) -> Result<(), SigningError> {
        self.check_query(UPLOAD, upload.as_str(), (expires, signature), now)
    }

    fn check_query(
        &self,
        purpose: &str,
        name: &str,
        (expires, signature): (&str, &str),
        now: UnixMillis,
    ) -> Result<(), SigningError> {
        let expires_secs: i64 = expires.parse().map_err(|_| SigningError::Changed)?;
        // One way to write a number, so that a link has one form.
        if expires_secs.to_string() != expires {
            return Err(SigningError::Changed);
        }
        let lower = signature.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let given = hex::decode(signature).ok().filter(|_| lower).ok_or(SigningError::Changed)?;
        self.mac(purpose, name, expires_secs).verify_slice(&given).map_err(|_| SigningError::Changed)?;
        if now.whole_secs() >= expires_secs { Err(SigningError::Expired) } else { Ok(()) }
    }

    fn mac(&self, purpose: &str, name: &str, expires_secs: i64) -> Hmac<Sha256> {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.secret).expect("a key of any length");
        mac.update(format!("clearcut {purpose} v1\n{expires_secs}\n{name}").as_bytes());
        mac
    }
}

/// What a link to an object signs. No name of an object holds a line feed.
fn named(name: &ObjectName, encoded: Option<&str>) -> String {
    encoded.map_or_else(|| name.to_string(), |encoded| format!("{name}\n{encoded}"))
}

/// `text` in UTF-8 with all but letters, digits and `-._~` as `%XX`: fit for a query, and for the `filename*` of a header (RFC 8187).
#[must_use]
pub fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

impl fmt::Debug for UrlSigner {
    /// Says nothing: the secret stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UrlSigner(..)")
    }
}

fn write_secret(path: &Path) -> io::Result<String> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(io::Error::other)?;
    let text = hex::encode(secret);
    write_whole(path, text.as_bytes(), true)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use clearcut_job::{FencingToken, JobId, OutputFormat};

    use super::*;

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

    fn signed() -> (UrlSigner, ObjectName, String, String) {
        let signer = UrlSigner::new([7; 32]);
        let name = ObjectName::output(&JobId::from_random(1), FencingToken(1), OutputFormat::Webm);
        let SignedPath(path) = signer.sign(&name, UnixMillis(NOW.0 + 3_600_000));
        let (_, query) = path.split_once("?expires=").unwrap();
        let (expires, signature) = query.split_once("&signature=").unwrap();
        (signer, name, expires.to_owned(), signature.to_owned())
    }

    #[test]
    fn a_link_opens_until_its_time_is_over() {
        let (signer, name, expires, signature) = signed();
        let at = |secs: i64| signer.check(&name, None, (&expires, &signature), UnixMillis(NOW.0 + secs * 1000));
        assert_eq!(at(0), Ok(()));
        assert_eq!(at(3599), Ok(()));
        assert_eq!(at(3600), Err(SigningError::Expired));
    }

    #[test]
    fn any_changed_character_closes_the_link() {
        let (signer, name, expires, signature) = signed();
        let refused = |name: &ObjectName, expires: &str, signature: &str| {
            assert_eq!(
                signer.check(name, None, (expires, signature), NOW),
                Err(SigningError::Changed),
                "{expires} {signature}"
            );
        };
        for place in 0..signature.len() {
            let mut changed = signature.clone().into_bytes();
            changed[place] = if changed[place] == b'0' { b'1' } else { b'0' };
            refused(&name, &expires, &String::from_utf8(changed).unwrap());
        }
        for other in [format!("{}9", &expires[..9]), format!("0{expires}"), format!("+{expires}"), String::new()] {
            refused(&name, &other, &signature);
        }
        refused(&name, &expires, &signature.to_uppercase());
        refused(&name, &expires, "");
        refused(&ObjectName::upload(1), &expires, &signature);
        assert!(UrlSigner::new([8; 32]).check(&name, None, (&expires, &signature), NOW).is_err());
    }

    #[test]
    fn the_name_of_a_file_is_part_of_its_link() {
        let signer = UrlSigner::new([7; 32]);
        let name = ObjectName::output(&JobId::from_random(1), FencingToken(1), OutputFormat::Webm);
        let SignedPath(path) = signer.sign_as(&name, "Füße \"1\".webm", UnixMillis(NOW.0 + 1000));
        let (_, query) = path.split_once("?filename=").unwrap();
        let (encoded, rest) = query.split_once("&expires=").unwrap();
        let times = rest.split_once("&signature=").unwrap();
        assert_eq!(encoded, "F%C3%BC%C3%9Fe%20%221%22.webm");
        assert_eq!(signer.check(&name, Some(encoded), times, NOW), Ok(()));
        for other in [None, Some("evil.exe"), Some(""), Some("F%c3%bc%c3%9fe%20%221%22.webm")] {
            assert_eq!(signer.check(&name, other, times, NOW), Err(SigningError::Changed), "{other:?}");
        }
    }

    #[test]
    fn a_link_to_an_upload_takes_that_upload_alone() {
        let signer = UrlSigner::new([7; 32]);
        let upload = UploadId::from_random(1);
        let SignedPath(path) = signer.sign_upload(&upload, UnixMillis(NOW.0 + 1000));
        let (_, query) = path.strip_prefix("/api/v1/uploads/").unwrap().split_once("?expires=").unwrap();
        let (expires, signature) = query.split_once("&signature=").unwrap();
        assert_eq!(signer.check_upload(&upload, expires, signature, NOW), Ok(()));
        let other = signer.check_upload(&UploadId::from_random(2), expires, signature, NOW);
        assert_eq!(other, Err(SigningError::Changed));
        let late = signer.check_upload(&upload, expires, signature, UnixMillis(NOW.0 + 1000));
        assert_eq!(late, Err(SigningError::Expired));
        let SignedPath(path) = signer.sign(&ObjectName::partial(&upload), UnixMillis(NOW.0 + 1000));
        let (_, signature) = path.split_once("&signature=").unwrap();
        assert_eq!(signer.check_upload(&upload, expires, signature, NOW), Err(SigningError::Changed));
    }

    #[test]
    fn the_secret_is_drawn_once_and_is_the_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("url-signing.key");
        let name = ObjectName::upload(1);
        let first = UrlSigner::open(&path).unwrap().sign(&name, NOW);
        assert_eq!(UrlSigner::open(&path).unwrap().sign(&name, NOW), first);
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::MetadataExt::mode(&fs::metadata(&path).unwrap()) & 0o777, 0o600);
    }
}
