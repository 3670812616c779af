//! `clearcut ffmpeg`: installs and removes an ffmpeg for hevc-alpha, which the ffmpeg of most systems
//! cannot write.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use clearcut_ffmpeg::{Error as ToolError, Tools};
use clearcut_job::{ErrorCode, OutputFormat};
use clearcut_model::{Error, NativeEntry};
use clearcut_outbound::IpNet;

use crate::{console::print_out, failure::Failure, installed_models::ModelOptions, order::Order};

/// Flags of `clearcut ffmpeg`.
#[derive(Debug, Args)]
pub(crate) struct FfmpegOptions {
    #[command(subcommand)]
    command: FfmpegCommand,
}

#[derive(Debug, Subcommand)]
enum FfmpegCommand {
    /// Download an ffmpeg that writes hevc-alpha, under the GPL, and install it if its hash matches
    ///
    /// It lies in the folder of the models and is used for that format alone, unless the ffmpeg of
    /// this machine can write it, too.
    Install {
        /// Local file to install from: the program itself, or the package that contains it
        #[arg(long, value_name = "FILE")]
        from: Option<PathBuf>,

        /// Private network that it may be downloaded from, such as 10.0.0.0/8; may be repeated
        #[arg(long, value_name = "CIDR")]
        allow_network: Vec<IpNet>,
    },
    /// Remove it
    Remove,
}

/// Runs `clearcut ffmpeg`.
pub(crate) fn run(
    models: &ModelOptions,
    options: &FfmpegOptions,
    tools: impl FnOnce() -> Result<Tools, ToolError>,
) -> Result<(), Failure> {
    let models = models.models()?;
    match &options.command {
        FfmpegCommand::Install { from, allow_network } => {
            let platform = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
            let message = format!("there is none for {platform}: give one that can write hevc-alpha with --ffmpeg");
            let missing = Error::SourceFailed { id: "ffmpeg".to_owned(), message };
            let ffmpeg = models.registry().ffmpeg().ok_or(missing)?;
            let order = Order { id: "ffmpeg", from: from.as_deref(), allow_network };
            order.install((&ffmpeg.sources, None), ffmpeg.bytes, |file| models.install_ffmpeg(ffmpeg, file))?;
            print_out(format_args!("ffmpeg {} ({}) is installed", ffmpeg.version, ffmpeg.licence));
            check(ffmpeg, &tools()?)
        }
        FfmpegCommand::Remove => {
            print_out(if models.remove_ffmpeg()? { "ffmpeg is removed" } else { "ffmpeg was not installed" });
            Ok(())
        }
    }
}

/// Fails if hevc-alpha cannot be written all the same.
fn check(ffmpeg: &NativeEntry, tools: &Tools) -> Result<(), Failure> {
    match tools.require(OutputFormat::HevcAlpha) {
        Err(ToolError::FormatUnavailable { .. }) => {
            let message = format!("ffmpeg {} does not write hevc-alpha on this machine", ffmpeg.version);
            Err(Failure::host(ErrorCode::FormatUnavailable, message, Some("Ask for another format.")))
        }
        checked => Ok(checked?),
    }
}
