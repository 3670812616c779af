//! Command line: the commands, and the options of most of them.

#![allow(clippy::doc_markdown, reason = "the help of the command line is no Markdown")]

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clearcut_ffmpeg::SandboxPolicy;

use crate::{
    cut_options::CutOptions,
    failure::EXIT_CODES,
    ffmpeg_command::FfmpegOptions,
    image_command::ImageCommand,
    installed_models::ModelOptions,
    models::ModelsOptions,
    server::{DbOptions, GcOptions, JobsOptions, KeysOptions, ServeOptions, hide_from_workers},
};

/// Removes the background from videos and images, and writes transparent files.
#[derive(Debug, Parser)]
#[command(name = "clearcut", version, about, after_long_help = EXIT_CODES, propagate_version = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// ffmpeg to use instead of the first on PATH; ffprobe must lie beside it
    #[arg(long, global = true, value_name = "FILE", help_heading = "ffmpeg")]
    pub(crate) ffmpeg: Option<PathBuf>,

    /// Whether ffmpeg runs inside bubblewrap
    #[arg(long, global = true, value_enum, default_value_t = SandboxChoice::Auto, help_heading = "ffmpeg")]
    pub(crate) sandbox: SandboxChoice,

    #[command(flatten)]
    pub(crate) models: ModelOptions,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Cut the subject out of clips and images
    Cut(Box<CutOptions>),
    /// Show the properties of a clip or image, without cutting it
    Probe(ProbeOptions),
    /// Check this machine: what it can write, what is missing and how to install it
    Doctor(DoctorOptions),
    /// Run a server: the page, the HTTP API, and the work on its jobs
    Serve(Box<ServeOptions>),
    /// Run a worker for servers on other machines, as serve --role worker does
    #[command(mut_args = hide_from_workers)]
    Work(Box<ServeOptions>),
    /// Let AI assistants cut local files, by the Model Context Protocol
    Mcp(McpOptions),
    /// Create, list, limit and revoke API keys, whether the server runs or not
    Keys(KeysOptions),
    /// List, show, cancel, retry and watch the jobs of a server, whether it runs or not
    Jobs(JobsOptions),
    /// Remove expired and orphaned files from a server's store, whether the server runs or not
    Gc(GcOptions),
    /// List, install, remove and verify neural models, and the runtime for them
    Models(ModelsOptions),
    /// Install or remove an ffmpeg for hevc-alpha, which that of most systems cannot write
    Ffmpeg(FfmpegOptions),
    /// Migrate, check, show and back up the database of a server, whether the server runs or not
    Db(DbOptions),
    /// Internal: started by a server, to end the server's child processes if it is killed
    #[command(hide = true)]
    WatchChildren {
        /// Mark of the child processes
        mark: String,
    },
    /// Internal: unpacks a clip from standard input to standard output, in the sandbox
    #[command(hide = true)]
    Unpack {
        /// Width × height of a frame, at most
        max_pixels: u64,
        /// Number of frames, at most
        max_frames: u64,
        /// Pixels of all frames, at most
        max_work: u64,
        /// Bytes of the unpacked clip, at most
        max_bytes: u64,
    },
    /// Internal: unpacks an archive of images from standard input to standard output, in the sandbox
    #[command(hide = true)]
    UnpackImages {
        /// Number of files, at most
        max_files: usize,
        /// Bytes of a file, at most
        max_file_bytes: u64,
        /// Bytes of all files, at most
        max_bytes: u64,
    },
    /// Internal: reads an image from standard input, and writes what was asked for to standard output,
    /// in the sandbox
    #[command(hide = true, subcommand)]
    Image(ImageCommand),
    /// Print completions for a shell
    Completions {
        /// Name of the shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum SandboxChoice {
    /// If bubblewrap is installed and works
    Auto,
    /// Always; refuse to run without it
    Required,
    /// Never
    Off,
}

impl From<SandboxChoice> for SandboxPolicy {
    fn from(choice: SandboxChoice) -> Self {
        match choice {
            SandboxChoice::Auto => Self::Auto,
            SandboxChoice::Required => Self::Required,
            SandboxChoice::Off => Self::Off,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct ProbeOptions {
    /// The clip or image
    pub(crate) input: PathBuf,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorOptions {
    /// Check an S3-compatible store instead, such as s3://bucket/prefix, with the credentials of the AWS
    /// variables
    #[arg(long, value_name = "URL")]
    pub(crate) store: Option<String>,

    /// With --store: origin of the web pages that show results
    /// [default: that of CLEARCUT_PUBLIC_URL, else that of a server on this machine]
    #[arg(long, value_name = "https://HOST", requires = "store")]
    pub(crate) origin: Option<String>,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct McpOptions {
    /// Folder whose files the assistant may read and write; may be repeated. Relative paths start at
    /// the first [default: the current folder, unless that is /]
    #[arg(long = "root", value_name = "DIR")]
    pub(crate) roots: Vec<PathBuf>,

    /// Filter of the log on standard error, such as warn, info or debug
    #[arg(long, value_name = "FILTER", default_value = "warn")]
    pub(crate) log: String,
}

impl Arguments {
    pub(crate) fn wants_json(&self) -> bool {
        match &self.command {
            Command::Cut(options) => options.json,
            Command::Probe(options) => options.json,
            Command::Doctor(options) => options.json,
            Command::Models(options) => options.wants_json(),
            Command::Serve(_)
            | Command::Work(_)
            | Command::Mcp(_)
            | Command::Keys(_)
            | Command::Jobs(_)
            | Command::Db(_)
            | Command::WatchChildren { .. }
            | Command::Unpack { .. }
            | Command::UnpackImages { .. }
            | Command::Image(_)
            | Command::Gc(_)
            | Command::Completions { .. }
            | Command::Ffmpeg(_)
            | Command::Man => false,
        }
    }
}
