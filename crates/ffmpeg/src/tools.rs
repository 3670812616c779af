//! Discovery of ffmpeg and ffprobe, and one method per kind of process that they run as.

use std::{
    fs::File,
    io::Read,
    ops::Range,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use clearcut_frame::{Matrix, Size};
use clearcut_job::OutputFormat;

use crate::{
    AudioTrack, Capabilities, Child, DecodePlan, EncodePlan, Error, ExcerptPlan, Layer, MediaInfo, MediaLimits,
    SamplePlan, Sandbox, SandboxPolicy, SearchPath, TimeSpan, argv, hevc_alpha::HevcAlpha, limits::ChildLimits,
};

/// The ffmpeg and ffprobe of this machine, and their sandbox. Found once and shared by all jobs.
#[derive(Debug, Clone)]
pub struct Tools {
    ffmpeg: PathBuf,
    ffprobe: PathBuf,
    capabilities: Arc<CapabilityQuery>,
    hevc_alpha: Arc<HevcAlpha>,
    sandbox: Sandbox,
    /// The program whose commands `unpack` and `image` read what ffmpeg cannot.
    unpacker: Option<PathBuf>,
}

/// The ffmpeg capabilities: a running query first, then its cached result.
#[derive(Debug, Default)]
struct CapabilityQuery {
    pending: Mutex<Option<Child>>,
    result: OnceLock<Capabilities>,
}

/// Timeout for querying ffmpeg's capabilities or a file's headers.
pub(crate) const PROBE_TIMEOUT: Duration = Duration::from_secs(30);
/// Size limit for the output of such a query.
pub(crate) const MAX_OUTPUT_BYTES: u64 = 4 << 20;

impl Tools {
    /// Finds ffmpeg and starts querying its capabilities; [`Self::capabilities`] waits for the
    /// result. The calling thread must live until then, because the child dies with the thread that
    /// started it.
    ///
    /// # Errors
    /// [`Error::ToolMissing`], [`Error::SandboxUnavailable`], [`Error::Spawn`].
    pub fn find(search: &SearchPath, policy: SandboxPolicy) -> Result<Self, Error> {
        let find = |program| search.find(program).ok_or(Error::ToolMissing { program });
        let (ffmpeg, ffprobe) = (find("ffmpeg")?, find("ffprobe")?);
        let sandbox = Sandbox::find(search, policy)?;
        let (capabilities, hevc_alpha) = Default::default();
        let tools = Self { ffmpeg, ffprobe, capabilities, hevc_alpha, sandbox, unpacker: None };
        *tools.pending() = Some(tools.spawn_capability_query()?);
        Ok(tools)
    }

    /// The capabilities of this ffmpeg. The first call may block for about a tenth of a second.
    ///
    /// # Errors
    /// [`Error::ToolTooOld`], or the errors of running the query.
    pub fn capabilities(&self) -> Result<&Capabilities, Error> {
        let result = &self.capabilities.result;
        let mut pending = self.pending(); // Locked while waiting, so that only one query runs.
        if let Some(capabilities) = result.get() {
            return Ok(capabilities);
        }
        let child = pending.take().map_or_else(|| self.spawn_capability_query(), Ok)?;
        let (codecs, banner) = child.output(MAX_OUTPUT_BYTES, PROBE_TIMEOUT)?;
        let capabilities = Capabilities::parse(&banner, &String::from_utf8_lossy(&codecs));
        if !capabilities.is_new_enough() {
            return Err(Error::ToolTooOld { found: capabilities.version().to_owned() });
        }
        Ok(result.get_or_init(|| capabilities))
    }

    fn spawn_capability_query(&self) -> Result<Child, Error> {
        let mut command = self.sandbox.command(&self.ffmpeg, None, ChildLimits::WORKING);
        command.arg("-codecs");
        Child::spawn("querying the capabilities of ffmpeg", command, Stdio::null())
    }

    fn pending(&self) -> MutexGuard<'_, Option<Child>> {
        // No code panics while holding this lock.
        self.capabilities.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The sandbox that child processes run in.
    #[must_use]
    pub const fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// Path of the ffmpeg in use.
    #[must_use]
    pub fn ffmpeg_path(&self) -> &Path {
        &self.ffmpeg
    }

    /// What an ffmpeg for `format` must have and none of this machine has; `None` if the format can be
    /// written. For hevc-alpha, the first call encodes and decodes a frame.
    ///
    /// # Errors
    /// Those of [`Self::capabilities`].
    pub fn missing_for(&self, format: OutputFormat) -> Result<Option<&'static str>, Error> {
        if format == OutputFormat::HevcAlpha {
            return Ok(self.hevc_ffmpeg()?.is_none().then_some("libx265 that codes alpha"));
        }
        Ok(self.capabilities()?.missing_encoder(format))
    }

    /// Path of the ffmpeg that writes hevc-alpha; `None` if none does.
    ///
    /// # Errors
    /// If that could not be tried.
    pub fn hevc_ffmpeg(&self) -> Result<Option<PathBuf>, Error> {
        self.hevc_alpha.find(&self.ffmpeg, &self.sandbox)
    }

    /// Fails if no ffmpeg of this machine can write `format`.
    ///
    /// # Errors
    /// [`Error::FormatUnavailable`], and those of [`Self::missing_for`].
    pub fn require(&self, format: OutputFormat) -> Result<(), Error> {
        match self.missing_for(format)? {
            Some(lacks) => Err(Error::FormatUnavailable { format, lacks }),
            None => Ok(()),
        }
    }

    /// The same tools, with an ffmpeg for hevc-alpha, which need not exist. It is used for nothing else,
    /// and only if the system's cannot write that format.
    #[must_use]
    pub fn with_hevc_ffmpeg(self, program: PathBuf) -> Self {
        Self { hevc_alpha: Arc::new(HevcAlpha::with(program)), ..self }
    }

    /// The same tools, with `mark` in the environment of every child; see [`crate::end_marked`].
    #[must_use]
    pub fn marked(self, mark: &str) -> Self {
        Self { sandbox: self.sandbox.marked(mark), ..self }
    }

    /// The same tools, which unpack clips with the command `unpack` of `program` (an absolute path),
    /// and read images with its command `image`.
    #[must_use]
    pub fn with_unpacker(self, program: PathBuf) -> Self {
        Self { unpacker: Some(program), ..self }
    }

    pub(crate) fn unpacker(&self) -> Option<&Path> {
        self.unpacker.as_deref()
    }

    /// Starts decoding to raw frames on standard output. See [`DecodePlan`].
    ///
    /// # Errors
    /// [`Error::Spawn`].
    pub fn decode(
        &self,
        input: &File,
        info: &MediaInfo,
        plan: &DecodePlan,
        limits: &MediaLimits,
    ) -> Result<Child, Error> {
        self.read("decoding", input, argv::decode(info, plan, limits), None)
    }

    /// Starts decoding as [`Self::decode`] does, to colors of `matrix`.
    ///
    /// # Errors
    /// [`Error::Spawn`].
    pub fn decode_in(
        &self,
        matrix: Matrix,
        input: &File,
        info: &MediaInfo,
        plan: &DecodePlan,
        limits: &MediaLimits,
    ) -> Result<Child, Error> {
        self.read("decoding", input, argv::decode_in(matrix, info, plan, limits), None)
    }

    /// Starts decoding single frames spread over the clip, in time order, to raw frames on standard
    /// output.
    ///
    /// # Errors
    /// [`Error::Spawn`].
    pub fn sample(
        &self,
        input: &File,
        info: &MediaInfo,
        size: Size,
        plan: &SamplePlan,
        limits: &MediaLimits,
    ) -> Result<Child, Error> {
        self.read("sampling", input, argv::sample(info, size, plan, limits), None)
    }

    /// Starts decoding a few frames in a row to raw frames on standard output.
    ///
    /// # Errors
    /// [`Error::Spawn`].
    pub fn excerpt(
        &self,
        input: &File,
        info: &MediaInfo,
        plan: &ExcerptPlan,
        limits: &MediaLimits,
    ) -> Result<Child, Error> {
        self.read("decoding an excerpt", input, argv::excerpt(info, plan, limits), None)
    }

    /// Starts decoding the sound of `audio` within `span` to standard output, for [`Self::align_sound`]. It ends
    /// with [`Error::Failed`] if more than one in a hundred packets is damaged, but decodes all
    /// others.
    ///
    /// # Errors
    /// [`Error::Spawn`].
    pub fn decode_sound(
        &self,
        input: &File,
        info: &MediaInfo,
        (audio, span): (&AudioTrack, TimeSpan),
        limits: &MediaLimits,
    ) -> Result<Child, Error> {
        self.read("decoding the sound", input, argv::decode_sound(info, audio, span, limits), None)
    }

    /// Starts writing the sound that [`Self::decode_sound`] decodes, piped to standard input, to
    /// [`Self::AUDIO_FILE`] in `scratch`: PCM of exactly `length`, `tempo` times as fast (0.25–4) with its pitch.
    ///
    /// # Errors
    /// [`Error::Spawn`].
    pub fn align_sound(&self, (length, tempo): (Duration, f64), scratch: &Path) -> Result<Child, Error> {
        let mut command = self.sandbox.command(&self.ffmpeg, Some(scratch), ChildLimits::WORKING);
        command.args(argv::align_sound(length, tempo));
        Child::spawn("aligning the sound", command, Stdio::piped())
    }

    /// File name, in the scratch folder, of the audio for the outputs.
    pub const AUDIO_FILE: &str = argv::AUDIO_FILE;

    /// Starts an encoder that reads raw frames on standard input and writes
    /// [`EncodePlan::file_name`] in `scratch`. Only for stacked-alpha, MP4, MOV, HEVC, matte and foreground; the other
    /// formats are not made by a single ffmpeg.
    ///
    /// # Errors
    /// [`Error::Spawn`].
    pub fn encode(&self, plan: &EncodePlan, scratch: &Path) -> Result<Child, Error> {
        let mut command = self.command_for(plan, scratch)?;
        command.args(argv::encode(plan));
        Child::spawn(plan.operation(), command, Stdio::piped())
    }

    /// Starts an encoder for one stream of a WebM. It reads raw color or raw gray frames on
    /// standard input and writes [`EncodePlan::layer_name`] in `scratch`.
    ///
    /// # Errors
    /// [`Error::Spawn`].
    pub fn encode_layer(&self, plan: &EncodePlan, layer: Layer, scratch: &Path) -> Result<Child, Error> {
        let mut command = self.sandbox.command(&self.ffmpeg, Some(scratch), ChildLimits::WORKING);
        command.args(argv::encode_layer(plan, layer));
        Child::spawn(plan.operation(), command, Stdio::piped())
    }

    /// Starts joining pieces of one output, which [`Self::encode`] made for consecutive frames, to
    /// [`EncodePlan::file_name`] in `scratch`, with the sound if the plan has any. Nothing but the
    /// sound is encoded. `pieces` are the paths of the pieces relative to `scratch`, with letters,
    /// digits, `-`, `.` and `/` only, each with its number of frames. If all pieces have the same
    /// [`PacketListing::decoder_setup`](crate::PacketListing::decoder_setup), they `are_alike`, and no
    /// packet is changed.
    ///
    /// # Errors
    /// [`Error::Spawn`]; [`Error::Io`] and [`Error::DiskFull`] of writing the list of the pieces.
    pub fn join(
        &self,
        plan: &EncodePlan,
        (pieces, are_alike): (&[(String, u64)], bool),
        scratch: &Path,
    ) -> Result<Child, Error> {
        let list = argv::list_of_pieces(plan, pieces);
        std::fs::write(scratch.join(argv::list_name(plan)), list)
            .map_err(|source| Error::from_io("listing the pieces of an output", source))?;
        let mut command = self.sandbox.command(&self.ffmpeg, Some(scratch), ChildLimits::WORKING);
        command.args(argv::join(plan, are_alike));
        Child::spawn("joining the pieces of an output", command, Stdio::null())
    }

    /// Starts encoding [`Self::AUDIO_FILE`] in `scratch` to [`EncodePlan::LAYER_SOUND`], as
    /// [`Self::encode_layer`] does beside the color.
    ///
    /// # Errors
    /// [`Error::Spawn`].
    pub fn encode_sound(&self, scratch: &Path) -> Result<Child, Error> {
        let mut command = self.sandbox.command(&self.ffmpeg, Some(scratch), ChildLimits::WORKING);
        command.args(argv::encode_sound());
        Child::spawn("encoding the sound", command, Stdio::null())
    }

    /// Starts decoding the matte of a finished output in `scratch` to standard output: gray frames
    /// of one byte per pixel, in the size of the plan; of HEVC both layers, as yuva420p in
    /// [`EncodePlan::raw_size`]. The values are as stored: the matte is of limited range in a stacked file,
    /// else of full range. With `range`, only these frames are decoded, of which the
    /// first must be a codec keyframe.
    ///
    /// # Errors
    /// [`Error::Spawn`].
    pub fn decode_matte(&self, plan: &EncodePlan, scratch: &Path, range: Option<&Range<u64>>) -> Result<Child, Error> {
        let mut command = self.command_for(plan, scratch)?;
        command.args(argv::decode_matte(plan, range));
        Child::spawn("checking an output", command, Stdio::null())
    }

    /// Starts decoding the pictures of a finished output in `scratch` to standard output: frames in
    /// 4:2:0 without alpha, in [`EncodePlan::raw_size`]. Not for stacked-alpha and matte.
    ///
    /// # Errors
    /// [`Error::Spawn`].
    pub fn decode_picture(&self, plan: &EncodePlan, scratch: &Path) -> Result<Child, Error> {
        let mut command = self.sandbox.command(&self.ffmpeg, Some(scratch), ChildLimits::WORKING);
        command.args(argv::decode_picture(plan));
        Child::spawn("checking an output", command, Stdio::null())
    }

    /// Starts listing the packets of a finished output in `scratch` on standard output, for
    /// [`PacketListing`](crate::PacketListing). Nothing is decoded.
    ///
    /// # Errors
    /// [`Error::Spawn`].
    pub fn list_packets(&self, plan: &EncodePlan, scratch: &Path) -> Result<Child, Error> {
        let mut command = self.sandbox.command(&self.ffmpeg, Some(scratch), ChildLimits::WORKING);
        command.args(argv::list_packets(plan));
        Child::spawn("checking an output", command, Stdio::null())
    }

    /// The ffmpeg for the file of `plan`, in the sandbox, with its scratch folder.
    fn command_for(&self, plan: &EncodePlan, scratch: &Path) -> Result<Command, Error> {
        let hevc = if plan.format == OutputFormat::HevcAlpha { self.hevc_ffmpeg()? } else { None };
        let ffmpeg = hevc.as_deref().unwrap_or(&self.ffmpeg);
        Ok(self.sandbox.command(ffmpeg, Some(scratch), ChildLimits::WORKING))
    }

    /// The length in seconds that a finished output in `scratch` states; `None` if it states none.
    /// Blocks while the headers are read.
    ///
    /// # Errors
    /// [`Error::Spawn`], [`Error::Failed`].
    pub fn stated_length(&self, plan: &EncodePlan, scratch: &Path) -> Result<Option<f64>, Error> {
        let mut command = self.sandbox.command(&self.ffprobe, Some(scratch), ChildLimits::WORKING);
        command.args(argv::stated_length(plan));
        let child = Child::spawn("checking an output", command, Stdio::null())?;
        let (length, _) = child.output(MAX_OUTPUT_BYTES, PROBE_TIMEOUT)?;
        Ok(String::from_utf8_lossy(&length).trim().parse().ok())
    }

    pub(crate) fn spawn_ffprobe(&self, input: &File, arguments: Vec<String>) -> Result<Child, Error> {
        let limits = ChildLimits::for_reading(input.metadata().map_or(0, |meta| meta.len()));
        let mut command = self.sandbox.command(&self.ffprobe, None, limits);
        command.args(arguments);
        Child::spawn("reading the headers", command, duplicate_as_stdin(input)?)
    }

    /// Starts measuring the fields of a few frames. It decodes, so it may take a decoder's memory,
    /// but only the time of reading headers.
    pub(crate) fn spawn_field_measurement(&self, input: &File, arguments: Vec<String>) -> Result<Child, Error> {
        let limits = ChildLimits { cpu_secs: ChildLimits::READING.cpu_secs, ..ChildLimits::WORKING };
        let mut command = self.sandbox.command(&self.ffmpeg, None, limits);
        command.args(arguments);
        Child::spawn("measuring the fields", command, duplicate_as_stdin(input)?)
    }

    /// Starts ffmpeg to copy packets of the clip, without decoding any.
    pub(crate) fn read_packets(&self, input: &File, arguments: Vec<String>) -> Result<Child, Error> {
        self.read("listing the keyframes", input, arguments, None)
    }

    fn read(
        &self,
        operation: &'static str,
        input: &File,
        arguments: Vec<String>,
        scratch: Option<&Path>,
    ) -> Result<Child, Error> {
        let mut command = self.sandbox.command(&self.ffmpeg, scratch, ChildLimits::WORKING);
        command.args(arguments);
        Child::spawn(operation, command, duplicate_as_stdin(input)?)
    }
}

pub(crate) fn duplicate_as_stdin(input: &File) -> Result<Stdio, Error> {
    input.try_clone().map(Stdio::from).map_err(|source| Error::from_io("opening the clip", source))
}

/// Reads exactly one raw frame into `buffer`. `Ok(false)` at the end of the stream.
///
/// # Errors
/// If the stream ends within a frame or cannot be read.
pub fn read_frame(pipe: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<bool> {
    let mut filled = 0;
    while filled < buffer.len() {
        match pipe.read(&mut buffer[filled..]) {
            Ok(0) if filled == 0 => return Ok(false),
            Ok(0) => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}
