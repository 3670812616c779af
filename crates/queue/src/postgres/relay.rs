//! Signals between the processes of one database, by `NOTIFY`. They only shorten waits: every
//! waiter reads the queue again after a while, so a lost signal costs time and nothing else.

use std::{sync::Arc, time::Duration};

use sqlx::{PgPool, postgres::PgListener};
use tokio::{
    sync::mpsc::{self, Receiver},
    task::JoinHandle,
};

use crate::{Signals, signals::Signal};

/// Name of the notification channel.
const CHANNEL: &str = "clearcut";

/// Number of signals that wait to be sent. More are dropped.
const MAX_WAITING: usize = 1024;

/// Pause before a lost connection is opened again.
const PAUSE: Duration = Duration::from_secs(1);

/// The tasks that send and receive signals. They end when this is dropped.
#[derive(Debug)]
pub(super) struct Relay([JoinHandle<()>; 2]);

impl Relay {
    /// Signals of this process, which are sent to the other processes of the database, and the tasks
    /// that do so.
    pub(super) fn start(pool: &PgPool) -> (Arc<Signals>, Self) {
        let (sender, waiting) = mpsc::channel(MAX_WAITING);
        let signals = Arc::new(Signals::relayed(sender));
        let sending = tokio::spawn(send(pool.clone(), waiting));
        let receiving = tokio::spawn(receive(pool.clone(), Arc::clone(&signals)));
        (signals, Self([sending, receiving]))
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
            sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(signal.to_text()).execute(&mut *tx).await?;
            tx.commit().await
        };
        if let Err(error) = notify.await {
            tracing::debug!(%error, "a signal to other processes is lost");
        }
    }
}

async fn receive(pool: PgPool, signals: Arc<Signals>) {
    loop {
        if let Err(error) = receive_until_lost(&pool, &signals).await {
            tracing::debug!(%error, "no signals of other processes arrive for a while");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn receive_until_lost(pool: &PgPool, signals: &Signals) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    while let Some(notification) = listener.try_recv().await? {
        if let Some(signal) = Signal::from_text(notification.payload()) {
            signals.pass_on(&signal);
        }
    }
    Ok(())
}
