//! A clip's headers, read by one process after the other.

use std::{fs::File, time::Duration};

use crate::{
    Child, Container, Error, KillHandle, MediaError, MediaInfo, MediaLimits, Tools, argv, probe,
    tools::{MAX_ANSWER_BYTES, QUESTION_TIMEOUT},
};

/// One line of ~40 bytes a packet, for a day of video.
const MAX_PACKET_LIST_BYTES: u64 = 256 << 20;

/// A clip whose headers are being read.
#[derive(Debug)]
pub struct Probe {
    pub(crate) tools: Tools,
    pub(crate) container: Container,
    pub(crate) limits: MediaLimits,
    pub(crate) file: File,
    pub(crate) streams: Child,
}

impl Probe {
    /// A way to end the first of its processes from another thread; [`Self::info`] then complains of something.
    #[must_use]
    pub fn kill_handle(&self) -> KillHandle {
        self.streams.kill_handle()
    }

    /// What the clip is, within the limits. Blocks. `covers` is told how to end what is started meanwhile.
    ///
    /// # Errors
    /// [`Error::Media`] where the clip is at fault.
    pub fn info(self, covers: impl FnOnce(KillHandle)) -> Result<MediaInfo, Error> {
        let limits = &self.limits;
        let unreadable = |error| unreadable(error, limits);
        let capabilities = self.tools.capabilities()?;
        let (streams, words) = self.streams.output(MAX_ANSWER_BYTES, QUESTION_TIMEOUT).map_err(unreadable)?;
        let mut stated = match probe::parse_streams(self.container, &streams, limits, capabilities) {
            Err(Error::Media(MediaError::Damaged)) => return Err(probe::complaint(&words, limits).into()),
            other => other?,
        };
        let listing = self.tools.ask_about(&self.file, argv::probe_packets(self.container, limits))?;
        covers(listing.kill_handle());
        let (packets, _) = listing.output(MAX_PACKET_LIST_BYTES, reading_timeout(&self.file)).map_err(unreadable)?;
        probe::settle(&mut stated, &packets, limits)?;
        Ok(stated.info())
    }
}

/// ffprobe ends with an error when it can make nothing of the headers: then the clip is at fault.
fn unreadable(error: Error, limits: &MediaLimits) -> Error {
    match error {
        Error::Failed { stderr_tail, .. } => probe::complaint(&stderr_tail, limits).into(),
        other => other,
    }
}

/// Listing packets reads all of some containers: a second more for every 10 MB, which a slow disk manages.
pub(crate) fn reading_timeout(input: &File) -> Duration {
    let bytes = input.metadata().map_or(0, |meta| meta.len());
    QUESTION_TIMEOUT + Duration::from_secs(bytes / 10_000_000)
}
