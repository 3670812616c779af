//! Probe of a clip: ffprobe reads the stream headers, again if decoders of tracks that are left out
//! were refused, then lists the packets. One process at a time.

use std::{fs::File, os::unix::fs::FileExt, time::Duration};

use crate::{
    Child, Container, Error, KillHandle, MediaError, MediaInfo, MediaLimits, Tools,
    argv::{self, ProbeView},
    auxiliary::{self, AlphaTrack},
    claims::claims_too_many_samples,
    headers,
    timeline::Packets,
    tools::{MAX_OUTPUT_BYTES, PROBE_TIMEOUT},
};

/// Size limit of the packet list: one line of about 40 bytes per packet, for a day of video.
const MAX_PACKET_LIST_BYTES: u64 = 256 << 20;

impl Tools {
    /// Starts reading the headers of the clip in `input`; decodes nothing. [`Probe::info`] lists
    /// the packets later: a crafted file can exhaust a process's memory limit, so only one process
    /// reads it at a time. A clip that ffmpeg cannot read must be unpacked first ([`Self::unpack`]).
    ///
    /// # Errors
    /// [`Error::Media`] if the first bytes belong to no video container,
    /// [`Error::UnpackerMissing`], [`Error::Spawn`].
    pub fn probe(&self, input: &File, limits: &MediaLimits) -> Result<Probe, Error> {
        let container = sniff(input)?;
        if container.is_packed() {
            return Err(Error::UnpackerMissing { container: container.demuxer() });
        }
        let unreadable = |source| Error::from_io("reading the clip", source);
        let mut alpha_tracks = Vec::new();
        if container == Container::Mov {
            if claims_too_many_samples(input).map_err(unreadable)? {
                return Err(MediaError::Damaged.into());
            }
            alpha_tracks = auxiliary::alpha_tracks(input).map_err(unreadable)?;
        }
        let file = input.try_clone().map_err(|source| Error::from_io("opening the clip", source))?;
        let streams = self.spawn_ffprobe(&file, argv::probe_streams(container, limits, &ProbeView::default()))?;
        Ok(Probe { tools: self.clone(), container, alpha_tracks, limits: *limits, file, streams })
    }
}

/// A running probe of a clip's headers.
#[derive(Debug)]
pub struct Probe {
    tools: Tools,
    container: Container,
    alpha_tracks: Vec<AlphaTrack>,
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
    /// `on_next_process` receives the handle that kills each further process.
    ///
    /// # Errors
    /// [`Error::Media`] if the clip is at fault.
    pub fn info(self, mut on_next_process: impl FnMut(KillHandle)) -> Result<MediaInfo, Error> {
        let limits = &self.limits;
        let blame_clip = |error| blame_clip(error, limits);
        let capabilities = self.tools.capabilities()?;
        let (mut view, mut reading) = (ProbeView::default(), self.streams);
        let (streams, stderr_tail) = loop {
            match reading.output(MAX_OUTPUT_BYTES, PROBE_TIMEOUT) {
                // Tracks that are left out need no decoder, but ffprobe opens one for each.
                Err(Error::Failed { stderr_tail, .. })
                    if admits_more(&mut view, &self.file, self.container, &stderr_tail)? =>
                {
                    let arguments = argv::probe_streams(self.container, limits, &view);
                    reading = self.tools.spawn_ffprobe(&self.file, arguments)?;
                    on_next_process(reading.kill_handle());
                }
                other => break other.map_err(blame_clip)?,
            }
        };
        let mut headers =
            match headers::parse_streams(self.container, &streams, &self.alpha_tracks, limits, capabilities) {
                Err(Error::Media(MediaError::Damaged)) => return Err(headers::diagnose(&stderr_tail, limits).into()),
                other => other?,
            };
        if let Some(alpha) = auxiliary::alpha_stream(&self.alpha_tracks, headers.stream(), &streams)? {
            headers.set_alpha_stream(alpha);
        }
        let mut ffprobe = |arguments: Vec<String>| {
            let child = self.tools.spawn_ffprobe(&self.file, arguments)?;
            on_next_process(child.kill_handle());
            child.output(MAX_PACKET_LIST_BYTES, packet_list_timeout(&self.file)).map_err(blame_clip)
        };
        let mut list_packets = |ignores_edits: bool| {
            let (lines, _) = ffprobe(argv::probe_packets(self.container, limits, &view, ignores_edits))?;
            Ok::<_, Error>(Packets::parse(&lines, headers.stream(), self.container)?)
        };
        let mut packets = list_packets(false)?;
        // An edit list may leave out whole groups of pictures, which the header counts.
        let lacks_frames = |packets: &Packets| headers.frame_count.is_some_and(|count| packets.lacks_frames(count));
        if lacks_frames(&packets) && (self.container != Container::Mov || lacks_frames(&list_packets(true)?)) {
            return Err(MediaError::Damaged.into());
        }
        if packets.starts_open() {
            let count = packets.packets_to_first_frame();
            let (lines, _) = ffprobe(argv::probe_first_frames(self.container, limits, &view, headers.stream(), count))?;
            let times = String::from_utf8_lossy(&lines);
            let first = times.lines().next().ok_or(MediaError::Damaged)?;
            packets.begin_with(first.trim_matches(',').parse().map_err(|_| MediaError::Damaged)?);
        }
        headers::apply_packets(&mut headers, &packets, limits)?;
        Ok(headers.info())
    }
}

/// Whether another view of the clip may get past a track that ffprobe's messages name.
fn admits_more(view: &mut ProbeView, file: &File, container: Container, messages: &str) -> Result<bool, Error> {
    if view.opened.add_refused(messages)? {
        return Ok(true);
    }
    let track = headers::unopenable_track(messages).filter(|_| container == Container::Mov);
    let added = track.map(|track| view.masks.add(file, track)).transpose();
    Ok(added.map_err(|source| Error::from_io("reading the clip", source))?.unwrap_or(false))
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

pub(crate) fn sniff(input: &File) -> Result<Container, Error> {
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
