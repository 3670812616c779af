//! Error responses that several routes share, as groups for the OpenAPI document. A route names its
//! groups first; a response that it declares after them replaces that of a group.

use std::collections::BTreeMap;

use utoipa::{
    IntoResponses, ToSchema as _,
    openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder},
};

use crate::http::reply::ErrorReply;

/// Declares groups of error responses. Each is a type without values.
macro_rules! error_responses {
    ($($(#[$doc:meta])* $group:ident { $($status:literal: $description:literal,)+ })+) => {$(
        $(#[$doc])*
        pub(crate) enum $group {}

        impl IntoResponses for $group {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                BTreeMap::from([$((stringify!($status).to_owned(), error_response($description))),+])
            }
        }
    )+};
}

error_responses! {
    /// Of routes that need an API key.
    KeyErrors {
        401: "Missing or invalid API key.",
        429: "Rate limit exceeded.",
        503: "The database is unavailable.",
    }

    /// Of routes under a signed upload URL.
    UploadUrlErrors {
        403: "The URL was modified or has expired.",
        404: "No such upload, or it has been removed.",
        423: "Another request is using the upload.",
        503: "The database or the file store is unavailable, or the server is busy.",
    }

    /// Of routes that receive a clip.
    ClipErrors {
        408: "The request body arrived too slowly.",
        503: "The database or the file store is unavailable, or the server is busy.",
        507: "The server's disk is full.",
    }

    /// Of routes that process an image while the client waits.
    ImageErrors {
        400: "Invalid field or image.",
        404: "No such upload for this API key.",
        409: "The upload is incomplete.",
        413: "The request or the image is too large.",
        415: "The body is not multipart/form-data.",
        429: "Rate limit exceeded, or too many concurrent images for this API key.",
        500: "The image could not be processed.",
        502: "The image could not be fetched from its URL.",
        504: "The work took too long.",
    }

    /// Of routes that submit a job.
    SubmitErrors {
        400: "Invalid field or file.",
        409: "A request with this Idempotency-Key is still being received, or the upload is incomplete.",
        415: "The body is not multipart/form-data.",
        422: "This Idempotency-Key was used for a different request.",
    }

    /// Of routes that read a JSON body.
    JsonErrors {
        400: "Invalid field.",
        408: "The request body arrived too slowly.",
        413: "The request is too large.",
        415: "The body is not application/json.",
    }

    /// Of routes about one job.
    NoSuchJob {
        404: "No such job for this API key.",
    }

    /// Of routes about one webhook endpoint.
    NoSuchWebhook {
        404: "No such endpoint for this API key.",
    }

    /// Of routes that check the version of tus.
    UnsupportedTusVersion {
        412: "Unsupported tus version.",
    }

    /// Of routes that write to the disk.
    DiskFull {
        507: "The server's disk is full.",
    }
}

/// An error in its envelope.
fn error_response(description: &str) -> RefOr<Response> {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(ErrorReply::name()))).build();
    ResponseBuilder::new().description(description).content("application/json", content).build().into()
}
