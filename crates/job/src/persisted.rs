//! Storage format of a request: versioned JSON in the database.

use serde::{Deserialize, Serialize};

use crate::{
    Backdrop, Bounds, Crop, CutRequest, DeinterlaceChoice, EdgeColor, Formats, FpsChoice, Hints, LongestSide,
    LoopChoice, MaxBytes, MethodChoice, Preset, Quality, RequestError, ShadowChoice, Speed, Tempo, Tolerance, Trim,
};

/// Version of the stored format. Every other version is rejected, so that a job is never processed
/// under other rules than those it was submitted under.
pub(crate) const VERSION: u32 = 1;

/// A stored request that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PersistedRequestError {
    /// The request was written by another version of the program.
    #[error("the stored request has version {found}, this program reads {VERSION}")]
    Version {
        /// The version of the stored request.
        found: u32,
    },
    /// The text is not valid JSON of this version.
    #[error("the stored request is damaged: {0}")]
    Damaged(String),
    /// A field has an invalid value.
    #[error("the stored request has an invalid field")]
    Field(#[from] RequestError),
}

/// The stored form of a request; all values in wire notation.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct StoredRequest {
    v: u32,
    /// Omitted if there is none.
    #[serde(default, skip_serializing_if = "is_default")]
    preset: Option<Preset>,
    /// Omitted if there is none.
    #[serde(default, skip_serializing_if = "is_default")]
    max_bytes: Option<MaxBytes>,
    formats: Formats,
    /// Omitted if it is automatic.
    #[serde(default, skip_serializing_if = "is_default")]
    method: MethodChoice,
    chroma_key: String,
    tolerance: Tolerance,
    /// Omitted if shadows are kept.
    #[serde(default, skip_serializing_if = "is_default")]
    shadow: ShadowChoice,
    /// Omitted if there are none.
    #[serde(default, skip_serializing_if = "is_default")]
    hints: Hints,
    /// Omitted if it is automatic.
    #[serde(default, skip_serializing_if = "is_default")]
    deinterlace: DeinterlaceChoice,
    /// Omitted if the whole clip is cut.
    #[serde(default, skip_serializing_if = "is_default")]
    trim: Option<Trim>,
    /// Omitted if it is that of the clip.
    #[serde(default, skip_serializing_if = "is_default")]
    tempo: Tempo,
    /// Omitted if the outputs do not loop.
    #[serde(default, rename = "loop", skip_serializing_if = "is_default")]
    looped: Option<LoopChoice>,
    /// Omitted if the whole frame is cut.
    #[serde(default, skip_serializing_if = "is_default")]
    crop: Option<Crop>,
    /// Omitted if there is none.
    #[serde(default, skip_serializing_if = "is_default")]
    background: Option<Backdrop>,
    fps: FpsChoice,
    size: Option<LongestSide>,
    /// Omitted if there are none.
    #[serde(default, skip_serializing_if = "is_default")]
    bounds: Option<Bounds>,
    /// Omitted if there is none.
    #[serde(default, skip_serializing_if = "is_default")]
    edge_color: Option<EdgeColor>,
    quality: Quality,
    /// Omitted if it is balanced.
    #[serde(default, skip_serializing_if = "is_default")]
    speed: Speed,
    keeps_audio: bool,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[derive(Deserialize)]
struct StoredVersion {
    v: u32,
}

impl CutRequest {
    /// Serializes the request as versioned JSON for the database.
    #[must_use]
    pub fn to_json(&self) -> String {
        let stored = StoredRequest {
            v: VERSION,
            preset: self.preset,
            max_bytes: self.max_bytes,
            formats: self.formats.clone(),
            method: self.method,
            chroma_key: self.key_color.to_string(),
            tolerance: self.tolerance,
            shadow: self.shadow,
            hints: self.hints.clone(),
            deinterlace: self.deinterlace,
            trim: self.trim,
            tempo: self.tempo,
            looped: self.looped,
            crop: self.crop,
            background: self.background.clone(),
            fps: self.fps,
            size: self.size,
            bounds: self.bounds,
            edge_color: self.edge_color,
            quality: self.quality,
            speed: self.speed,
            keeps_audio: self.keeps_audio,
        };
        serde_json::to_string(&stored).unwrap_or_default()
    }

    /// Parses the output of [`Self::to_json`].
    ///
    /// # Errors
    /// If the request has another version, is damaged, or has a value out of range.
    pub fn from_json(text: &str) -> Result<Self, PersistedRequestError> {
        let damaged = |error: serde_json::Error| PersistedRequestError::Damaged(error.to_string());
        let StoredVersion { v } = serde_json::from_str(text).map_err(damaged)?;
        if v != VERSION {
            return Err(PersistedRequestError::Version { found: v });
        }
        let stored: StoredRequest = serde_json::from_str(text).map_err(damaged)?;
        Ok(Self {
            preset: stored.preset,
            max_bytes: stored.max_bytes,
            formats: stored.formats,
            method: stored.method,
            key_color: stored.chroma_key.parse()?,
            tolerance: stored.tolerance,
            shadow: stored.shadow,
            hints: stored.hints,
            deinterlace: stored.deinterlace,
            trim: stored.trim,
            tempo: stored.tempo,
            looped: stored.looped,
            crop: stored.crop,
            background: stored.background,
            fps: stored.fps,
            size: stored.size,
            bounds: stored.bounds,
            edge_color: stored.edge_color,
            quality: stored.quality,
            speed: stored.speed,
            keeps_audio: stored.keeps_audio,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{KeyColorChoice, OutputFormat};

    fn request() -> CutRequest {
        CutRequest {
            preset: None,
            max_bytes: None,
            formats: Formats::new(vec![OutputFormat::Webm, OutputFormat::StackedAlpha]).unwrap(),
            method: MethodChoice::Auto,
            key_color: "#00FF00".parse().unwrap(),
            tolerance: Tolerance::default(),
            shadow: ShadowChoice::default(),
            hints: Hints::default(),
            deinterlace: DeinterlaceChoice::default(),
            trim: None,
            tempo: Tempo::default(),
            looped: None,
            crop: None,
            background: None,
            fps: FpsChoice::Fixed(24),
            size: Some("512".parse().unwrap()),
            bounds: None,
            edge_color: None,
            quality: Quality::default(),
            speed: Speed::default(),
            keeps_audio: true,
        }
    }

    #[test]
    fn a_request_round_trips_through_json() {
        let auto = CutRequest { key_color: KeyColorChoice::Auto, fps: FpsChoice::Source, size: None, ..request() };
        let ntsc = CutRequest { fps: FpsChoice::Ntsc(30), ..request() };
        let fast = CutRequest { speed: Speed::Fast, ..request() };
        let ai = CutRequest { method: MethodChoice::Ai, key_color: KeyColorChoice::Auto, ..request() };
        let bare = CutRequest { shadow: ShadowChoice::Drop, ..request() };
        let woven = CutRequest { deinterlace: DeinterlaceChoice::On, ..request() };
        let hints: Hints = r#"[{"time":1.04,"x":0.25,"y":0.1,"kind":"remove"}]"#.parse().unwrap();
        let hinted = CutRequest { hints, ..request() };
        let trimmed = CutRequest { trim: Some("1.5,".parse().unwrap()), ..request() };
        let cropped = CutRequest { crop: Some("2,0,8,6".parse().unwrap()), ..request() };
        let bounds = Bounds::new(None, Some("512".parse().unwrap()), None).unwrap();
        let bound = CutRequest { size: None, bounds, ..request() };
        let shaped = CutRequest { crop: Some("16:9".parse().unwrap()), ..request() };
        let slow = CutRequest { tempo: "0.5".parse().unwrap(), looped: Some(LoopChoice::Boomerang), ..request() };
        let around = CutRequest { crop: Some("auto:1:1".parse().unwrap()), ..request() };
        let opaque =
            CutRequest { formats: OutputFormat::Mp4.into(), background: Some("#ff8800".parse().unwrap()), ..request() };
        for request in [
            request(),
            auto,
            ntsc,
            fast,
            ai,
            bare,
            woven,
            hinted,
            trimmed,
            cropped,
            shaped,
            around,
            slow,
            bound,
            opaque,
        ] {
            assert_eq!(CutRequest::from_json(&request.to_json()).unwrap(), request);
        }
    }

    #[test]
    fn the_stored_json_is_pinned() {
        let expected = r##"{"v":1,"formats":["webm","stacked-alpha"],"chromaKey":"#00FF00","tolerance":30,"fps":{"fixed":24},"size":512,"quality":60,"keepsAudio":true}"##;
        assert_eq!(request().to_json(), expected);
    }

    #[test]
    fn another_version_is_rejected() {
        let text = request().to_json().replace("\"v\":1", "\"v\":2");
        assert!(matches!(CutRequest::from_json(&text), Err(PersistedRequestError::Version { found: 2 })));
    }

    #[test]
    fn a_stored_value_out_of_range_is_rejected() {
        let text = request().to_json().replace("\"tolerance\":30", "\"tolerance\":300");
        assert!(matches!(CutRequest::from_json(&text), Err(PersistedRequestError::Damaged(_))));
    }
}
