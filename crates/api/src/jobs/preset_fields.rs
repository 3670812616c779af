//! The form fields that limit the bytes of the outputs: what they are for, and their largest length.

use clearcut_job::{AudioChoice, CutRequest, Formats, MaxBytes, Preset, RequestError};

/// What the outputs are for, and their largest length.
#[derive(Debug, Default)]
pub(crate) struct PresetFields {
    pub(crate) preset: Option<Preset>,
    pub(crate) max_bytes: Option<MaxBytes>,
}

impl PresetFields {
    /// `request` with these fields. `formats` and `audio` are what was asked for.
    ///
    /// # Errors
    /// A field that contradicts the preset.
    pub(crate) fn applied_to(
        &self,
        request: CutRequest,
        formats: Option<&Formats>,
        audio: Option<AudioChoice>,
    ) -> Result<CutRequest, RequestError> {
        let request = CutRequest { max_bytes: self.max_bytes, ..request };
        match self.preset {
            Some(_) if audio == Some(AudioChoice::Keep) => {
                Err(RequestError::new("audio", "keep", "drop with a preset, or left out"))
            }
            Some(preset) => request.with_preset(preset, formats),
            None => Ok(request),
        }
    }
}
