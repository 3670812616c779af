//! The HTTP API.
//!
//! Routes, extractors and JSON shapes over [`clearcut_queue`] and [`clearcut_store`]. This process faces the network and
//! never decodes a pixel: an upload is hashed, looked at by its first bytes, and put in line.
//!
//! Every reply on every route is one envelope, also where a framework would speak by itself. [`routes`] is the plot,
//! [`serve`] the accept loop.

mod caller;
mod control;
mod cursor;
mod deliveries;
mod describe;
mod destination;
mod docs;
mod doors;
mod error;
mod events;
mod files;
mod form;
mod health;
mod inline;
mod intake;
mod jobs;
mod json_body;
mod list;
mod once;
mod outflow;
mod outside;
mod pace;
mod page;
mod patience;
mod preview;
mod previewer;
mod query;
mod range;
mod rate;
mod receive;
mod reply;
mod room;
mod routes;
mod serve;
mod settings;
mod shapes;
mod show;
mod sign_in;
mod trace;
mod traffic;
mod tus;
mod upload_locks;
mod uploads;
mod usage;
mod wait;
mod webhook_shapes;
mod webhooks;

pub use describe::JobDescriber;
pub use docs::openapi_json;
pub use error::ApiError;
pub use health::{Check, Readiness};
pub use pace::BodyLimits;
pub use previewer::{NoPreview, PreviewOrder, Previewed, Previewer};
pub use routes::routes;
pub use serve::{ConnectionLimits, serve};
pub use settings::{Api, ApiSettings};
pub use sign_in::OneTimeLink;
pub use traffic::Traffic;
