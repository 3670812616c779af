//! The request that a preset makes of the fields that are given beside it.

use clearcut_frame::FrameRate;

use crate::{
    Bounds, Canvas, CutRequest, Fit, Formats, LongestSide, OutputFormat, Preset, Quality, RequestError, Speed,
};

/// What is allowed of a field that the preset sets.
const SET_BY_PRESET: &str = "left out with a preset, which sets it";

impl CutRequest {
    /// This request with all that `preset` sets. `formats` are those that were asked for: what the
    /// request has is ignored. Its `max_bytes` may be below the limit of the preset. Fields that have
    /// their default count as not given.
    ///
    /// # Errors
    /// A field that contradicts the preset.
    pub fn with_preset(self, preset: Preset, formats: Option<&Formats>) -> Result<Self, RequestError> {
        let limits = preset.limits();
        if let Some(formats) = formats.filter(|formats| !formats.iter().eq([limits.format])) {
            let names: Vec<&str> = formats.iter().map(OutputFormat::name).collect();
            return Err(RequestError::new("formats", &names.join(","), only(limits.format)));
        }
        self.refuse_what_presets_set()?;
        if let Some(asked) = self.max_bytes.filter(|asked| *asked > limits.max_bytes) {
            let allowed = "up to the limit of the preset, which it has without this field";
            return Err(RequestError::new("maxBytes", &asked.get().to_string(), allowed));
        }
        Ok(Self {
            preset: Some(preset),
            formats: limits.format.into(),
            bounds: bounds_of(limits.canvas)?,
            speed: if self.speed == Speed::default() { Speed::Best } else { self.speed },
            keeps_audio: false,
            max_bytes: Some(self.max_bytes.unwrap_or(limits.max_bytes)),
            ..self
        })
    }

    fn refuse_what_presets_set(&self) -> Result<(), RequestError> {
        let pixels = |side: LongestSide| side.get().to_string();
        let (width, height) = self.bounds.map_or((None, None), Bounds::sides);
        let rate = self.fps.rate().map(FrameRate::readable);
        let quality = Some(self.quality).filter(|quality| *quality != Quality::default());
        let given = [
            ("size", self.size.map(pixels)),
            ("width", width.map(pixels)),
            ("height", height.map(pixels)),
            ("fps", rate),
            ("quality", quality.map(|quality| quality.get().to_string())),
        ];
        let first = given.into_iter().find_map(|(field, value)| Some((field, value?)));
        first.map_or(Ok(()), |(field, value)| Err(RequestError::new(field, &value, SET_BY_PRESET)))
    }
}

/// The width and height of the outputs.
fn bounds_of(canvas: Canvas) -> Result<Option<Bounds>, RequestError> {
    let (width, height, fit) = match canvas {
        Canvas::Exact(side) => (side, side, Fit::Pad),
        Canvas::Within(width, height) => (width, height, Fit::Contain),
        Canvas::AtMost(_) => return Ok(None),
    };
    Bounds::new(Some(width.try_into()?), Some(height.try_into()?), Some(fit))
}

/// The formats that are allowed beside a preset of `format`.
const fn only(format: OutputFormat) -> &'static str {
    match format {
        OutputFormat::Webm => "webm alone with this preset, or left out",
        OutputFormat::Webp => "webp alone with this preset, or left out",
        OutputFormat::Apng => "apng alone with this preset, or left out",
        _ => "gif alone with this preset, or left out",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FpsChoice;

    fn plain() -> CutRequest {
        CutRequest::new(OutputFormat::Mov)
    }

    #[test]
    fn a_preset_sets_what_the_platform_prescribes() {
        for preset in Preset::ALL {
            let limits = preset.limits();
            let made = plain().with_preset(preset, None).unwrap();
            assert!(!made.keeps_audio && made.formats.iter().eq([limits.format]), "{preset}");
            assert_eq!(made.max_bytes, Some(limits.max_bytes));
            assert_eq!(CutRequest::from_json(&made.to_json()).unwrap(), made);
            made.check().unwrap();
        }
    }

    #[test]
    fn fields_that_contradict_a_preset_are_refused() {
        let refused = |request: CutRequest| {
            request.with_preset(Preset::WhatsappSticker, None).map_err(|error| error.field()).err()
        };
        let max_bytes = |text: &str| Some(text.parse().unwrap());
        let bounds = Bounds::new(None, Some("100".parse().unwrap()), None).unwrap();
        let cases = [
            (None, plain()),
            (Some("size"), CutRequest { size: Some("100".parse().unwrap()), ..plain() }),
            (Some("height"), CutRequest { bounds, ..plain() }),
            (Some("fps"), CutRequest { fps: FpsChoice::Fixed(12), ..plain() }),
            (Some("quality"), CutRequest { quality: "61".parse().unwrap(), ..plain() }),
            (Some("maxBytes"), CutRequest { max_bytes: max_bytes("501KB"), ..plain() }),
            (None, CutRequest { max_bytes: max_bytes("400KB"), ..plain() }),
        ];
        for (field, request) in cases {
            assert_eq!(refused(request), field);
        }
        let with = |format: OutputFormat| plain().with_preset(Preset::WhatsappSticker, Some(&format.into()));
        assert!(with(OutputFormat::Webp).is_ok());
        assert!(with(OutputFormat::Gif).unwrap_err().allowed().starts_with("webp alone"));
    }
}
