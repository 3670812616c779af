//! Signals between the processes of one database, by `NOTIFY`. They only shorten waits: what is
//! waited for is read again and again, for all waiters of a process at once. So a lost signal, or a
//! pooler that passes none on, costs half a second and nothing else.

use std::{collections::HashMap, sync::Arc, time::Duration};

use clearcut_job::JobId;
use sqlx::{
    PgPool,
    postgres::{PgListener, PgPoolOptions},
};
use tokio::{
    sync::mpsc::{self, Receiver},
    task::JoinHandle,
};

use super::statements::statements;
use crate::{Signals, signals::Signal};

/// Name of the notification channel.
const CHANNEL: &str = "clearcut";

/// Setting of the session that listens.
const OWN_SESSION: &str = "clearcut.listens";

/// Code with which a pooler refuses an unknown setting of a session.
const PROTOCOL_VIOLATION: &str = "08P01";

/// Number of signals that wait to be sent. More are dropped.
const MAX_WAITING: usize = 1024;

/// Pause before a lost connection is opened again.
const PAUSE: Duration = Duration::from_secs(1);

/// Interval at which the revisions of all watched jobs are read.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

statements! {
    READ_REVISIONS = "SELECT j.id, j.revision + COALESCE(l.revision, 0) FROM jobs j LEFT JOIN leases l ON l.job_seq = j.seq
        WHERE j.id = ANY($1)";
}

/// The tasks that send, receive and replace signals. They end when this is dropped.
#[derive(Debug)]
pub(super) struct Relay([JoinHandle<()>; 3]);

impl Relay {
    /// Signals of this process, which are sent to the other processes of the database, and the tasks
    /// that do so.
    pub(super) fn start(pool: &PgPool) -> (Arc<Signals>, Self) {
        let (sender, waiting) = mpsc::channel(MAX_WAITING);
        let signals = Arc::new(Signals::relayed(sender));
        let sending = tokio::spawn(send(pool.clone(), waiting));
        let receiving = tokio::spawn(receive(pool.clone(), Arc::clone(&signals)));
        let polling = tokio::spawn(poll(pool.clone(), Arc::clone(&signals)));
        (signals, Self([sending, receiving, polling]))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

async fn send(pool: PgPool, mut waiting: Receiver<Signal>) {
    while let Some(signal) = waiting.recv().await {
        let notify = async {
            let mut tx = pool.begin().await?;
            let notify = sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(signal.to_text());
            notify.persistent(false).execute(&mut *tx).await?;
            tx.commit().await
        };
        if let Err(error) = notify.await {
            tracing::debug!(%error, "a signal to other processes is lost");
        }
    }
}

/// Passes on the signals of other processes. A pooler that shares sessions among its clients would
/// give them to whichever client has the session next, in the middle of a transaction, so none are
/// asked for through one. It shows itself by a setting that it refuses or does not pass on.
async fn receive(pool: PgPool, signals: Arc<Signals>) {
    let options = pool.connect_options().as_ref().clone().options([(OWN_SESSION, "on")]);
    let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(options);
    loop {
        match receive_until_lost(&pool, &signals).await {
            Ok(Session::Own) => {}
            Ok(Session::Shared) => return tracing::info!("a pooler is in use: changes by others are polled for"),
            Err(error) => tracing::debug!(%error, "no signals of other processes arrive for a while"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Who uses a session of the database.
enum Session {
    /// This process alone.
    Own,
    /// Also other clients of a pooler.
    Shared,
}

async fn receive_until_lost(pool: &PgPool, signals: &Signals) -> Result<Session, sqlx::Error> {
    let mut listener = match PgListener::connect_with(pool).await {
        Err(sqlx::Error::Database(refusal)) if refusal.code().as_deref() == Some(PROTOCOL_VIOLATION) => {
            return Ok(Session::Shared);
        }
        connected => connected?,
    };
    let setting = sqlx::query_scalar("SELECT current_setting($1, true)").bind(OWN_SESSION).persistent(false);
    let setting: Option<String> = setting.fetch_one(&mut listener).await?;
    if setting.is_none() {
        return Ok(Session::Shared);
    }
    listener.listen(CHANNEL).await?;
    while let Some(notification) = listener.try_recv().await? {
        if let Some(signal) = Signal::from_text(notification.payload()) {
            signals.pass_on(&signal);
        }
    }
    Ok(Session::Own)
}

/// Wakes the watchers of jobs whose revision has changed.
async fn poll(pool: PgPool, signals: Arc<Signals>) {
    let mut last: HashMap<JobId, Option<i64>> = HashMap::new();
    loop {
        tokio::time::sleep(POLL_INTERVAL).await;
        let watched = signals.watched();
        if watched.is_empty() {
            last.clear();
            continue;
        }
        match read_revisions(&pool, &watched).await {
            Ok(found) => {
                // A job that is new here may have changed since its watcher read it.
                for id in watched.iter().filter(|id| last.get(*id) != Some(&found.get(*id).copied())) {
                    signals.pass_on(&Signal::Job(id.clone()));
                }
                last = watched.into_iter().map(|id| (id.clone(), found.get(&id).copied())).collect();
            }
            Err(error) => tracing::debug!(%error, "watched jobs could not be read"),
        }
    }
}

/// The revisions of those of `jobs` that exist.
async fn read_revisions(pool: &PgPool, jobs: &[JobId]) -> Result<HashMap<JobId, i64>, sqlx::Error> {
    let ids: Vec<&str> = jobs.iter().map(JobId::as_str).collect();
    let mut tx = pool.begin().await?;
    let query = sqlx::query_as(READ_REVISIONS).bind(ids).persistent(false);
    let rows: Vec<(String, i64)> = query.fetch_all(&mut *tx).await?;
    Ok(rows.into_iter().filter_map(|(id, revision)| Some((id.parse().ok()?, revision))).collect())
}
