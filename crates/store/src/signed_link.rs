//! Signed links to objects, which expire and cannot be altered.

use std::{fmt, fs, io, path::Path};

use clearcut_job::{JobId, ObjectName, UnixMillis, UploadId};
use hmac::{Hmac, KeyInit as _, Mac as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::Sha256;

use crate::disk::write_atomically;

/// Purpose of a link. A link for one purpose is invalid for the others.
const FILE_PURPOSE: &str = "file";
const UPLOAD_PURPOSE: &str = "upload";
const EVENTS_PURPOSE: &str = "events";

/// Signs and verifies links to objects. Anyone who holds a link can access its object until the
/// link expires.
pub struct UrlSigner {
    secret: [u8; 32],
}

/// A link to an object: path and query below the server's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedPath(pub String);

/// The reason to reject a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SigningError {
    /// The link was altered, or another server signed it.
    #[error("the signature of the link does not match")]
    Changed,
    /// The link has expired.
    #[error("the link has expired")]
    Expired,
}

impl UrlSigner {
    /// Creates a signer with this secret.
    #[must_use]
    pub const fn new(secret: [u8; 32]) -> Self {
        Self { secret }
    }

    /// Creates a signer with the secret in the file `path`. If the file is missing, a random secret
    /// is written to it, readable by its owner only. This keeps links valid across restarts.
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

    /// A link to `name` that is valid until `expires`, with a resolution of one second.
    #[must_use]
    pub fn sign(&self, name: &ObjectName, expires: UnixMillis) -> SignedPath {
        SignedPath(format!("/files/{name}?{}", self.query(FILE_PURPOSE, name.as_str(), expires)))
    }

    /// A link to `name` that is valid until `expires` and states the file name `file_name`. The
    /// signature covers the file name, so that the link's recipient can rely on it.
    #[must_use]
    pub fn sign_as(&self, name: &ObjectName, file_name: &str, expires: UnixMillis) -> SignedPath {
        let encoded = percent_encode(file_name);
        let query = self.query(FILE_PURPOSE, &signed_text(name, Some(&encoded)), expires);
        SignedPath(format!("/files/{name}?filename={encoded}&{query}"))
    }

    /// A link that accepts the bytes of `upload` until `expires`, with a resolution of one second.
    #[must_use]
    pub fn sign_upload(&self, upload: &UploadId, expires: UnixMillis) -> SignedPath {
        SignedPath(format!("/api/v1/uploads/{upload}?{}", self.query(UPLOAD_PURPOSE, upload.as_str(), expires)))
    }

    /// A link to the events of `job`, which the API key `reader` may read, until `expires`, with a
    /// resolution of one second.
    #[must_use]
    pub fn sign_events(&self, job: &JobId, reader: i64, expires: UnixMillis) -> SignedPath {
        let query = self.query(EVENTS_PURPOSE, &format!("{job}\n{reader}"), expires);
        SignedPath(format!("/api/v1/jobs/{job}/events?key={reader}&{query}"))
    }

    fn query(&self, purpose: &str, name: &str, expires: UnixMillis) -> String {
        let expires_secs = expires.whole_secs();
        let signature = hex::encode(self.mac(purpose, name, expires_secs).finalize().into_bytes());
        format!("expires={expires_secs}&signature={signature}")
    }

    /// Verifies a link to `name` at `now`. `encoded` is the percent-encoded file name in the link,
    /// if any.
    ///
    /// # Errors
    /// If the link was altered or has expired. The signature is checked first, so that a forged
    /// link reveals nothing.
    pub fn check(
        &self,
        name: &ObjectName,
        encoded: Option<&str>,
        (expires, signature): (&str, &str),
        now: UnixMillis,
    ) -> Result<(), SigningError> {
        self.check_query(FILE_PURPOSE, &signed_text(name, encoded), (expires, signature), now)
    }

    /// Verifies a link to `upload` at `now`.
    ///
    /// # Errors
    /// Those of [`Self::check`].
    pub fn check_upload(
        &self,
        upload: &UploadId,
        expires: &str,
        signature: &str,
        now: UnixMillis,
    ) -> Result<(), SigningError> {
        self.check_query(UPLOAD_PURPOSE, upload.as_str(), (expires, signature), now)
    }

    /// Verifies a link to the events of `job` for `reader` at `now`.
    ///
    /// # Errors
    /// Those of [`Self::check`].
    pub fn check_events(
        &self,
        job: &JobId,
        reader: i64,
        (expires, signature): (&str, &str),
        now: UnixMillis,
    ) -> Result<(), SigningError> {
        self.check_query(EVENTS_PURPOSE, &format!("{job}\n{reader}"), (expires, signature), now)
    }

    fn check_query(
        &self,
        purpose: &str,
        name: &str,
        (expires, signature): (&str, &str),
        now: UnixMillis,
    ) -> Result<(), SigningError> {
        let expires_secs: i64 = expires.parse().map_err(|_| SigningError::Changed)?;
        // Only the canonical form of the number is valid, so that a link has exactly one form.
        if expires_secs.to_string() != expires {
            return Err(SigningError::Changed);
        }
        let is_lowercase = signature.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let decoded = hex::decode(signature).ok().filter(|_| is_lowercase).ok_or(SigningError::Changed)?;
        self.mac(purpose, name, expires_secs).verify_slice(&decoded).map_err(|_| SigningError::Changed)?;
        if now.whole_secs() >= expires_secs { Err(SigningError::Expired) } else { Ok(()) }
    }

    fn mac(&self, purpose: &str, name: &str, expires_secs: i64) -> Hmac<Sha256> {
        #[expect(clippy::expect_used, reason = "HMAC accepts keys of any length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.secret).expect("HMAC accepts keys of any length");
        mac.update(format!("clearcut {purpose} v1\n{expires_secs}\n{name}").as_bytes());
        mac
    }
}

/// The text that a link to an object signs. Object names contain no line feed.
fn signed_text(name: &ObjectName, encoded: Option<&str>) -> String {
    encoded.map_or_else(|| name.to_string(), |encoded| format!("{name}\n{encoded}"))
}

/// All characters except letters, digits and `-._~`.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// `text` in UTF-8 with everything except letters, digits and `-._~` encoded as `%XX`: valid in a
/// query and in the `filename*` of a header (RFC 8187).
#[must_use]
pub fn percent_encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

impl fmt::Debug for UrlSigner {
    /// Omits the secret, which must not appear in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UrlSigner(..)")
    }
}

fn write_secret(path: &Path) -> io::Result<String> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(io::Error::other)?;
    let text = hex::encode(secret);
    write_atomically(path, text.as_bytes(), true)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use clearcut_job::{FencingToken, OutputFormat};

    use super::*;

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

    fn signed() -> (UrlSigner, ObjectName, String, String) {
        let signer = UrlSigner::new([7; 32]);
        let name = ObjectName::output(&JobId::from_random(1), FencingToken(1), OutputFormat::Webm.into());
        let SignedPath(path) = signer.sign(&name, UnixMillis(NOW.0 + 3_600_000));
        let (_, query) = path.split_once("?expires=").unwrap();
        let (expires, signature) = query.split_once("&signature=").unwrap();
        (signer, name, expires.to_owned(), signature.to_owned())
    }

    #[test]
    fn a_link_is_valid_until_it_expires() {
        let (signer, name, expires, signature) = signed();
        let at = |secs: i64| signer.check(&name, None, (&expires, &signature), UnixMillis(NOW.0 + secs * 1000));
        assert_eq!(at(0), Ok(()));
        assert_eq!(at(3599), Ok(()));
        assert_eq!(at(3600), Err(SigningError::Expired));
    }

    #[test]
    fn changing_any_character_invalidates_the_link() {
        let (signer, name, expires, signature) = signed();
        let assert_rejected = |name: &ObjectName, expires: &str, signature: &str| {
            assert_eq!(
                signer.check(name, None, (expires, signature), NOW),
                Err(SigningError::Changed),
                "{expires} {signature}"
            );
        };
        for place in 0..signature.len() {
            let mut changed = signature.clone().into_bytes();
            changed[place] = if changed[place] == b'0' { b'1' } else { b'0' };
            assert_rejected(&name, &expires, &String::from_utf8(changed).unwrap());
        }
        for other in [format!("{}9", &expires[..9]), format!("0{expires}"), format!("+{expires}"), String::new()] {
            assert_rejected(&name, &other, &signature);
        }
        assert_rejected(&name, &expires, &signature.to_uppercase());
        assert_rejected(&name, &expires, "");
        assert_rejected(&ObjectName::upload(1), &expires, &signature);
        assert!(UrlSigner::new([8; 32]).check(&name, None, (&expires, &signature), NOW).is_err());
    }

    #[test]
    fn the_signature_covers_the_file_name() {
        let signer = UrlSigner::new([7; 32]);
        let name = ObjectName::output(&JobId::from_random(1), FencingToken(1), OutputFormat::Webm.into());
        let SignedPath(path) = signer.sign_as(&name, "Füße \"1\".webm", UnixMillis(NOW.0 + 1000));
        let (_, query) = path.split_once("?filename=").unwrap();
        let (encoded, rest) = query.split_once("&expires=").unwrap();
        let expiry_and_signature = rest.split_once("&signature=").unwrap();
        assert_eq!(encoded, "F%C3%BC%C3%9Fe%20%221%22.webm");
        assert_eq!(signer.check(&name, Some(encoded), expiry_and_signature, NOW), Ok(()));
        for other in [None, Some("evil.exe"), Some(""), Some("F%c3%bc%c3%9fe%20%221%22.webm")] {
            assert_eq!(signer.check(&name, other, expiry_and_signature, NOW), Err(SigningError::Changed), "{other:?}");
        }
    }

    #[test]
    fn an_upload_link_is_valid_for_that_upload_only() {
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
    fn a_link_to_events_is_valid_for_one_job_and_one_api_key() {
        let signer = UrlSigner::new([7; 32]);
        let job = JobId::from_random(1);
        let SignedPath(path) = signer.sign_events(&job, 3, UnixMillis(NOW.0 + 1000));
        let (_, query) = path.split_once("?key=3&expires=").unwrap();
        let link = query.split_once("&signature=").unwrap();
        assert_eq!(signer.check_events(&job, 3, link, NOW), Ok(()));
        assert_eq!(signer.check_events(&job, 4, link, NOW), Err(SigningError::Changed));
        assert_eq!(signer.check_events(&JobId::from_random(2), 3, link, NOW), Err(SigningError::Changed));
        assert_eq!(signer.check_events(&job, 3, link, UnixMillis(NOW.0 + 1000)), Err(SigningError::Expired));
    }

    #[test]
    fn the_secret_is_generated_once_and_readable_by_its_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("url-signing.key");
        let name = ObjectName::upload(1);
        let first = UrlSigner::open(&path).unwrap().sign(&name, NOW);
        assert_eq!(UrlSigner::open(&path).unwrap().sign(&name, NOW), first);
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::MetadataExt::mode(&fs::metadata(&path).unwrap()) & 0o777, 0o600);
    }
}
