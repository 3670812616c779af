//! The request of a job: a cut of a clip, or of images.

use serde::{Deserialize, Serialize};

use crate::{
    Accepted, CutRequest, ImageCutRequest, KeyColorChoice, MethodChoice, PersistedRequestError, ShadowChoice,
    Tolerance, persisted::VERSION,
};

/// What a job has to do.
#[derive(Debug, Clone, PartialEq)]
pub enum JobRequest {
    /// The background of a clip is removed.
    Clip(CutRequest),
    /// The background of each image is removed.
    Images(ImageCutRequest),
}

/// Kind of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobKind {
    /// Its input is a clip.
    Video,
    /// Its input is one image, or a ZIP archive of images.
    Image,
}

impl JobKind {
    /// All kinds.
    pub const ALL: [Self; 2] = [Self::Video, Self::Image];

    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Video => "video",
            Self::Image => "image",
        }
    }

    /// The files that such a job takes.
    #[must_use]
    pub const fn accepted(self) -> Accepted {
        match self {
            Self::Video => Accepted::Videos,
            Self::Image => Accepted::ImagesAndArchives,
        }
    }

    /// The kind of the job whose stored request is `text`. Requests of clips came first, so a request
    /// that cannot be read counts as one.
    #[must_use]
    pub fn of_stored(text: &str) -> Self {
        match serde_json::from_str(text) {
            Ok(StoredKind { images: Some(_), .. }) => Self::Image,
            _ => Self::Video,
        }
    }
}

/// What tells the stored requests apart: only that of images has `images`.
#[derive(Deserialize)]
struct StoredKind {
    v: u32,
    #[serde(default)]
    images: Option<serde::de::IgnoredAny>,
}

/// The stored form of the request of images; all values in wire notation.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredRequest {
    v: u32,
    images: StoredImages,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct StoredImages {
    method: MethodChoice,
    chroma_key: String,
    tolerance: Tolerance,
    shadow: ShadowChoice,
    smooth_edges: bool,
}

impl JobRequest {
    /// Kind of the job.
    #[must_use]
    pub const fn kind(&self) -> JobKind {
        match self {
            Self::Clip(_) => JobKind::Video,
            Self::Images(_) => JobKind::Image,
        }
    }

    /// Serializes the request as versioned JSON for the database.
    #[must_use]
    pub fn to_json(&self) -> String {
        match self {
            Self::Clip(request) => request.to_json(),
            Self::Images(request) => {
                let images = StoredImages {
                    method: request.method,
                    chroma_key: request.key_color.to_string(),
                    tolerance: request.tolerance,
                    shadow: request.shadow,
                    smooth_edges: request.has_soft_edges,
                };
                serde_json::to_string(&StoredRequest { v: VERSION, images }).unwrap_or_default()
            }
        }
    }

    /// Parses the output of [`Self::to_json`].
    ///
    /// # Errors
    /// If the request has another version, is damaged, or has a value out of range.
    pub fn from_json(text: &str) -> Result<Self, PersistedRequestError> {
        let damaged = |error: serde_json::Error| PersistedRequestError::Damaged(error.to_string());
        let StoredKind { v, images } = serde_json::from_str(text).map_err(damaged)?;
        if v != VERSION {
            return Err(PersistedRequestError::Version { found: v });
        }
        if images.is_none() {
            return CutRequest::from_json(text).map(Self::Clip);
        }
        let StoredRequest { images: stored, .. } = serde_json::from_str(text).map_err(damaged)?;
        Ok(Self::Images(ImageCutRequest {
            method: stored.method,
            key_color: stored.chroma_key.parse::<KeyColorChoice>()?,
            tolerance: stored.tolerance,
            shadow: stored.shadow,
            has_soft_edges: stored.smooth_edges,
        }))
    }
}

impl From<CutRequest> for JobRequest {
    fn from(request: CutRequest) -> Self {
        Self::Clip(request)
    }
}

impl From<ImageCutRequest> for JobRequest {
    fn from(request: ImageCutRequest) -> Self {
        Self::Images(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OutputFormat;

    fn images() -> ImageCutRequest {
        ImageCutRequest {
            method: MethodChoice::Ai,
            key_color: KeyColorChoice::Auto,
            tolerance: 20.try_into().unwrap(),
            shadow: ShadowChoice::Keep,
            has_soft_edges: true,
        }
    }

    #[test]
    fn each_kind_of_request_round_trips_through_json() {
        let given = ImageCutRequest {
            method: MethodChoice::Chroma,
            key_color: "#00FF00".parse().unwrap(),
            has_soft_edges: false,
            ..images()
        };
        for request in [images().into(), given.into(), JobRequest::from(CutRequest::new(OutputFormat::Webm))] {
            let text = request.to_json();
            assert_eq!(JobKind::of_stored(&text), request.kind());
            assert_eq!(JobRequest::from_json(&text), Ok(request));
        }
    }

    #[test]
    fn the_stored_json_of_images_is_pinned_and_that_of_clips_unchanged() {
        let expected =
            r#"{"v":1,"images":{"method":"ai","chromaKey":"auto","tolerance":20,"shadow":"keep","smoothEdges":true}}"#;
        assert_eq!(JobRequest::from(images()).to_json(), expected);
        let clip = CutRequest::new(OutputFormat::Webm);
        assert_eq!(JobRequest::from(clip.clone()).to_json(), clip.to_json());
    }

    #[test]
    fn another_version_and_damage_are_rejected() {
        let text = JobRequest::from(images()).to_json();
        let newer = JobRequest::from_json(&text.replace("\"v\":1", "\"v\":2"));
        assert_eq!(newer, Err(PersistedRequestError::Version { found: 2 }));
        for damaged in [text.replace("20", "200"), text.replace("\"method\"", "\"mode\""), "{".to_owned()] {
            assert!(matches!(JobRequest::from_json(&damaged), Err(PersistedRequestError::Damaged(_))), "{damaged}");
        }
        assert_eq!(JobKind::of_stored("{"), JobKind::Video);
    }
}
