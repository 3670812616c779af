//! Probe of a clip: ffprobe reads the stream headers, then lists the packets, one process at a
//! time.

use std::{fs::File, time::Duration};

use crate::{
    Child, Container, Error, KillHandle, MediaError, MediaInfo, MediaLimits, Tools, argv, probe,
    tools::{MAX_OUTPUT_BYTES, PROBE_TIMEOUT},
};

/// Size limit of the packet list: one line of about 40 bytes per packet, for a day of video.
const MAX_PACKET_LIST_BYTES: u64 = 256 << 20;

/// A running probe of a clip's headers.
#[derive(Debug)]
pub struct Probe {
    pub(crate) tools: Tools,
    pub(crate) container: Container,
    pub(crate) limits: MediaLimits,
    pub(crate) file: File,
    pub(crate) streams: Child,
}

impl Probe {
    /// A handle that kills the first process from another thread; [`Self::info`] then returns an
    /// error.
    #[must_use]
    pub fn kill_handle(&self) -> KillHandle {
        self.streams.kill_handle()
    }

    /// Finishes the probe and returns the clip's properties, checked against the limits. Blocks.
    /// `on_second_process` receives the handle that kills the second process.
    ///
    /// # Errors
    /// [`Error::Media`] if the clip is at fault.
    pub fn info(self, on_second_process: impl FnOnce(KillHandle)) -> Result<MediaInfo, Error> {
        let limits = &self.limits;
        let blame_clip = |error| blame_clip(error, limits);
        let capabilities = self.tools.capabilities()?;
        let (streams, stderr_tail) = self.streams.output(MAX_OUTPUT_BYTES, PROBE_TIMEOUT).map_err(blame_clip)?;
        let mut headers = match probe::parse_streams(self.container, &streams, limits, capabilities) {
            Err(Error::Media(MediaError::Damaged)) => return Err(probe::diagnose(&stderr_tail, limits).into()),
            other => other?,
        };
        let listing = self.tools.spawn_ffprobe(&self.file, argv::probe_packets(self.container, limits))?;
        on_second_process(listing.kill_handle());
        let (packets, _) =
            listing.output(MAX_PACKET_LIST_BYTES, packet_list_timeout(&self.file)).map_err(blame_clip)?;
        probe::apply_packets(&mut headers, &packets, limits)?;
        Ok(headers.info())
    }
}

/// ffprobe fails when it cannot parse the headers. The clip is at fault then.
fn blame_clip(error: Error, limits: &MediaLimits) -> Error {
    match error {
        Error::Failed { stderr_tail, .. } => probe::diagnose(&stderr_tail, limits).into(),
        other => other,
    }
}

/// Timeout for listing packets, which reads the whole file in some containers: one more second per
/// 10 MB, which a slow disk manages.
pub(crate) fn packet_list_timeout(input: &File) -> Duration {
    let bytes = input.metadata().map_or(0, |meta| meta.len());
    PROBE_TIMEOUT + Duration::from_secs(bytes / 10_000_000)
}
