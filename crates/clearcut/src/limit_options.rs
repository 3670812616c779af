//! The options that limit the bytes of the outputs.

use clap::Args;
use clearcut_job::{CutRequest, Formats, MaxBytes, Preset, RequestError};

/// What the files are for, and their largest length.
#[derive(Debug, Args)]
pub(crate) struct LimitOptions {
    #[arg(long, value_name = "NAME", value_parser = preset, help = format!(
        "Make a file for: {}. Sets format, size, rate and quality, leaves out the sound, and keeps the limit of bytes",
        Preset::NAMES
    ))]
    preset: Option<Preset>,

    /// Largest file in bytes, or as 256KB or 2MB, for webm, webp, apng and gif: lowers the quality, then
    /// the rate, then the size until the file fits
    #[arg(long, value_name = "N", value_parser = max_bytes, allow_negative_numbers = true)]
    max_bytes: Option<MaxBytes>,
}

impl LimitOptions {
    /// `request` with these options. `formats` are those that were asked for.
    ///
    /// # Errors
    /// An option that contradicts the preset.
    pub(crate) fn applied_to(
        &self,
        request: CutRequest,
        formats: Option<&Formats>,
    ) -> Result<CutRequest, RequestError> {
        let request = CutRequest { max_bytes: self.max_bytes, ..request };
        match self.preset {
            Some(preset) => request.with_preset(preset, formats),
            None => Ok(request),
        }
    }

    /// The first option that was given.
    pub(crate) fn given(&self) -> Option<&'static str> {
        let preset = self.preset.map(|_| "--preset");
        preset.or(self.max_bytes.map(|_| "--max-bytes"))
    }
}

fn preset(text: &str) -> Result<Preset, String> {
    text.parse().map_err(|error: RequestError| format!("allowed: {}", error.allowed()))
}

fn max_bytes(text: &str) -> Result<MaxBytes, String> {
    text.parse().map_err(|error: RequestError| format!("allowed: {}", error.allowed()))
}
