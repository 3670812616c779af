use std::{sync::Arc, time::Duration};

use reqwest::{Client, Method, RequestBuilder, Response, redirect};
use rustls::{ClientConfig, RootCertStore, crypto::ring};

use crate::{AddressPolicy, Names, OutboundError, SystemNames, Target, names::CheckedNames};

/// How long the steps of a request may take.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// Looking up the name, connecting, and TLS. Default 10 s.
    pub connect: Duration,
    /// The longest pause between two arrivals, of the head or of the body. Default 30 s.
    pub idle: Duration,
    /// The whole request to the last byte of its answer; `None` leaves it to the caller. Default none.
    pub total: Option<Duration>,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), idle: Duration::from_secs(30), total: None }
    }
}

/// The client for addresses that strangers name. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Outbound {
    client: Client,
    policy: Arc<AddressPolicy>,
}

impl Outbound {
    /// A client that reaches what `policy` admits, with the names of this machine.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub fn new(policy: AddressPolicy, timeouts: Timeouts) -> Result<Self, OutboundError> {
        Self::with_names(policy, timeouts, Arc::new(SystemNames))
    }

    /// The same, with names from elsewhere.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub fn with_names(policy: AddressPolicy, timeouts: Timeouts, names: Arc<dyn Names>) -> Result<Self, OutboundError> {
        let policy = Arc::new(policy);
        let mut client = Client::builder()
            .tls_backend_preconfigured(tls()?)
            .dns_resolver(CheckedNames { names, policy: Arc::clone(&policy) })
            .no_proxy()
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            // A kept connection would be one whose address nobody looks at again.
            .pool_max_idle_per_host(0)
            .user_agent(concat!("clearcut/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(timeouts.connect)
            .read_timeout(timeouts.idle);
        if let Some(total) = timeouts.total {
            client = client.timeout(total);
        }
        Ok(Self { client: client.build().map_err(OutboundError::Client)?, policy })
    }

    /// Which machines this client reaches.
    #[must_use]
    pub fn policy(&self) -> &AddressPolicy {
        &self.policy
    }

    /// Begins a request. The answer of a redirect is handed back like any other.
    pub fn request(&self, method: Method, target: &Target) -> RequestBuilder {
        self.client.request(method, target.url())
    }

    /// Sends a request and waits for the head of its answer.
    ///
    /// # Errors
    /// Why there is no answer. A status of failure is an answer.
    pub async fn send(&self, request: RequestBuilder) -> Result<Response, OutboundError> {
        Ok(request.send().await?)
    }
}

/// TLS 1.2 and 1.3 with the certificates that this machine trusts. Those that cannot be read are passed over: a machine
/// without any still reaches what needs none.
fn tls() -> Result<ClientConfig, OutboundError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(OutboundError::Tls)?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
