//! What is under way in this process, by key, and the limits on it.

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
    http::rate::{Allowance, Bucket, Policy},
    uploads::room::Coming,
};

/// What is under way in this process, by key: how fast requests come, which submits are being taken in, and how many
/// requests wait for a job or are previews.
#[derive(Debug, Default)]
pub struct Traffic {
    buckets: Mutex<HashMap<(KeyId, Policy), Bucket>>,
    submits: Arc<Mutex<HashSet<(KeyId, String)>>>,
    waits: Counts,
    previews: Counts,
    intakes: Counts,
    /// Turns for clips that come in, of all keys.
    turns: Turns,
    pub(crate) coming: Coming,
}

/// Clips that come in at once, of all keys: each has a few MiB in memory and two files.
const MAX_INTAKES: usize = 128;

/// How long a clip may wait for its turn to come in.
const TURN_PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, Clone)]
struct Turns(Arc<Semaphore>);

impl Default for Turns {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MAX_INTAKES)))
    }
}

/// A clip that comes in; over when dropped.
#[derive(Debug)]
pub(crate) struct Intake {
    _counted: UnderWay,
    _turn: OwnedSemaphorePermit,
}

/// How many by key; those without any are left out.
type Counts = Arc<Mutex<HashMap<KeyId, usize>>>;

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Traffic {
    /// Takes one request of `owner` from what `policy` allows it a minute.
    pub(crate) fn take(&self, owner: KeyId, policy: Policy, per_minute: u32, now: Instant) -> Allowance {
        let mut buckets = locked(&self.buckets);
        let bucket = buckets.entry((owner, policy)).or_insert_with(|| Bucket::full(per_minute, now));
        bucket.take(policy, per_minute, now)
    }

    /// Begins a submit under an idempotency key; `None` while another with that key is being taken in.
    pub(crate) fn begin_submit(&self, owner: KeyId, key: &str) -> Option<SubmitUnderWay> {
        let name = (owner, key.to_owned());
        let begun = locked(&self.submits).insert(name.clone());
        begun.then(|| SubmitUnderWay { name, submits: self.submits.clone() })
    }

    /// Begins to wait for a job; `None` if `owner` has `most` requests waiting already.
    pub(crate) fn begin_wait(&self, owner: KeyId, most: usize) -> Option<UnderWay> {
        UnderWay::begin(&self.waits, owner, most)
    }

    /// Begins to take a clip in; an error if `owner` has `most` coming in already, or if all turns stay taken.
    pub(crate) async fn begin_intake(&self, owner: KeyId, most: usize) -> Result<Intake, ApiError> {
        let counted = UnderWay::begin(&self.intakes, owner, most).ok_or(ApiError::TooManyIntakes { limit: most })?;
        let turn = timeout(TURN_PATIENCE, self.turns.0.clone().acquire_owned()).await;
        let turn = turn.ok().and_then(Result::ok).ok_or(ApiError::Busy)?;
        Ok(Intake { _counted: counted, _turn: turn })
    }

    /// Begins a preview; `None` if `owner` has `most` of them already.
    pub(crate) fn begin_preview(&self, owner: KeyId, most: usize) -> Option<UnderWay> {
        UnderWay::begin(&self.previews, owner, most)
    }
}

/// A submit that is being taken in; over when dropped.
#[derive(Debug)]
pub(crate) struct SubmitUnderWay {
    name: (KeyId, String),
    submits: Arc<Mutex<HashSet<(KeyId, String)>>>,
}

impl Drop for SubmitUnderWay {
    fn drop(&mut self) {
        locked(&self.submits).remove(&self.name);
    }
}

/// A request that waits, takes a clip in or is a preview; over when dropped.
#[derive(Debug)]
pub(crate) struct UnderWay {
    owner: KeyId,
    counts: Counts,
}

impl UnderWay {
    /// Counts one more of `owner`; `None` if it has `most`.
    fn begin(counts: &Counts, owner: KeyId, most: usize) -> Option<Self> {
        let mut counted = locked(counts);
        if counted.get(&owner).is_some_and(|count| *count >= most) || most == 0 {
            return None;
        }
        *counted.entry(owner).or_default() += 1;
        Some(Self { owner, counts: counts.clone() })
    }
}

impl Drop for UnderWay {
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
    fn a_submit_is_under_way_until_it_is_dropped_for_its_own_key_alone() {
        let traffic = Traffic::default();
        let first = traffic.begin_submit(KeyId(1), "a").unwrap();
        assert!(traffic.begin_submit(KeyId(1), "a").is_none());
        assert!(traffic.begin_submit(KeyId(1), "b").is_some() && traffic.begin_submit(KeyId(2), "a").is_some());
        drop(first);
        assert!(traffic.begin_submit(KeyId(1), "a").is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn clips_come_in_as_many_at_once_as_there_are_turns() {
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
    fn waits_are_counted_by_key_and_leave_nothing_behind() {
        let traffic = Traffic::default();
        let held = [traffic.begin_wait(KeyId(1), 2).unwrap(), traffic.begin_wait(KeyId(1), 2).unwrap()];
        assert!(traffic.begin_wait(KeyId(1), 2).is_none() && traffic.begin_wait(KeyId(2), 2).is_some());
        drop(held);
        assert!(locked(&traffic.waits).is_empty());
    }
}
