//! What clients are told about a file of a kind that a route does not take.

use clearcut_job::{NotAccepted, NotVideo, StillFormat};
use serde_json::{Value, json};

/// The message.
pub(super) fn message(reason: NotAccepted) -> String {
    match reason {
        NotAccepted::Video(NotVideo::UnknownContainer) => {
            "the file is not a supported video, such as MP4, MOV, WebM, MKV, AVI, MPEG-TS, WMV, FLV, MXF, GIF or animated PNG"
                .to_owned()
        }
        NotAccepted::Video(_) => reason.with_routes(),
        NotAccepted::Image(_) => format!("{}; allowed: {}", reason.with_routes(), StillFormat::ALLOWED),
    }
}

/// The details: `routes` are those that take the file instead.
pub(super) fn details(reason: NotAccepted) -> Value {
    match reason {
        NotAccepted::Video(_) => json!({ "field": "file", "routes": reason.routes() }),
        NotAccepted::Image(_) => {
            json!({ "field": "file", "allowed": StillFormat::ALLOWED, "routes": reason.routes() })
        }
    }
}
