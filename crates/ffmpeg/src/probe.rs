//! Probe of a clip: ffprobe reads the stream headers, again if decoders of tracks that are left out
//! were refused, then lists the packets. Of clips that may change their size or be interlaced, a few
//! frames are decoded. One process runs at a time.

use std::{
    fs::File,
    os::unix::fs::FileExt,
    time::{Duration, Instant},
};

use crate::{
    Child, Container, Error, KillHandle, MediaError, MediaInfo, MediaLimits, Tools,
    argv::{self, ProbeView},
    auxiliary::{self, AlphaTrack},
    claims::claims_too_many_samples,
    headers::{self, HeaderInfo},
    interlace::{Fields, may_be_interlaced},
    keyframe_sizes::{KeyframeSizes, may_change_size},
    timeline::Packets,
    tools::{MAX_OUTPUT_BYTES, PROBE_TIMEOUT},
};

/// Size limit of the packet list: one line of about 40 bytes per packet, for a day of video.
pub(crate) const MAX_PACKET_LIST_BYTES: u64 = 256 << 20;

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
    /// `on_process` receives the handle that kills each further process.
    ///
    /// # Errors
    /// [`Error::Media`] if the clip is at fault.
    pub fn info(self, mut on_process: impl FnMut(KillHandle)) -> Result<MediaInfo, Error> {
        let Self { tools, container, alpha_tracks, limits, file, streams } = self;
        let capabilities = tools.capabilities()?;
        let mut further = FurtherProcesses {
            tools: &tools,
            file: &file,
            container,
            limits: &limits,
            view: ProbeView::default(),
            on_process: &mut on_process,
        };
        let (streams, stderr_tail) = further.open_streams(streams)?;
        let mut headers = match headers::parse_streams(container, &streams, &alpha_tracks, &limits, capabilities) {
            Err(Error::Media(MediaError::Damaged)) => return Err(headers::diagnose(&stderr_tail, &limits).into()),
            other => other?,
        };
        if let Some(alpha) = auxiliary::alpha_stream(&alpha_tracks, headers.so_far().stream, &streams)? {
            headers.set_alpha_stream(alpha);
        }
        let packets = further.list_packets(&headers)?;
        headers::apply_packets(&mut headers, &packets, &limits)?;
        if let Some(sizes) = further.keyframe_sizes(headers.so_far())? {
            headers.resize(&sizes, &limits, capabilities)?;
        }
        if may_be_interlaced(headers.field_order(), &headers.so_far().codec, headers.so_far().frame_rate) {
            headers.settle_fields(further.fields(headers.so_far())?);
        }
        Ok(headers.info())
    }
}

/// The processes of a probe after its first, which run one at a time.
struct FurtherProcesses<'a> {
    tools: &'a Tools,
    file: &'a File,
    container: Container,
    limits: &'a MediaLimits,
    view: ProbeView,
    /// Receives the handle that kills a process.
    on_process: &'a mut dyn FnMut(KillHandle),
}

impl FurtherProcesses<'_> {
    /// The headers that the process `reading` prints, and the tail of its messages. Tracks that are
    /// left out need no decoder, but ffprobe opens one for each: if one is refused, it is started
    /// again. All of them share one deadline.
    fn open_streams(&mut self, mut reading: Child) -> Result<(Vec<u8>, String), Error> {
        let deadline = Instant::now() + PROBE_TIMEOUT;
        loop {
            match reading.output(MAX_OUTPUT_BYTES, deadline.saturating_duration_since(Instant::now())) {
                Err(Error::Failed { stderr_tail, .. }) if self.admits_more(&stderr_tail)? => {
                    reading = self.spawn_ffprobe(argv::probe_streams(self.container, self.limits, &self.view))?;
                }
                other => return other.map_err(|error| blame_clip(error, self.limits)),
            }
        }
    }

    /// Whether another view of the clip may get past a track that ffprobe's messages name.
    fn admits_more(&mut self, messages: &str) -> Result<bool, Error> {
        if self.view.opened.add_refused(messages)? {
            return Ok(true);
        }
        let track = headers::unopenable_track(messages).filter(|_| self.container == Container::Mov);
        let added = track.map(|track| self.view.masks.add(self.file, track)).transpose();
        Ok(added.map_err(|source| Error::from_io("reading the clip", source))?.unwrap_or(false))
    }

    /// The packets of the frames that are shown.
    fn list_packets(&mut self, headers: &HeaderInfo) -> Result<Packets, Error> {
        let stream = headers.so_far().stream;
        let mut packets = self.packets(stream, false)?;
        // An edit list may leave out whole groups of pictures, which the header counts.
        let lacks_frames = |packets: &Packets| headers.frame_count.is_some_and(|count| packets.lacks_frames(count));
        if lacks_frames(&packets) && (self.container != Container::Mov || lacks_frames(&self.packets(stream, true)?)) {
            return Err(MediaError::Damaged.into());
        }
        if packets.starts_open() {
            let count = packets.packets_to_first_frame();
            let lines =
                self.ffprobe(argv::probe_first_frames(self.container, self.limits, &self.view, stream, count))?;
            let times = String::from_utf8_lossy(&lines);
            let first = times.lines().next().ok_or(MediaError::Damaged)?;
            packets.begin_with(first.trim_matches(',').parse().map_err(|_| MediaError::Damaged)?);
        }
        Ok(packets)
    }

    fn packets(&mut self, stream: usize, ignores_edits: bool) -> Result<Packets, Error> {
        let lines = self.ffprobe(argv::probe_packets(self.container, self.limits, &self.view, ignores_edits))?;
        Ok(Packets::parse(&lines, stream, self.container)?)
    }

    /// The sizes of the clip's codec keyframes; `None` if they are the same or not worth reading.
    fn keyframe_sizes(&mut self, info: &MediaInfo) -> Result<Option<KeyframeSizes>, Error> {
        if !may_change_size(info.container, &info.codec, info.size, info.frames, info.keyframes) {
            return Ok(None);
        }
        let child = self.spawn_ffprobe(argv::probe_keyframe_sizes(info, self.limits, &self.view))?;
        let listing = unless_unreadable(child.output(MAX_PACKET_LIST_BYTES, PROBE_TIMEOUT))?;
        let end = info.video_start_secs + info.duration.as_secs_f64();
        Ok(listing.and_then(|listing| KeyframeSizes::of_listing(&listing, end)))
    }

    /// What a few frames from the middle of the clip are: whole, or fields.
    fn fields(&mut self, info: &MediaInfo) -> Result<Fields, Error> {
        let child = self.tools.spawn_field_measurement(self.file, argv::measure_fields(info, self.limits))?;
        (self.on_process)(child.kill_handle());
        let listing = unless_unreadable(child.output(MAX_OUTPUT_BYTES, PROBE_TIMEOUT))?;
        Ok(listing.map_or(Fields::Undecided, |listing| Fields::of_listing(&listing)))
    }

    fn spawn_ffprobe(&mut self, arguments: Vec<String>) -> Result<Child, Error> {
        let child = self.tools.spawn_ffprobe(self.file, arguments)?;
        (self.on_process)(child.kill_handle());
        Ok(child)
    }

    /// The output of an ffprobe that may read the whole file.
    fn ffprobe(&mut self, arguments: Vec<String>) -> Result<Vec<u8>, Error> {
        let child = self.spawn_ffprobe(arguments)?;
        let output = child.output(MAX_PACKET_LIST_BYTES, packet_list_timeout(self.file));
        Ok(output.map_err(|error| blame_clip(error, self.limits))?.0)
    }
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

pub(crate) fn sniff(input: &File) -> Result<Container, Error> {
    Ok(Container::sniff(&first_bytes(input)?).map_err(MediaError::from)?)
}

/// The first bytes of a file, [`Container::SNIFF_BYTES`] at most, from which its format is detected.
///
/// # Errors
/// [`Error::Io`], [`Error::Short`].
pub fn first_bytes(input: &File) -> Result<Vec<u8>, Error> {
    let mut head = vec![0; Container::SNIFF_BYTES];
    let mut filled = 0;
    while filled < head.len() {
        match input.read_at(&mut head[filled..], filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(source) => return Err(Error::from_io("reading the file", source)),
        }
    }
    head.truncate(filled);
    Ok(head)
}
