//! Requests to addresses that strangers name.
//!
//! [`AddressPolicy`] says which machines may be reached, [`Target`] is an address that was read and found admissible, and
//! [`Outbound`] is the client that reaches no other: names are checked inside its connector, so that the checked address is
//! the connected one whatever the name says a moment later. It follows no redirects, knows no proxies and keeps no
//! connections. [`Download`] brings a file over with it, within limits and across broken connections.

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
