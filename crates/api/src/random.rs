//! Randomness for the ids of jobs, uploads, webhooks and deliveries.

use crate::ApiError;

/// Returns 128 random bits from the operating system.
pub(crate) fn draw_random() -> Result<u128, ApiError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| ApiError::Internal)?;
    Ok(u128::from_le_bytes(bytes))
}
