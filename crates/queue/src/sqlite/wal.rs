//! Check of a write-ahead log: whether it holds acknowledged commits that SQLite would not apply.
//!
//! SQLite treats a log with a wrong header as an empty one, and a wrong frame as the end of the
//! log. Log format: <https://www.sqlite.org/fileformat2.html#walformat>.

use std::io::{self, Read};

/// Size of the header of a write-ahead log.
pub(super) const HEADER_BYTES: usize = 32;

/// Size of the header of each frame of the log.
pub(super) const FRAME_HEADER_BYTES: usize = 24;

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

pub(super) fn big_endian(bytes: &[u8], at: usize) -> u32 {
    bytes[at..].first_chunk().map_or(0, |word| u32::from_be_bytes(*word))
}

/// Checks whether `log` is empty, valid, or ends as a crash may have left it.
///
/// A commit is synced before the next one begins, so a crash leaves at most one incomplete
/// transaction. Frames after a damaged one that belong together by their checksums and contain two
/// commits are therefore damage, not a crash: the first of these commits was acknowledged. Damage
/// within the last transaction cannot be distinguished from a crash.
pub(super) fn is_intact(mut log: impl Read) -> io::Result<bool> {
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
pub(super) fn read_up_to(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
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
pub(super) mod tests {
    use super::*;

    /// Lists the positions of frames in a log, and whether each frame ends a commit.
    pub(crate) fn frames(log: &[u8]) -> Vec<(usize, bool)> {
        let frame_bytes = FRAME_HEADER_BYTES + big_endian(log, 8) as usize;
        let places = (HEADER_BYTES..log.len()).step_by(frame_bytes);
        places.map(|at| (at, big_endian(log, at + 4) != 0)).collect()
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
