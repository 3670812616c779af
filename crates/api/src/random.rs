//! Random names of jobs, uploads, webhooks and deliveries.

use crate::ApiError;

/// 128 bits of the system's randomness.
pub(crate) fn draw_random() -> Result<u128, ApiError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| ApiError::Internal)?;
    Ok(u128::from_le_bytes(bytes))
}
