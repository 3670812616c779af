//! The HTTP API.
//!
//! Routes, extractors and JSON shapes over [`clearcut_queue`] and [`clearcut_store`]. This process
//! faces the network and never decodes a pixel: it hashes an upload, checks its first bytes, and
//! queues it.
//!
//! Every reply on every route uses one envelope, including the errors that the framework raises.
//! [`routes`] builds the router, [`serve`] is the accept loop.
//!
//! ```
//! use std::sync::Arc;
//!
//! use axum::{body::Body, http::Request};
//! use clearcut_api::{Api, ApiSettings, Check, InteractiveWorker, OneTimeLink, Readiness};
//! use clearcut_job::{
//!     ImageOutcome, ImageRequest, InteractiveFailure, PreviewFrame, PreviewRequest, StoredObject, SystemClock,
//! };
//! use clearcut_outbound::Target;
//! use clearcut_queue::{KeyId, MemoryQueue, Policy};
//! use clearcut_store::{Store, UrlSigner};
//! use tower::ServiceExt as _;
//!
//! /// No checks beyond database and disk.
//! #[derive(Debug)]
//! struct Ready;
//!
//! impl Readiness for Ready {
//!     fn checks(&self) -> Vec<Check> {
//!         Vec::new()
//!     }
//! }
//!
//! /// A server without previews and images.
//! #[derive(Debug)]
//! struct NoWork;
//!
//! #[async_trait::async_trait]
//! impl InteractiveWorker for NoWork {
//!     async fn preview(&self, _: KeyId, _: PreviewRequest) -> Result<PreviewFrame, InteractiveFailure> {
//!         Err(InteractiveFailure::Gone)
//!     }
//!
//!     async fn process_image(&self, _: KeyId, _: ImageRequest) -> Result<ImageOutcome, InteractiveFailure> {
//!         Err(InteractiveFailure::Gone)
//!     }
//!
//!     async fn fetch_image(&self, _: Target) -> Result<StoredObject, InteractiveFailure> {
//!         Err(InteractiveFailure::Gone)
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let clock = Arc::new(SystemClock);
//! let routes = clearcut_api::routes(Api {
//!     queue: Arc::new(MemoryQueue::new(clock.clone(), Policy::default())),
//!     store: Store::local(folder.path())?,
//!     signer: Arc::new(UrlSigner::new([7; 32])),
//!     clock,
//!     readiness: Arc::new(Ready),
//!     interactive: Arc::new(NoWork),
//!     traffic: Arc::default(),
//!     link: Arc::new(OneTimeLink::default()),
//!     settings: Arc::new(ApiSettings::default()),
//! });
//!
//! // Behind `serve`, as a server; or directly, as here.
//! let reply = routes.clone().oneshot(Request::get("/livez").body(Body::empty())?).await?;
//! assert_eq!(reply.status(), 200);
//! let reply = routes.oneshot(Request::get("/api/v1/jobs").body(Body::empty())?).await?;
//! assert_eq!(reply.status(), 401); // It has no API key.
//! # Ok(())
//! # }
//! ```

mod docs;
mod files;
mod health;
mod http;
mod images;
mod interactive;
mod jobs;
mod page;
mod previews;
mod random;
mod readiness;
mod routes;
mod settings;
mod traffic;
mod uploads;
mod webhooks;

pub use docs::openapi_json;
pub use http::{
    body_limits::BodyLimits, connection_limits::ConnectionLimits, error::ApiError, metrics::describe_metrics,
    serve::serve,
};
pub use interactive::interactive_worker::InteractiveWorker;
pub use jobs::describe::JobDescriber;
pub use page::one_time_link::OneTimeLink;
pub use readiness::{Check, Readiness};
pub use routes::{health_routes, metrics_routes, routes};
pub use settings::{Api, ApiSettings, MAX_IMAGE_BYTES};
pub use traffic::Traffic;
