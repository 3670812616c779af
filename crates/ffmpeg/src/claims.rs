//! Check of the sample counts that an MP4 or MOV claims, against the size of the file. ffmpeg
//! builds an index of the claimed samples before it reads any, and a few bytes can claim millions
//! of them.

use std::{fs::File, io};

use crate::boxes::{read_box, u32_at};

/// Boxes that contain the checked boxes: ISO/IEC 14496-12, 8.2 and 8.8.
const PARENTS: [&[u8; 4]; 7] = [b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf"];

/// Limit of boxes to visit; a file with more is left to the limits of the probe.
pub(crate) const MAX_BOXES: usize = 100_000;

/// Whether a track of `file` claims more samples than the file has bytes; each sample takes at
/// least one byte. Malformed boxes are ignored because ffmpeg reports them.
///
/// # Errors
/// If the file cannot be read.
pub(crate) fn claims_too_many_samples(file: &File) -> io::Result<bool> {
    let file_bytes = file.metadata()?.len();
    let mut fragment_samples = 0_u64;
    // Spans that contain boxes, the outermost first.
    let mut spans = vec![(0, file_bytes)];
    let mut boxes = 0;
    while let Some((mut at, end)) = spans.pop() {
        while let Some(span) = read_box(file, at, end)? {
            boxes += 1;
            if boxes > MAX_BOXES {
                return Ok(false);
            }
            match &span.name {
                // ISO/IEC 14496-12, 8.7.3: version and flags, the common sample size or the field
                // width, sample count.
                b"stsz" | b"stz2" if u32_at(file, span.content + 8)? > file_bytes => return Ok(true),
                // 8.8.8: version and flags, sample count.
                b"trun" => fragment_samples = fragment_samples.saturating_add(u32_at(file, span.content + 4)?),
                name if PARENTS.contains(&name) => spans.push((span.content, span.end)),
                _ => {}
            }
            at = span.end;
        }
    }
    Ok(fragment_samples > file_bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn boxed(name: [u8; 4], content: &[u8]) -> Vec<u8> {
        [&(content.len() as u32 + 8).to_be_bytes(), name.as_slice(), content].concat()
    }

    /// A box with a 64-bit size field.
    fn boxed_large(name: [u8; 4], content: &[u8]) -> Vec<u8> {
        [&[0, 0, 0, 1], name.as_slice(), &(content.len() as u64 + 16).to_be_bytes(), content].concat()
    }

    fn nested(names: &[[u8; 4]], inner: Vec<u8>) -> Vec<u8> {
        names.iter().rev().fold(inner, |inner, name| boxed(*name, &inner))
    }

    fn claims_too_many(bytes: &[u8]) -> bool {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        claims_too_many_samples(&file).unwrap()
    }

    fn sample_sizes(count: u32) -> Vec<u8> {
        let content = [[0; 4], 7_u32.to_be_bytes(), count.to_be_bytes()].concat();
        nested(&[*b"moov", *b"trak", *b"mdia", *b"minf", *b"stbl"], boxed(*b"stsz", &content))
    }

    #[test]
    fn a_track_must_not_claim_more_samples_than_the_file_has_bytes() {
        let data = boxed(*b"mdat", &[0; 1000]);
        for (count, is_excessive) in [(10, false), (1000, false), (2000, true), (u32::MAX, true)] {
            assert_eq!(claims_too_many(&[sample_sizes(count), data.clone()].concat()), is_excessive, "{count}");
            assert_eq!(
                claims_too_many(&[data.clone(), sample_sizes(count)].concat()),
                is_excessive,
                "{count} behind the samples"
            );
            let large = boxed_large(*b"moov", &sample_sizes(count)[8..]);
            assert_eq!(claims_too_many(&[data.clone(), large].concat()), is_excessive, "{count} in a large box");
        }
    }

    #[test]
    fn sample_counts_of_fragments_are_summed() {
        let run =
            |count: u32| boxed(*b"moof", &boxed(*b"traf", &boxed(*b"trun", &[[0; 4], count.to_be_bytes()].concat())));
        assert!(!claims_too_many(&run(30).repeat(2)));
        assert!(claims_too_many(&run(40).repeat(2)));
    }

    #[test]
    fn truncated_and_malformed_boxes_are_ignored() {
        let whole = sample_sizes(u32::MAX);
        for length in 0..whole.len() - 4 {
            assert!(!claims_too_many(&whole[..length]), "{length}");
        }
        assert!(!claims_too_many(b"\0\0\0\x03moov\0\0\0\0"));
        assert!(!claims_too_many(&[&[0, 0, 0, 1], b"moov".as_slice(), &u64::MAX.to_be_bytes()].concat()));
        assert!(!claims_too_many(&boxed(*b"free", b"").repeat(MAX_BOXES + 10)));
    }
}
