use clearcut_ffmpeg::{Capabilities, Error, Tools};
use clearcut_job::OutputFormat;
use serde_json::json;

use crate::{arguments::DoctorOptions, failure::Failure, speak::say};

/// `clearcut doctor`: what was found, what is missing, what to install.
pub(crate) fn run(tools: Result<Tools, Error>, options: &DoctorOptions) -> Result<(), Failure> {
    let tools = tools?;
    let capabilities = tools.capabilities()?;
    if options.json {
        say(as_json(&tools, capabilities));
    } else {
        say(as_text(&tools, capabilities).trim_end());
    }
    Ok(())
}

fn as_json(tools: &Tools, capabilities: &Capabilities) -> serde_json::Value {
    let formats: serde_json::Map<_, _> = OutputFormat::ALL
        .into_iter()
        .map(|format| (format.name().to_owned(), capabilities.missing_encoder(format).is_none().into()))
        .collect();
    json!({
        "ffmpeg": tools.ffmpeg_path().display().to_string(), "version": capabilities.version(),
        "sandbox": tools.sandbox().level(), "hdr": capabilities.has_zscale(), "formats": formats,
    })
}

fn as_text(tools: &Tools, capabilities: &Capabilities) -> String {
    let mut text = format!("ffmpeg   {} ({})\n", capabilities.version(), tools.ffmpeg_path().display());
    text += &match tools.sandbox().level() {
        "bubblewrap" => "sandbox  bubblewrap\n".to_owned(),
        level => format!("sandbox  {level}; install bubblewrap to confine ffmpeg: apt-get install bubblewrap\n"),
    };
    text += if capabilities.has_zscale() {
        "HDR      tone-mapped to SDR\n"
    } else {
        "HDR      refused: this ffmpeg lacks libzimg\n"
    };
    for format in OutputFormat::ALL {
        text += &match capabilities.missing_encoder(format) {
            None => format!("format   {format}: yes\n"),
            Some(encoder) => format!("format   {format}: no, needs an ffmpeg with {encoder}\n"),
        };
    }
    text
}
