//! Detection of lost data when a database is opened: a missing or foreign database file, or a
//! missing or damaged write-ahead log.
//!
//! SQLite treats a log with a wrong header, and a missing log, as an empty one. It treats a wrong
//! frame as the end of the log. Commits that only the log contained are then lost silently. Log
//! format: <https://www.sqlite.org/fileformat2.html#walformat>.

use std::{
    fs,
    io::{self, BufReader, Read, Write as _},
    path::{Path, PathBuf},
};

use crate::QueueError;

/// Size of the header of a write-ahead log.
const HEADER_BYTES: usize = 32;

/// Size of the header of each frame of the log.
const FRAME_HEADER_BYTES: usize = 24;

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

/// SQLite's cumulative checksum of a log up to a position.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Checksum(u32, u32);

impl Checksum {
    /// Continues the checksum over `bytes`, whose length is a multiple of eight.
    fn after(self, bytes: &[u8], decode: fn([u8; 4]) -> u32) -> Self {
        let (words, _) = bytes.as_chunks::<4>();
        let (pairs, _) = words.as_chunks::<2>();
        pairs.iter().fold(self, |Self(first, second), [one, other]| {
            let first = first.wrapping_add(decode(*one)).wrapping_add(second);
            Self(first, second.wrapping_add(decode(*other)).wrapping_add(first))
        })
    }

    /// Reads the checksum at the end of a header.
    fn stored(header: &[u8]) -> Self {
        let at = header.len() - 8;
        Self(big_endian(header, at), big_endian(header, at + 4))
    }
}

fn big_endian(bytes: &[u8], at: usize) -> u32 {
    bytes[at..].first_chunk().map_or(0, |word| u32::from_be_bytes(*word))
}

/// Checks whether `log` is empty, valid, or ends as a crash may have left it.
///
/// A commit is synced before the next one begins, so a crash leaves at most one incomplete
/// transaction. Frames after a damaged one that belong together by their checksums and contain two
/// commits are therefore damage, not a crash: the first of these commits was acknowledged. Damage
/// within the last transaction cannot be distinguished from a crash.
fn is_intact(mut log: impl Read) -> io::Result<bool> {
    let mut header = [0; HEADER_BYTES];
    match read_up_to(&mut log, &mut header)? {
        0 => return Ok(true),
        HEADER_BYTES => {}
        _ => return Ok(false),
    }
    let decode: fn([u8; 4]) -> u32 = match big_endian(&header, 0) {
        0x377f_0682 => u32::from_le_bytes,
        0x377f_0683 => u32::from_be_bytes,
        _ => return Ok(false),
    };
    if Checksum(0, 0).after(&header[..HEADER_BYTES - 8], decode) != Checksum::stored(&header) {
        return Ok(false);
    }
    let (page_bytes, salts) = (big_endian(&header, 8) as usize, &header[16..24]);
    let mut frame = vec![0; FRAME_HEADER_BYTES + page_bytes];
    // The checksum of the previous frame, as stored in it and as computed. If one byte is wrong,
    // one of the two is right.
    let (mut before, mut is_behind_damage, mut commits) = ([Checksum::stored(&header); 2], false, 0);
    while read_up_to(&mut log, &mut frame)? == frame.len() {
        let (head, page) = frame.split_at(FRAME_HEADER_BYTES);
        let is_salt_current = &head[8..16] == salts;
        let computed = before.map(|checksum| checksum.after(&head[..8], decode).after(page, decode));
        let is_checksum_valid = computed.contains(&Checksum::stored(head));
        if !(is_salt_current && is_checksum_valid) {
            // SQLite treats this frame as the end of the log.
            (is_behind_damage, commits) = (true, 0);
        }
        // A frame with neither is left over from before the last reset of the log.
        if (is_salt_current || is_checksum_valid) && big_endian(head, 4) != 0 {
            commits += 1;
        }
        if is_behind_damage && commits > 1 {
            return Ok(false);
        }
        before = [Checksum::stored(head), computed[0]];
    }
    Ok(true)
}

/// Fills `buffer` as far as `from` has data. Returns the number of bytes read.
fn read_up_to(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match from.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use clearcut_job::SystemClock;

    use super::*;
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

    /// Lists the positions of frames in a log, and whether each frame ends a commit.
    fn frames(log: &[u8]) -> Vec<(usize, bool)> {
        let frame_bytes = FRAME_HEADER_BYTES + big_endian(log, 8) as usize;
        let places = (HEADER_BYTES..log.len()).step_by(frame_bytes);
        places.map(|at| (at, big_endian(log, at + 4) != 0)).collect()
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

    #[test]
    fn leftovers_of_failed_commits_after_the_last_good_one_are_not_damage() {
        let header = log_header();
        // Two transactions of five and three frames whose sync failed, then one of one frame. Each
        // was written over the previous one.
        let mut log = [header.clone(), transaction(&header, 5)].concat();
        for frames in [3, 1] {
            let written = transaction(&header, frames);
            log[HEADER_BYTES..][..written.len()].copy_from_slice(&written);
        }
        assert!(is_intact(log.as_slice()).unwrap());
        // Of two commits that belong together, at least the first was acknowledged.
        let mut two = transactions(&header, &[1, 1, 1]);
        two[100] ^= 1;
        assert!(!is_intact([header, two].concat().as_slice()).unwrap());
    }

    fn log_header() -> Vec<u8> {
        let mut header = Vec::new();
        for number in [0x377f_0683_u32, 3_007_000, 512, 0, 17, 18] {
            header.extend(number.to_be_bytes());
        }
        let Checksum(first, second) = Checksum(0, 0).after(&header, u32::from_be_bytes);
        [header, first.to_be_bytes().to_vec(), second.to_be_bytes().to_vec()].concat()
    }

    /// Builds the first transaction of a log, with `frames` frames.
    fn transaction(header: &[u8], frames: usize) -> Vec<u8> {
        transactions(header, &[frames])
    }

    /// Builds transactions with the given numbers of frames.
    fn transactions(header: &[u8], frame_counts: &[usize]) -> Vec<u8> {
        let (mut checksum, mut log) = (Checksum::stored(header), Vec::new());
        for frames in frame_counts {
            for frame in 1..=*frames {
                let size_after = if frame == *frames { 9_u32 } else { 0 };
                let head = [(frame as u32).to_be_bytes(), size_after.to_be_bytes()].concat();
                // Every frame has different content.
                let page = [(frame_counts.len() * 100 + frames * 10 + frame) as u8; 512];
                checksum = checksum.after(&head, u32::from_be_bytes).after(&page, u32::from_be_bytes);
                let Checksum(first, second) = checksum;
                log.extend([&head, &header[16..24], &first.to_be_bytes(), &second.to_be_bytes(), &page].concat());
            }
        }
        log
    }
}
