//! The SQLite backend. This file maps the trait [`Queue`] to the functions of the submodules.

mod damage;
mod deliveries;
mod ending;
mod endpoints;
mod events;
mod jobs;
mod keys;
mod open;
mod owned_jobs;
mod retention;
mod row;
mod sql;
mod uploads;
mod webhook_row;
mod webhook_sql;
mod webhooks;
mod writer;

use std::sync::{Arc, atomic::AtomicBool};

use async_trait::async_trait;
use clearcut_job::{Clock, FencingToken, JobId, ObjectName, Progress, WorkerId};
use sqlx::{Sqlite, SqlitePool, Transaction};

use self::writer::Writer;
#[cfg(debug_assertions)]
use crate::HaltAt;
use crate::{
    ClaimedJob, Ending, Finished, JobRecord, KeyHash, KeyId, KeyRecord, NewJob, NewKey, Policy, Queue, QueueDepth,
    QueueError, Reaped, Signals,
};

/// The queue in one SQLite file.
///
/// One connection writes, so that writers of this process never wait for each other's locks; a few
/// other connections read. Another process may write briefly as well: the `keys` command does.
#[derive(Debug)]
pub struct SqliteQueue {
    writer: Writer,
    readers: SqlitePool,
    clock: Arc<dyn Clock>,
    policy: Policy,
    signals: Signals,
    log_marker: damage::LogMarker,
    is_closed: AtomicBool,
    #[cfg(debug_assertions)]
    halt_at: Option<HaltAt>,
}

impl SqliteQueue {
    /// Begins a transaction that holds the write lock from its first statement, so that it cannot
    /// fail halfway for lack of the lock.
    async fn write(&self) -> Result<Transaction<'static, Sqlite>, QueueError> {
        self.writer.begin().await
    }
}

#[cfg(debug_assertions)]
impl SqliteQueue {
    /// Makes the queue halt at `moment`: the call that reaches it never returns.
    #[must_use]
    pub fn halting_at(mut self, moment: Option<HaltAt>) -> Self {
        self.halt_at = moment;
        self
    }

    /// Never returns if the queue halts at `moment`.
    async fn reach(&self, moment: HaltAt) {
        if self.halt_at == Some(moment) {
            tracing::error!(at = ?moment, "halted");
            std::future::pending::<()>().await;
        }
    }
}

#[async_trait]
impl Queue for SqliteQueue {
    async fn submit(&self, job: NewJob) -> Result<(), QueueError> {
        self.submit_job(job).await
    }

    async fn read(&self, owner: KeyId, id: &JobId) -> Result<Option<JobRecord>, QueueError> {
        self.read_job(owner, id).await
    }

    async fn claim(&self, worker: &WorkerId) -> Result<Option<ClaimedJob>, QueueError> {
        self.claim_job(worker).await
    }

    async fn start(&self, id: &JobId, token: FencingToken) -> Result<(), QueueError> {
        self.start_job(id, token).await
    }

    async fn renew(&self, id: &JobId, token: FencingToken, progress: Progress) -> Result<(), QueueError> {
        self.renew_lease(id, token, progress).await
    }

    async fn finish(&self, id: &JobId, token: FencingToken, ending: Ending) -> Result<Finished, QueueError> {
        self.finish_job(id, token, ending).await
    }

    async fn release(&self, id: &JobId, token: FencingToken) -> Result<(), QueueError> {
        self.release_job(id, token).await
    }

    async fn reap(&self) -> Result<Vec<Reaped>, QueueError> {
        self.reap_jobs().await
    }

    async fn clock_jumped(&self) -> Result<(), QueueError> {
        self.recover_from_clock_jump().await
    }

    async fn forget_expired(&self) -> Result<Vec<ObjectName>, QueueError> {
        self.forget_expired_objects().await
    }

    async fn referenced_objects(&self, names: Vec<ObjectName>) -> Result<Vec<ObjectName>, QueueError> {
        self.filter_pointed_to(names).await
    }

    async fn running_claim(&self, id: &JobId) -> Result<Option<FencingToken>, QueueError> {
        self.read_running_claim(id).await
    }

    async fn depth(&self) -> Result<QueueDepth, QueueError> {
        self.count_jobs().await
    }

    async fn try_writing(&self) -> Result<(), QueueError> {
        self.writer.execute(sqlx::query(sql::TRY_WRITING)).await.map(drop)
    }

    async fn create_key(&self, key: NewKey) -> Result<KeyRecord, QueueError> {
        self.insert_key(key).await
    }

    async fn list_keys(&self) -> Result<Vec<KeyRecord>, QueueError> {
        self.read_keys().await
    }

    async fn find_key(&self, hash: KeyHash) -> Result<Option<KeyRecord>, QueueError> {
        self.read_key(hash).await
    }

    async fn revoke_key(&self, id: KeyId) -> Result<bool, QueueError> {
        self.revoke(id).await
    }

    async fn touch_key(&self, id: KeyId) -> Result<(), QueueError> {
        self.touch(id).await
    }

    fn signals(&self) -> &Signals {
        &self.signals
    }
}
