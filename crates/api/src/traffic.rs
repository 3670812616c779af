//! Requests in progress and rate limits of this process, by API key.

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use clearcut_queue::KeyId;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::{
    ApiError,
    http::token_bucket::{Allowance, Bucket, Policy},
};

/// Requests in progress in this process, by API key: token buckets, submits being received, and the
/// number of waiting requests, previews, images and incoming clips.
#[derive(Debug, Default)]
pub struct Traffic {
    buckets: Mutex<HashMap<(KeyId, Policy), Bucket>>,
    submits: Arc<Mutex<HashSet<(KeyId, String)>>>,
    waits: CountsByKey,
    previews: CountsByKey,
    images: CountsByKey,
    intakes: CountsByKey,
    /// Permits for incoming clips of all API keys.
    intake_permits: IntakePermits,
    /// Bytes of clips that are arriving and that no record counts yet.
    arriving_bytes: Mutex<HashMap<KeyId, u64>>,
}

/// Concurrent incoming clips of all API keys. Each holds a few MiB of memory and two open files.
const MAX_INTAKES: usize = 128;

/// Timeout for a permit to receive a clip.
const INTAKE_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Debug, Clone)]
struct IntakePermits(Arc<Semaphore>);

impl Default for IntakePermits {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MAX_INTAKES)))
    }
}

/// Counts one incoming clip until dropped.
#[derive(Debug)]
pub(crate) struct IntakeGuard {
    _counted: CountGuard,
    _permit: OwnedSemaphorePermit,
}

/// Counts by API key. Keys with a count of zero are removed.
type CountsByKey = Arc<Mutex<HashMap<KeyId, usize>>>;

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Traffic {
    /// Counts one request of `owner` against its rate limit under `policy`.
    pub(crate) fn take(&self, owner: KeyId, policy: Policy, per_minute: u32, now: Instant) -> Allowance {
        let mut buckets = locked(&self.buckets);
        let bucket = buckets.entry((owner, policy)).or_insert_with(|| Bucket::full(per_minute, now));
        bucket.take(policy, per_minute, now)
    }

    /// Begins a submit with an idempotency key. `None` while another submit with it is being
    /// received.
    pub(crate) fn begin_submit(&self, owner: KeyId, idempotency_key: &str) -> Option<SubmitGuard> {
        let name = (owner, idempotency_key.to_owned());
        let is_new = locked(&self.submits).insert(name.clone());
        is_new.then(|| SubmitGuard { name, submits: self.submits.clone() })
    }

    /// Begins to wait for a job. `None` if `owner` already has `limit` waiting requests.
    pub(crate) fn begin_wait(&self, owner: KeyId, limit: usize) -> Option<CountGuard> {
        CountGuard::begin(&self.waits, owner, limit)
    }

    /// Begins to receive a clip. Fails if `owner` already has `limit` incoming clips, or if no
    /// permit becomes free in time.
    pub(crate) async fn begin_intake(&self, owner: KeyId, limit: usize) -> Result<IntakeGuard, ApiError> {
        let counted = CountGuard::begin(&self.intakes, owner, limit).ok_or(ApiError::TooManyIntakes { limit })?;
        let permit = timeout(INTAKE_TIMEOUT, self.intake_permits.0.clone().acquire_owned()).await;
        let permit = permit.ok().and_then(Result::ok).ok_or(ApiError::Busy)?;
        Ok(IntakeGuard { _counted: counted, _permit: permit })
    }

    /// Adds `bytes` to the arriving bytes of `owner`.
    pub(crate) fn add_arriving(&self, owner: KeyId, bytes: u64) {
        *locked(&self.arriving_bytes).entry(owner).or_default() += bytes;
    }

    /// The arriving bytes of `owner`, of all its clips.
    pub(crate) fn arriving(&self, owner: KeyId) -> u64 {
        locked(&self.arriving_bytes).get(&owner).copied().unwrap_or(0)
    }

    /// Removes `bytes` from the arriving bytes of `owner`, once a record counts them or they are
    /// gone.
    pub(crate) fn remove_arriving(&self, owner: KeyId, bytes: u64) {
        let mut arriving = locked(&self.arriving_bytes);
        if let Some(total) = arriving.get_mut(&owner) {
            *total -= bytes;
            if *total == 0 {
                arriving.remove(&owner);
            }
        }
    }

    /// Begins a preview. Fails if `owner` already has `limit` previews.
    pub(crate) fn begin_preview(&self, owner: KeyId, limit: usize) -> Result<CountGuard, ApiError> {
        let work = "previews";
        CountGuard::begin(&self.previews, owner, limit).ok_or(ApiError::TooMuchWork { work, limit })
    }

    /// Begins the work on an image. Fails if `owner` already has `limit` images.
    pub(crate) fn begin_image(&self, owner: KeyId, limit: usize) -> Result<CountGuard, ApiError> {
        let work = "images";
        CountGuard::begin(&self.images, owner, limit).ok_or(ApiError::TooMuchWork { work, limit })
    }
}

/// Holds an idempotency key while its submit is being received, until dropped.
#[derive(Debug)]
pub(crate) struct SubmitGuard {
    name: (KeyId, String),
    submits: Arc<Mutex<HashSet<(KeyId, String)>>>,
}

impl Drop for SubmitGuard {
    fn drop(&mut self) {
        locked(&self.submits).remove(&self.name);
    }
}

/// Counts one request of an API key (a wait, an incoming clip, a preview or an image) until dropped.
#[derive(Debug)]
pub(crate) struct CountGuard {
    owner: KeyId,
    counts: CountsByKey,
}

impl CountGuard {
    /// Counts one more request of `owner`. `None` if it already has `limit`.
    fn begin(counts: &CountsByKey, owner: KeyId, limit: usize) -> Option<Self> {
        let mut counted = locked(counts);
        if counted.get(&owner).is_some_and(|count| *count >= limit) || limit == 0 {
            return None;
        }
        *counted.entry(owner).or_default() += 1;
        Some(Self { owner, counts: counts.clone() })
    }
}

impl Drop for CountGuard {
    fn drop(&mut self) {
        release(&mut locked(&self.counts), &self.owner);
    }
}

fn release<K: Hash + Eq>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idempotency_key_is_held_per_api_key_until_the_guard_is_dropped() {
        let traffic = Traffic::default();
        let first = traffic.begin_submit(KeyId(1), "a").unwrap();
        assert!(traffic.begin_submit(KeyId(1), "a").is_none());
        assert!(traffic.begin_submit(KeyId(1), "b").is_some() && traffic.begin_submit(KeyId(2), "a").is_some());
        drop(first);
        assert!(traffic.begin_submit(KeyId(1), "a").is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn incoming_clips_are_limited_per_api_key_and_in_total() {
        let traffic = Traffic::default();
        let mut held = Vec::new();
        for key in 0..2 {
            for _ in 0..MAX_INTAKES / 2 {
                held.push(traffic.begin_intake(KeyId(key), MAX_INTAKES / 2).await.unwrap());
            }
        }
        let more = |key| traffic.begin_intake(KeyId(key), MAX_INTAKES / 2);
        assert!(matches!(more(0).await, Err(ApiError::TooManyIntakes { .. })));
        assert!(matches!(more(2).await, Err(ApiError::Busy)));
        held.pop();
        assert!(more(2).await.is_ok());
    }

    #[test]
    fn waits_are_counted_per_api_key_and_leave_no_entry_behind() {
        let traffic = Traffic::default();
        let held = [traffic.begin_wait(KeyId(1), 2).unwrap(), traffic.begin_wait(KeyId(1), 2).unwrap()];
        assert!(traffic.begin_wait(KeyId(1), 2).is_none() && traffic.begin_wait(KeyId(2), 2).is_some());
        drop(held);
        assert!(locked(&traffic.waits).is_empty());
    }
}
