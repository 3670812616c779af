//! Name resolution with the address check built in, against DNS rebinding.

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::{AddressPolicy, error::NameError};

/// A resolver of host names.
pub trait Names: Send + Sync + fmt::Debug + 'static {
    /// Looks up the addresses of `name`, in the order in which to try them.
    fn look_up(&self, name: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;
}

/// The resolver of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemNames;

impl Names for SystemNames {
    fn look_up(&self, name: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
        Box::pin(async move {
            let addresses = tokio::net::lookup_host((name, 0)).await?;
            Ok(addresses.map(|address| address.ip()).collect())
        })
    }
}

/// The connector's resolver. It returns only admitted addresses, and the connector connects to
/// exactly these.
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
            let addresses = names.look_up(name).await.map_err(|_| NameError::Unresolved)?;
            if addresses.is_empty() {
                return Err(NameError::Unresolved.into());
            }
            let admitted: Vec<SocketAddr> = addresses
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
