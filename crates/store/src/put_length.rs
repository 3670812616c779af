//! Presigned URLs that fix the length of what is put: `object_store` refuses to sign `Content-Length`.

use hmac::{Hmac, KeyInit as _, Mac as _};
use object_store::signer::Url;
use sha2::{Digest as _, Sha256};

use crate::signed_link::percent_encode;

const HEADERS: &str = "content-length;host";

/// Signs `url`, which is presigned for a PUT with `secret_key`, anew with the length of the body; `None`
/// if it is not presigned.
pub(crate) fn with_length(mut url: Url, secret_key: &str, size_bytes: u64) -> Option<Url> {
    let mut pairs: Vec<(String, String)> =
        url.query_pairs().into_owned().filter(|(name, _)| name != "X-Amz-Signature").collect();
    HEADERS.clone_into(&mut pairs.iter_mut().find(|(name, _)| name == "X-Amz-SignedHeaders")?.1);
    pairs.sort_unstable();
    let value = |wanted: &str| pairs.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let date = value("X-Amz-Date")?;
    let mut scope = value("X-Amz-Credential")?.rsplitn(5, '/');
    let (end, service, region, day) = (scope.next()?, scope.next()?, scope.next()?, scope.next()?);
    let encoded = pairs.iter().map(|(name, value)| format!("{}={}", percent_encode(name), percent_encode(value)));
    let query = encoded.collect::<Vec<_>>().join("&");
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let host = format!("{}{port}", url.host_str()?);
    let path = url.path();
    let request =
        format!("PUT\n{path}\n{query}\ncontent-length:{size_bytes}\nhost:{host}\n\n{HEADERS}\nUNSIGNED-PAYLOAD");
    let hash = hex::encode(Sha256::digest(request));
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{day}/{region}/{service}/{end}\n{hash}");
    let mut key = format!("AWS4{secret_key}").into_bytes();
    for part in [day, region, service, end, &text] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
        mac.update(part.as_bytes());
        key = mac.finalize().into_bytes().to_vec();
    }
    url.set_query(Some(&format!("{query}&X-Amz-Signature={}", hex::encode(key))));
    Some(url)
}
