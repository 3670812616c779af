//! Creation of API keys and random tokens.

use clearcut_job::ErrorCode;
use clearcut_queue::{KeyHash, KeyRecord, NewKey, Queue};

use crate::failure::Failure;

const NO_RANDOMNESS: &str = "the system has no random numbers";

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Creates an API key named `name`. Its secret, `hc_` and 32 letters or digits, is returned once
/// and not stored.
pub(crate) async fn create_api_key(queue: &dyn Queue, name: &str) -> Result<(KeyRecord, String), Failure> {
    let (key, secret) = draw_key(name)?;
    Ok((queue.create_key(key).await?, secret))
}

/// Creates the API key of a database that has none, and returns its secret. `None` if there is one,
/// perhaps of another server that starts at the same time.
pub(crate) async fn create_first_api_key(queue: &dyn Queue) -> Result<Option<String>, Failure> {
    let (key, secret) = draw_key("first")?;
    Ok(queue.create_first_key(key).await?.map(|_| secret))
}

fn draw_key(name: &str) -> Result<(NewKey, String), Failure> {
    let secret = format!("hc_{}", random_token()?);
    let prefix = secret.chars().take(7).collect();
    Ok((NewKey { name: name.to_owned(), prefix, hash: KeyHash::of(&secret) }, secret))
}

/// Draws 32 secret bytes.
pub(crate) fn draw_secret() -> Result<[u8; 32], Failure> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(|_| no_random_numbers())?;
    Ok(secret)
}

/// Draws a number for an id.
pub(super) fn draw_number() -> Result<u128, Failure> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| no_random_numbers())?;
    Ok(u128::from_le_bytes(bytes))
}

fn no_random_numbers() -> Failure {
    Failure::host(ErrorCode::ProcessingFailed, NO_RANDOMNESS.to_owned(), None)
}

/// Token of 32 letters or digits, uniformly distributed.
pub(crate) fn random_token() -> Result<String, Failure> {
    let mut token = String::new();
    while token.len() < 32 {
        let mut bytes = [0; 64];
        getrandom::fill(&mut bytes).map_err(|_| no_random_numbers())?;
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
    fn tokens_have_the_documented_form_and_differ() {
        let tokens: std::collections::HashSet<String> = (0..100).map(|_| random_token().unwrap()).collect();
        assert_eq!(tokens.len(), 100);
        for token in tokens {
            assert!(token.len() == 32 && token.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{token}");
        }
    }
}
