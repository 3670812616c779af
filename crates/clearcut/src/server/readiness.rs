//! Readiness checks of the server: ffmpeg, sandbox, neural model and worker.

use clearcut_api::{Check, Readiness};
use clearcut_ffmpeg::{Capabilities, Tools};
use tokio_util::sync::CancellationToken;

/// Readiness of this process: findings of the start, and whether it is stopping.
#[derive(Debug)]
pub(crate) struct ServerReadiness {
    ffmpeg: String,
    sandbox: &'static str,
    model: Option<String>,
    stopping: CancellationToken,
}

impl ServerReadiness {
    /// Records the findings of the start.
    pub(crate) fn new(
        tools: &Tools,
        capabilities: &Capabilities,
        model: Option<String>,
        stopping: CancellationToken,
    ) -> Self {
        let (ffmpeg, sandbox) = (capabilities.version().to_string(), tools.sandbox().level());
        Self { ffmpeg, sandbox, model, stopping }
    }
}

impl Readiness for ServerReadiness {
    fn checks(&self) -> Vec<Check> {
        let stopping = self.stopping.is_cancelled();
        let worker = if stopping { "is stopping" } else { "takes jobs" };
        vec![
            Check { name: "ffmpeg", ok: true, detail: self.ffmpeg.clone() },
            Check { name: "sandbox", ok: true, detail: self.sandbox.to_owned() },
            // Cutting by color needs no neural model, so a server without one is ready.
            Check { name: "network", ok: true, detail: self.model.clone().unwrap_or("none".to_owned()) },
            Check { name: "worker", ok: !stopping, detail: worker.to_owned() },
        ]
    }
}
