//! What of a database that is opened shows that something was lost: its log is not the one that was there.
//!
//! SQLite takes a write-ahead log with a wrong header, or none, for an empty one, and one with a wrong frame for one that ends there. All that
//! only the log held from there on is silently gone. The format: <https://www.sqlite.org/fileformat2.html#walformat>.

use std::{
    fs,
    io::{self, BufReader, Read, Write as _},
    path::{Path, PathBuf},
};

use crate::QueueError;

/// Bytes of the header of a write-ahead log.
const HEADER_BYTES: usize = 32;

/// Bytes of the header of each of its frames.
const FRAME_HEADER_BYTES: usize = 24;

/// How often a log is read that looks damaged: another process may be writing it at this moment.
const LOOKS: usize = 3;

/// A file beside the database that is there as long as its log is.
#[derive(Debug)]
pub(super) struct LogMark {
    database: PathBuf,
    /// That of the database, read before SQLite has opened it: whoever closes the file in this process afterwards drops all locks that SQLite
    /// has on it, and another process would take itself for the last and remove the log.
    id: String,
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
        Self { database: database.to_owned(), mark: beside("-in-use"), log: beside("-wal"), id: id_of(&[]) }
    }

    /// Refuses a database that has lost something, before SQLite looks at it, which would fold or remove the log.
    pub(super) fn refuse_loss(&mut self) -> Result<(), QueueError> {
        let unreadable = |error| QueueError::Database(sqlx::Error::Io(error));
        self.refuse_strange_file().map_err(unreadable)?.map_or_else(|| self.refuse_damaged_log(), Err)
    }

    /// What is wrong with the database's file beside its log, which SQLite would fold into any file of that name.
    fn refuse_strange_file(&mut self) -> io::Result<Option<QueueError>> {
        let lost = |what| Ok(Some(QueueError::Lost { what }));
        let has_log = fs::metadata(&self.log).is_ok_and(|log| log.len() > 0);
        let head = read_head(&self.database)?;
        self.id = id_of(&head);
        match head {
            head if head.is_empty() && (has_log || self.mark.exists()) => lost("its file is gone or empty"),
            head if head.is_empty() => Ok(None),
            head if !head.starts_with(b"SQLite format 3\0") => lost("its file is no database"),
            _ if has_log && self.marked_id().is_some_and(|id| id != self.id) => {
                lost("its file is another than the one that its write-ahead log belongs to")
            }
            _ => Ok(None),
        }
    }

    /// The name of the database that was opened last; `None` if the mark says none.
    fn marked_id(&self) -> Option<String> {
        fs::read_to_string(&self.mark).ok().filter(|id| id.len() == 2 * ID.len())
    }

    /// Refuses a database whose log is gone, begins with what no log begins with, or has acknowledged commits behind a damaged frame.
    fn refuse_damaged_log(&self) -> Result<(), QueueError> {
        let unreadable = |error| QueueError::Database(sqlx::Error::Io(error));
        for _ in 0..LOOKS {
            let log = match fs::File::open(&self.log) {
                Ok(log) => log,
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unreadable(error)),
                Err(_) if self.mark.exists() => return Err(QueueError::Lost { what: "its write-ahead log is gone" }),
                Err(_) => return Ok(()),
            };
            if is_sound(BufReader::new(log)).map_err(unreadable)? {
                return Ok(());
            }
        }
        Err(QueueError::Lost { what: "its write-ahead log is damaged" })
    }

    /// Says that there is a log, and of which database.
    pub(super) fn set(&self) -> io::Result<()> {
        if self.marked_id().is_some_and(|marked| marked == self.id) {
            return Ok(());
        }
        let mut mark = fs::File::create(&self.mark)?;
        mark.write_all(self.id.as_bytes())?;
        mark.sync_all()
    }

    /// Says nothing of the log while it may go: the last who closes the database folds it in. A power cut must not find the log gone and
    /// the mark there.
    pub(super) fn lift(&self) {
        // Left behind it would refuse a start that is good, and say how to go on.
        if fs::remove_file(&self.mark).is_ok() {
            let _ = sync_folder_of(&self.mark);
        }
    }

    /// Says again that there is a log, if another process keeps it.
    pub(super) fn set_again(&self) {
        if self.log.exists() {
            // A mark that cannot be made costs only that a loss of the log goes unnoticed.
            let _ = self.set();
        }
    }
}

/// Where the header of a database's file has its application id, which tells a database from a backup of it: each backup gets one of its own.
/// <https://www.sqlite.org/fileformat2.html#application_id>
pub(super) const ID: std::ops::Range<usize> = 68..72;

/// The header of a database's file; empty if there is no file, or nothing in it.
fn read_head(database: &Path) -> io::Result<Vec<u8>> {
    let mut head = vec![0; 100];
    let read = match fs::File::open(database) {
        Ok(mut file) => fill(&mut file, &mut head)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    head.truncate(read);
    Ok(head)
}

fn id_of(head: &[u8]) -> String {
    // Of a database that will be made: SQLite writes zeros.
    hex::encode(head.get(ID).unwrap_or(&[0; ID.end - ID.start]))
}

/// Puts on the disk which names there are in the folder of `path`.
pub(super) fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::File::open(folder)?.sync_all()
}

/// The sums that SQLite keeps of all that a log holds up to a place.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Sums(u32, u32);

impl Sums {
    /// Those after `bytes`, whose number is a multiple of eight.
    fn after(self, bytes: &[u8], word: fn([u8; 4]) -> u32) -> Self {
        let (words, _) = bytes.as_chunks::<4>();
        let (pairs, _) = words.as_chunks::<2>();
        pairs.iter().fold(self, |Self(first, second), [one, other]| {
            let first = first.wrapping_add(word(*one)).wrapping_add(second);
            Self(first, second.wrapping_add(word(*other)).wrapping_add(first))
        })
    }

    /// Those that a header ends with.
    fn stored(header: &[u8]) -> Self {
        let at = header.len() - 8;
        Self(big_endian(header, at), big_endian(header, at + 4))
    }
}

fn big_endian(bytes: &[u8], at: usize) -> u32 {
    bytes[at..].first_chunk().map_or(0, |word| u32::from_be_bytes(*word))
}

/// Whether `log` is empty or whole, or ends as a crash may have left it.
///
/// A commit is synced before the next begins, so a crash leaves one transaction at most that is not whole. Frames that belong together, their
/// sums say so, and hold two commits are more than that: the first of them was acknowledged. A damaged frame of the last transaction looks like
/// a crash.
fn is_sound(mut log: impl Read) -> io::Result<bool> {
    let mut header = [0; HEADER_BYTES];
    match fill(&mut log, &mut header)? {
        0 => return Ok(true),
        HEADER_BYTES => {}
        _ => return Ok(false),
    }
    let word: fn([u8; 4]) -> u32 = match big_endian(&header, 0) {
        0x377f_0682 => u32::from_le_bytes,
        0x377f_0683 => u32::from_be_bytes,
        _ => return Ok(false),
    };
    if Sums(0, 0).after(&header[..HEADER_BYTES - 8], word) != Sums::stored(&header) {
        return Ok(false);
    }
    let (page_bytes, salts) = (big_endian(&header, 8) as usize, &header[16..24]);
    let mut frame = vec![0; FRAME_HEADER_BYTES + page_bytes];
    // The sums of the frame before as they stand there, and as they are: one of the two is right where a byte is wrong.
    let (mut before, mut is_behind_damage, mut commits) = ([Sums::stored(&header); 2], false, 0);
    while fill(&mut log, &mut frame)? == frame.len() {
        let (head, page) = frame.split_at(FRAME_HEADER_BYTES);
        let is_salted = &head[8..16] == salts;
        let summed = before.map(|sums| sums.after(&head[..8], word).after(page, word));
        let is_summed = summed.contains(&Sums::stored(head));
        if !(is_salted && is_summed) {
            // SQLite ends here.
            (is_behind_damage, commits) = (true, 0);
        }
        // One with neither is of an earlier round of the log.
        if (is_salted || is_summed) && big_endian(head, 4) != 0 {
            commits += 1;
        }
        if is_behind_damage && commits > 1 {
            return Ok(false);
        }
        before = [Sums::stored(head), summed[0]];
    }
    Ok(true)
}

/// Reads as much as there is room, or as there is; how much.
fn fill(from: &mut impl Read, room: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < room.len() {
        match from.read(&mut room[filled..]) {
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
    use crate::{KeyHash, NewKey, Policy, Queue as _, SqliteQueue};

    async fn open(path: &Path) -> Result<SqliteQueue, QueueError> {
        SqliteQueue::open(path, Arc::new(SystemClock), Policy::default()).await
    }

    /// The files of a database with one key as a process that was killed leaves them.
    async fn killed(folder: &Path) -> PathBuf {
        killed_after(folder, 1).await
    }

    /// The same with so many keys, each a commit of its own.
    async fn killed_after(folder: &Path, keys: usize) -> PathBuf {
        let (living, dead) = (folder.join("living.db"), folder.join("dead.db"));
        let queue = open(&living).await.unwrap();
        for key in 0..keys {
            let hash = KeyHash::of(&key.to_string());
            queue.create_key(NewKey { name: "k".into(), prefix: "hc_".into(), hash }).await.unwrap();
        }
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

    /// All files of the folder and what is in them.
    fn content(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files.into_iter().map(|path| (path.clone(), fs::read(&path).unwrap())).collect()
    }

    #[tokio::test]
    async fn a_file_that_is_not_the_logs_is_refused_and_nothing_is_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = killed(folder.path()).await;
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
    async fn a_backup_is_whole_or_not_there_and_takes_the_place_of_a_closed_database() {
        let folder = tempfile::tempdir().unwrap();
        let (path, copy) = (folder.path().join("q.db"), folder.path().join("copy.db"));
        let queue = open(&path).await.unwrap();
        queue.create_key(NewKey { name: "k".into(), prefix: "hc_".into(), hash: KeyHash::of("x") }).await.unwrap();
        // What one that was killed has left.
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
    async fn a_queue_that_is_dropped_leaves_no_mark_without_a_log() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("q.db");
        drop(open(&path).await.unwrap());
        assert!(!folder.path().join("q.db-in-use").exists());
    }

    #[tokio::test]
    async fn a_log_that_is_gone_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = killed(folder.path()).await;
        fs::remove_file(folder.path().join("dead.db-wal")).unwrap();
        assert!(matches!(open(&path).await, Err(QueueError::Lost { .. })));
    }

    /// Places of frames in a log, and whether each ends a commit.
    fn frames(log: &[u8]) -> Vec<(usize, bool)> {
        let frame_bytes = FRAME_HEADER_BYTES + big_endian(log, 8) as usize;
        let places = (HEADER_BYTES..log.len()).step_by(frame_bytes);
        places.map(|at| (at, big_endian(log, at + 4) != 0)).collect()
    }

    #[tokio::test]
    async fn a_damaged_frame_before_the_last_commit_is_noticed_wherever_it_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let path = killed_after(folder.path(), 4).await;
        let log = folder.path().join("dead.db-wal");
        let whole = fs::read(&log).unwrap();
        let frames = frames(&whole);
        let last_commit_begins = frames.iter().rposition(|(_, ends)| *ends).unwrap();
        let acknowledged = frames[..last_commit_begins].iter().rposition(|(_, ends)| *ends).unwrap();
        for (at, _) in &frames[..=acknowledged] {
            // Page number, salt, sums, and content.
            for place in [0, 9, 13, 17, 22, 24, 2000, FRAME_HEADER_BYTES + 4095] {
                let mut flipped = whole.clone();
                flipped[at + place] ^= 0x10;
                assert!(!is_sound(flipped.as_slice()).unwrap(), "byte {place} of the frame at {at}");
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
    async fn what_a_crash_leaves_of_the_last_transaction_is_no_damage() {
        let folder = tempfile::tempdir().unwrap();
        killed_after(folder.path(), 3).await;
        let whole = fs::read(folder.path().join("dead.db-wal")).unwrap();
        let ends: Vec<usize> = frames(&whole).iter().filter(|(_, ends)| *ends).map(|(at, _)| *at).collect();
        let frame_bytes = FRAME_HEADER_BYTES + big_endian(&whole, 8) as usize;
        let acknowledged = ends[ends.len() - 2] + frame_bytes;
        for length in (acknowledged..whole.len()).step_by(97) {
            assert!(is_sound(&whole[..length]).unwrap(), "cut off at {length}");
            let mut torn = whole.clone();
            torn[length..].fill(0);
            assert!(is_sound(torn.as_slice()).unwrap(), "torn at {length}");
            torn = whole.clone();
            torn[length] ^= 1;
            assert!(is_sound(torn.as_slice()).unwrap(), "flipped at {length}");
        }
    }

    #[test]
    fn what_failed_commits_left_behind_the_last_good_one_is_no_damage() {
        let header = log_header();
        // Two transactions whose sync failed, of five and three frames, each written over what was there; then one of one frame.
        let mut log = [header.clone(), run(&header, 5)].concat();
        for frames in [3, 1] {
            let written = run(&header, frames);
            log[HEADER_BYTES..][..written.len()].copy_from_slice(&written);
        }
        assert!(is_sound(log.as_slice()).unwrap());
        // Two that belong together were acknowledged, at least the first.
        let mut two = run_of(&header, &[1, 1, 1]);
        two[100] ^= 1;
        assert!(!is_sound([header, two].concat().as_slice()).unwrap());
    }

    fn log_header() -> Vec<u8> {
        let mut header = Vec::new();
        for number in [0x377f_0683_u32, 3_007_000, 512, 0, 17, 18] {
            header.extend(number.to_be_bytes());
        }
        let Sums(first, second) = Sums(0, 0).after(&header, u32::from_be_bytes);
        [header, first.to_be_bytes().to_vec(), second.to_be_bytes().to_vec()].concat()
    }

    /// One transaction of so many frames, the first of the log.
    fn run(header: &[u8], frames: usize) -> Vec<u8> {
        run_of(header, &[frames])
    }

    /// Transactions of so many frames each.
    fn run_of(header: &[u8], transactions: &[usize]) -> Vec<u8> {
        let (mut sums, mut log) = (Sums::stored(header), Vec::new());
        for frames in transactions {
            for frame in 1..=*frames {
                let size_after = if frame == *frames { 9_u32 } else { 0 };
                let head = [(frame as u32).to_be_bytes(), size_after.to_be_bytes()].concat();
                // Other content each time.
                let page = [(transactions.len() * 100 + frames * 10 + frame) as u8; 512];
                sums = sums.after(&head, u32::from_be_bytes).after(&page, u32::from_be_bytes);
                let Sums(first, second) = sums;
                log.extend([&head, &header[16..24], &first.to_be_bytes(), &second.to_be_bytes(), &page].concat());
            }
        }
        log
    }
}
