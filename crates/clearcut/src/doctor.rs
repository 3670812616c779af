use clearcut_ffmpeg::{Capabilities, Error, Tools};
use clearcut_job::OutputFormat;
use clearcut_model::{Error as ModelError, MemoryBudget, ModelEntry, Runtime};
use serde_json::json;

use crate::{
    arguments::DoctorOptions,
    failure::Failure,
    networks::{InstalledNetworks, NetworkOptions},
    speak::say,
};

/// `clearcut doctor`: what was found, what is missing, what to install.
pub(crate) fn run(
    tools: Result<Tools, Error>,
    networks: &NetworkOptions,
    options: &DoctorOptions,
) -> Result<(), Failure> {
    let tools = tools?;
    let networks = networks.networks(MemoryBudget::new(u32::MAX))?;
    let capabilities = tools.capabilities()?;
    if options.json {
        say(as_json(&tools, capabilities, &networks));
    } else {
        say((as_text(&tools, capabilities) + &network_text(&networks)).trim_end());
    }
    Ok(())
}

fn as_json(tools: &Tools, capabilities: &Capabilities, networks: &InstalledNetworks) -> serde_json::Value {
    let formats: serde_json::Map<_, _> = OutputFormat::ALL
        .into_iter()
        .map(|format| (format.name().to_owned(), capabilities.missing_encoder(format).is_none().into()))
        .collect();
    json!({
        "ffmpeg": tools.ffmpeg_path().display().to_string(), "version": capabilities.version(),
        "sandbox": tools.sandbox().level(), "limits": tools.sandbox().tight_limits(), "hdr": capabilities.has_zscale(), "formats": formats,
        "network": network_json(networks),
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
    for limit in tools.sandbox().tight_limits() {
        text += &format!("limit    {limit}\n");
    }
    for format in OutputFormat::ALL {
        text += &match capabilities.missing_encoder(format) {
            None => format!("format   {format}: yes\n"),
            Some(encoder) => format!("format   {format}: no, needs an ffmpeg with {encoder}\n"),
        };
    }
    text
}

/// The runtime and the model that `--method ai` would use, and what is in the way.
fn network_json(networks: &InstalledNetworks) -> serde_json::Value {
    let runtime = networks.runtime().ok();
    let error = networks.check().err();
    json!({
        "runtime": runtime.map(Runtime::name),
        "library": runtime.and_then(Runtime::library).map(|path| path.display().to_string()),
        "model": networks.model().ok().map(|model| &model.id),
        "usable": error.is_none(), "code": error.as_ref().map(ModelError::code),
    })
}

fn network_text(networks: &InstalledNetworks) -> String {
    let runtime = match networks.runtime() {
        Ok(runtime @ Runtime::Onnxruntime(_)) => {
            let library = runtime.library().map(|path| path.display().to_string()).unwrap_or_default();
            format!("{} ({library})", runtime.name())
        }
        Ok(Runtime::Rten) => {
            "rten, compiled in; about three times as fast with ONNX Runtime: clearcut models install runtime".to_owned()
        }
        Err(error) => format!("no: {error}"),
    };
    let model = match networks.check() {
        Ok((ModelEntry { id, licence, .. }, _)) => format!("{id} ({licence})"),
        Err(error) => format!("no: {error}. {}", error.hint().unwrap_or_default()),
    };
    format!("runtime  {runtime}\nmodel    {}\n", model.trim_end())
}
