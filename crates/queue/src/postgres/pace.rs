//! The pace of an API key's requests, counted for all processes together.

use std::time::Duration;

use super::{database::Database, statements::statements};
use crate::{KeyId, PACE_WINDOW, Pace, QueueError};

statements! {
    // Returns nothing if the request exceeds the limit.
    COUNT_REQUEST = "INSERT INTO paces (owner, name, full_at_us) VALUES ($1, $2, CAST($3 AS BIGINT) + CAST($4 AS BIGINT))
        ON CONFLICT (owner, name) DO UPDATE SET full_at_us = GREATEST(paces.full_at_us, $3) + $4
        WHERE GREATEST(paces.full_at_us, $3) + $4 <= CAST($3 AS BIGINT) + CAST($5 AS BIGINT) RETURNING full_at_us";

    READ_PACE = "SELECT full_at_us FROM paces WHERE owner = $1 AND name = $2";
}

impl Database {
    pub(super) async fn count(&self, owner: KeyId, name: &str, per_minute: u32) -> Result<Pace, QueueError> {
        let micros = |span: Duration| i64::try_from(span.as_micros()).unwrap_or(i64::MAX / 4);
        let mut tx = self.begin_write_of_one_row().await?;
        let now_us = tx.now().0.saturating_mul(1000);
        let count = sqlx::query_scalar(COUNT_REQUEST).bind(owner.0).bind(name).bind(now_us);
        let count = count.bind(micros(Pace::interval(per_minute))).bind(micros(PACE_WINDOW));
        let granted: Option<i64> = count.fetch_optional(&mut *tx).await?;
        let full_at_us = match granted {
            Some(full_at_us) => full_at_us,
            None => sqlx::query_scalar(READ_PACE).bind(owner.0).bind(name).fetch_one(&mut *tx).await?,
        };
        tx.commit().await?;
        let full_in = Duration::from_micros(full_at_us.saturating_sub(now_us).max(0).unsigned_abs());
        Ok(Pace { is_granted: granted.is_some(), full_in })
    }
}
