//! Metrics of the process for Prometheus, on a listener of their own.

use std::{sync::Arc, time::Duration};

use clearcut_api::{ConnectionLimits, metrics_routes};
use clearcut_job::{ErrorCode, error_line};
use clearcut_queue::{Queue, QueueError};
use clearcut_store::Store;
use metrics::{Unit, describe_gauge, gauge};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use metrics_process::Collector;
use tokio::time::sleep;

use super::{listen::listen, settings::Settings, shutdown::StoppableTask};
use crate::failure::Failure;

/// Upper bounds of the buckets of durations, in seconds: from a request to a long cut.
const BUCKETS: [f64; 14] = [0.005, 0.02, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 180.0, 600.0, 1800.0, 3600.0];

/// Pause between two readings of the queue and the store.
const INTERVAL: Duration = Duration::from_secs(5);

/// Connections to the metrics: a few scrapers.
const MAX_CONNECTIONS: usize = 16;

const WAITING: &str = "clearcut_jobs_waiting";
const RUNNING: &str = "clearcut_jobs_running";
const LONGEST_WAIT: &str = "clearcut_queue_longest_wait_seconds";
const EXPIRED_LEASES: &str = "clearcut_leases_expired";
const PENDING_DELIVERIES: &str = "clearcut_webhook_deliveries_pending";
const DISK_FREE: &str = "clearcut_disk_free_bytes";
const DISK_FLOOR: &str = "clearcut_disk_floor_bytes";
const QUEUE_UP: &str = "clearcut_queue_up";
const BUILD: &str = "clearcut_build_info";

/// Tasks that answer scrapes and read the gauges.
pub(super) struct MetricsTasks {
    serving: StoppableTask,
    reading: StoppableTask,
}

impl MetricsTasks {
    /// Starts the metrics, if the settings give them an address.
    ///
    /// # Errors
    /// [`ErrorCode::ListenFailed`] if the address cannot be listened on.
    pub(super) fn start(settings: &Settings, queue: &Arc<dyn Queue>, store: &Store) -> Result<Option<Self>, Failure> {
        let Some(address) = settings.metrics_listen else { return Ok(None) };
        let (listener, address) = listen(address)?;
        let handle = install().map_err(|error| Failure::host_error(ErrorCode::ListenFailed, &error))?;
        let process = Collector::default();
        process.describe();
        describe();
        gauge!(BUILD, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        gauge!(DISK_FLOOR).set(settings.worker.disk_floor_bytes as f64);
        tracing::info!(%address, "metrics at /metrics");
        let (rendering, upkeep) = (handle.clone(), handle);
        let routes = metrics_routes(move || {
            process.collect();
            rendering.render()
        });
        let limits = ConnectionLimits::with_connections(MAX_CONNECTIONS);
        let (queue, store) = (Arc::clone(queue), store.clone());
        Ok(Some(Self {
            serving: StoppableTask::spawn(|stop| clearcut_api::serve(listener, routes, limits, stop.cancelled_owned())),
            reading: StoppableTask::spawn(async move |stop| {
                let reading = async {
                    loop {
                        read_gauges(queue.as_ref(), &store).await;
                        upkeep.run_upkeep();
                        sleep(INTERVAL).await;
                    }
                };
                stop.run_until_cancelled(reading).await;
            }),
        }))
    }

    /// Stops both tasks.
    pub(super) async fn stop(self) {
        self.reading.stop().await;
        self.serving.stop().await;
    }
}

/// Installs the recorder of the process.
fn install() -> Result<PrometheusHandle, metrics_exporter_prometheus::BuildError> {
    PrometheusBuilder::new().set_buckets(&BUCKETS)?.install_recorder()
}

fn describe() {
    clearcut_api::describe_metrics();
    clearcut_notify::describe_metrics();
    clearcut_worker::describe_metrics();
    describe_gauge!(WAITING, "Jobs and parts that wait for a worker, of the whole queue");
    describe_gauge!(RUNNING, "Jobs and parts that are claimed by workers, of the whole queue");
    describe_gauge!(LONGEST_WAIT, Unit::Seconds, "How long the job that waits longest could have been claimed");
    describe_gauge!(EXPIRED_LEASES, "Leases that have expired and were not taken back yet");
    describe_gauge!(PENDING_DELIVERIES, "Deliveries of webhooks that wait or are under way");
    describe_gauge!(DISK_FREE, Unit::Bytes, "Free bytes of the disk with the data folder");
    describe_gauge!(DISK_FLOOR, Unit::Bytes, "Free bytes below which uploads are refused");
    describe_gauge!(QUEUE_UP, "1 if the queue could be read within the last seconds, else 0");
    describe_gauge!(BUILD, "Always 1, with the version as a label");
}

async fn read_gauges(queue: &dyn Queue, store: &Store) {
    if let Err(error) = read_queue(queue).await {
        gauge!(QUEUE_UP).set(0.0);
        tracing::warn!(error = error_line(&error), "the queue could not be measured");
    }
    if let Ok(Some(free)) = store.free_bytes().await {
        gauge!(DISK_FREE).set(free as f64);
    }
}

async fn read_queue(queue: &dyn Queue) -> Result<(), QueueError> {
    let gauges = queue.gauges().await?;
    gauge!(QUEUE_UP).set(1.0);
    gauge!(WAITING).set(gauges.depth.queued as f64);
    gauge!(RUNNING).set(gauges.depth.leased as f64);
    gauge!(LONGEST_WAIT).set(gauges.longest_wait.unwrap_or_default().as_secs_f64());
    gauge!(EXPIRED_LEASES).set(gauges.expired_leases as f64);
    gauge!(PENDING_DELIVERIES).set(gauges.pending_deliveries as f64);
    Ok(())
}
