//! Who may be connected: how many in all, how many of one address, and a few more that are looked at before they are turned away.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::http::serve::ConnectionLimits;

/// Connections beyond the others, so that there is always one that hears whether the process lives.
const WAITING: usize = 64;

/// How many of one address may wait: the others are for others.
const WAITING_OF_ONE: usize = 16;

/// How many places each address has.
type ByAddress = Arc<Mutex<HashMap<IpAddr, usize>>>;

/// The places for connections.
#[derive(Debug, Clone)]
pub(crate) struct Doors {
    inside: Arc<Semaphore>,
    outside: Arc<Semaphore>,
    inside_of: ByAddress,
    outside_of: ByAddress,
    max_per_address: usize,
}

/// A place for one connection, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
    address: IpAddr,
    by_address: ByAddress,
}

impl Doors {
    pub(crate) fn new(limits: ConnectionLimits) -> Self {
        Self {
            inside: Arc::new(Semaphore::new(limits.max_connections)),
            outside: Arc::new(Semaphore::new(WAITING)),
            inside_of: Arc::default(),
            outside_of: Arc::default(),
            max_per_address: limits.max_per_address,
        }
    }

    /// Waits until there is a place outside for whoever comes next.
    pub(crate) async fn open(&self) -> Option<OwnedSemaphorePermit> {
        self.outside.clone().acquire_owned().await.ok()
    }

    /// The place outside for `address`, unless it has its share of those.
    pub(crate) fn wait(&self, opened: OwnedSemaphorePermit, address: IpAddr) -> Option<Place> {
        Place::take(opened, address, &self.outside_of, WAITING_OF_ONE)
    }

    /// A place inside for `address`, if there is one now.
    pub(crate) fn try_enter(&self, address: IpAddr) -> Option<Place> {
        let permit = self.inside.clone().try_acquire_owned().ok()?;
        Place::take(permit, address, &self.inside_of, self.max_per_address)
    }

    /// A place inside for `address`, if there is one within `patience`.
    pub(crate) async fn enter_within(&self, address: IpAddr, patience: Duration) -> Option<Place> {
        let permit = timeout(patience, self.inside.clone().acquire_owned()).await.ok()?.ok()?;
        Place::take(permit, address, &self.inside_of, self.max_per_address)
    }
}

impl Place {
    /// Counts one more of `address`, unless it has `most`.
    fn take(permit: OwnedSemaphorePermit, address: IpAddr, by_address: &ByAddress, most: usize) -> Option<Self> {
        let address = whose(address);
        let mut counts = by_address.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.get(&address).is_some_and(|count| *count >= most) || most == 0 {
            return None;
        }
        *counts.entry(address).or_default() += 1;
        Some(Self { _permit: permit, address, by_address: by_address.clone() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

/// The one that an address is counted for: of IPv6 everybody has at least 2^64.
fn whose(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doors(max_connections: usize, max_per_address: usize) -> Doors {
        Doors::new(ConnectionLimits { max_connections, max_per_address, ..ConnectionLimits::default() })
    }

    #[test]
    fn an_address_has_its_share_and_gives_it_back() {
        let doors = doors(3, 2);
        let [one, other] = ["10.0.0.1", "10.0.0.2"].map(|text| text.parse::<IpAddr>().unwrap());
        let held = [doors.try_enter(one).unwrap(), doors.try_enter(one).unwrap()];
        assert!(doors.try_enter(one).is_none(), "beyond its share");
        let last = doors.try_enter(other).unwrap();
        assert!(doors.try_enter(other).is_none(), "beyond all");
        drop(held);
        assert!(doors.try_enter(one).is_some());
        drop(last);
        assert!(doors.inside_of.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn one_address_does_not_fill_the_places_outside() {
        let doors = doors(1, 1);
        let mut held = Vec::new();
        for _ in 0..WAITING_OF_ONE {
            held.push(doors.wait(doors.open().await.unwrap(), "10.0.0.1".parse().unwrap()).unwrap());
        }
        assert!(doors.wait(doors.open().await.unwrap(), "10.0.0.1".parse().unwrap()).is_none());
        assert!(doors.wait(doors.open().await.unwrap(), "10.0.0.2".parse().unwrap()).is_some());
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let doors = doors(3, 1);
        let enter = |text: &str| doors.try_enter(text.parse().unwrap());
        let _held = enter("2001:db8::1").unwrap();
        assert!(enter("2001:db8::ffff:2").is_none());
        let _mapped = enter("::ffff:10.0.0.1").unwrap();
        assert!(enter("10.0.0.1").is_none() && enter("2001:db8:0:1::1").is_some());
    }
}
