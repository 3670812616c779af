//! Room on the disk where the objects lie: how much is free, and how much of it is spoken for.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Store, StoreError, object::blocking};

/// What is set aside at once for a body of unknown length, and after how many bytes the disk is looked at again.
const STEP_BYTES: u64 = 4 << 20;

/// What of an object may be in memory or in the system's hands, and so still counts as free on the disk.
const IN_FLIGHT_BYTES: u64 = 4 << 20;

/// Bytes that are set aside for what comes in, of all that comes in through one [`Store`].
#[derive(Debug, Default)]
pub(crate) struct SetAside(AtomicU64);

/// Room for one object that comes in; given back when dropped, when what came is on the disk and counts there.
#[derive(Debug)]
pub struct Reservation {
    store: Store,
    floor_bytes: u64,
    /// As far as it is known.
    length: u64,
    taken: u64,
    held: u64,
    unchecked: u64,
}

impl Store {
    /// Free bytes on the disk where the objects lie; `None` where they lie on no disk of this machine.
    ///
    /// # Errors
    /// If the disk cannot be asked.
    pub async fn free_bytes(&self) -> Result<Option<u64>, StoreError> {
        let Some(root) = self.root.clone() else { return Ok(None) };
        blocking(move || free_bytes_at(&root)).await
    }

    /// Sets `announced` bytes aside, 0 if the length is not known, beside what is set aside already.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`] if less than `floor_bytes` would be left.
    pub async fn reserve(&self, announced: u64, floor_bytes: u64) -> Result<Reservation, StoreError> {
        let store = self.clone();
        let mut reservation = Reservation { store, floor_bytes, length: announced, taken: 0, held: 0, unchecked: 0 };
        reservation.hold();
        reservation.check().await?;
        Ok(reservation)
    }
}

impl Reservation {
    /// Takes `bytes` of it, and sets more aside if more comes than was announced. Call it before they are written.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`] if less than the floor is left: end it then.
    pub async fn take(&mut self, bytes: u64) -> Result<(), StoreError> {
        self.taken += bytes;
        self.unchecked += bytes;
        let is_longer = self.taken > self.length;
        if is_longer {
            self.length = self.taken + STEP_BYTES;
        }
        self.hold();
        if is_longer || self.unchecked >= STEP_BYTES { self.check().await } else { Ok(()) }
    }

    /// Holds what is to come and what is on its way to the disk.
    fn hold(&mut self) {
        let wanted = self.length - self.taken.saturating_sub(IN_FLIGHT_BYTES).min(self.length);
        let all = &self.store.set_aside.0;
        if wanted >= self.held {
            all.fetch_add(wanted - self.held, Ordering::Relaxed);
        } else {
            all.fetch_sub(self.held - wanted, Ordering::Relaxed);
        }
        self.held = wanted;
    }

    async fn check(&mut self) -> Result<(), StoreError> {
        self.unchecked = 0;
        let spoken_for = self.store.set_aside.0.load(Ordering::Relaxed);
        match self.store.free_bytes().await? {
            Some(free) if free.saturating_sub(spoken_for) < self.floor_bytes || free < spoken_for => {
                Err(StoreError::DiskFull)
            }
            _ => Ok(()),
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.store.set_aside.0.fetch_sub(self.held, Ordering::Relaxed);
    }
}

#[cfg(unix)]
fn free_bytes_at(folder: &std::path::Path) -> std::io::Result<Option<u64>> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok(Some(disk.f_bavail.saturating_mul(disk.f_frsize)))
}

#[cfg(not(unix))]
fn free_bytes_at(_folder: &std::path::Path) -> std::io::Result<Option<u64>> {
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(store: &Store) -> u64 {
        store.set_aside.0.load(Ordering::Relaxed)
    }

    #[tokio::test]
    async fn what_is_announced_is_held_until_it_is_on_the_disk_and_given_back_in_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::local(folder.path()).unwrap();
        let announced = 3 * IN_FLIGHT_BYTES;
        let mut first = store.reserve(announced, 0).await.unwrap();
        let second = store.reserve(announced, 0).await.unwrap();
        assert_eq!(held(&store), 2 * announced);
        first.take(IN_FLIGHT_BYTES).await.unwrap();
        assert_eq!(held(&store), 2 * announced, "it may all be in memory");
        first.take(IN_FLIGHT_BYTES).await.unwrap();
        assert_eq!(held(&store), 2 * announced - IN_FLIGHT_BYTES);
        drop(second);
        drop(first);
        assert_eq!(held(&store), 0);
    }

    #[tokio::test]
    async fn what_comes_unannounced_is_set_aside_ahead() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::local(folder.path()).unwrap();
        let mut coming = store.reserve(0, 0).await.unwrap();
        coming.take(10).await.unwrap();
        assert_eq!(held(&store), 10 + STEP_BYTES);
        coming.take(10 * STEP_BYTES).await.unwrap();
        assert!((STEP_BYTES..=STEP_BYTES + IN_FLIGHT_BYTES).contains(&held(&store)), "{}", held(&store));
    }

    #[tokio::test]
    async fn two_that_fit_alone_and_not_together_are_not_both_let_in() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::local(folder.path()).unwrap();
        let free = store.free_bytes().await.unwrap().unwrap();
        let first = store.reserve(free / 3 * 2, 0).await.unwrap();
        assert!(matches!(store.reserve(free / 3 * 2, 0).await, Err(StoreError::DiskFull)));
        drop(first);
        store.reserve(free / 3 * 2, 0).await.unwrap();
    }
}
