//! Arguments of the tool `cut`, with their schema. The texts are read by language models.

use std::path::Path;

use clearcut_job::{
    Bounds, Crop, CutRequest, DeinterlaceChoice, EdgeColor, Fit, Formats, FpsChoice, LongestSide, LoopChoice, MaxBytes,
    OutputFormat, Preset, Quality, Speed, Tempo, Trim,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    Failure,
    background::BackgroundArgument,
    matte_arguments::{MatteArguments, set},
    schema::{Argument, yes},
};

/// Arguments of `cut`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("additionalProperties" = false))]
pub(crate) struct CutArguments {
    /// Path of the clip: MP4, MOV, WebM, MKV, AVI, MPEG-TS, WMV, FLV, GIF, animated PNG, WebP or
    /// AVIF, or a ZIP of numbered images. Relative paths start at the server's first folder.
    pub(crate) input: String,

    /// Output file, with the extension of one of the formats, or folder; one that ends with a slash is
    /// made. Other formats get their own extension. By default beside the clip, as NAME-cut.webm.
    #[serde(default)]
    #[schemars(with = "String")]
    pub(crate) output: Option<String>,

    /// Output formats, all made from one cut. webm: VP9 with alpha for Chrome, Edge and Firefox.
    /// stacked-alpha: H.264 MP4 with the matte below the color, for every browser with a player. mp4: H.264
    /// over a background, for players everywhere.
    /// webp, apng: looping animations without sound. gif: the same, with 256 colors and hard edges.
    /// mov: ProRes 4444 for editors. hevc-alpha: HEVC with alpha in a MOV, for Safari and iOS.
    /// png-sequence: a ZIP of numbered PNGs. sprite-sheet: a ZIP of one PNG with all frames, and of a
    /// JSON file with their places. matte: the alpha alone, as gray H.264. foreground: the
    /// opaque colors for it. poster: an early frame that
    /// shows the subject, as a PNG.
    #[serde(default)]
    #[schemars(
        with = "Vec<String>",
        extend(
            "items" = { "type": "string", "enum": (OutputFormat::ALL.map(OutputFormat::name)) },
            "minItems" = 1, "uniqueItems" = true, "default" = ["webm"]
        )
    )]
    formats: Option<Argument<Formats>>,

    #[serde(flatten)]
    matte: MatteArguments,

    #[serde(flatten)]
    pub(crate) background: BackgroundArgument,

    /// Interlaced frames: auto (made whole where they are found), on or off.
    #[serde(default)]
    #[schemars(with = "String", extend("enum" = ["auto", "on", "off"], "default" = "auto"))]
    deinterlace: Option<Argument<DeinterlaceChoice>>,

    /// Part of the clip that is cut, "START,END" in seconds or hh:mm:ss.mmm; either may be empty.
    #[serde(default)]
    #[schemars(with = "String", extend("examples" = ["1.5,4", "00:01:30,", ",10"]))]
    trim: Option<Argument<Trim>>,

    /// How much faster than the clip the output plays; the sound follows with its pitch.
    #[serde(default)]
    #[schemars(with = "f64", extend("minimum" = 0.25, "maximum" = 4, "default" = 1))]
    tempo: Option<Argument<Tempo>>,

    /// How the output loops: boomerang (forth and back, without sound) or seamless (the part whose end leads
    /// back to its beginning best; a note says how well).
    #[serde(default, rename = "loop")]
    #[schemars(with = "String", extend("enum" = ["boomerang", "seamless"]))]
    looped: Option<Argument<LoopChoice>>,

    /// Part of the frame that is cut: "X,Y,WIDTH,HEIGHT" in even pixels, the largest of a shape, "auto" for
    /// the subject of all frames with a margin, or "auto:1:1" for a shape around it.
    #[serde(default)]
    #[schemars(with = "String", extend("examples" = ["640,0,640,720", "16:9", "auto", "auto:1:1"]))]
    crop: Option<Argument<Crop>>,

    /// Longer side of the output in pixels; by default as the clip.
    #[serde(default)]
    #[schemars(with = "i64", extend("minimum" = 64, "maximum" = 2048))]
    size: Option<Argument<LongestSide>>,

    /// Width of the output in pixels, in place of size; alone, the height follows.
    #[serde(default)]
    #[schemars(with = "i64", extend("minimum" = 64, "maximum" = 2048))]
    width: Option<Argument<LongestSide>>,

    /// Height of the output in pixels, in place of size; alone, the width follows.
    #[serde(default)]
    #[schemars(with = "i64", extend("minimum" = 64, "maximum" = 2048))]
    height: Option<Argument<LongestSide>>,

    /// With width and height: contain (the whole frame), cover (cropped to exactly that size) or pad
    /// (with transparent margins to exactly that size).
    #[serde(default)]
    #[schemars(with = "String", extend("enum" = ["contain", "cover", "pad"]))]
    fit: Option<Argument<Fit>>,

    /// What the file is for. Sets formats, size, fps and quality, without sound, and keeps the
    /// platform's limit of bytes: leave those out. Clips that are too long need trim.
    #[serde(default)]
    #[schemars(with = "String", extend("enum" = (Preset::ALL.map(Preset::name))))]
    preset: Option<Argument<Preset>>,

    /// Largest file in bytes, for webm, webp, apng and gif: quality, then rate, then size are lowered.
    #[serde(default)]
    #[schemars(with = "i64", extend("minimum" = 1000, "maximum" = 1_000_000_000))]
    max_bytes: Option<Argument<MaxBytes>>,

    /// Frames per second, 1 to 60, 23.976, 29.97 or 59.94, or "source" for those of the clip.
    #[serde(default)]
    #[schemars(
        with = "serde_json::Value",
        extend(
            "anyOf" = [
                { "type": "integer", "minimum": 1, "maximum": 60 },
                { "enum": [23.976, 29.97, 59.94, "source"] },
            ],
            "default" = "source"
        )
    )]
    fps: Option<Argument<FpsChoice>>,

    /// Color of the page that a gif is made for, "#RRGGBB": the soft edges of the subject are mixed with it.
    #[serde(default)]
    #[schemars(with = "String", extend("examples" = ["#ffffff"]))]
    edge_color: Option<Argument<EdgeColor>>,

    /// Image quality of webp, apng and gif; 100 is lossless, but for the palette of a gif.
    #[serde(default)]
    #[schemars(with = "i64", extend("minimum" = 0, "maximum" = 100, "default" = 60))]
    quality: Option<Argument<Quality>>,

    /// Encoding speed of webm, stacked-alpha, hevc-alpha and mp4: best makes smaller files in about twice the
    /// time.
    #[serde(default)]
    #[schemars(with = "String", extend("enum" = ["best", "balanced", "fast"], "default" = "balanced"))]
    speed: Option<Argument<Speed>>,

    /// Whether the sound is kept, in the formats that carry it: true or false.
    #[serde(default = "yes")]
    #[schemars(extend("default" = true))]
    audio: bool,

    /// Whether output files that exist are replaced. Ask the user first.
    #[serde(default)]
    #[schemars(extend("default" = false))]
    pub(crate) force: bool,

    /// Whether the call waits for the files. With false it returns a jobId at once: follow it with
    /// `job_status`. Use false for clips longer than a minute.
    #[serde(default = "yes")]
    #[schemars(extend("default" = true))]
    pub(crate) wait: bool,
}

impl CutArguments {
    /// The request of these arguments. Without `formats`, the extension of the output decides.
    pub(crate) fn request(&self) -> Result<CutRequest, Failure> {
        let background = self.background.backdrop()?;
        let usual = if background.is_some() { OutputFormat::Mp4 } else { OutputFormat::Webm };
        let format = self.format_of_output(background.is_some()).unwrap_or(usual);
        let mut request = CutRequest { background, ..CutRequest::new(format) };
        set(&mut request.formats, self.formats.as_ref())?;
        self.matte.apply(&mut request)?;
        request.size = self.size.as_ref().map(Argument::get).transpose()?;
        let given = |side: &Option<Argument<LongestSide>>| side.as_ref().map(Argument::get).transpose();
        let fit = self.fit.as_ref().map(Argument::get).transpose()?;
        request.bounds = Bounds::new(given(&self.width)?, given(&self.height)?, fit)?;
        set(&mut request.deinterlace, self.deinterlace.as_ref())?;
        request.trim = self.trim.as_ref().map(Argument::get).transpose()?;
        set(&mut request.tempo, self.tempo.as_ref())?;
        request.looped = self.looped.as_ref().map(Argument::get).transpose()?;
        request.crop = self.crop.as_ref().map(Argument::get).transpose()?;
        set(&mut request.fps, self.fps.as_ref())?;
        request.edge_color = self.edge_color.as_ref().map(Argument::get).transpose()?;
        set(&mut request.quality, self.quality.as_ref())?;
        set(&mut request.speed, self.speed.as_ref())?;
        request.keeps_audio = self.audio;
        request.max_bytes = self.max_bytes.as_ref().map(Argument::get).transpose()?;
        let request = self.with_preset(request)?;
        request.check()?;
        Ok(request)
    }

    fn with_preset(&self, request: CutRequest) -> Result<CutRequest, Failure> {
        let Some(preset) = self.preset.as_ref().map(Argument::get).transpose()? else { return Ok(request) };
        let is_asked = self.formats.is_some() || self.format_of_output(request.background.is_some()).is_some();
        let asked = Some(request.formats.clone()).filter(|_| is_asked);
        Ok(request.with_preset(preset, asked.as_ref())?)
    }

    fn format_of_output(&self, is_opaque: bool) -> Option<OutputFormat> {
        OutputFormat::from_extension(Path::new(self.output.as_deref()?).extension()?.to_str()?, is_opaque)
    }
}

#[cfg(test)]
mod tests {
    use clearcut_job::{ErrorCode, MethodChoice, ShadowChoice};
    use serde_json::{Value, json};

    use super::*;
    use crate::schema::input_schema;

    fn request(arguments: Value) -> Result<CutRequest, Failure> {
        serde_json::from_value::<CutArguments>(arguments).unwrap().request()
    }

    #[test]
    fn arguments_reach_the_request() {
        let all = json!({
            "input": "a.mp4", "formats": ["webp", "mov"], "method": "chroma", "chromaKey": "#00ff00", "tolerance": 5,
            "shadow": "drop", "deinterlace": "on", "trim": "0.5,2", "tempo": 1.5, "loop": "seamless", "crop": "1:1", "hints": [{"time": 1, "x": 0.5, "y": 0.5, "kind": "keep"}],
            "size": 480.0, "background": "#ff8800", "fps": 12, "edgeColor": "#ffffff", "quality": "90", "speed": "fast", "audio": false,
        });
        let expected = CutRequest {
            preset: None,
            max_bytes: None,
            formats: "webp,mov".parse().unwrap(),
            method: MethodChoice::Chroma,
            key_color: "#00ff00".parse().unwrap(),
            tolerance: "5".parse().unwrap(),
            shadow: ShadowChoice::Drop,
            hints: r#"[{"time":1,"x":0.5,"y":0.5,"kind":"keep"}]"#.parse().unwrap(),
            deinterlace: DeinterlaceChoice::On,
            trim: Some("0.5,2".parse().unwrap()),
            tempo: "1.5".parse().unwrap(),
            looped: Some(LoopChoice::Seamless),
            crop: Some("1:1".parse().unwrap()),
            background: Some("#ff8800".parse().unwrap()),
            fps: FpsChoice::Fixed(12),
            size: Some("480".parse().unwrap()),
            bounds: None,
            edge_color: Some("#ffffff".parse().unwrap()),
            quality: "90".parse().unwrap(),
            speed: Speed::Fast,
            keeps_audio: false,
        };
        assert_eq!(request(all).unwrap(), expected);
        assert_eq!(request(json!({"input": "a", "tolerance": null})).unwrap(), CutRequest::new(OutputFormat::Webm));
        assert_eq!(request(json!({"input": "a", "output": "b.mov"})).unwrap().formats.first(), OutputFormat::Mov);
    }

    #[test]
    fn values_out_of_range_have_the_code_of_their_field() {
        let hints = json!([{"time": 1, "x": 0, "y": 0, "kind": "keep"}]);
        let cases = [
            (json!({"tolerance": 101}), ErrorCode::InvalidTolerance, "tolerance"),
            (json!({"size": 63}), ErrorCode::InvalidSize, "size"),
            (json!({"fps": 2.5}), ErrorCode::InvalidFps, "fps"),
            (json!({"formats": ["avi"]}), ErrorCode::InvalidFormats, "formats"),
            (json!({"chromaKey": "green"}), ErrorCode::InvalidChromaKey, "chromaKey"),
            (json!({"hints": [{"time": 1}]}), ErrorCode::InvalidRequest, "hints"),
            (json!({"width": 64, "size": 64}), ErrorCode::InvalidSize, "size"),
            (json!({"fit": "cover"}), ErrorCode::InvalidRequest, "fit"),
            (json!({"trim": "2,1"}), ErrorCode::InvalidRequest, "trim"),
            (json!({"trim": "2,", "hints": hints}), ErrorCode::InvalidRequest, "hints"),
            (json!({"method": "ai", "chromaKey": "#00FF00"}), ErrorCode::InvalidRequest, "chromaKey"),
        ];
        for (mut arguments, code, field) in cases {
            arguments["input"] = json!("a.mp4");
            let failure = request(arguments).unwrap_err();
            assert_eq!((failure.code, failure.field.as_deref()), (code, Some(field)));
            assert!(failure.allowed.is_some());
        }
    }

    /// All values of enums, and all defaults, are accepted.
    #[test]
    fn the_schema_agrees_with_the_parsers() {
        let schema = input_schema::<CutArguments>();
        let properties = schema["properties"].as_object().unwrap();
        assert_eq!(schema["required"], json!(["input"]));
        assert_eq!(schema["additionalProperties"], json!(false));
        for (name, property) in properties {
            let words = property["enum"].as_array().cloned().unwrap_or_default();
            for value in words.into_iter().chain(property.get("default").cloned()) {
                let side = if name == "fit" { json!(64) } else { Value::Null };
                let read = request(json!({"input": "a.mp4", "width": side, "height": side, name: value}));
                assert!(read.is_ok(), "{name} {value}: {read:?}");
            }
            for (edge, beyond) in [("minimum", -1), ("maximum", 1)] {
                let Some(edge) = property[edge].as_i64() else { continue };
                assert!(request(json!({"input": "a.mp4", name: edge})).is_ok(), "{name} {edge}");
                assert!(request(json!({"input": "a.mp4", name: edge + beyond})).is_err(), "{name} {edge}");
            }
            assert!(property["description"].is_string(), "{name} has no description");
        }
        let formats: Vec<_> = OutputFormat::ALL.into_iter().map(OutputFormat::name).collect();
        assert_eq!(properties["formats"]["items"]["enum"], json!(formats));
        assert_eq!(properties["fps"]["anyOf"][0]["maximum"], json!(60));
        for rate in properties["fps"]["anyOf"][1]["enum"].as_array().unwrap() {
            assert!(request(json!({"input": "a.mp4", "fps": rate})).is_ok(), "{rate}");
        }
    }
}
