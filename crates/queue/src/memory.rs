//! The in-memory backend: the reference model of every backend, and a queue for tests.

mod deliveries;
mod endpoints;
mod events;
mod jobs;
mod keys;
mod line;
mod owned_jobs;
mod parts;
mod retention;
mod segments;
mod tables;
mod uploads;
mod webhook_tables;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use clearcut_job::Clock;

use self::tables::Tables;
use crate::{Policy, Queue, QueueError, Signals};

/// The queue as plain maps: the reference model that every backend must match, and a queue for
/// tests.
///
/// Its data is lost when it is dropped.
#[derive(Debug)]
pub struct MemoryQueue {
    clock: Arc<dyn Clock>,
    policy: Policy,
    signals: Signals,
    tables: Mutex<Tables>,
}

impl MemoryQueue {
    /// An empty queue.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, policy: Policy) -> Self {
        Self { clock, policy, signals: Signals::default(), tables: Mutex::default() }
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        tables.note_events(&self.policy);
        tables
    }
}

#[async_trait]
impl Queue for MemoryQueue {
    async fn try_writing(&self) -> Result<(), QueueError> {
        Ok(())
    }

    fn signals(&self) -> &Signals {
        &self.signals
    }
}
