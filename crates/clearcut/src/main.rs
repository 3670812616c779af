//! The clearcut program: parses the command line and runs the chosen command. Glue code only.

mod arguments;
mod background;
mod bounds_options;
mod color;
mod console;
mod cut;
mod cut_context;
mod cut_image;
mod cut_options;
mod doctor;
mod doctor_store;
mod environment;
mod failure;
mod ffmpeg_command;
mod generate;
mod heap;
mod help;
mod image_command;
mod input;
mod inputs;
mod installed_models;
mod limit_options;
mod mcp;
mod models;
mod order;
mod outputs;
mod packages;
mod probe;
mod report_json;
mod report_text;
mod reporter;
mod server;
mod stream;
mod table;

use std::{
    io::{Read, Write},
    process::ExitCode,
};

use clearcut_job::ImageFailure;

use crate::{
    arguments::{Arguments, Command, DoctorOptions},
    failure::Failure,
    image_command::ImageCommand,
};

fn main() -> ExitCode {
    heap::use_single_heap();
    let arguments = help::parse();
    if let Command::Unpack { max_pixels, max_frames, max_work, max_bytes } = arguments.command {
        let limits = clearcut_unpack::Limits { max_pixels, max_frames, max_work, max_bytes };
        // Standard input is a file, and an archive is read from its end.
        let unpacked = std::fs::File::open("/dev/stdin")
            .map_err(|_| clearcut_job::UnpackFailure::Io)
            .and_then(|packed| clearcut_unpack::unpack(packed, &limits, std::io::stdout().lock()));
        return unpacked.map_or_else(|failure| failure.exit_code().into(), |()| ExitCode::SUCCESS);
    }
    if let Command::UnpackImages { max_files, max_file_bytes, max_bytes } = arguments.command {
        let limits = clearcut_unpack::FolderLimits { max_files, max_file_bytes, max_bytes };
        let unpacked = std::fs::File::open("/dev/stdin")
            .map_err(|_| clearcut_job::UnpackFailure::Io)
            .and_then(|packed| clearcut_unpack::unpack_folder(packed, &limits, std::io::stdout().lock()));
        return unpacked.map_or_else(|failure| failure.exit_code().into(), |()| ExitCode::SUCCESS);
    }
    if let Command::Image(command) = &arguments.command {
        let read = std::fs::File::open("/dev/stdin")
            .map_err(|_| ImageFailure::Io)
            .and_then(|input| read_image(command, input, std::io::stdout().lock()));
        return read.map_or_else(|failure| failure.exit_code().into(), |()| ExitCode::SUCCESS);
    }
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print(arguments.wants_json());
            failure.exit_code()
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    let tools = || {
        let tools = environment::find_tools(arguments.ffmpeg.clone(), arguments.sandbox.into())?;
        // A registry that cannot be read is the error of those commands that need it.
        let installed = arguments.models.models().ok().and_then(|models| models.ffmpeg_path());
        Ok(match installed {
            Some(ffmpeg) => tools.with_hevc_ffmpeg(ffmpeg),
            None => tools,
        })
    };
    match &arguments.command {
        Command::Cut(options) => cut::run(&tools()?, &arguments.models, options),
        Command::Probe(options) => probe::run(&tools()?, options),
        Command::Doctor(options @ DoctorOptions { store: Some(address), .. }) => doctor_store::run(address, options),
        Command::Doctor(options) => doctor::run(tools(), &arguments.models, options),
        Command::Serve(options) => server::serve(options, &arguments.models, tools),
        Command::Work(options) => server::work(options, &arguments.models, tools),
        Command::Mcp(options) => mcp::run(tools()?, &arguments.models, options),
        Command::Models(options) => models::run(&arguments.models, options),
        Command::Ffmpeg(options) => ffmpeg_command::run(&arguments.models, options, tools),
        Command::Keys(options) => server::keys(options),
        Command::Jobs(options) => server::jobs(options),
        Command::Gc(options) => server::gc(options),
        Command::Db(options) => server::db(options),
        Command::WatchChildren { mark } => {
            clearcut_ffmpeg::watch(mark);
            Ok(())
        }
        Command::Completions { shell } => {
            generate::completions(*shell);
            Ok(())
        }
        Command::Man => generate::man_page(),
        // Ended in `main`, with exit codes of their own.
        Command::Unpack { .. } | Command::UnpackImages { .. } | Command::Image(_) => Ok(()),
    }
}

/// Reads an image for another process of this program.
fn read_image(command: &ImageCommand, input: impl Read, out: impl Write) -> Result<(), ImageFailure> {
    match command {
        ImageCommand::Inspect { max_pixels } => clearcut_image::inspect(input, *max_pixels, out),
        ImageCommand::Size { max_pixels } => clearcut_image::size(input, *max_pixels, out),
        ImageCommand::Pixels { max_pixels } => clearcut_image::pixels(input, *max_pixels, out),
        ImageCommand::Encode { max_pixels, encodings } => clearcut_image::encode(input, *max_pixels, encodings, out),
    }
}
