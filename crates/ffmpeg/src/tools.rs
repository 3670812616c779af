//! The ffmpeg and ffprobe of this machine, and the processes that they are started as.

use std::{
    ffi::OsString,
    fs::File,
    io::Read,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use clearcut_frame::Size;
use clearcut_job::OutputFormat;

use crate::{
    Capabilities, Child, Container, DecodePlan, EncodePlan, Error, ExcerptPlan, Layer, MediaError, MediaInfo,
    MediaLimits, Probe, SamplePlan, Sandbox, SandboxPolicy, argv, claims::claim_too_many_samples, limits::ChildLimits,
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
    capabilities: Arc<Asked>,
    sandbox: Sandbox,
}

/// What ffmpeg can do: being asked, then known.
#[derive(Debug, Default)]
struct Asked {
    answering: Mutex<Option<Child>>,
    known: OnceLock<Capabilities>,
}

/// How long a question about this machine or about a file's headers may take.
pub(crate) const QUESTION_TIMEOUT: Duration = Duration::from_secs(30);
/// What ffmpeg may say about itself or about a file's headers.
pub(crate) const MAX_ANSWER_BYTES: u64 = 4 << 20;

impl Tools {
    /// Finds ffmpeg and begins to ask it what it can do; [`Self::capabilities`] waits for the answer. Of the calling thread, which has to
    /// live until then.
    ///
    /// # Errors
    /// [`Error::ToolMissing`], [`Error::SandboxUnavailable`], [`Error::Spawn`].
    pub fn find(search: &SearchPath, policy: SandboxPolicy) -> Result<Self, Error> {
        let find = |program| search.find(program).ok_or(Error::ToolMissing { program });
        let (ffmpeg, ffprobe) = (find("ffmpeg")?, find("ffprobe")?);
        let sandbox = Sandbox::find(search, policy)?;
        let tools = Self { ffmpeg, ffprobe, capabilities: Arc::default(), sandbox };
        *tools.answering() = Some(tools.ask_ffmpeg()?);
        Ok(tools)
    }

    /// What this ffmpeg can do. The first call may block for about a tenth of a second.
    ///
    /// # Errors
    /// [`Error::ToolTooOld`], or what asking it complains of.
    pub fn capabilities(&self) -> Result<&Capabilities, Error> {
        let known = &self.capabilities.known;
        let mut answering = self.answering(); // Held while waiting, so that it is asked once.
        if let Some(capabilities) = known.get() {
            return Ok(capabilities);
        }
        let child = answering.take().map_or_else(|| self.ask_ffmpeg(), Ok)?;
        let (codecs, banner) = child.output(MAX_ANSWER_BYTES, QUESTION_TIMEOUT)?;
        let capabilities = Capabilities::parse(&banner, &String::from_utf8_lossy(&codecs));
        if !capabilities.is_new_enough() {
            return Err(Error::ToolTooOld { found: capabilities.version().to_owned() });
        }
        Ok(known.get_or_init(|| capabilities))
    }

    fn ask_ffmpeg(&self) -> Result<Child, Error> {
        let mut command = self.sandbox.command(&self.ffmpeg, None, ChildLimits::WORKING);
        command.arg("-codecs");
        Child::spawn("asking ffmpeg what it can do", command, Stdio::null())
    }

    fn answering(&self) -> MutexGuard<'_, Option<Child>> {
        // Nothing panics while holding it.
        self.capabilities.answering.lock().unwrap_or_else(PoisonError::into_inner)
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
    /// [`Error::FormatUnavailable`], and those of [`Self::capabilities`].
    pub fn require(&self, format: OutputFormat) -> Result<(), Error> {
        match self.capabilities()?.missing_encoder(format) {
            Some(encoder) => Err(Error::FormatUnavailable { format, encoder }),
            None => Ok(()),
        }
    }

    /// The same, with `mark` in the environment of every child: see [`crate::end_marked`].
    #[must_use]
    pub fn marked(self, mark: &str) -> Self {
        Self { sandbox: self.sandbox.marked(mark), ..self }
    }

    /// Begins to read the headers of the clip in `input`; decodes nothing. Its packets are counted when they are asked for: one process at
    /// a time reads what may be made to take all memory that it can get.
    ///
    /// # Errors
    /// [`Error::Media`] where its first bytes are no video's, [`Error::Spawn`].
    pub fn probe(&self, input: &File, limits: &MediaLimits) -> Result<Probe, Error> {
        let container = sniff(input)?;
        let claims = || claim_too_many_samples(input).map_err(|source| Error::of_system("reading the clip", source));
        if container == Container::Mov && claims()? {
            return Err(MediaError::Damaged.into());
        }
        let file = input.try_clone().map_err(|source| Error::of_system("opening the clip", source))?;
        let streams = self.ask_about(&file, argv::probe_streams(container, limits))?;
        Ok(Probe { tools: self.clone(), container, limits: *limits, file, streams })
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

    /// Starts decoding single frames spread over the clip, in time order, to raw frames on standard output.
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

    /// Starts writing the clip's sound to [`Self::AUDIO_FILE`] in `scratch`, as PCM that begins with the first frame.
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

    /// Starts an encoder that reads raw frames on standard input and writes [`EncodePlan::file_name`] in `scratch`. For stacked-alpha and
    /// MOV; of the others ffmpeg would make nothing useful.
    ///
    /// # Errors
    /// [`Error::Spawn`].
    pub fn encode(&self, plan: &EncodePlan, scratch: &Path) -> Result<Child, Error> {
        let mut command = self.sandbox.command(&self.ffmpeg, Some(scratch), ChildLimits::WORKING);
        command.args(argv::encode(plan));
        Child::spawn(plan.doing(), command, Stdio::piped())
    }

    /// Starts an encoder of one stream of a WebM: it reads raw colors, or raw grey, on standard input and writes
    /// [`EncodePlan::layer_name`] in `scratch`.
    ///
    /// # Errors
    /// [`Error::Spawn`].
    pub fn encode_layer(&self, plan: &EncodePlan, layer: Layer, scratch: &Path) -> Result<Child, Error> {
        let mut command = self.sandbox.command(&self.ffmpeg, Some(scratch), ChildLimits::WORKING);
        command.args(argv::encode_layer(plan, layer));
        Child::spawn(plan.doing(), command, Stdio::piped())
    }

    /// Starts decoding the matte of a finished output in `scratch`: grey frames, one byte a pixel, in the size of the plan, on
    /// standard output. As stored: limited range in a stacked file, else full.
    ///
    /// # Errors
    /// [`Error::Spawn`].
    pub fn decode_matte(&self, plan: &EncodePlan, scratch: &Path) -> Result<Child, Error> {
        let mut command = self.sandbox.command(&self.ffmpeg, Some(scratch), ChildLimits::WORKING);
        command.args(argv::decode_matte(plan));
        Child::spawn("checking an output", command, Stdio::null())
    }

    pub(crate) fn ask_about(&self, input: &File, arguments: Vec<String>) -> Result<Child, Error> {
        let limits = ChildLimits::for_reading(input.metadata().map_or(0, |meta| meta.len()));
        let mut command = self.sandbox.command(&self.ffprobe, None, limits);
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
        let mut command = self.sandbox.command(&self.ffmpeg, scratch, ChildLimits::WORKING);
        command.args(arguments);
        Child::spawn(doing, command, open_again(input)?)
    }
}

fn open_again(input: &File) -> Result<Stdio, Error> {
    input.try_clone().map(Stdio::from).map_err(|source| Error::of_system("opening the clip", source))
}

fn sniff(input: &File) -> Result<Container, Error> {
    let mut head = vec![0; Container::SNIFF_LEN];
    let mut filled = 0;
    while filled < head.len() {
        match input.read_at(&mut head[filled..], filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(source) => return Err(Error::Io { doing: "reading the clip", source }),
        }
    }
    Ok(Container::sniff(&head[..filled])?)
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
