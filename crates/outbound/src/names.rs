use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::{AddressPolicy, error::NameError};

/// Where names are turned into addresses.
pub trait Names: Send + Sync + fmt::Debug + 'static {
    /// The addresses of `name`, in the order in which to try them.
    fn look_up(&self, name: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;
}

/// The resolver of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemNames;

impl Names for SystemNames {
    fn look_up(&self, name: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// The connector's own resolver: it hands out admissible addresses alone, and the connector connects to what it was handed.
#[derive(Debug, Clone)]
pub(crate) struct CheckedNames {
    pub(crate) names: Arc<dyn Names>,
    pub(crate) policy: Arc<AddressPolicy>,
}

impl Resolve for CheckedNames {
    fn resolve(&self, name: Name) -> Resolving {
        let Self { names, policy } = self.clone();
        let name = name.as_str().to_owned();
        Box::pin(async move {
            let found = names.look_up(name).await.map_err(|_| NameError::Unresolved)?;
            if found.is_empty() {
                return Err(NameError::Unresolved.into());
            }
            let admitted: Vec<SocketAddr> = found
                .into_iter()
                .filter(|address| policy.admits(*address))
                .map(|address| SocketAddr::new(address, 0))
                .collect();
            if admitted.is_empty() {
                return Err(NameError::Refused.into());
            }
            Ok(Box::new(admitted.into_iter()) as Addrs)
        })
    }
}
