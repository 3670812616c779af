//! Jitter: spreads retries, so that what failed together does not return together.

use sha2::{Digest as _, Sha256};

/// A number from 0 to 1 that depends only on `id` and `attempt`, so that every process computes the
/// same pause for a retry.
#[must_use]
pub fn jitter(id: &str, attempt: u32) -> f64 {
    let digest = Sha256::new().chain_update(id).chain_update(attempt.to_le_bytes()).finalize();
    f64::from(u16::from_le_bytes([digest[0], digest[1]])) / f64::from(u16::MAX)
}
