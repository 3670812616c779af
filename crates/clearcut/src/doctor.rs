//! `clearcut doctor`: reports ffmpeg, sandbox, limits, formats and neural models of this machine.

use clearcut_ffmpeg::{Capabilities, Error, Tools};
use clearcut_job::OutputFormat;
use clearcut_model::{Error as ModelError, ModelEntry, Runtime};
use clearcut_parallel::MemoryBudget;
use serde_json::json;

use crate::{
    arguments::DoctorOptions,
    console::print_out,
    failure::Failure,
    installed_models::{InstalledModels, ModelOptions},
};

/// Runs `clearcut doctor`: prints what this machine provides, what is missing and what to install.
pub(crate) fn run(tools: Result<Tools, Error>, models: &ModelOptions, options: &DoctorOptions) -> Result<(), Failure> {
    let tools = tools?;
    let models = models.installed(MemoryBudget::new(u32::MAX))?;
    let capabilities = tools.capabilities()?;
    if options.json {
        print_out(as_json(&tools, capabilities, &models)?);
    } else {
        print_out((as_text(&tools, capabilities)? + &model_text(&models)).trim_end());
    }
    Ok(())
}

fn as_json(tools: &Tools, capabilities: &Capabilities, models: &InstalledModels) -> Result<serde_json::Value, Failure> {
    let mut formats = serde_json::Map::new();
    for format in OutputFormat::ALL {
        formats.insert(format.name().to_owned(), tools.missing_for(format)?.is_none().into());
    }
    Ok(json!({
        "ffmpeg": tools.ffmpeg_path().display().to_string(), "version": capabilities.version(),
        "hevcAlphaFfmpeg": tools.hevc_ffmpeg()?.map(|path| path.display().to_string()),
        "sandbox": tools.sandbox().level(), "limits": tools.sandbox().tight_limits(), "hdr": capabilities.has_zscale(), "formats": formats,
        "network": model_json(models),
    }))
}

fn as_text(tools: &Tools, capabilities: &Capabilities) -> Result<String, Failure> {
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
        text += &match (tools.missing_for(format)?, format) {
            (Some(lacks), OutputFormat::HevcAlpha) => {
                format!("format   {format}: no, needs an ffmpeg with {lacks}: clearcut ffmpeg install\n")
            }
            (Some(lacks), _) => format!("format   {format}: no, needs an ffmpeg with {lacks}\n"),
            (None, OutputFormat::HevcAlpha) => match tools.hevc_ffmpeg()?.filter(|path| path != tools.ffmpeg_path()) {
                Some(path) => format!("format   {format}: yes, by {}\n", path.display()),
                None => format!("format   {format}: yes\n"),
            },
            (None, _) => format!("format   {format}: yes\n"),
        };
    }
    Ok(text)
}

/// Runtime and model that `--method ai` would use, and the error code if they are unusable.
fn model_json(models: &InstalledModels) -> serde_json::Value {
    let runtime = models.runtime().ok();
    let error = models.check().err();
    json!({
        "runtime": runtime.map(Runtime::name),
        "library": runtime.and_then(Runtime::library).map(|path| path.display().to_string()),
        "model": models.model().ok().map(|model| &model.id),
        "usable": error.is_none(), "code": error.as_ref().map(ModelError::code),
    })
}

fn model_text(models: &InstalledModels) -> String {
    let runtime = match models.runtime() {
        Ok(runtime @ Runtime::Onnxruntime(_)) => {
            let library = runtime.library().map(|path| path.display().to_string()).unwrap_or_default();
            format!("{} ({library})", runtime.name())
        }
        Ok(Runtime::Rten) => {
            "rten, compiled in; about twice as fast with ONNX Runtime: clearcut models install runtime".to_owned()
        }
        Err(error) => format!("no: {error}"),
    };
    let model = match models.check() {
        Ok((ModelEntry { id, licence, .. }, _)) => format!("{id} ({licence})"),
        Err(error) => format!("no: {error}. {}", error.hint().unwrap_or_default()),
    };
    format!("runtime  {runtime}\nmodel    {}\n", model.trim_end())
}
