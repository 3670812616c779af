//! Detection of lost data when a database is opened: a missing or foreign database file, or a
//! missing or damaged write-ahead log.
//!
//! SQLite treats a missing log as an empty one, and applies a log to any file of the right name.
//! Commits that only the log contained are then lost silently. `wal` checks the log itself.

use std::{
    fs,
    io::{self, BufReader, Write as _},
    path::{Path, PathBuf},
};

use super::wal::{is_intact, read_up_to};
use crate::QueueError;

/// Number of reads before a log counts as damaged, since another process may be writing it.
const READS: usize = 3;

/// Marker file beside the database. It exists as long as the log does and names the log's database.
#[derive(Debug)]
pub(super) struct LogMarker {
    database: PathBuf,
    /// Application id of the database, in hexadecimal.
    ///
    /// Read before SQLite opens the file. Closing any handle of the file in this process later
    /// would drop all locks that SQLite holds on it (POSIX); another process would then consider
    /// itself the last user and remove the log.
    id: String,
    marker: PathBuf,
    log: PathBuf,
}

impl LogMarker {
    pub(super) fn new(database: &Path) -> Self {
        let with_suffix = |suffix: &str| {
            let mut path = database.as_os_str().to_owned();
            path.push(suffix);
            PathBuf::from(path)
        };
        Self {
            database: database.to_owned(),
            marker: with_suffix("-in-use"),
            log: with_suffix("-wal"),
            id: application_id(&[]),
        }
    }

    /// Fails if the database has lost data. Call it before SQLite opens the database, because
    /// SQLite would apply or remove the log.
    pub(super) fn check_for_loss(&mut self) -> Result<(), QueueError> {
        let unreadable = |error| QueueError::Database(sqlx::Error::Io(error));
        self.check_database_file().map_err(unreadable)?.map_or_else(|| self.check_log(), Err)
    }

    /// Returns a fault of the database's file, if any. SQLite would apply the log to any file of
    /// that name.
    fn check_database_file(&mut self) -> io::Result<Option<QueueError>> {
        let lost = |what| Ok(Some(QueueError::Lost { what }));
        let has_log = fs::metadata(&self.log).is_ok_and(|log| log.len() > 0);
        let header = read_header(&self.database)?;
        self.id = application_id(&header);
        match header {
            header if header.is_empty() && (has_log || self.marker.exists()) => lost("its file is missing or empty"),
            header if header.is_empty() => Ok(None),
            header if !header.starts_with(b"SQLite format 3\0") => lost("its file is not a database"),
            _ if has_log && self.recorded_id().is_some_and(|id| id != self.id) => {
                lost("its file does not belong to its write-ahead log")
            }
            _ => Ok(None),
        }
    }

    /// Reads the application id in the marker; `None` if there is no valid one.
    fn recorded_id(&self) -> Option<String> {
        fs::read_to_string(&self.marker).ok().filter(|id| id.len() == 2 * APPLICATION_ID.len())
    }

    /// Fails if the log is missing although the marker exists, has an invalid header, or has
    /// acknowledged commits after a damaged frame.
    fn check_log(&self) -> Result<(), QueueError> {
        let unreadable = |error| QueueError::Database(sqlx::Error::Io(error));
        for _ in 0..READS {
            let log = match fs::File::open(&self.log) {
                Ok(log) => log,
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unreadable(error)),
                Err(_) if self.marker.exists() => {
                    return Err(QueueError::Lost { what: "its write-ahead log is missing" });
                }
                Err(_) => return Ok(()),
            };
            if is_intact(BufReader::new(log)).map_err(unreadable)? {
                return Ok(());
            }
        }
        Err(QueueError::Lost { what: "its write-ahead log is damaged" })
    }

    /// Writes the marker, with the application id of the database.
    pub(super) fn write(&self) -> io::Result<()> {
        if self.recorded_id().is_some_and(|recorded| recorded == self.id) {
            return Ok(());
        }
        let mut marker = fs::File::create(&self.marker)?;
        marker.write_all(self.id.as_bytes())?;
        marker.sync_all()
    }

    /// Removes the marker before the log may be removed, which the last user of the database does
    /// on closing it. A power cut must not leave the marker without a log.
    pub(super) fn remove(&self) {
        // If this fails, a later start is refused, with a hint, although no data is lost.
        if fs::remove_file(&self.marker).is_ok() {
            let _ = sync_folder_of(&self.marker);
        }
    }

    /// Writes the marker again if another process still uses the log.
    pub(super) fn restore(&self) {
        if self.log.exists() {
            // Without the marker, only the detection of a missing log is lost.
            let _ = self.write();
        }
    }
}

/// Position of the application id in the header of a database file.
///
/// Each backup gets its own application id, which distinguishes it from the original. See
/// <https://www.sqlite.org/fileformat2.html#application_id>.
pub(super) const APPLICATION_ID: std::ops::Range<usize> = 68..72;

/// Reads the header of a database file; empty if the file is missing or empty.
fn read_header(database: &Path) -> io::Result<Vec<u8>> {
    let mut header = vec![0; 100];
    let read = match fs::File::open(database) {
        Ok(mut file) => read_up_to(&mut file, &mut header)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    header.truncate(read);
    Ok(header)
}

fn application_id(header: &[u8]) -> String {
    // A database that does not exist yet gets zeros from SQLite.
    hex::encode(header.get(APPLICATION_ID).unwrap_or(&[0; APPLICATION_ID.end - APPLICATION_ID.start]))
}

/// Syncs the folder of `path`, so that new and removed file names in it are on the disk.
pub(super) fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use clearcut_job::SystemClock;

    use super::{
        super::wal::{FRAME_HEADER_BYTES, HEADER_BYTES, big_endian, tests::frames},
        *,
    };
    use crate::{KeyHash, Keys as _, NewKey, Policy, SqliteQueue};

    async fn open(path: &Path) -> Result<SqliteQueue, QueueError> {
        SqliteQueue::open(path, Arc::new(SystemClock), Policy::default()).await
    }

    /// Creates the files that a killed process leaves of a database with one API key.
    async fn killed_database(folder: &Path) -> PathBuf {
        killed_database_with_keys(folder, 1).await
    }

    /// The same with `keys` API keys, each in its own commit.
    async fn killed_database_with_keys(folder: &Path, keys: usize) -> PathBuf {
        let (living, dead) = (folder.join("living.db"), folder.join("dead.db"));
        let queue = open(&living).await.unwrap();
        for key in 0..keys {
            let hash = KeyHash::of(&key.to_string());
            queue.create_key(NewKey { name: "k".into(), prefix: "hc_".into(), hash }).await.unwrap();
        }
        for suffix in ["", "-wal", "-in-use"] {
            let with_suffix = |path: &Path| PathBuf::from(format!("{}{suffix}", path.display()));
            fs::copy(with_suffix(&living), with_suffix(&dead)).unwrap();
        }
        queue.close().await;
        dead
    }

    #[tokio::test]
    async fn a_log_left_by_a_killed_process_is_recovered() {
        let folder = tempfile::tempdir().unwrap();
        let path = killed_database(folder.path()).await;
        let queue = open(&path).await.unwrap();
        assert_eq!(queue.list_keys().await.unwrap().len(), 1);
        queue.close().await;
        assert!(!folder.path().join("dead.db-in-use").exists());
        open(&path).await.unwrap();
    }

    #[tokio::test]
    async fn every_flipped_byte_of_the_log_header_is_detected_and_the_log_is_left_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let path = killed_database(folder.path()).await;
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

    /// Reads all files of the folder.
    fn content(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files.into_iter().map(|path| (path.clone(), fs::read(&path).unwrap())).collect()
    }

    #[tokio::test]
    async fn a_database_file_that_does_not_match_its_log_is_refused_and_left_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let path = killed_database(folder.path()).await;
        let whole = fs::read(&path).unwrap();
        let backup = folder.path().join("backup.db");
        let queue = open(&folder.path().join("living.db")).await.unwrap();
        queue.back_up(&backup).await.unwrap();
        queue.close().await;
        let backup = fs::read(backup).unwrap();
        for other in [None, Some(&b""[..]), Some(b"no database"), Some(&backup)] {
            match other {
                None => fs::remove_file(&path).unwrap(),
                Some(content) => fs::write(&path, content).unwrap(),
            }
            let before = content(folder.path());
            let refused = open(&path).await.map(drop);
            assert!(matches!(refused, Err(QueueError::Lost { .. })), "{refused:?}");
            assert_eq!(content(folder.path()), before);
        }
        fs::write(&path, whole).unwrap();
        assert_eq!(open(&path).await.unwrap().list_keys().await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_backup_appears_only_when_complete_and_can_replace_a_closed_database() {
        let folder = tempfile::tempdir().unwrap();
        let (path, copy) = (folder.path().join("q.db"), folder.path().join("copy.db"));
        let queue = open(&path).await.unwrap();
        queue.create_key(NewKey { name: "k".into(), prefix: "hc_".into(), hash: KeyHash::of("x") }).await.unwrap();
        // Files left by a killed backup.
        fs::write(folder.path().join("copy.db.partial"), "half").unwrap();
        fs::write(folder.path().join("copy.db.partial-journal"), "half").unwrap();
        queue.back_up(&copy).await.unwrap();
        assert!(queue.back_up(&copy).await.is_err());
        queue.close().await;
        let names: Vec<_> = content(folder.path()).into_iter().map(|(path, _)| path).collect();
        assert_eq!(names, [copy.clone(), path.clone()]);
        fs::rename(&copy, &path).unwrap();
        assert_eq!(open(&path).await.unwrap().list_keys().await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn dropping_a_queue_leaves_no_marker_without_a_log() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("q.db");
        drop(open(&path).await.unwrap());
        assert!(!folder.path().join("q.db-in-use").exists());
    }

    #[tokio::test]
    async fn a_missing_log_is_detected() {
        let folder = tempfile::tempdir().unwrap();
        let path = killed_database(folder.path()).await;
        fs::remove_file(folder.path().join("dead.db-wal")).unwrap();
        assert!(matches!(open(&path).await, Err(QueueError::Lost { .. })));
    }

    #[tokio::test]
    async fn damage_anywhere_in_a_frame_before_the_last_commit_is_detected() {
        let folder = tempfile::tempdir().unwrap();
        let path = killed_database_with_keys(folder.path(), 4).await;
        let log = folder.path().join("dead.db-wal");
        let whole = fs::read(&log).unwrap();
        let frames = frames(&whole);
        let last_commit_begins = frames.iter().rposition(|(_, ends)| *ends).unwrap();
        let acknowledged = frames[..last_commit_begins].iter().rposition(|(_, ends)| *ends).unwrap();
        for (at, _) in &frames[..=acknowledged] {
            // Page number, salts, checksum and content.
            for place in [0, 9, 13, 17, 22, 24, 2000, FRAME_HEADER_BYTES + 4095] {
                let mut flipped = whole.clone();
                flipped[at + place] ^= 0x10;
                assert!(!is_intact(flipped.as_slice()).unwrap(), "byte {place} of the frame at {at}");
            }
        }
        let mut flipped = whole.clone();
        flipped[frames[0].0 + 100] ^= 1;
        fs::write(&log, &flipped).unwrap();
        assert!(matches!(open(&path).await, Err(QueueError::Lost { .. })));
        assert_eq!(fs::read(&log).unwrap(), flipped);
        fs::write(&log, &whole).unwrap();
        assert_eq!(open(&path).await.unwrap().list_keys().await.unwrap().len(), 4);
    }

    #[tokio::test]
    async fn an_incomplete_last_transaction_is_not_damage() {
        let folder = tempfile::tempdir().unwrap();
        killed_database_with_keys(folder.path(), 3).await;
        let whole = fs::read(folder.path().join("dead.db-wal")).unwrap();
        let ends: Vec<usize> = frames(&whole).iter().filter(|(_, ends)| *ends).map(|(at, _)| *at).collect();
        let frame_bytes = FRAME_HEADER_BYTES + big_endian(&whole, 8) as usize;
        let acknowledged = ends[ends.len() - 2] + frame_bytes;
        for length in (acknowledged..whole.len()).step_by(97) {
            assert!(is_intact(&whole[..length]).unwrap(), "cut off at {length}");
            let mut torn = whole.clone();
            torn[length..].fill(0);
            assert!(is_intact(torn.as_slice()).unwrap(), "torn at {length}");
            torn = whole.clone();
            torn[length] ^= 1;
            assert!(is_intact(torn.as_slice()).unwrap(), "flipped at {length}");
        }
    }
}
