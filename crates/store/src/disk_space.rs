//! Disk space of the store: free bytes, and reservations for incoming objects.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{StoreError, blocking::blocking};

/// Free bytes on the disk that are left untouched, unless a setting says otherwise: 1 GiB.
pub const DEFAULT_DISK_FLOOR_BYTES: u64 = 1 << 30;

/// Reservation step for a body of unknown length, and number of bytes between checks of the free
/// space.
const RESERVATION_STEP_BYTES: u64 = 4 << 20;

/// Bytes of an object that may still be in memory or in the page cache, and so still count as free
/// on the disk.
const IN_FLIGHT_BYTES: u64 = 4 << 20;

/// The disk that holds the objects of a store. Clones share the reservations.
#[derive(Debug, Clone)]
pub(crate) struct DiskSpace {
    /// A folder on the disk; `None` if the objects are not on a local disk.
    folder: Option<PathBuf>,
    /// Total bytes reserved for all incoming objects.
    reserved: Arc<AtomicU64>,
}

/// Disk space reserved for one incoming object. Dropping it releases the reservation: by then the
/// bytes are on the disk and no longer count as free.
#[derive(Debug)]
pub struct Reservation {
    disk: DiskSpace,
    floor_bytes: u64,
    /// Length of the object as far as it is known.
    length: u64,
    used: u64,
    held: u64,
    unchecked: u64,
}

impl DiskSpace {
    pub(crate) fn new(folder: Option<PathBuf>) -> Self {
        Self { folder, reserved: Arc::default() }
    }

    /// Free bytes; `None` if the objects are not on a local disk.
    pub(crate) async fn free_bytes(&self) -> Result<Option<u64>, StoreError> {
        let Some(folder) = self.folder.clone() else { return Ok(None) };
        blocking(move || free_bytes_at(&folder)).await
    }

    /// Reserves `announced` bytes. At least `floor_bytes` must remain free.
    pub(crate) async fn reserve(&self, announced: u64, floor_bytes: u64) -> Result<Reservation, StoreError> {
        let disk = self.clone();
        let mut reservation = Reservation { disk, floor_bytes, length: announced, used: 0, held: 0, unchecked: 0 };
        reservation.adjust();
        reservation.check().await?;
        Ok(reservation)
    }
}

impl Reservation {
    /// Uses `bytes` of the reservation, and extends it if the object is longer than announced. Call
    /// this before writing the bytes.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`] if less than the floor remains free; stop writing then.
    pub async fn take(&mut self, bytes: u64) -> Result<(), StoreError> {
        self.used += bytes;
        self.unchecked += bytes;
        let is_longer = self.used > self.length;
        if is_longer {
            self.length = self.used + RESERVATION_STEP_BYTES;
        }
        self.adjust();
        if is_longer || self.unchecked >= RESERVATION_STEP_BYTES { self.check().await } else { Ok(()) }
    }

    /// Adjusts the reservation to the bytes that are still expected or in flight.
    fn adjust(&mut self) {
        let needed = self.length - self.used.saturating_sub(IN_FLIGHT_BYTES).min(self.length);
        let total = &self.disk.reserved;
        if needed >= self.held {
            total.fetch_add(needed - self.held, Ordering::Relaxed);
        } else {
            total.fetch_sub(self.held - needed, Ordering::Relaxed);
        }
        self.held = needed;
    }

    async fn check(&mut self) -> Result<(), StoreError> {
        self.unchecked = 0;
        let total_reserved = self.disk.reserved.load(Ordering::Relaxed);
        match self.disk.free_bytes().await? {
            Some(free) if free.saturating_sub(total_reserved) < self.floor_bytes || free < total_reserved => {
                Err(StoreError::DiskFull)
            }
            _ => Ok(()),
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.disk.reserved.fetch_sub(self.held, Ordering::Relaxed);
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

    fn total_reserved(disk: &DiskSpace) -> u64 {
        disk.reserved.load(Ordering::Relaxed)
    }

    #[tokio::test]
    async fn announced_bytes_stay_reserved_until_they_are_on_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let disk = DiskSpace::new(Some(folder.path().to_owned()));
        let announced = 3 * IN_FLIGHT_BYTES;
        let mut first = disk.reserve(announced, 0).await.unwrap();
        let second = disk.reserve(announced, 0).await.unwrap();
        assert_eq!(total_reserved(&disk), 2 * announced);
        first.take(IN_FLIGHT_BYTES).await.unwrap();
        assert_eq!(total_reserved(&disk), 2 * announced, "the bytes may all be in memory");
        first.take(IN_FLIGHT_BYTES).await.unwrap();
        assert_eq!(total_reserved(&disk), 2 * announced - IN_FLIGHT_BYTES);
        drop(second);
        drop(first);
        assert_eq!(total_reserved(&disk), 0);
    }

    #[tokio::test]
    async fn an_object_of_unknown_length_reserves_space_ahead() {
        let folder = tempfile::tempdir().unwrap();
        let disk = DiskSpace::new(Some(folder.path().to_owned()));
        let mut incoming = disk.reserve(0, 0).await.unwrap();
        incoming.take(10).await.unwrap();
        assert_eq!(total_reserved(&disk), 10 + RESERVATION_STEP_BYTES);
        incoming.take(10 * RESERVATION_STEP_BYTES).await.unwrap();
        assert!(
            (RESERVATION_STEP_BYTES..=RESERVATION_STEP_BYTES + IN_FLIGHT_BYTES).contains(&total_reserved(&disk)),
            "{}",
            total_reserved(&disk)
        );
    }

    #[tokio::test]
    async fn two_objects_that_only_fit_alone_are_not_both_admitted() {
        let folder = tempfile::tempdir().unwrap();
        let disk = DiskSpace::new(Some(folder.path().to_owned()));
        let free = disk.free_bytes().await.unwrap().unwrap();
        let first = disk.reserve(free / 3 * 2, 0).await.unwrap();
        assert!(matches!(disk.reserve(free / 3 * 2, 0).await, Err(StoreError::DiskFull)));
        drop(first);
        disk.reserve(free / 3 * 2, 0).await.unwrap();
    }
}
