//! What the tables of an MP4 or MOV claim, against the size of the file: ffmpeg makes an index of what they claim before it reads a sample,
//! and some bytes can claim millions of samples.

use std::{fs::File, io, os::unix::fs::FileExt as _};

/// Boxes that hold the boxes we look for: ISO/IEC 14496-12, 8.2 and 8.8.
const PARENTS: [&[u8; 4]; 7] = [b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf"];

/// Boxes that are looked at; a file with more is left to the limits of the probe.
const MAX_BOXES: usize = 100_000;

/// Whether a track of `file` claims more samples than the file has bytes: each takes a byte at least. Boxes that make no sense are passed
/// over: ffmpeg says what is wrong with them.
///
/// # Errors
/// If the file cannot be read.
pub(crate) fn claim_too_many_samples(file: &File) -> io::Result<bool> {
    let file_bytes = file.metadata()?.len();
    let mut in_fragments = 0_u64;
    // Spans that hold boxes, the outermost first.
    let mut spans = vec![(0, file_bytes)];
    let mut boxes = 0;
    while let Some((mut at, end)) = spans.pop() {
        while let Some(found) = read_box(file, at, end)? {
            boxes += 1;
            if boxes > MAX_BOXES {
                return Ok(false);
            }
            match &found.name {
                // ISO/IEC 14496-12, 8.7.3: version and flags, the size of all samples or the width of one, how many.
                b"stsz" | b"stz2" if number_at(file, found.content + 8)? > file_bytes => return Ok(true),
                // 8.8.8: version and flags, how many.
                b"trun" => in_fragments = in_fragments.saturating_add(number_at(file, found.content + 4)?),
                name if PARENTS.contains(&name) => spans.push((found.content, found.end)),
                _ => {}
            }
            at = found.end;
        }
    }
    Ok(in_fragments > file_bytes)
}

struct Found {
    name: [u8; 4],
    /// Where its content begins, and where it ends.
    content: u64,
    end: u64,
}

/// The box at `at`, which ends at `end` or before; `None` if there is none that makes sense.
fn read_box(file: &File, at: u64, end: u64) -> io::Result<Option<Found>> {
    let Some(head) = read_at::<8>(file, at)? else { return Ok(None) };
    let name = [head[4], head[5], head[6], head[7]];
    let (size, content) = match u64::from(u32::from_be_bytes([head[0], head[1], head[2], head[3]])) {
        // It goes on to the end.
        0 => (end.saturating_sub(at), at + 8),
        1 => match read_at::<8>(file, at + 8)? {
            Some(size) => (u64::from_be_bytes(size), at + 16),
            None => return Ok(None),
        },
        size => (size, at + 8),
    };
    let found = at.checked_add(size).map(|after| Found { name, content, end: after.min(end) });
    Ok(found.filter(|found| found.content <= found.end && at < end))
}

/// The 32-bit number there; 0 beyond the end of the file.
fn number_at(file: &File, at: u64) -> io::Result<u64> {
    Ok(read_at::<4>(file, at)?.map_or(0, u32::from_be_bytes).into())
}

/// Some bytes; `None` where the file ends before.
fn read_at<const COUNT: usize>(file: &File, at: u64) -> io::Result<Option<[u8; COUNT]>> {
    let mut bytes = [0; COUNT];
    match file.read_exact_at(&mut bytes, at) {
        Ok(()) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn boxed(name: [u8; 4], content: &[u8]) -> Vec<u8> {
        [&(content.len() as u32 + 8).to_be_bytes(), name.as_slice(), content].concat()
    }

    /// A box that 64 bits give the size of.
    fn boxed_large(name: [u8; 4], content: &[u8]) -> Vec<u8> {
        [&[0, 0, 0, 1], name.as_slice(), &(content.len() as u64 + 16).to_be_bytes(), content].concat()
    }

    fn within(names: &[[u8; 4]], inner: Vec<u8>) -> Vec<u8> {
        names.iter().rev().fold(inner, |inner, name| boxed(*name, &inner))
    }

    fn claims(bytes: &[u8]) -> bool {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        claim_too_many_samples(&file).unwrap()
    }

    fn sample_sizes(count: u32) -> Vec<u8> {
        let content = [[0; 4], 7_u32.to_be_bytes(), count.to_be_bytes()].concat();
        within(&[*b"moov", *b"trak", *b"mdia", *b"minf", *b"stbl"], boxed(*b"stsz", &content))
    }

    #[test]
    fn a_track_with_more_samples_than_the_file_has_bytes_is_a_lie() {
        let data = boxed(*b"mdat", &[0; 1000]);
        for (count, lies) in [(10, false), (1000, false), (2000, true), (u32::MAX, true)] {
            assert_eq!(claims(&[sample_sizes(count), data.clone()].concat()), lies, "{count}");
            assert_eq!(claims(&[data.clone(), sample_sizes(count)].concat()), lies, "{count} behind the samples");
            let large = boxed_large(*b"moov", &sample_sizes(count)[8..]);
            assert_eq!(claims(&[data.clone(), large].concat()), lies, "{count} in a large box");
        }
    }

    #[test]
    fn fragments_are_added_up() {
        let run =
            |count: u32| boxed(*b"moof", &boxed(*b"traf", &boxed(*b"trun", &[[0; 4], count.to_be_bytes()].concat())));
        assert!(!claims(&run(30).repeat(2)));
        assert!(claims(&run(40).repeat(2)));
    }

    #[test]
    fn what_is_cut_off_or_makes_no_sense_is_no_claim() {
        let whole = sample_sizes(u32::MAX);
        for length in 0..whole.len() - 4 {
            assert!(!claims(&whole[..length]), "{length}");
        }
        assert!(!claims(b"\0\0\0\x03moov\0\0\0\0"));
        assert!(!claims(&[&[0, 0, 0, 1], b"moov".as_slice(), &u64::MAX.to_be_bytes()].concat()));
        assert!(!claims(&boxed(*b"free", b"").repeat(MAX_BOXES + 10)));
    }
}
