use clearcut_api::{Check, Readiness};
use clearcut_ffmpeg::{Capabilities, Tools};
use tokio_util::sync::CancellationToken;

/// What this program knows of its own health.
#[derive(Debug)]
pub(crate) struct ServerReadiness {
    ffmpeg: String,
    sandbox: &'static str,
    stopping: CancellationToken,
}

impl ServerReadiness {
    /// Remembers what was found at the start.
    pub(crate) fn new(tools: &Tools, capabilities: &Capabilities, stopping: CancellationToken) -> Self {
        Self { ffmpeg: capabilities.version().to_string(), sandbox: tools.sandbox().level(), stopping }
    }
}

impl Readiness for ServerReadiness {
    fn checks(&self) -> Vec<Check> {
        let stopping = self.stopping.is_cancelled();
        let worker = if stopping { "is stopping" } else { "takes jobs" };
        vec![
            Check { name: "ffmpeg", ok: true, detail: self.ffmpeg.clone() },
            Check { name: "sandbox", ok: true, detail: self.sandbox.to_owned() },
            Check { name: "worker", ok: !stopping, detail: worker.to_owned() },
        ]
    }
}
