//! The form fields of a submit or a preview, and the request that they build.

use clearcut_job::{
    AudioChoice, Backdrop, BackdropFile, Bounds, Crop, CutRequest, DeinterlaceChoice, EdgeColor, Fit, Formats,
    FpsChoice, Hints, KeyColorChoice, LongestSide, LoopChoice, MethodChoice, OutputFormat, Quality, RequestError,
    ShadowChoice, Speed, Tempo, Tolerance, Trim,
};

use crate::{
    ApiError, ApiSettings,
    http::field_warning::FieldWarning,
    jobs::{
        background::{check_address, parse_background},
        fields::Fields,
        form_values::{parse_formats, parse_key_color},
        preset_fields::PresetFields,
    },
};

/// The form fields of a request, collected in any order.
#[derive(Debug, Default)]
pub(crate) struct Form {
    tolerance: Option<Tolerance>,
    shadow: Option<ShadowChoice>,
    hints: Option<Hints>,
    deinterlace: Option<DeinterlaceChoice>,
    trim: Option<Trim>,
    tempo: Option<Tempo>,
    looped: Option<LoopChoice>,
    crop: Option<Crop>,
    audio: Option<AudioChoice>,
    background: Option<Backdrop>,
    fps: Option<FpsChoice>,
    format: Option<OutputFormat>,
    formats: Option<Vec<OutputFormat>>,
    limit: PresetFields,
    key_color: Option<KeyColorChoice>,
    edge_color: Option<EdgeColor>,
    quality: Option<Quality>,
    size: Option<LongestSide>,
    width: Option<LongestSide>,
    height: Option<LongestSide>,
    fit: Option<Fit>,
    method: Option<MethodChoice>,
    /// URL of the clip.
    url: Option<String>,
    /// Id of the upload with the clip.
    storage_id: Option<String>,
    /// Name of the clip.
    pub(crate) clip_name: Option<String>,
    /// Time of the frame to preview. Jobs ignore it.
    pub(crate) time: Option<String>,
    /// Receiver of the job's events.
    pub(crate) webhook_url: Option<String>,
}

impl Form {
    /// The names of the fields, beside the file.
    const NAMES: &'static [&'static str] = &[
        "url",
        "inputStorageId",
        "format",
        "formats",
        "preset",
        "maxBytes",
        "method",
        "chromaKey",
        "tolerance",
        "shadow",
        "hints",
        "deinterlace",
        "trim",
        "tempo",
        "loop",
        "crop",
        "audio",
        "background",
        "fps",
        "size",
        "width",
        "height",
        "fit",
        "edgeColor",
        "quality",
        "clipName",
        "time",
        "webhookUrl",
    ];
}

impl Fields for Form {
    fn names(&self) -> &'static [&'static str] {
        Self::NAMES
    }

    fn take(&mut self, name: &str, text: &str) -> Result<(), ApiError> {
        match name {
            "tolerance" => set_once(&mut self.tolerance, text.parse()?, "tolerance", text)?,
            "shadow" => set_once(&mut self.shadow, text.parse()?, "shadow", text)?,
            "hints" => set_once(&mut self.hints, text.parse()?, "hints", text)?,
            "deinterlace" => set_once(&mut self.deinterlace, text.parse()?, "deinterlace", text)?,
            "trim" => set_once(&mut self.trim, text.parse()?, "trim", text)?,
            "tempo" => set_once(&mut self.tempo, text.parse()?, "tempo", text)?,
            "loop" => set_once(&mut self.looped, text.parse()?, "loop", text)?,
            "crop" => set_once(&mut self.crop, text.parse()?, "crop", text)?,
            "audio" => set_once(&mut self.audio, text.parse()?, "audio", text)?,
            "background" => set_once(&mut self.background, parse_background(text)?, "background", "")?,
            "fps" => set_once(&mut self.fps, text.parse()?, "fps", text)?,
            "format" => {
                let format = text
                    .trim()
                    .parse()
                    .map_err(|_: RequestError| RequestError::new("format", text, OutputFormat::ANY))?;
                set_once(&mut self.format, format, "format", text)?;
            }
            "formats" => self.formats.get_or_insert_default().extend(parse_formats(text)?),
            "preset" => set_once(&mut self.limit.preset, text.parse()?, "preset", text)?,
            "maxBytes" => set_once(&mut self.limit.max_bytes, text.parse()?, "maxBytes", text)?,
            "chromaKey" => set_once(&mut self.key_color, parse_key_color(text)?, "chromaKey", text)?,
            "edgeColor" => set_once(&mut self.edge_color, text.parse()?, "edgeColor", text)?,
            "quality" => set_once(&mut self.quality, text.parse()?, "quality", text)?,
            "size" => set_once(&mut self.size, text.parse()?, "size", text)?,
            "width" => set_once(&mut self.width, parse_side("width", text)?, "width", text)?,
            "height" => set_once(&mut self.height, parse_side("height", text)?, "height", text)?,
            "fit" => set_once(&mut self.fit, text.parse()?, "fit", text)?,
            "method" => set_once(&mut self.method, text.parse()?, "method", text)?,
            // The error does not quote the value, because a URL may contain a secret.
            "url" => set_once(&mut self.url, text.to_owned(), "url", "")?,
            "inputStorageId" => set_once(&mut self.storage_id, text.to_owned(), "inputStorageId", text)?,
            "clipName" => set_once(&mut self.clip_name, text.to_owned(), "clipName", text)?,
            "time" => set_once(&mut self.time, text.to_owned(), "time", text)?,
            "webhookUrl" => set_once(&mut self.webhook_url, text.to_owned(), "webhookUrl", "")?,
            _ => {}
        }
        Ok(())
    }

    fn take_background_file(&mut self) -> Result<(), ApiError> {
        Ok(set_once(&mut self.background, Backdrop::File(BackdropFile::Local), "background", "")?)
    }

    fn take_source(&mut self) -> (Option<String>, Option<String>) {
        (self.url.take(), self.storage_id.take())
    }
}

impl Form {
    /// Fields that were given and have no effect on a job.
    pub(crate) fn without_effect_on_job(&self) -> Vec<FieldWarning> {
        let is_by_model = self.method == Some(MethodChoice::Ai);
        let formats = || self.format.iter().chain(self.formats.iter().flatten());
        let has_gif = formats().any(|format| *format == OutputFormat::Gif);
        let has_quality = formats().any(|format| format.has_quality());
        // The formats of a request that names none carry sound.
        let is_silent = formats().next().is_some() && !formats().any(|format| format.carries_audio());
        let cases = [
            (self.time.is_some(), "time", "only previews have a time"),
            (self.audio == Some(AudioChoice::Keep) && is_silent, "audio", "no format of the request carries sound"),
            (self.quality.is_some() && !has_quality, "quality", "only webp, apng and gif have a quality"),
            (self.edge_color.is_some() && !has_gif, "edgeColor", "only gif has edges without soft pixels"),
            (self.edge_color.is_some() && self.background.is_some(), "edgeColor", "a gif over a background is solid"),
        ];
        [warnings_of(&cases), self.without_effect_on_matte(is_by_model)].concat()
    }

    /// Fields that were given and have no effect on a preview.
    pub(crate) fn without_effect_on_preview(&self) -> Vec<FieldWarning> {
        const SIZE_REASON: &str = "a preview has only size, its longer side";
        const REASON: &str = "a preview is one frame as a PNG, and no job";
        let cases = [
            (self.format.is_some(), "format", REASON),
            (self.formats.is_some(), "formats", REASON),
            (self.limit.preset.is_some(), "preset", REASON),
            (self.limit.max_bytes.is_some(), "maxBytes", REASON),
            (self.tempo.is_some(), "tempo", REASON),
            (self.looped.is_some(), "loop", REASON),
            (self.audio.is_some(), "audio", REASON),
            (self.background.is_some(), "background", REASON),
            (self.fps.is_some(), "fps", REASON),
            (self.width.is_some(), "width", SIZE_REASON),
            (self.height.is_some(), "height", SIZE_REASON),
            (self.fit.is_some(), "fit", SIZE_REASON),
            (self.edge_color.is_some(), "edgeColor", REASON),
            (self.quality.is_some(), "quality", REASON),
            (self.clip_name.is_some(), "clipName", REASON),
            (self.webhook_url.is_some(), "webhookUrl", REASON),
        ];
        let is_by_model = self.method == Some(MethodChoice::Ai);
        [warnings_of(&cases), self.without_effect_on_matte(is_by_model)].concat()
    }

    fn without_effect_on_matte(&self, is_by_model: bool) -> Vec<FieldWarning> {
        warnings_of(&[
            (is_by_model && self.tolerance.is_some(), "tolerance", "method ai does not compare colors"),
            (is_by_model && self.shadow == Some(ShadowChoice::Keep), "shadow", "method ai always drops shadows"),
        ])
    }

    /// Builds the request of a job. Missing fields have their defaults.
    pub(crate) fn finish(self, available: &ApiSettings) -> Result<CutRequest, ApiError> {
        let asked = match (self.format, &self.formats) {
            (Some(_), Some(_)) => {
                return Err(ApiError::Request("format and formats are given; only one of them is allowed".to_owned()));
            }
            (Some(format), None) => Some(format.into()),
            (None, Some(formats)) => Some(Formats::new(formats.clone())?),
            (None, None) => None,
        };
        let is_opaque = self.background.is_some();
        let default = || {
            Formats::new(if is_opaque {
                vec![OutputFormat::Mp4]
            } else {
                vec![OutputFormat::Webm, OutputFormat::StackedAlpha]
            })
        };
        let formats = asked.clone().map_or_else(default, Ok)?;
        let audio = self.audio;
        if audio == Some(AudioChoice::Keep) && self.looped == Some(LoopChoice::Boomerang) {
            let allowed = "drop with loop boomerang, which also plays backwards, or left out";
            return Err(RequestError::new("audio", "keep", allowed).into());
        }
        let (request, limit) = self.build_request(formats, available)?;
        let request = limit.applied_to(request, asked.as_ref(), audio)?;
        request.check()?;
        if let Some(format) = request.formats.iter().find(|format| !available.available_formats.contains(format)) {
            return Err(ApiError::FormatUnavailable(format.name().to_owned()));
        }
        Ok(request)
    }

    /// Builds the request of a preview. It writes no files, so the output formats are ignored.
    pub(crate) fn finish_for_preview(self, available: &ApiSettings) -> Result<CutRequest, ApiError> {
        let without =
            Self { tempo: None, looped: None, width: None, height: None, fit: None, background: None, ..self };
        Ok(without.build_request(OutputFormat::Apng.into(), available)?.0)
    }

    pub(crate) const fn has_size(&self) -> bool {
        self.size.is_some()
    }

    /// The request without what limits its bytes, which is returned, too.
    fn build_request(self, formats: Formats, available: &ApiSettings) -> Result<(CutRequest, PresetFields), ApiError> {
        let (method, key_color) = (self.method.unwrap_or_default(), self.key_color.unwrap_or(KeyColorChoice::Auto));
        if method == MethodChoice::Ai && !available.has_model {
            return Err(RequestError::new("method", "ai", "auto or chroma on this server, which has no model").into());
        }
        if method == MethodChoice::Ai && key_color != KeyColorChoice::Auto {
            return Err(ApiError::Request(
                "method is ai and chromaKey is given; a key color requires method chroma or auto".to_owned(),
            ));
        }
        check_address(self.background.as_ref(), &available.address_policy)?;
        // A preset chooses the rate by that of the clip.
        let default_fps = if self.limit.preset.is_some() { FpsChoice::Source } else { FpsChoice::Fixed(24) };
        let request = CutRequest {
            preset: None,
            max_bytes: None,
            formats,
            method,
            key_color,
            tolerance: self.tolerance.unwrap_or_default(),
            shadow: self.shadow.unwrap_or_default(),
            hints: self.hints.unwrap_or_default(),
            deinterlace: self.deinterlace.unwrap_or_default(),
            trim: self.trim,
            tempo: self.tempo.unwrap_or_default(),
            looped: self.looped,
            crop: self.crop,
            background: self.background,
            fps: self.fps.unwrap_or(default_fps),
            size: self.size,
            bounds: Bounds::new(self.width, self.height, self.fit)?,
            edge_color: self.edge_color,
            quality: self.quality.unwrap_or_default(),
            speed: Speed::default(),
            keeps_audio: self.audio.unwrap_or_default() == AudioChoice::Keep,
        };
        request.check()?;
        Ok((request, self.limit))
    }
}

/// The warnings whose condition holds.
fn warnings_of(cases: &[(bool, &str, &str)]) -> Vec<FieldWarning> {
    let holding = cases.iter().filter(|(holds, ..)| *holds);
    holding.map(|(_, field, reason)| FieldWarning::without_effect(field, reason)).collect()
}

fn set_once<T>(slot: &mut Option<T>, value: T, field: &'static str, text: &str) -> Result<(), RequestError> {
    if slot.replace(value).is_some() {
        return Err(RequestError::new(field, text, "given once"));
    }
    Ok(())
}

/// Parses a side of the output, whose range is that of the longer one.
fn parse_side(field: &'static str, text: &str) -> Result<LongestSide, RequestError> {
    text.parse().map_err(|error: RequestError| RequestError::new(field, text, error.allowed()))
}

#[cfg(test)]
mod tests;
