use clearcut_queue::{KeyHash, KeyRecord, NewKey, Queue, QueueError};

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Makes a key named `name`; the secret is returned here and never again.
pub(crate) async fn make_key(queue: &dyn Queue, name: &str) -> Result<(KeyRecord, String), QueueError> {
    let secret = draw_secret().map_err(|_| QueueError::Damaged { what: "random generator" })?;
    let prefix = secret.chars().take(7).collect();
    let record = queue.create_key(NewKey { name: name.to_owned(), prefix, hash: KeyHash::of(&secret) }).await?;
    Ok((record, secret))
}

/// `hc_` and 32 letters or digits.
fn draw_secret() -> Result<String, getrandom::Error> {
    Ok(format!("hc_{}", draw_token()?))
}

/// 32 letters or digits, each as likely as the others.
pub(crate) fn draw_token() -> Result<String, getrandom::Error> {
    let mut token = String::new();
    while token.len() < 32 {
        let mut bytes = [0; 64];
        getrandom::fill(&mut bytes)?;
        // 248 is the largest multiple of 62 in a byte: what lies above would favor the first digits.
        let fair = bytes.iter().filter(|byte| **byte < 248).map(|byte| char::from(ALPHABET[usize::from(byte % 62)]));
        token.extend(fair.take(32 - token.len()));
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_have_the_documented_form_and_differ() {
        let secrets: std::collections::HashSet<String> = (0..100).map(|_| draw_secret().unwrap()).collect();
        assert_eq!(secrets.len(), 100);
        for secret in secrets {
            let random = secret.strip_prefix("hc_").unwrap();
            assert!(random.len() == 32 && random.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{secret}");
        }
    }
}
