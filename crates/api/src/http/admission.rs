//! Admission of connections: limits in total and per address, and a small waiting queue in which
//! health checks are still answered.

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

use crate::http::connection_limits::ConnectionLimits;

/// Size of the waiting queue. It keeps health checks reachable while all connections are in use.
const MAX_WAITING: usize = 64;

/// Waiting connections per address, so that one address cannot fill the queue.
const MAX_WAITING_PER_ADDRESS: usize = 16;

/// Number of slots that each address holds.
type CountByAddress = Arc<Mutex<HashMap<IpAddr, usize>>>;

/// The slots for connections, active and waiting.
#[derive(Debug, Clone)]
pub(crate) struct Admission {
    active: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    active_by_address: CountByAddress,
    waiting_by_address: CountByAddress,
    max_per_address: usize,
}

/// A slot for one connection. Dropping it frees the slot.
#[derive(Debug)]
pub(crate) struct ConnectionSlot {
    _permit: OwnedSemaphorePermit,
    address: IpAddr,
    by_address: CountByAddress,
}

impl Admission {
    pub(crate) fn new(limits: ConnectionLimits) -> Self {
        Self {
            active: Arc::new(Semaphore::new(limits.max_connections)),
            waiting: Arc::new(Semaphore::new(MAX_WAITING)),
            active_by_address: Arc::default(),
            waiting_by_address: Arc::default(),
            max_per_address: limits.max_per_address,
        }
    }

    /// Waits for a free place in the waiting queue, for the next connection.
    pub(crate) async fn reserve_waiting(&self) -> Option<OwnedSemaphorePermit> {
        self.waiting.clone().acquire_owned().await.ok()
    }

    /// Turns the reserved place into a waiting slot for `address`. `None` if `address` is at its
    /// limit of waiting connections.
    pub(crate) fn admit_waiting(&self, permit: OwnedSemaphorePermit, address: IpAddr) -> Option<ConnectionSlot> {
        ConnectionSlot::take(permit, address, &self.waiting_by_address, MAX_WAITING_PER_ADDRESS)
    }

    /// Takes an active slot for `address` if one is free now.
    pub(crate) fn try_admit(&self, address: IpAddr) -> Option<ConnectionSlot> {
        let permit = self.active.clone().try_acquire_owned().ok()?;
        ConnectionSlot::take(permit, address, &self.active_by_address, self.max_per_address)
    }

    /// Takes an active slot for `address` if one becomes free within `max_wait`. An address at its
    /// maximum gets none, and does not wait.
    pub(crate) async fn admit_within(&self, address: IpAddr, max_wait: Duration) -> Option<ConnectionSlot> {
        let permit = timeout(max_wait, self.active.clone().acquire_owned()).await.ok()?.ok()?;
        ConnectionSlot::take(permit, address, &self.active_by_address, self.max_per_address)
    }
}

impl ConnectionSlot {
    /// Counts one more slot for `address`. `None` if it already holds `limit`.
    fn take(permit: OwnedSemaphorePermit, address: IpAddr, by_address: &CountByAddress, limit: usize) -> Option<Self> {
        let address = counted_address(address);
        let mut counts = by_address.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.get(&address).is_some_and(|count| *count >= limit) || limit == 0 {
            return None;
        }
        *counts.entry(address).or_default() += 1;
        Some(Self { _permit: permit, address, by_address: by_address.clone() })
    }
}

impl Drop for ConnectionSlot {
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

/// The address under which a connection is counted. IPv6 addresses count by their /64 prefix,
/// because every client controls at least 2^64 of them.
fn counted_address(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(max_connections: usize, max_per_address: usize) -> Admission {
        Admission::new(ConnectionLimits { max_connections, max_per_address, ..ConnectionLimits::default() })
    }

    #[test]
    fn an_address_has_a_limit_and_dropping_a_slot_frees_it() {
        let admission = admission(3, 2);
        let [one, other] = ["10.0.0.1", "10.0.0.2"].map(|text| text.parse::<IpAddr>().unwrap());
        let held = [admission.try_admit(one).unwrap(), admission.try_admit(one).unwrap()];
        assert!(admission.try_admit(one).is_none(), "over the limit per address");
        let last = admission.try_admit(other).unwrap();
        assert!(admission.try_admit(other).is_none(), "over the total limit");
        drop(held);
        assert!(admission.try_admit(one).is_some());
        drop(last);
        assert!(admission.active_by_address.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn one_address_cannot_fill_the_waiting_queue() {
        let admission = admission(1, 1);
        let mut held = Vec::new();
        for _ in 0..MAX_WAITING_PER_ADDRESS {
            held.push(
                admission
                    .admit_waiting(admission.reserve_waiting().await.unwrap(), "10.0.0.1".parse().unwrap())
                    .unwrap(),
            );
        }
        assert!(
            admission.admit_waiting(admission.reserve_waiting().await.unwrap(), "10.0.0.1".parse().unwrap()).is_none()
        );
        assert!(
            admission.admit_waiting(admission.reserve_waiting().await.unwrap(), "10.0.0.2".parse().unwrap()).is_some()
        );
    }

    #[test]
    fn an_ipv6_prefix_of_64_bits_counts_as_one_address() {
        let admission = admission(3, 1);
        let admit = |text: &str| admission.try_admit(text.parse().unwrap());
        let _held = admit("2001:db8::1").unwrap();
        assert!(admit("2001:db8::ffff:2").is_none());
        let _mapped = admit("::ffff:10.0.0.1").unwrap();
        assert!(admit("10.0.0.1").is_none() && admit("2001:db8:0:1::1").is_some());
    }
}
