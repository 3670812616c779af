//! API, worker and courier of a server, made from its settings and from what they share.

use std::sync::Arc;

use clearcut_api::{Api, ApiSettings, JobDescriber, OneTimeLink};
use clearcut_ffmpeg::{Capabilities, Tools};
use clearcut_job::{Clock, ErrorCode, OutputFormat};
use clearcut_notify::{Courier, CourierSettings};
use clearcut_outbound::Outbound;
use clearcut_queue::{Queue, SqliteQueue};
use clearcut_store::{Store, UrlSigner};
use clearcut_worker::{PipelineCutter, PipelineFrameCutter, Previews, Worker};
use tokio_util::sync::CancellationToken;

use super::{
    api_previewer::PipelinePreviewer, data_folder::DataFolder, describer::ApiJobDescriber, readiness::ServerReadiness,
    settings::Settings,
};
use crate::{failure::Failure, installed_models::InstalledModels};

/// What the parts of a server share.
pub(super) struct Shared {
    pub(super) queue: Arc<SqliteQueue>,
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
        let frame_cutter = PipelineFrameCutter::new(self.tools.clone(), Arc::clone(&self.models) as Arc<_>);
        let previews =
            Previews::new(frame_cutter, self.store.clone(), folder.subfolder("previews")?, settings.previews)
                .map_err(|error| Failure::host_error(ErrorCode::DataDirectory, &error))?;
        Ok(Api {
            queue: Arc::clone(&self.queue) as Arc<dyn Queue>,
            store: self.store.clone(),
            signer: Arc::clone(&self.signer),
            clock: Arc::clone(&self.clock),
            previewer: Arc::new(PipelinePreviewer(previews)),
            traffic: Arc::default(),
            link: Arc::new(link),
            settings: Arc::new(ApiSettings {
                available_formats: formats_of(capabilities),
                has_model: model.is_some(),
                ..settings.api.clone()
            }),
            readiness: Arc::new(ServerReadiness::new(&self.tools, capabilities, model, stopping)),
        })
    }

    /// The courier, which delivers webhooks.
    pub(super) fn courier(&self, settings: &Settings) -> Courier {
        Courier {
            queue: Arc::clone(&self.queue) as Arc<dyn Queue>,
            outbound: self.outbound.clone(),
            describe: Arc::new(ApiJobDescriber(JobDescriber {
                signer: Arc::clone(&self.signer),
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
            queue: Arc::clone(&self.queue) as Arc<dyn Queue>,
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

fn formats_of(capabilities: &Capabilities) -> Vec<OutputFormat> {
    OutputFormat::ALL.into_iter().filter(|format| capabilities.missing_encoder(*format).is_none()).collect()
}
