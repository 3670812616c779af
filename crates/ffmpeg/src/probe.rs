//! Probe of a clip: ffprobe reads the stream headers, then lists the packets. Of clips that may
//! change their size or be interlaced, a few frames are decoded. One process runs at a time.

use std::{fs::File, os::unix::fs::FileExt, time::Duration};

use crate::{
    Child, Container, Error, KillHandle, MediaError, MediaInfo, MediaLimits, Tools, argv,
    claims::claims_too_many_samples,
    headers,
    interlace::{Fields, may_be_interlaced},
    keyframe_sizes::{KeyframeSizes, may_change_size},
    tools::{MAX_OUTPUT_BYTES, PROBE_TIMEOUT},
};

/// Size limit of the packet list: one line of about 40 bytes per packet, for a day of video.
const MAX_PACKET_LIST_BYTES: u64 = 256 << 20;

impl Tools {
    /// Starts reading the headers of the clip in `input`; decodes nothing. [`Probe::info`] lists
    /// the packets later: a crafted file can exhaust a process's memory limit, so only one process
    /// reads it at a time.
    ///
    /// # Errors
    /// [`Error::Media`] if the first bytes belong to no video container, [`Error::Spawn`].
    pub fn probe(&self, input: &File, limits: &MediaLimits) -> Result<Probe, Error> {
        let container = sniff(input)?;
        let claims = || claims_too_many_samples(input).map_err(|source| Error::from_io("reading the clip", source));
        if container == Container::Mov && claims()? {
            return Err(MediaError::Damaged.into());
        }
        let file = input.try_clone().map_err(|source| Error::from_io("opening the clip", source))?;
        let streams = self.spawn_ffprobe(&file, argv::probe_streams(container, limits))?;
        Ok(Probe { tools: self.clone(), container, limits: *limits, file, streams })
    }
}

/// A running probe of a clip's headers.
#[derive(Debug)]
pub struct Probe {
    tools: Tools,
    container: Container,
    limits: MediaLimits,
    file: File,
    streams: Child,
}

impl Probe {
    /// A handle that kills the first process from another thread; [`Self::info`] then returns an
    /// error.
    #[must_use]
    pub fn kill_handle(&self) -> KillHandle {
        self.streams.kill_handle()
    }

    /// Finishes the probe and returns the clip's properties, checked against the limits. Blocks.
    /// `on_process` receives the handles that kill the later processes.
    ///
    /// # Errors
    /// [`Error::Media`] if the clip is at fault.
    pub fn info(self, mut on_process: impl FnMut(KillHandle)) -> Result<MediaInfo, Error> {
        let limits = &self.limits;
        let blame_clip = |error| blame_clip(error, limits);
        let capabilities = self.tools.capabilities()?;
        let (streams, stderr_tail) = self.streams.output(MAX_OUTPUT_BYTES, PROBE_TIMEOUT).map_err(blame_clip)?;
        let mut headers = match headers::parse_streams(self.container, &streams, limits, capabilities) {
            Err(Error::Media(MediaError::Damaged)) => return Err(headers::diagnose(&stderr_tail, limits).into()),
            other => other?,
        };
        let listing = self.tools.spawn_ffprobe(&self.file, argv::probe_packets(self.container, limits))?;
        on_process(listing.kill_handle());
        let (packets, _) =
            listing.output(MAX_PACKET_LIST_BYTES, packet_list_timeout(&self.file)).map_err(blame_clip)?;
        headers::apply_packets(&mut headers, &packets, limits)?;
        if let Some(sizes) = keyframe_sizes(&self.tools, &self.file, headers.so_far(), limits, &mut on_process)? {
            headers.resize(&sizes, limits, capabilities)?;
        }
        let info = headers.so_far();
        if may_be_interlaced(headers.field_order(), &info.codec, info.frame_rate) {
            let child = self.tools.spawn_field_measurement(&self.file, argv::measure_fields(info, limits))?;
            on_process(child.kill_handle());
            let fields = unless_unreadable(child.output(MAX_OUTPUT_BYTES, PROBE_TIMEOUT))?;
            headers.settle_fields(fields.map_or(Fields::Undecided, |listing| Fields::of_listing(&listing)));
        }
        Ok(headers.info())
    }
}

/// The sizes of the clip's codec keyframes; `None` if they are the same or not worth reading.
fn keyframe_sizes(
    tools: &Tools,
    file: &File,
    info: &MediaInfo,
    limits: &MediaLimits,
    on_process: &mut impl FnMut(KillHandle),
) -> Result<Option<KeyframeSizes>, Error> {
    if !may_change_size(info.container, &info.codec, info.size, info.frames, info.keyframes) {
        return Ok(None);
    }
    let child = tools.spawn_ffprobe(file, argv::probe_keyframe_sizes(info, limits))?;
    on_process(child.kill_handle());
    let listing = unless_unreadable(child.output(MAX_PACKET_LIST_BYTES, PROBE_TIMEOUT))?;
    let end = info.video_start_secs + info.duration.as_secs_f64();
    Ok(listing.and_then(|listing| KeyframeSizes::of_listing(&listing, end)))
}

/// The output of a process that decoded frames of the clip; `None` if it could not. Decoding the
/// whole clip then says why.
fn unless_unreadable(output: Result<(Vec<u8>, String), Error>) -> Result<Option<Vec<u8>>, Error> {
    match output {
        Ok((listing, _)) => Ok(Some(listing)),
        Err(Error::Failed { .. } | Error::TimedOut { .. } | Error::Media(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// ffprobe fails when it cannot parse the headers. The clip is at fault then.
fn blame_clip(error: Error, limits: &MediaLimits) -> Error {
    match error {
        Error::Failed { stderr_tail, .. } => headers::diagnose(&stderr_tail, limits).into(),
        other => other,
    }
}

/// Timeout for listing packets, which reads the whole file in some containers: one more second per
/// 10 MB, which a slow disk manages.
pub(crate) fn packet_list_timeout(input: &File) -> Duration {
    let bytes = input.metadata().map_or(0, |meta| meta.len());
    PROBE_TIMEOUT + Duration::from_secs(bytes / 10_000_000)
}

fn sniff(input: &File) -> Result<Container, Error> {
    let mut head = vec![0; Container::SNIFF_BYTES];
    let mut filled = 0;
    while filled < head.len() {
        match input.read_at(&mut head[filled..], filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(source) => return Err(Error::from_io("reading the clip", source)),
        }
    }
    Ok(Container::sniff(&head[..filled]).map_err(MediaError::from)?)
}
