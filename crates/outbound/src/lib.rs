//! HTTP client for URLs that untrusted users provide.
//!
//! [`AddressPolicy`] defines the reachable addresses, [`Target`] is a parsed and admissible URL,
//! and [`Outbound`] is the client. It checks host names inside its connector, so that it connects
//! to exactly the address that was checked, even if the name resolves differently a moment later
//! (DNS rebinding). It follows no redirects, uses no proxies and keeps no connections alive.
//! [`Download`] fetches a file with it, within limits and across broken connections.

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
