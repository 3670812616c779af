//! HTTP client for URLs that untrusted users provide.
//!
//! [`AddressPolicy`] defines the reachable addresses, [`Target`] is a parsed and admissible URL,
//! and [`Outbound`] is the client. It checks host names inside its connector, so that it connects
//! to exactly the address that was checked, even if the name resolves differently a moment later
//! (DNS rebinding). It follows no redirects, uses no proxies and keeps no connections alive.
//! [`Download`] fetches a file with it, within limits and across broken connections.
//!
//! ```
//! use clearcut_outbound::{AddressPolicy, Method, Outbound, OutboundError, Timeouts};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), OutboundError> {
//! let policy = AddressPolicy::default(); // Public addresses only.
//! let outbound = Outbound::new(policy, Timeouts::default())?;
//!
//! // An address and this machine's name are refused when they are parsed, in any notation; another
//! // name is resolved, and checked, for each connection.
//! for text in ["http://0x7f.1/", "http://localhost/clip.mp4"] {
//!     assert!(matches!(outbound.policy().target(text), Err(OutboundError::Refused)));
//! }
//! let target = outbound.policy().target("https://example.com/clip.mp4")?;
//! let request = outbound.request(Method::GET, &target); // For `outbound.send`.
//! # drop(request);
//! # Ok(())
//! # }
//! ```

mod client;
mod download;
mod error;
mod names;
mod policy;
mod resume;
mod target;

pub use client::{Outbound, Timeouts};
pub use download::{Download, DownloadLimits, Piece};
pub use error::OutboundError;
pub use ipnet::IpNet;
pub use names::{Names, SystemNames};
pub use policy::AddressPolicy;
pub use reqwest::{Method, Response, StatusCode, header};
pub use target::Target;
