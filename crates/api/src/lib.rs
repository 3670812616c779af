//! The HTTP API.
//!
//! Routes, extractors and JSON shapes over [`clearcut_queue`] and [`clearcut_store`]. This process
//! faces the network and never decodes a pixel: it hashes an upload, checks its first bytes, and
//! queues it.
//!
//! Every reply on every route uses one envelope, including the errors that the framework raises.
//! [`routes`] builds the router, [`serve`] is the accept loop.

mod docs;
mod files;
mod health;
mod http;
mod jobs;
mod page;
mod previews;
mod random;
mod routes;
mod settings;
mod traffic;
mod uploads;
mod webhooks;

pub use docs::openapi_json;
pub use health::{Check, Readiness};
pub use http::{
    body_limits::BodyLimits,
    error::ApiError,
    serve::{ConnectionLimits, serve},
};
pub use jobs::describe::JobDescriber;
pub use page::sign_in::OneTimeLink;
pub use previews::previewer::Previewer;
pub use routes::routes;
pub use settings::{Api, ApiSettings};
pub use traffic::Traffic;
