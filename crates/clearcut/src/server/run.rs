//! Server process: opens queue and store, starts API, worker and courier, and stops them in order.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clearcut_api::{Api, ApiSettings, BodyLimits, ConnectionLimits, JobDescriber, OneTimeLink, routes};
use clearcut_ffmpeg::{Capabilities, Tools};
use clearcut_job::{Clock, ErrorCode, OutputFormat, SystemClock};
use clearcut_notify::{Courier, CourierSettings};
use clearcut_outbound::{AddressPolicy, DownloadLimits, Outbound, Timeouts};
use clearcut_queue::{DataLock, Policy, Queue, QueueError, SqliteQueue};
use clearcut_store::{Store, UrlSigner, sync_folder, write_atomically};
use clearcut_worker::{Drain, PipelineCutter, PipelineFrameCutter, Previews, Worker, WorkerSettings, sweep_orphans};
use tokio::{
    net::{TcpListener, TcpSocket},
    signal::unix::{SignalKind, signal},
};

use super::{
    config::{COMMENTED_CONFIG, Settings},
    describer::ApiJobDescriber,
    descriptors::connections,
    evidence::{HINT, SIGNING_KEY, refuse_lost_database},
    first_key::{create_api_key, random_token},
    leftovers::mark_children,
    previewer::PipelinePreviewer,
    readiness::ServerReadiness,
};
use crate::{
    failure::{Failure, error_chain},
    installed_models::InstalledModels,
};

/// Lifetime of the sign-in link that a new server prints.
const SIGN_IN_LINK_TTL: Duration = Duration::from_hours(1);

/// File name of the database in the data folder.
const DATABASE: &str = "clearcut.db";

/// Serves until SIGTERM or SIGINT. The first signal lets running jobs end; a second one requeues
/// them at once.
pub(crate) async fn run(
    settings: Settings,
    descriptors: u64,
    tools: Tools,
    models: InstalledModels,
) -> Result<(), Failure> {
    let _lock = DataLock::take(&settings.data).map_err(|error| host_failure(ErrorCode::DataDirectory, &error))?;
    // Makes the name of a new data folder durable. If its parent folder may not be read, another
    // user created the data folder earlier.
    let _ = sync_folder(absolute(&settings.data)?.parent().unwrap_or(&settings.data));
    let marked = mark_children(&settings.data).map_err(|error| host_failure(ErrorCode::DataDirectory, &error))?;
    let tools = tools.marked(&marked.mark);
    warn_of_tight_limits(&tools);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let database = settings.data.join(DATABASE);
    // Checked before a new database is created in place of a lost one.
    refuse_lost_database(&settings.data, fs::metadata(&database).is_ok_and(|file| file.len() > 0))?;
    let queue = SqliteQueue::open(&database, clock.clone(), policy(&settings)).await?;
    #[cfg(debug_assertions)]
    let queue = queue.halting_at(crate::environment::halt_at());
    let queue = Arc::new(queue);
    refuse_lost_database(&settings.data, !queue.list_keys().await?.is_empty())?;
    let store = Store::local(&settings.data.join("objects")).map_err(|error| host_failure(error.code(), &error))?;
    recover_after_crash(&queue, &store, clock.as_ref()).await?;
    let outbound = outbound(&settings)?;
    let listener = listen(settings.listen)?;
    let address = listener.local_addr().map_err(|error| host_failure(ErrorCode::ListenFailed, &error))?;
    let model = usable_model(&models);
    let models = Arc::new(models);
    let link = print_welcome(queue.as_ref(), &settings.data, address, clock.as_ref()).await?;
    // Created after the first API key: a folder with a signing key and no API key has lost its
    // database.
    let signer = UrlSigner::open(&settings.data.join(SIGNING_KEY))
        .map_err(|error| host_failure(ErrorCode::DataDirectory, &error))?;
    queue.checkpoint().await?;

    let drain = Drain::default();
    let capabilities = tools.capabilities()?;
    let available_formats = formats_of(capabilities);
    let preview_scratch = absolute(&settings.data)?.join("previews");
    let frame_cutter = PipelineFrameCutter::new(tools.clone(), models.clone());
    let previews = Previews::new(frame_cutter, store.clone(), preview_scratch, settings.previews)
        .map_err(|error| host_failure(ErrorCode::DataDirectory, &error))?;
    let api = Api {
        queue: queue.clone(),
        store: store.clone(),
        signer: Arc::new(signer),
        clock: clock.clone(),
        previewer: Arc::new(PipelinePreviewer(previews)),
        traffic: Arc::default(),
        link: Arc::new(link),
        readiness: Arc::new(ServerReadiness::new(&tools, capabilities, model.clone(), drain.stop_claiming.clone())),
        settings: Arc::new(ApiSettings {
            public_url: settings.public_url.clone(),
            available_formats,
            has_model: model.is_some(),
            body: BodyLimits { max_bytes: settings.max_upload_bytes, ..BodyLimits::default() },
            link_ttl: settings.link_ttl,
            sync_wait: settings.sync_wait,
            address_policy: outbound.policy().clone(),
            disk_floor_bytes: settings.disk_floor_bytes,
            slots: settings.slots,
            submits_per_minute: settings.submits_per_minute,
            previews_per_minute: settings.previews_per_minute,
            requests_per_minute: settings.requests_per_minute,
            max_waits: settings.max_waits_per_key,
            ..ApiSettings::default()
        }),
    };
    let courier = Courier {
        queue: queue.clone(),
        outbound: outbound.clone(),
        describe: Arc::new(ApiJobDescriber(JobDescriber {
            signer: api.signer.clone(),
            clock: clock.clone(),
            link_ttl: settings.link_ttl,
            public_url: settings.public_url.clone(),
        })),
        clock: clock.clone(),
        settings: CourierSettings::default(),
    };
    let worker = Worker {
        queue: queue.clone(),
        store,
        outbound,
        cutter: Arc::new(PipelineCutter { tools, models }),
        clock,
        settings: worker_settings(&settings)?,
    };
    let limits = connection_limits(&settings, descriptors);
    let stop_serving = tokio_util::sync::CancellationToken::new();
    let serving =
        tokio::spawn(clearcut_api::serve(listener, routes(api), limits, stop_serving.clone().cancelled_owned()));
    let checkpointing = tokio::spawn(checkpoint_regularly(queue.clone()));
    let watching = tokio::spawn(watch_signals(drain.clone(), settings.grace));
    let stop_delivering = tokio_util::sync::CancellationToken::new();
    let delivering = tokio::spawn(clearcut_notify::run(courier, stop_delivering.clone()));
    let worker_result = clearcut_worker::run(worker, drain).await;
    queue.signals().close();
    stop_serving.cancel();
    let _ = serving.await;
    // The courier stops last, so it can still deliver the events of jobs that ended while draining,
    // if that is quick.
    stop_delivering.cancel();
    let _ = delivering.await;
    watching.abort();
    checkpointing.abort();
    queue.close().await;
    tracing::info!("stopped");
    worker_result.map_err(|error| host_failure(ErrorCode::DataDirectory, &error))
}

fn worker_settings(settings: &Settings) -> Result<WorkerSettings, Failure> {
    Ok(WorkerSettings {
        slots: settings.slots,
        lease_ttl: settings.lease_ttl,
        deadline: settings.deadline,
        download: DownloadLimits {
            max_bytes: settings.max_upload_bytes,
            min_bytes_per_sec: settings.fetch_min_bytes_per_sec,
            patience: settings.fetch_patience,
            deadline: settings.fetch_deadline,
            ..DownloadLimits::default()
        },
        disk_floor_bytes: settings.disk_floor_bytes,
        sweep_interval: sweep_interval(settings),
        ..WorkerSettings::new(absolute(&settings.data)?.join("scratch"))
    })
}

fn connection_limits(settings: &Settings, descriptors: u64) -> ConnectionLimits {
    let max_connections = connections(descriptors, settings);
    if max_connections < settings.max_connections {
        let wanted = settings.max_connections;
        tracing::warn!(
            descriptors,
            wanted,
            max_connections,
            "fewer connections than set, to leave file descriptors for jobs (ulimit -n)"
        );
    }
    let max_per_address = settings.max_connections_per_address.unwrap_or(max_connections / 4 * 3).max(1);
    ConnectionLimits { max_connections, max_per_address, ..ConnectionLimits::default() }
}

fn warn_of_tight_limits(tools: &Tools) {
    for limit in tools.sandbox().tight_limits() {
        tracing::warn!(limit, "the system allows less than a clip may need");
    }
}

/// Interval between checkpoints of the write-ahead log, so that older commits do not depend on it.
const CHECKPOINT_INTERVAL: Duration = Duration::from_mins(1);

async fn checkpoint_regularly(queue: Arc<SqliteQueue>) {
    loop {
        tokio::time::sleep(CHECKPOINT_INTERVAL).await;
        if let Err(error) = queue.checkpoint().await {
            tracing::warn!(?error, "the write-ahead log could not be checkpointed");
        }
    }
}

/// Queue policy of the settings.
fn policy(settings: &Settings) -> Policy {
    Policy {
        lease_ttl: settings.lease_ttl,
        retention: settings.retention,
        upload_ttl: settings.upload_ttl,
        quota_bytes: settings.quota_bytes,
        max_running: settings.max_running_per_key,
        max_waiting: settings.max_waiting_per_key,
        ..Policy::default()
    }
}

/// Interval between sweeps: ten minutes, or half of the retention or upload TTL if that is shorter.
fn sweep_interval(settings: &Settings) -> Duration {
    let shortest = settings.retention.min(settings.upload_ttl) / 2;
    shortest.clamp(Duration::from_secs(1), Duration::from_mins(10))
}

fn outbound(settings: &Settings) -> Result<Outbound, Failure> {
    let policy = AddressPolicy::new(settings.allowed_networks.clone());
    let timeouts = Timeouts { idle: settings.fetch_patience, ..Timeouts::default() };
    #[cfg(debug_assertions)]
    if let Some(names) = crate::environment::scripted_names() {
        return Outbound::with_names(policy, timeouts, Arc::new(names))
            .map_err(|error| host_failure(error.code(), &error));
    }
    Outbound::new(policy, timeouts).map_err(|error| host_failure(error.code(), &error))
}

/// Length of the kernel's queue of connections that are not accepted yet. With the 128 of
/// [`TcpListener::bind`], a client beyond them retries after a second or more.
const BACKLOG: u32 = 1024;

fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    let open = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    open().map_err(|error| {
        let message = format!("{address} cannot be listened on: {error}");
        Failure::host(ErrorCode::ListenFailed, message, Some("Give another address with --listen."))
    })
}

/// Takes back all claims and removes leftovers of earlier runs. This process holds the data lock,
/// so every earlier holder of a lease or writer of an object is dead.
async fn recover_after_crash(queue: &SqliteQueue, store: &Store, clock: &dyn Clock) -> Result<(), Failure> {
    for lost in queue.take_back_all().await? {
        tracing::warn!(job = %lost.id, has_failed = lost.has_failed, "an earlier run ended while it worked on a job");
    }
    clearcut_worker::remove_expired(queue, store).await?;
    let staged = store.sweep_staging(Duration::ZERO).await.map_err(|error| host_failure(error.code(), &error))?;
    let orphans = sweep_orphans(queue, store, clock, Duration::ZERO).await?;
    if staged + orphans > 0 {
        tracing::info!(staged, orphans, "leftovers of an earlier run were removed");
    }
    Ok(())
}

/// Prints the server's address. On the first start, it also writes a commented configuration file,
/// creates an API key, and prints the key with a command that works as it stands. If the server
/// listens on loopback, it prints a link that signs in.
async fn print_welcome(
    queue: &dyn Queue,
    data: &Path,
    address: SocketAddr,
    clock: &dyn Clock,
) -> Result<OneTimeLink, Failure> {
    let mut link = OneTimeLink::default();
    let config = data.join("clearcut.toml");
    if !config.exists() {
        write_atomically(&config, COMMENTED_CONFIG.as_bytes(), false)
            .map_err(|error| host_failure(ErrorCode::DataDirectory, &error))?;
    }
    if queue.list_keys().await?.is_empty() {
        let (_, secret) = create_api_key(queue, "first").await?;
        println!("Your API key, shown this once: {secret}\n");
        println!("Submit a clip:");
        println!(
            "  curl -X POST http://{address}/api/v1/jobs/video/remove-background -H \"Authorization: Bearer {secret}\" -F \"file=@samples/mascot.mp4\" -F \"format=webm\"\n"
        );
        if address.ip().is_loopback() {
            let token = random_token()?;
            println!("Or open this link in a browser. It signs you in, once, within an hour:");
            println!("  http://{address}/#sign-in={token}\n");
            link = OneTimeLink::new(&token, secret, clock.now().after(SIGN_IN_LINK_TTL));
        }
    }
    println!("clearcut listens on http://{address} - documentation at http://{address}/docs");
    Ok(link)
}

fn formats_of(capabilities: &Capabilities) -> Vec<OutputFormat> {
    OutputFormat::ALL.into_iter().filter(|format| capabilities.missing_encoder(*format).is_none()).collect()
}

async fn watch_signals(drain: Drain, grace: Duration) {
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
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

/// Path of the database in `data`, for commands that work beside a server.
pub(super) fn existing_database(data: &Path) -> Result<PathBuf, Failure> {
    let database = data.join(DATABASE);
    if database.exists() {
        return Ok(database);
    }
    let message = format!("there is no server in {}", data.display());
    Err(Failure::usage(message, "Give its folder with --data, or start it once with clearcut serve."))
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    path.canonicalize().map_err(|error| host_failure(ErrorCode::DataDirectory, &error))
}

fn host_failure(code: ErrorCode, error: &dyn std::error::Error) -> Failure {
    Failure::host(code, error_chain(error), None)
}

impl From<clearcut_queue::QueueError> for Failure {
    fn from(error: clearcut_queue::QueueError) -> Self {
        match error {
            QueueError::Lost { .. } => Self::host(error.code(), error.to_string(), Some(HINT)),
            error => host_failure(error.code(), &error),
        }
    }
}

/// Model and runtime for jobs, as text. A server without a model still serves.
fn usable_model(models: &InstalledModels) -> Option<String> {
    match models.check() {
        Ok((model, runtime)) => Some(format!("{} with {}", model.id, runtime.name())),
        Err(error) => {
            tracing::info!(code = %error.code(), "no neural model: method ai is refused");
            None
        }
    }
}
