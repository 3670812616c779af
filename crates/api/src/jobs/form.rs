//! The form fields of a submit or a preview, and the request that they build.

use clearcut_job::{
    AudioChoice, Backdrop, BackdropFile, Bounds, Crop, CutRequest, DeinterlaceChoice, Fit, Formats, FpsChoice, Hints,
    KeyColorChoice, LongestSide, MethodChoice, OutputFormat, Quality, RequestError, ShadowChoice, Speed, Tolerance,
    Trim,
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
    crop: Option<Crop>,
    audio: Option<AudioChoice>,
    background: Option<Backdrop>,
    fps: Option<FpsChoice>,
    format: Option<OutputFormat>,
    formats: Option<Vec<OutputFormat>>,
    limit: PresetFields,
    key_color: Option<KeyColorChoice>,
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
        "crop",
        "audio",
        "background",
        "fps",
        "size",
        "width",
        "height",
        "fit",
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
        let has_quality = formats().any(|format| format.has_quality());
        // The formats of a request that names none carry sound.
        let is_silent = formats().next().is_some() && !formats().any(|format| format.carries_audio());
        let cases = [
            (self.time.is_some(), "time", "only previews have a time"),
            (self.audio == Some(AudioChoice::Keep) && is_silent, "audio", "no format of the request carries sound"),
            (self.quality.is_some() && !has_quality, "quality", "only webp, apng and gif have a quality"),
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
            (self.audio.is_some(), "audio", REASON),
            (self.background.is_some(), "background", REASON),
            (self.fps.is_some(), "fps", REASON),
            (self.width.is_some(), "width", SIZE_REASON),
            (self.height.is_some(), "height", SIZE_REASON),
            (self.fit.is_some(), "fit", SIZE_REASON),
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
        let without = Self { width: None, height: None, fit: None, background: None, ..self };
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
            crop: self.crop,
            background: self.background,
            fps: self.fps.unwrap_or(default_fps),
            size: self.size,
            bounds: Bounds::new(self.width, self.height, self.fit)?,
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
mod tests {
    use clearcut_frame::Rgb8;

    use super::*;

    fn read(fields: &[(&str, &str)]) -> Result<CutRequest, ApiError> {
        let mut form = Form::default();
        for (name, text) in fields {
            form.take(name, text)?;
        }
        form.finish(&ApiSettings { has_model: true, ..ApiSettings::default() })
    }

    #[test]
    fn missing_fields_have_the_documented_defaults() {
        let request = read(&[]).unwrap();
        assert_eq!(Vec::from(request.formats), [OutputFormat::Webm, OutputFormat::StackedAlpha]);
        let opaque = read(&[("background", "#ff8800")]).unwrap();
        assert_eq!(Vec::from(opaque.formats), [OutputFormat::Mp4]);
        assert_eq!((request.tolerance.get(), request.quality.get(), request.fps), (30, 60, FpsChoice::Fixed(24)));
        assert_eq!((request.key_color, request.size, request.shadow), (KeyColorChoice::Auto, None, ShadowChoice::Keep));
    }

    #[test]
    fn sound_is_kept_unless_it_is_dropped() {
        let keeps = |fields: &[(&str, &str)]| read(fields).unwrap().keeps_audio;
        assert!(keeps(&[]) && keeps(&[("audio", "keep")]) && !keeps(&[("audio", "drop")]));
    }

    #[test]
    fn formats_are_one_json_array_or_repeated_fields() {
        let both = [OutputFormat::Mov, OutputFormat::Webp];
        assert_eq!(Vec::from(read(&[("formats", r#"["mov", "webp"]"#)]).unwrap().formats), both);
        assert_eq!(Vec::from(read(&[("formats", "mov"), ("formats", "webp")]).unwrap().formats), both);
        assert_eq!(Vec::from(read(&[("format", "apng")]).unwrap().formats), [OutputFormat::Apng]);
    }

    #[test]
    fn a_key_color_is_json_or_hexadecimal() {
        let green = KeyColorChoice::Given(Rgb8::new(0, 255, 0));
        for text in [r#"{"r":0,"g":255,"b":0}"#, r##"{"r":0,"g":255,"b":0,"hex":"#00FF00"}"##, "#00FF00"] {
            assert_eq!(read(&[("chromaKey", text)]).unwrap().key_color, green, "{text}");
        }
    }

    #[test]
    fn an_invalid_field_is_named_in_the_error_with_its_code() {
        let cases: [(&[(&str, &str)], &str); 36] = [
            (&[("tolerance", "101")], "INVALID_TOLERANCE"),
            (&[("tolerance", "1"), ("tolerance", "1")], "INVALID_TOLERANCE"),
            (&[("shadow", "soft")], "INVALID_REQUEST"),
            (&[("deinterlace", "yes")], "INVALID_REQUEST"),
            (&[("shadow", "keep"), ("shadow", "drop")], "INVALID_REQUEST"),
            (&[("hints", r#"[{"time":1,"x":300,"y":0.5,"kind":"keep"}]"#)], "INVALID_REQUEST"),
            (&[("hints", "[]"), ("hints", "[]")], "INVALID_REQUEST"),
            (&[("trim", "4,1")], "INVALID_REQUEST"),
            (&[("hints", r#"[{"time":1,"x":0.1,"y":0.5,"kind":"keep"}]"#), ("trim", "2,")], "INVALID_REQUEST"),
            (&[("crop", "1,0,8,8")], "INVALID_REQUEST"),
            (&[("audio", "mute")], "INVALID_REQUEST"),
            (&[("fps", "0")], "INVALID_FPS"),
            (&[("fps", "24.5")], "INVALID_FPS"),
            (&[("quality", "-1")], "INVALID_QUALITY"),
            (&[("size", "63")], "INVALID_SIZE"),
            (&[("width", "63")], "INVALID_SIZE"),
            (&[("size", "64"), ("height", "64")], "INVALID_SIZE"),
            (&[("fit", "cover"), ("height", "64")], "INVALID_REQUEST"),
            (&[("format", "avi")], "INVALID_FORMATS"),
            (&[("format", "webm"), ("format", "mov")], "INVALID_FORMATS"),
            (&[("formats", "[]")], "INVALID_FORMATS"),
            (&[("formats", r#"["webm","webm"]"#)], "INVALID_FORMATS"),
            (&[("formats", "webm"), ("formats", "webm")], "INVALID_FORMATS"),
            (&[("formats", r#"["webm",1]"#)], "INVALID_FORMATS"),
            (&[("format", "webm"), ("formats", r#"["mov"]"#)], "INVALID_REQUEST"),
            (&[("chromaKey", r#"{"r":0,"g":256,"b":0}"#)], "INVALID_CHROMA_KEY"),
            (&[("chromaKey", r#"{"r":0,"g":255}"#)], "INVALID_CHROMA_KEY"),
            (&[("chromaKey", "green")], "INVALID_CHROMA_KEY"),
            (&[("background", "#ff88")], "INVALID_REQUEST"),
            (&[("background", "beach.jpg")], "INVALID_REQUEST"),
            (&[("background", "blur"), ("background", "blur")], "INVALID_REQUEST"),
            (&[("background", "http://127.0.0.1/beach.jpg")], "INVALID_URL"),
            (&[("background", "file:///etc/passwd")], "INVALID_URL"),
            (&[("formats", r#"["mp4"]"#)], "INVALID_FORMATS"),
            (&[("formats", r#"["matte"]"#), ("background", "blur")], "INVALID_FORMATS"),
            (&[("method", "magic")], "INVALID_REQUEST"),
        ];
        for (fields, code) in cases {
            let error = read(fields).unwrap_err();
            assert_eq!((error.code().name(), error.status().as_u16()), (code, 400), "{fields:?}");
            assert!(error.to_string().contains(fields[0].0), "{error}");
        }
    }

    #[test]
    fn every_name_is_that_of_a_field() {
        for name in Form::NAMES {
            let mut form = Form::default();
            // Two equal values are refused as a repetition, or the value itself is.
            let twice = [form.take(name, "\u{1}"), form.take(name, "\u{1}")];
            assert!(twice.iter().any(Result::is_err), "{name}");
        }
    }

    #[test]
    fn fields_without_effect_are_named() {
        let named = |fields: &[(&str, &str)], for_preview: bool| {
            let mut form = Form::default();
            for (name, text) in fields {
                form.take(name, text).unwrap();
            }
            let warnings = if for_preview { form.without_effect_on_preview() } else { form.without_effect_on_job() };
            let named = |warning| serde_json::to_value(warning).unwrap()["field"].as_str().unwrap().to_owned();
            warnings.iter().map(named).collect::<Vec<_>>()
        };
        assert_eq!(named(&[("quality", "5"), ("format", "webm"), ("tolerance", "5")], false), ["quality"]);
        assert_eq!(named(&[("quality", "5"), ("formats", r#"["mov","apng"]"#), ("time", "1")], false), ["time"]);
        assert_eq!(named(&[("format", "apng"), ("audio", "keep")], false), ["audio"]);
        assert_eq!(named(&[("audio", "keep")], false), [] as [&str; 0]);
        assert_eq!(named(&[("method", "ai"), ("tolerance", "5"), ("shadow", "keep")], false), ["tolerance", "shadow"]);
        assert_eq!(named(&[("tolerance", "5"), ("time", "1"), ("fps", "5")], true), ["fps"]);
    }

    #[test]
    fn an_unavailable_format_is_refused() {
        let mut form = Form::default();
        form.take("formats", r#"["webm","webp"]"#).unwrap();
        let settings = ApiSettings { available_formats: vec![OutputFormat::Webm], ..ApiSettings::default() };
        assert_eq!(form.finish(&settings).unwrap_err().code(), "FORMAT_UNAVAILABLE");
    }

    #[test]
    fn method_ai_requires_a_model_and_excludes_a_key_color() {
        assert_eq!(read(&[]).unwrap().method, MethodChoice::Auto);
        assert_eq!(read(&[("method", "ai")]).unwrap().method, MethodChoice::Ai);
        assert_eq!(read(&[("method", "ai"), ("chromaKey", "#00FF00")]).unwrap_err().code(), "INVALID_REQUEST");
        let mut form = Form::default();
        form.take("method", "ai").unwrap();
        let refused = form.finish(&ApiSettings::default()).unwrap_err();
        assert!(refused.code() == "INVALID_REQUEST" && refused.to_string().contains("method"), "{refused}");
    }
}
