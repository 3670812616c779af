//! A request as versioned JSON, as it lies in the database.

use serde::{Deserialize, Serialize};

use crate::{
    CutRequest, Formats, FpsChoice, Hints, KeyChoice, LongestSide, MethodChoice, Quality, RequestError, ShadowChoice,
    Speed, Tolerance,
};

/// The version that is written. A reader refuses every other, so that a job is never cut by rules it was not asked under.
const VERSION: u32 = 1;

/// A stored request could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PersistedRequestError {
    /// It was written by another version of this program.
    #[error("the stored request has version {found}, this program reads {VERSION}")]
    Version {
        /// The version it has.
        found: u32,
    },
    /// It is not what this program writes.
    #[error("the stored request is damaged")]
    Damaged(#[source] serde_json::Error),
    /// A field holds what it must not hold.
    #[error("the stored request has a bad field")]
    Field(#[from] RequestError),
}

/// How a request lies in the database: everything in the words of the wire.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Persisted {
    v: u32,
    formats: Formats,
    /// Left out where it is automatic.
    #[serde(default, skip_serializing_if = "is_default")]
    method: MethodChoice,
    chroma_key: String,
    tolerance: Tolerance,
    /// Left out where shadows stay.
    #[serde(default, skip_serializing_if = "is_default")]
    shadow: ShadowChoice,
    /// Left out where there are none.
    #[serde(default, skip_serializing_if = "is_default")]
    hints: Hints,
    fps: FpsChoice,
    size: Option<LongestSide>,
    quality: Quality,
    /// Left out where it is balanced.
    #[serde(default, skip_serializing_if = "is_default")]
    speed: Speed,
    keeps_audio: bool,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[derive(Deserialize)]
struct Versioned {
    v: u32,
}

impl CutRequest {
    /// The request as versioned JSON, for the database.
    #[must_use]
    pub fn to_json(&self) -> String {
        let chroma_key = match self.key {
            KeyChoice::Auto => "auto".to_owned(),
            KeyChoice::Given(color) => color.to_string(),
        };
        let persisted = Persisted {
            v: VERSION,
            formats: self.formats.clone(),
            method: self.method,
            chroma_key,
            tolerance: self.tolerance,
            shadow: self.shadow,
            hints: self.hints.clone(),
            fps: self.fps,
            size: self.size,
            quality: self.quality,
            speed: self.speed,
            keeps_audio: self.keeps_audio,
        };
        serde_json::to_string(&persisted).unwrap_or_default()
    }

    /// Reads what [`Self::to_json`] wrote.
    ///
    /// # Errors
    /// If it is of another version, damaged, or out of range.
    pub fn from_json(text: &str) -> Result<Self, PersistedRequestError> {
        let Versioned { v } = serde_json::from_str(text).map_err(PersistedRequestError::Damaged)?;
        if v != VERSION {
            return Err(PersistedRequestError::Version { found: v });
        }
        let persisted: Persisted = serde_json::from_str(text).map_err(PersistedRequestError::Damaged)?;
        Ok(Self {
            formats: persisted.formats,
            method: persisted.method,
            key: persisted.chroma_key.parse()?,
            tolerance: persisted.tolerance,
            shadow: persisted.shadow,
            hints: persisted.hints,
            fps: persisted.fps,
            size: persisted.size,
            quality: persisted.quality,
            speed: persisted.speed,
            keeps_audio: persisted.keeps_audio,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OutputFormat;

    fn request() -> CutRequest {
        CutRequest {
            formats: Formats::new(vec![OutputFormat::Webm, OutputFormat::StackedAlpha]).unwrap(),
            method: MethodChoice::Auto,
            key: "#00FF00".parse().unwrap(),
            tolerance: Tolerance::default(),
            shadow: ShadowChoice::default(),
            hints: Hints::default(),
            fps: FpsChoice::Fixed(24),
            size: Some("512".parse().unwrap()),
            quality: Quality::default(),
            speed: Speed::default(),
            keeps_audio: true,
        }
    }

    #[test]
    fn a_request_reads_back_as_it_was() {
        let auto = CutRequest { key: KeyChoice::Auto, fps: FpsChoice::Source, size: None, ..request() };
        let fast = CutRequest { speed: Speed::Fast, ..request() };
        let ai = CutRequest { method: MethodChoice::Ai, key: KeyChoice::Auto, ..request() };
        let bare = CutRequest { shadow: ShadowChoice::Drop, ..request() };
        let hints: Hints = r#"[{"time":1.04,"x":0.25,"y":0.1,"kind":"remove"}]"#.parse().unwrap();
        let hinted = CutRequest { hints, ..request() };
        for request in [request(), auto, fast, ai, bare, hinted] {
            assert_eq!(CutRequest::from_json(&request.to_json()).unwrap(), request);
        }
    }

    #[test]
    fn the_stored_text_does_not_change_unnoticed() {
        let expected = r##"{"v":1,"formats":["webm","stacked-alpha"],"chromaKey":"#00FF00","tolerance":30,"fps":{"fixed":24},"size":512,"quality":60,"keepsAudio":true}"##;
        assert_eq!(request().to_json(), expected);
    }

    #[test]
    fn another_version_is_refused_by_number() {
        let text = request().to_json().replace("\"v\":1", "\"v\":2");
        assert!(matches!(CutRequest::from_json(&text), Err(PersistedRequestError::Version { found: 2 })));
    }

    #[test]
    fn a_stored_value_out_of_range_is_refused() {
        let text = request().to_json().replace("\"tolerance\":30", "\"tolerance\":300");
        assert!(matches!(CutRequest::from_json(&text), Err(PersistedRequestError::Damaged(_))));
    }
}
