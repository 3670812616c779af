use std::{fs::File, time::Duration};

use crate::{
    Child, Container, Error, KillHandle, MediaError, MediaInfo, MediaLimits, Tools, probe,
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
    pub(crate) streams: Child,
    pub(crate) packets: Child,
    pub(crate) timeout: Duration,
}

impl Probe {
    /// Ways to end it from another thread; [`Self::info`] then complains of something.
    #[must_use]
    pub fn kill_handles(&self) -> [KillHandle; 2] {
        [self.streams.kill_handle(), self.packets.kill_handle()]
    }

    /// What the clip is, within the limits. Blocks.
    ///
    /// # Errors
    /// [`Error::Media`] where the clip is at fault.
    pub fn info(self) -> Result<MediaInfo, Error> {
        let limits = &self.limits;
        let unreadable = |error| unreadable(error, limits);
        let capabilities = self.tools.capabilities()?;
        let (streams, words) = self.streams.output(MAX_ANSWER_BYTES, QUESTION_TIMEOUT).map_err(unreadable)?;
        let mut stated = match probe::parse_streams(self.container, &streams, limits, capabilities) {
            Err(Error::Media(MediaError::Damaged)) => return Err(probe::complaint(&words, limits).into()),
            other => other?,
        };
        let (packets, _) = self.packets.output(MAX_PACKET_LIST_BYTES, self.timeout).map_err(unreadable)?;
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
