use std::{
    ffi::OsString,
    fs::File,
    io::Read,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use clearcut_frame::Size;
use clearcut_job::OutputFormat;

use crate::{
    Capabilities, Child, Container, DecodePlan, EncodePlan, Error, MediaError, MediaInfo, MediaLimits, SamplePlan,
    Sandbox, SandboxPolicy, argv, probe,
};

/// Where programs are looked for.
#[derive(Debug, Clone, Default)]
pub struct SearchPath {
    /// The value of `PATH`.
    pub path: OsString,
    /// An ffmpeg to be used instead of the first in `path`; ffprobe is expected beside it.
    pub ffmpeg: Option<PathBuf>,
}

impl SearchPath {
    /// The first executable of this name, with symbolic links resolved.
    pub(crate) fn find(&self, program: &str) -> Option<PathBuf> {
        use std::os::unix::fs::PermissionsExt;
        let is_program =
            |path: &Path| path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0);
        let beside = self.ffmpeg.as_deref().filter(|_| program.starts_with("ff"));
        let named =
            beside.map(|ffmpeg| if program == "ffmpeg" { ffmpeg.into() } else { ffmpeg.with_file_name(program) });
        let candidates: Vec<PathBuf> = match named {
            Some(path) => vec![path],
            None => std::env::split_paths(&self.path).map(|folder| folder.join(program)).collect(),
        };
        candidates.into_iter().find(|path| is_program(path))?.canonicalize().ok()
    }
}

/// The ffmpeg and ffprobe of this machine, and how they are confined. Found once, used by all jobs.
#[derive(Debug, Clone)]
pub struct Tools {
    ffmpeg: PathBuf,
    ffprobe: PathBuf,
    capabilities: Capabilities,
    sandbox: Sandbox,
}

/// How long a question about this machine or about a file's headers may take.
const QUESTION_TIMEOUT: Duration = Duration::from_secs(30);
/// What ffmpeg may say about itself or about a file's headers.
const MAX_ANSWER_BYTES: u64 = 4 << 20;
/// One line of ~40 bytes a packet, for a day of video.
const MAX_PACKET_LIST_BYTES: u64 = 256 << 20;

impl Tools {
    /// Finds ffmpeg and what it can do. Blocks for about a tenth of a second.
    ///
    /// # Errors
    /// [`Error::ToolMissing`], [`Error::ToolTooOld`], [`Error::SandboxUnavailable`].
    pub fn find(search: &SearchPath, policy: SandboxPolicy) -> Result<Self, Error> {
        let find = |program| search.find(program).ok_or(Error::ToolMissing { program });
        let (ffmpeg, ffprobe) = (find("ffmpeg")?, find("ffprobe")?);
        let sandbox = Sandbox::find(search, policy)?;
        let mut command = sandbox.command(&ffmpeg, None);
        command.arg("-codecs");
        let child = Child::spawn("asking ffmpeg what it can do", command, Stdio::null())?;
        let (codecs, banner) = child.output(MAX_ANSWER_BYTES, QUESTION_TIMEOUT)?;
        let capabilities = Capabilities::parse(&banner, &String::from_utf8_lossy(&codecs));
        if !capabilities.is_new_enough() {
            return Err(Error::ToolTooOld { found: capabilities.version().to_owned() });
        }
        Ok(Self { ffmpeg, ffprobe, capabilities, sandbox })
    }

    /// What this ffmpeg can do.
    #[must_use]
    pub const fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// How child processes are confined.
    #[must_use]
    pub const fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// Where the ffmpeg in use lies.
    #[must_use]
    pub fn ffmpeg_path(&self) -> &Path {
        &self.ffmpeg
    }

    /// Refuses a format that this ffmpeg cannot write.
    ///
    /// # Errors
    /// [`Error::FormatUnavailable`].
    pub fn require(&self, format: OutputFormat) -> Result<(), Error> {
        match self.capabilities.missing_encoder(format) {
            Some(encoder) => Err(Error::FormatUnavailable { format, encoder }),
            None => Ok(()),
        }
    }

    /// Says what the clip in `input` is, within `limits`. Reads headers and counts packets; decodes nothing. Blocks.
    ///
    /// # Errors
    /// [`Error::Media`] where the clip is at fault.
    pub fn probe(&self, input: &File, limits: &MediaLimits) -> Result<MediaInfo, Error> {
        let container = sniff(input)?;
        // Both at once: most of the time goes into starting them.
        let streams = self.ask_about(input, argv::probe_streams(container, limits))?;
        let packets = self.ask_about(input, argv::probe_packets(container, limits))?;
        let unreadable = |error| unreadable(error, limits);
        let (streams, words) = streams.output(MAX_ANSWER_BYTES, QUESTION_TIMEOUT).map_err(unreadable)?;
        let mut stated = match probe::parse_streams(container, &streams, limits, &self.capabilities) {
            Err(Error::Media(MediaError::Damaged)) => return Err(probe::complaint(&words, limits).into()),
            other => other?,
        };
        let (packets, _) = packets.output(MAX_PACKET_LIST_BYTES, reading_timeout(input)).map_err(unreadable)?;
        probe::settle(&mut stated, &packets, limits)?;
        Ok(stated.info())
    }

    /// Starts decoding to raw pictures on standard output. See [`DecodePlan`].
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

    /// Starts decoding single pictures spread over the clip, in time order, to raw pictures on standard output.
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

    /// Starts writing the clip's sound to [`Self::AUDIO_FILE`] in `scratch`, as PCM that begins with the first picture.
    ///
    /// # Errors
    /// [`Error::Spawn`].
    pub fn extract_audio(
        &self,
        input: &File,
        info: &MediaInfo,
        limits: &MediaLimits,
        scratch: &Path,
    ) -> Result<Child, Error> {
        self.read("extracting sound", input, argv::extract_audio(info, limits), Some(scratch))
    }

    /// Name in the scratch folder of the sound that goes into the outputs.
    pub const AUDIO_FILE: &str = argv::AUDIO_FILE;

    /// Starts an encoder that reads raw pictures on standard input and writes [`EncodePlan::file_name`] in `scratch`. For formats that
    /// are not [made here](EncodePlan::is_made_here); of the others ffmpeg would make nothing useful.
    ///
    /// # Errors
    /// [`Error::Spawn`].
    pub fn encode(&self, plan: &EncodePlan, scratch: &Path) -> Result<Child, Error> {
        let mut command = self.sandbox.command(&self.ffmpeg, Some(scratch));
        command.args(argv::encode(plan));
        Child::spawn(plan.doing(), command, Stdio::piped())
    }

    /// Starts decoding the matte of a finished output in `scratch`: grey pictures, one byte a pixel, in the size of the plan, on
    /// standard output. As stored: limited range in a stacked file, else full.
    ///
    /// # Errors
    /// [`Error::Spawn`].
    pub fn decode_matte(&self, plan: &EncodePlan, scratch: &Path) -> Result<Child, Error> {
        let mut command = self.sandbox.command(&self.ffmpeg, Some(scratch));
        command.args(argv::decode_matte(plan));
        Child::spawn("checking an output", command, Stdio::null())
    }

    fn ask_about(&self, input: &File, arguments: Vec<String>) -> Result<Child, Error> {
        let mut command = self.sandbox.command(&self.ffprobe, None);
        command.args(arguments);
        Child::spawn("reading the headers", command, open_again(input)?)
    }

    fn read(
        &self,
        doing: &'static str,
        input: &File,
        arguments: Vec<String>,
        scratch: Option<&Path>,
    ) -> Result<Child, Error> {
        let mut command = self.sandbox.command(&self.ffmpeg, scratch);
        command.args(arguments);
        Child::spawn(doing, command, open_again(input)?)
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
fn reading_timeout(input: &File) -> Duration {
    let bytes = input.metadata().map_or(0, |meta| meta.len());
    QUESTION_TIMEOUT + Duration::from_secs(bytes / 10_000_000)
}

fn open_again(input: &File) -> Result<Stdio, Error> {
    input.try_clone().map(Stdio::from).map_err(|source| Error::Io { doing: "opening the clip", source })
}

fn sniff(input: &File) -> Result<Container, Error> {
    let mut head = vec![0; Container::SNIFF_LEN];
    let mut filled = 0;
    while filled < head.len() {
        match input.read_at(&mut head[filled..], filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(source) => return Err(Error::Io { doing: "reading the clip", source }),
        }
    }
    Ok(Container::sniff(&head[..filled])?)
}

/// Reads exactly one raw picture into `buffer`. `Ok(false)` at the end of the stream.
///
/// # Errors
/// If the stream ends within a picture or cannot be read.
pub fn read_picture(pipe: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<bool> {
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
