//! Stop of the server: the signals that begin it, and the order in which its parts end.

use std::time::Duration;

use clearcut_worker::Drain;
use tokio::{
    signal::unix::{SignalKind, signal},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use super::{job_database::JobDatabase, metrics::MetricsTasks};

/// Tasks that run beside the worker.
pub(super) struct Tasks {
    pub(super) serving: StoppableTask,
    pub(super) maintaining: JoinHandle<()>,
    pub(super) watching_signals: JoinHandle<()>,
    pub(super) delivering: StoppableTask,
    pub(super) metrics: Option<MetricsTasks>,
}

impl Tasks {
    /// Stops the tasks and closes the queue, after the worker has ended. The courier stops after
    /// the API, so it can still deliver the events of jobs that ended while draining, if that is
    /// quick.
    pub(super) async fn stop(self, jobs: &JobDatabase) {
        jobs.queue().signals().close();
        self.serving.stop().await;
        self.delivering.stop().await;
        self.watching_signals.abort();
        self.maintaining.abort();
        if let Some(metrics) = self.metrics {
            metrics.stop().await;
        }
        jobs.close().await;
    }
}

/// Task that ends by itself after its token was cancelled.
pub(super) struct StoppableTask {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl StoppableTask {
    /// Starts the task that `run` makes of the token.
    pub(super) fn spawn<F>(run: impl FnOnce(CancellationToken) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let stop = CancellationToken::new();
        Self { task: tokio::spawn(run(stop.clone())), stop }
    }

    /// Cancels the token and waits for the end of the task.
    pub(super) async fn stop(self) {
        self.stop.cancel();
        let _ = self.task.await;
    }
}

/// Waits for SIGTERM or SIGINT, then lets running jobs end for `grace`. After it, or at a second
/// signal, running jobs are requeued.
pub(super) fn watch_signals(drain: Drain, grace: Duration) -> impl Future<Output = ()> + Send + 'static {
    // Installed before anything is served: a signal that comes earlier would kill the process.
    let signals = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    async move {
        let (Ok(mut term), Ok(mut int)) = signals else {
            tracing::error!("signal handlers could not be installed; the server can only be killed");
            return;
        };
        tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
        tracing::info!(grace_secs = grace.as_secs(), "stopping: no further jobs are taken");
        drain.stop_claiming.cancel();
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
            () = tokio::time::sleep(grace) => {}
        }
        tracing::info!("running jobs are requeued");
        drain.requeue.cancel();
    }
}
