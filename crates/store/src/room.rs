use crate::{Store, StoreError, object::blocking};

impl Store {
    /// Free bytes on the disk where the objects lie; `None` where they lie on no disk of this machine.
    ///
    /// # Errors
    /// If the disk cannot be asked.
    pub async fn free_bytes(&self) -> Result<Option<u64>, StoreError> {
        let Some(root) = self.root.clone() else { return Ok(None) };
        blocking(move || free_bytes_at(&root)).await
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
