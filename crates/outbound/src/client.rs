//! The HTTP client, with TLS, name resolution and timeouts set up for untrusted URLs.

use std::{sync::Arc, time::Duration};

use reqwest::{Client, Method, RequestBuilder, Response, redirect};
use rustls::{ClientConfig, RootCertStore, crypto::ring};

use crate::{AddressPolicy, Names, OutboundError, SystemNames, Target, names::CheckedNames};

/// Timeouts of a request.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// Timeout of name resolution, connecting and TLS together. Default 10 s.
    pub connect: Duration,
    /// The longest pause between two arrivals of the response headers or body. Default 30 s.
    pub idle: Duration,
    /// Timeout of the whole request up to the last byte of its response; `None` leaves it to the
    /// caller. Default none.
    pub total: Option<Duration>,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), idle: Duration::from_secs(30), total: None }
    }
}

/// HTTP client for untrusted URLs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Outbound {
    client: Client,
    policy: Arc<AddressPolicy>,
}

impl Outbound {
    /// Creates a client that reaches the addresses that `policy` admits and resolves names with
    /// this machine's resolver.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub fn new(policy: AddressPolicy, timeouts: Timeouts) -> Result<Self, OutboundError> {
        Self::with_names(policy, timeouts, Arc::new(SystemNames))
    }

    /// Creates a client with another resolver.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub fn with_names(policy: AddressPolicy, timeouts: Timeouts, names: Arc<dyn Names>) -> Result<Self, OutboundError> {
        let policy = Arc::new(policy);
        let mut client = Client::builder()
            .tls_backend_preconfigured(tls_config()?)
            .dns_resolver(CheckedNames { names, policy: Arc::clone(&policy) })
            .no_proxy()
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            // A kept-alive connection would bypass the check of its address.
            .pool_max_idle_per_host(0)
            .user_agent(concat!("clearcut/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(timeouts.connect)
            .read_timeout(timeouts.idle);
        if let Some(total) = timeouts.total {
            client = client.timeout(total);
        }
        Ok(Self { client: client.build().map_err(OutboundError::Client)?, policy })
    }

    /// The addresses that this client may reach.
    #[must_use]
    pub fn policy(&self) -> &AddressPolicy {
        &self.policy
    }

    /// Creates a request. A redirect response is returned like any other.
    pub fn request(&self, method: Method, target: &Target) -> RequestBuilder {
        self.client.request(method, target.url())
    }

    /// Sends a request and waits for the response headers.
    ///
    /// # Errors
    /// If there is no response. An error status is a response.
    pub async fn send(&self, request: RequestBuilder) -> Result<Response, OutboundError> {
        Ok(request.send().await?)
    }
}

/// TLS 1.2 and 1.3 with the certificates that this machine trusts. Unreadable certificates are
/// skipped: a machine without any can still reach plain HTTP hosts.
fn tls_config() -> Result<ClientConfig, OutboundError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(OutboundError::Tls)?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
