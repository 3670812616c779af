//! Server process: opens data folder and listening socket, starts API, courier and worker, and
//! stops them in order.

use std::sync::Arc;

use clearcut_api::{health_routes, routes};
use clearcut_ffmpeg::Tools;
use clearcut_job::{Clock, ErrorCode, SystemClock};
use clearcut_worker::Drain;

use super::{
    backing::{Backing, store_place},
    config::Role,
    data_folder::DataFolder,
    listen::{connection_limits, listen},
    metrics::MetricsTasks,
    parts::{Shared, outbound},
    settings::Settings,
    shutdown::{StoppableTask, Tasks, watch_signals},
    welcome::print_welcome,
};
use crate::{failure::Failure, installed_models::InstalledModels};

/// Serves until SIGTERM or SIGINT. The first signal lets running jobs end; a second one requeues
/// them at once.
pub(crate) async fn run(
    settings: Settings,
    open_files: u64,
    tools: Tools,
    models: InstalledModels,
) -> Result<(), Failure> {
    let folder = DataFolder::lock(&settings.data)?;
    let tools = tools.marked(folder.mark());
    warn_of_tight_limits(&tools);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let Backing { jobs, store } = Backing::open(&settings, &folder, &clock).await?;
    let queue = jobs.queue();
    let outbound = outbound(&settings)?;
    let (listener, address) = listen(settings.listen)?;
    let metrics = MetricsTasks::start(&settings, &queue, &store)?;
    let model = usable_model(&models);
    let places = [jobs.place(&settings.data), store_place(&settings)];
    let link = print_welcome(queue.as_ref(), &settings, places, address, clock.as_ref()).await?;
    let signer = Arc::new(jobs.open_signer(&folder).await?);

    let drain = Drain::default();
    let shared = Shared { queue: Arc::clone(&queue), store, outbound, signer, clock, tools, models: Arc::new(models) };
    let api = shared.api(&settings, &folder, model, link, drain.stop_claiming.clone())?;
    let courier = shared.courier(&settings);
    let (worker, role) = (shared.worker(&settings, &folder)?, settings.services.role);
    let routes = if role == Role::Worker { health_routes(api) } else { routes(api) };
    let limits = connection_limits(&settings, open_files);

    let tasks = Tasks {
        watching_signals: tokio::spawn(watch_signals(drain.clone(), settings.grace)),
        serving: StoppableTask::spawn(|stop| clearcut_api::serve(listener, routes, limits, stop.cancelled_owned())),
        maintaining: jobs.maintain(),
        delivering: StoppableTask::spawn(|stop| clearcut_notify::run(courier, stop)),
        metrics,
    };
    let worked = match role {
        // What expires is removed and lost jobs are taken back even while no worker runs.
        Role::Api => clearcut_worker::maintain(worker, drain).await,
        Role::All | Role::Worker => clearcut_worker::run(worker, drain).await,
    };
    tasks.stop(&jobs).await;
    tracing::info!("stopped");
    worked.map_err(|error| Failure::host_error(ErrorCode::DataDirectory, &error))
}

fn warn_of_tight_limits(tools: &Tools) {
    for limit in tools.sandbox().tight_limits() {
        tracing::warn!(limit, "the system allows less than a clip may need");
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
