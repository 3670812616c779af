//! Creation of API keys and random tokens.

use clearcut_queue::{KeyHash, KeyRecord, NewKey, Queue, QueueError};

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Creates an API key named `name`. Its secret is returned once and not stored.
pub(crate) async fn create_api_key(queue: &dyn Queue, name: &str) -> Result<(KeyRecord, String), QueueError> {
    let secret = random_secret().map_err(|_| QueueError::Damaged { what: "random generator" })?;
    let prefix = secret.chars().take(7).collect();
    let record = queue.create_key(NewKey { name: name.to_owned(), prefix, hash: KeyHash::of(&secret) }).await?;
    Ok((record, secret))
}

/// Secret of an API key: `hc_` and 32 letters or digits.
fn random_secret() -> Result<String, getrandom::Error> {
    Ok(format!("hc_{}", random_token()?))
}

/// Token of 32 letters or digits, uniformly distributed.
pub(crate) fn random_token() -> Result<String, getrandom::Error> {
    let mut token = String::new();
    while token.len() < 32 {
        let mut bytes = [0; 64];
        getrandom::fill(&mut bytes)?;
        // 248 is the largest multiple of 62 in a byte; larger values would favor the first digits.
        let uniform = bytes.iter().filter(|byte| **byte < 248).map(|byte| char::from(ALPHABET[usize::from(byte % 62)]));
        token.extend(uniform.take(32 - token.len()));
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_have_the_documented_form_and_differ() {
        let secrets: std::collections::HashSet<String> = (0..100).map(|_| random_secret().unwrap()).collect();
        assert_eq!(secrets.len(), 100);
        for secret in secrets {
            let random = secret.strip_prefix("hc_").unwrap();
            assert!(random.len() == 32 && random.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{secret}");
        }
    }
}
