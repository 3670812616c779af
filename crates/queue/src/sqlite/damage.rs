//! What of a database that is opened shows that something was lost: its log is not the one that was there.
//!
//! SQLite takes a write-ahead log with a wrong header, or none, for an empty one, and all that only the log held is silently gone.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use crate::QueueError;

/// Bytes of the header of a write-ahead log: <https://www.sqlite.org/fileformat2.html#walformat>.
const HEADER_BYTES: usize = 32;

/// A file beside the database that is there as long as its log is.
#[derive(Debug)]
pub(super) struct LogMark {
    mark: PathBuf,
    log: PathBuf,
}

impl LogMark {
    pub(super) fn of(database: &Path) -> Self {
        let beside = |suffix: &str| {
            let mut path = database.as_os_str().to_owned();
            path.push(suffix);
            PathBuf::from(path)
        };
        Self { mark: beside("-in-use"), log: beside("-wal") }
    }

    /// Refuses a database whose log is gone, or begins with what no log begins with.
    pub(super) fn refuse_loss(&self) -> Result<(), QueueError> {
        let unreadable = |error| QueueError::Database(sqlx::Error::Io(error));
        match read_head(&self.log) {
            Ok(head) if head.is_empty() || is_sound(&head) => Ok(()),
            Ok(_) => Err(QueueError::Lost { what: "its write-ahead log is damaged" }),
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unreadable(error)),
            Err(_) if self.mark.exists() => Err(QueueError::Lost { what: "its write-ahead log is gone" }),
            Err(_) => Ok(()),
        }
    }

    /// Says that there is a log.
    pub(super) fn set(&self) -> io::Result<()> {
        if self.mark.exists() {
            return Ok(());
        }
        fs::File::create(&self.mark)?.sync_all()
    }

    /// Says nothing of the log while it may go: the last who closes the database folds it in. A power cut must not find the log gone and
    /// the mark there.
    pub(super) fn lift(&self) {
        // Left behind it would refuse a start that is good, and say how to go on.
        if fs::remove_file(&self.mark).is_ok()
            && let Some(folder) = self.mark.parent()
        {
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            let _ = fs::File::open(folder).and_then(|folder| folder.sync_all());
        }
    }

    /// Says again that there is a log, if another process keeps it.
    pub(super) fn set_again(&self) {
        if self.log.exists() {
            // Without it the loss of the log would not be noticed, no more.
            let _ = self.set();
        }
    }
}

fn read_head(log: &Path) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(HEADER_BYTES);
    fs::File::open(log)?.take(HEADER_BYTES as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// Whether the header says of itself that it is whole.
fn is_sound(log: &[u8]) -> bool {
    let Some(header) = log.first_chunk::<HEADER_BYTES>() else { return false };
    let word = |index: usize| {
        let at = 4 * index;
        [header[at], header[at + 1], header[at + 2], header[at + 3]]
    };
    let from_big_endian = match u32::from_be_bytes(word(0)) {
        0x377f_0682 => false,
        0x377f_0683 => true,
        _ => return false,
    };
    let read = |bytes| if from_big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
    let (mut first, mut second) = (0_u32, 0_u32);
    for pair in 0..3 {
        first = first.wrapping_add(read(word(2 * pair))).wrapping_add(second);
        second = second.wrapping_add(read(word(2 * pair + 1))).wrapping_add(first);
    }
    (first, second) == (u32::from_be_bytes(word(6)), u32::from_be_bytes(word(7)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use clearcut_job::SystemClock;

    use super::*;
    use crate::{KeyHash, NewKey, Policy, Queue as _, SqliteQueue};

    async fn open(path: &Path) -> Result<SqliteQueue, QueueError> {
        SqliteQueue::open(path, Arc::new(SystemClock), Policy::default()).await
    }

    /// The files of a database with one key as a process that was killed leaves them.
    async fn killed(folder: &Path) -> PathBuf {
        let (living, dead) = (folder.join("living.db"), folder.join("dead.db"));
        let queue = open(&living).await.unwrap();
        queue.create_key(NewKey { name: "k".into(), prefix: "hc_".into(), hash: KeyHash::of("x") }).await.unwrap();
        for suffix in ["", "-wal", "-in-use"] {
            let of = |name: &Path| PathBuf::from(format!("{}{suffix}", name.display()));
            fs::copy(of(&living), of(&dead)).unwrap();
        }
        queue.close().await;
        dead
    }

    #[tokio::test]
    async fn a_log_that_survived_a_kill_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = killed(folder.path()).await;
        let queue = open(&path).await.unwrap();
        assert_eq!(queue.list_keys().await.unwrap().len(), 1);
        queue.close().await;
        assert!(!folder.path().join("dead.db-in-use").exists());
        open(&path).await.unwrap();
    }

    #[tokio::test]
    async fn every_flipped_byte_of_the_logs_header_is_noticed_and_nothing_is_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = killed(folder.path()).await;
        let log = folder.path().join("dead.db-wal");
        let whole = fs::read(&log).unwrap();
        for place in 0..HEADER_BYTES {
            let mut flipped = whole.clone();
            flipped[place] ^= 0x40;
            fs::write(&log, &flipped).unwrap();
            let refused = open(&path).await.map(drop);
            assert!(matches!(refused, Err(QueueError::Lost { .. })), "byte {place}: {refused:?}");
            assert_eq!(fs::read(&log).unwrap(), flipped, "byte {place}");
        }
        fs::write(&log, &whole).unwrap();
        assert_eq!(open(&path).await.unwrap().list_keys().await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_log_that_is_gone_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = killed(folder.path()).await;
        fs::remove_file(folder.path().join("dead.db-wal")).unwrap();
        assert!(matches!(open(&path).await, Err(QueueError::Lost { .. })));
    }
}
