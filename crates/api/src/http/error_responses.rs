//! Error responses that several routes share: components of the OpenAPI document, and groups of them.
//! A route names its groups first; a response that it declares after them replaces that of a group.

use std::collections::BTreeMap;

use utoipa::{
    IntoResponses, ToSchema as _,
    openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder},
};

use crate::http::reply::ErrorReply;

/// The shared responses: name, status and description.
const SHARED: [(&str, &str, &str); 20] = [
    ("InvalidRequest", "400", "Invalid field, parameter or file."),
    ("Unauthorized", "401", "Missing or invalid API key."),
    ("InvalidLink", "403", "The signed link was modified or has expired."),
    ("JobNotFound", "404", "No such job for this API key."),
    ("UploadNotFound", "404", "No such upload, or it has been removed."),
    ("WebhookNotFound", "404", "No such endpoint for this API key."),
    ("BodyTooSlow", "408", "The request body arrived too slowly."),
    (
        "SubmitConflict",
        "409",
        "A request with this Idempotency-Key is still being received, or the upload is incomplete.",
    ),
    ("UnsupportedTusVersion", "412", "Unsupported tus version."),
    ("TooLarge", "413", "The request or the clip is too large."),
    ("NotMultipart", "415", "The body is not multipart/form-data."),
    ("NotJson", "415", "The body is not application/json."),
    ("IdempotencyMismatch", "422", "This Idempotency-Key was used for a different request."),
    ("UploadBusy", "423", "Another request is using the upload."),
    ("LimitExceeded", "429", "A rate limit, or a limit on jobs, requests or storage of the API key, is exceeded."),
    ("ImageFailed", "500", "The image could not be processed."),
    ("AddressUnavailable", "502", "The file could not be fetched from its URL."),
    ("Unavailable", "503", "The database or the file store is unavailable, or the server is busy."),
    ("TooLate", "504", "The work took too long."),
    ("DiskFull", "507", "The server's disk is full."),
];

/// The shared responses by name, as components of the document.
pub(crate) fn shared_responses() -> impl Iterator<Item = (&'static str, Response)> {
    SHARED.into_iter().map(|(name, _, description)| (name, error_response(description)))
}

/// Declares groups of shared responses. Each is a type without values.
macro_rules! groups {
    ($($(#[$doc:meta])* $group:ident { $($name:literal)+ })+) => {$(
        $(#[$doc])*
        pub(crate) enum $group {}

        impl IntoResponses for $group {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                references(&[$($name),+])
            }
        }
    )+};
}

groups! {
    /// Of routes that need an API key.
    KeyErrors { "Unauthorized" "LimitExceeded" "Unavailable" }

    /// Of the route under the signed address of a job's events.
    EventsUrlErrors { "InvalidLink" }

    /// Of routes under a signed upload URL.
    UploadUrlErrors { "InvalidLink" "UploadNotFound" "UploadBusy" "Unavailable" }

    /// Of routes under a signed link to a file.
    LinkErrors { "InvalidLink" "Unavailable" }

    /// Of routes that receive a clip.
    ClipErrors { "InvalidRequest" "BodyTooSlow" "TooLarge" "LimitExceeded" "Unavailable" "DiskFull" }

    /// Of routes that read a form with a clip.
    FormErrors { "UploadNotFound" "SubmitConflict" "NotMultipart" }

    /// Of routes that process an image while the client waits.
    ImageErrors { "ImageFailed" "AddressUnavailable" "TooLate" }

    /// Of routes that submit a job.
    SubmitErrors { "IdempotencyMismatch" }

    /// Of routes that read parameters.
    ParameterErrors { "InvalidRequest" }

    /// Of routes that read a JSON body.
    JsonErrors { "InvalidRequest" "BodyTooSlow" "TooLarge" "NotJson" }

    /// Of routes about one job.
    NoSuchJob { "JobNotFound" }

    /// Of routes about one webhook endpoint.
    NoSuchWebhook { "WebhookNotFound" }

    /// Of routes that check the version of tus.
    UnsupportedTusVersion { "UnsupportedTusVersion" }

    /// Of routes that write to the disk.
    DiskFull { "DiskFull" }
}

fn references(names: &[&str]) -> BTreeMap<String, RefOr<Response>> {
    let named = SHARED.iter().filter(|(name, ..)| names.contains(name));
    named.map(|(name, status, _)| ((*status).to_owned(), Ref::from_response_name(*name).into())).collect()
}

/// An error in its envelope.
fn error_response(description: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(ErrorReply::name()))).build();
    ResponseBuilder::new().description(description).content("application/json", content).build()
}
