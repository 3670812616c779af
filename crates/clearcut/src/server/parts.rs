//! API, worker and courier of a server, made from its settings and from what they share.

use std::{sync::Arc, time::Duration};

use clearcut_api::{Api, ApiSettings, JobDescriber, MAX_IMAGE_BYTES, OneTimeLink};
use clearcut_ffmpeg::Tools;
use clearcut_job::{Clock, ErrorCode, OutputFormat};
use clearcut_notify::{Courier, CourierSettings};
use clearcut_outbound::{DownloadLimits, Outbound};
use clearcut_parallel::MemoryBudget;
use clearcut_pipeline::Resources;
use clearcut_queue::Queue;
use clearcut_store::{Store, UrlSigner};
use clearcut_worker::{
    ImageTools, Images, PipelineCutter, PipelineFrameCutter, Previews, Transfer, Worker, WorkerSettings,
};
use tokio_util::sync::CancellationToken;

use super::{
    api_worker::PipelineInteractiveWorker, data_folder::DataFolder, describer::ApiJobDescriber,
    readiness::ServerReadiness, settings::Settings,
};
use crate::{failure::Failure, installed_models::InstalledModels};

/// Deadline for fetching an image. Clients wait for it.
const IMAGE_FETCH_DEADLINE: Duration = Duration::from_mins(1);

/// What the parts of a server share.
pub(super) struct Shared {
    pub(super) queue: Arc<dyn Queue>,
    pub(super) store: Store,
    pub(super) outbound: Outbound,
    pub(super) signer: Arc<UrlSigner>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) tools: Tools,
    pub(super) models: Arc<InstalledModels>,
}

impl Shared {
    /// The API. `model` is the usable neural model, as text; `stopping` makes the server unready.
    pub(super) fn api(
        &self,
        settings: &Settings,
        folder: &DataFolder,
        model: Option<String>,
        link: OneTimeLink,
        stopping: CancellationToken,
    ) -> Result<Api, Failure> {
        let capabilities = self.tools.capabilities()?;
        let available_formats = available_formats(&self.tools)?;
        let interactive = self.interactive_worker(settings, folder)?;
        Ok(Api {
            queue: Arc::clone(&self.queue),
            store: self.store.clone(),
            signer: Arc::clone(&self.signer),
            clock: Arc::clone(&self.clock),
            interactive: Arc::new(interactive),
            traffic: Arc::default(),
            link: Arc::new(link),
            settings: Arc::new(ApiSettings { available_formats, has_model: model.is_some(), ..settings.api.clone() }),
            readiness: Arc::new(ServerReadiness::new(&self.tools, capabilities, model, stopping)),
        })
    }

    /// The maker of previews and images.
    fn interactive_worker(
        &self,
        settings: &Settings,
        folder: &DataFolder,
    ) -> Result<PipelineInteractiveWorker, Failure> {
        let unusable = |error| Failure::host_error(ErrorCode::DataDirectory, &error);
        let (store, models) = (self.store.clone(), Arc::clone(&self.models) as Arc<_>);
        let cutter = PipelineFrameCutter::new(self.tools.clone(), Arc::clone(&models));
        let previews = Previews::new(cutter, store.clone(), folder.subfolder("previews")?, settings.previews);
        let WorkerSettings { download, disk_floor_bytes, .. } = settings.worker;
        let max_bytes = download.max_bytes.min(MAX_IMAGE_BYTES);
        let limits = DownloadLimits { max_bytes, deadline: IMAGE_FETCH_DEADLINE.min(download.deadline), ..download };
        let transfer = Transfer { outbound: self.outbound.clone(), store: store.clone(), limits, disk_floor_bytes };
        let max_bytes = settings.cut.max_bytes.min(u64::from(settings.image_memory_mib) << 20);
        let resources = Resources { max_bytes, ..settings.cut };
        let memory = MemoryBudget::new(settings.image_memory_mib);
        let tools = ImageTools { tools: self.tools.clone(), models, resources, memory };
        let images = Images::new(tools, store, transfer, folder.subfolder("images")?, settings.images);
        Ok(PipelineInteractiveWorker { previews: previews.map_err(unusable)?, images: images.map_err(unusable)? })
    }

    /// The courier, which delivers webhooks.
    pub(super) fn courier(&self, settings: &Settings) -> Courier {
        Courier {
            queue: Arc::clone(&self.queue),
            outbound: self.outbound.clone(),
            describe: Arc::new(ApiJobDescriber(JobDescriber {
                signer: Arc::clone(&self.signer),
                presigning: settings.api.presigned_results.then(|| self.store.clone()),
                clock: Arc::clone(&self.clock),
                link_ttl: settings.api.link_ttl,
                public_url: settings.api.public_url.clone(),
            })),
            clock: Arc::clone(&self.clock),
            settings: CourierSettings::default(),
        }
    }

    /// The worker, which cuts the clips of jobs.
    pub(super) fn worker(&self, settings: &Settings, folder: &DataFolder) -> Result<Worker<PipelineCutter>, Failure> {
        Ok(Worker {
            queue: Arc::clone(&self.queue),
            store: self.store.clone(),
            outbound: self.outbound.clone(),
            cutter: Arc::new(PipelineCutter {
                tools: self.tools.clone(),
                models: Arc::clone(&self.models) as Arc<_>,
                resources: settings.cut,
            }),
            clock: Arc::clone(&self.clock),
            scratch: folder.subfolder("scratch")?,
            settings: settings.worker.clone(),
        })
    }
}

/// Client for the addresses of clips and webhooks.
pub(super) fn outbound(settings: &Settings) -> Result<Outbound, Failure> {
    let (policy, timeouts) = (settings.api.address_policy.clone(), settings.outbound);
    #[cfg(debug_assertions)]
    if let Some(names) = crate::environment::scripted_names() {
        return Outbound::with_names(policy, timeouts, Arc::new(names))
            .map_err(|error| Failure::host_error(error.code(), &error));
    }
    Outbound::new(policy, timeouts).map_err(|error| Failure::host_error(error.code(), &error))
}

/// The formats that this machine can write.
fn available_formats(tools: &Tools) -> Result<Vec<OutputFormat>, Failure> {
    let mut formats = Vec::new();
    for format in OutputFormat::ALL {
        if tools.missing_for(format)?.is_none() {
            formats.push(format);
        }
    }
    Ok(formats)
}
