//! Views of an MP4 or MOV file in which single tracks state no codec. ffprobe ends at a track whose
//! decoder does not take its header; of a track without a codec it opens none.

use std::{collections::BTreeSet, fs::File, io};

use crate::{
    boxes::{BoxSpan, read_box},
    claims::MAX_BOXES,
};

/// The boxes from the file to the codec of a track, below `moov` and `trak`: ISO/IEC 14496-12, 8.5.
const PATH: [[u8; 4]; 4] = [*b"mdia", *b"minf", *b"stbl", *b"stsd"];

/// Largest number of masked tracks.
const MAX_MASKS: usize = 8;

/// The places at which a file is read differently: the names of the boxes that state codecs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Masks {
    names: BTreeSet<u64>,
    file_bytes: u64,
}

impl Masks {
    /// Masks the codec of the track with this index. Returns whether that changes anything.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(crate) fn add(&mut self, file: &File, track: usize) -> io::Result<bool> {
        self.file_bytes = file.metadata()?.len();
        let Some(name) = codec_name_offset(file, self.file_bytes, track)? else { return Ok(false) };
        Ok(self.names.len() < MAX_MASKS && self.names.insert(name))
    }

    /// The protocols that [`Self::address`] needs.
    pub(crate) fn protocols(&self) -> &'static str {
        if self.names.is_empty() { "file,pipe" } else { "file,pipe,concat,subfile" }
    }

    /// The address of standard input under the masks. The name of a masked box is replaced by the
    /// four bytes behind it, its version and flags, which name no box.
    pub(crate) fn address(&self) -> String {
        if self.names.is_empty() {
            return "file:/dev/stdin".to_owned();
        }
        let part = |start: u64, end: u64| format!("subfile,,start,{start},end,{end},,:file:/dev/stdin");
        let (mut parts, mut start) = (Vec::new(), 0);
        for name in &self.names {
            parts.extend([part(start, *name), part(name + 4, name + 8)]);
            start = name + 4;
        }
        parts.push(part(start, self.file_bytes));
        format!("concat:{}", parts.join("|"))
    }
}

/// Offset of the name of the box that states the codec of a track.
fn codec_name_offset(file: &File, file_bytes: u64, track: usize) -> io::Result<Option<u64>> {
    let Some((_, movie)) = nth_box(file, (0, file_bytes), *b"moov", 0)? else { return Ok(None) };
    let mut found = nth_box(file, (movie.content, movie.end), *b"trak", track)?;
    for name in PATH {
        let Some((_, parent)) = found else { return Ok(None) };
        found = nth_box(file, (parent.content, parent.end), name, 0)?;
    }
    Ok(found.map(|(at, _)| at + 4).filter(|name| name + 8 < file_bytes))
}

/// The box of this name and index within a span, and its offset.
fn nth_box(file: &File, span: (u64, u64), name: [u8; 4], index: usize) -> io::Result<Option<(u64, BoxSpan)>> {
    let ((mut at, end), mut seen) = (span, 0);
    for _ in 0..MAX_BOXES {
        let Some(found) = read_box(file, at, end)? else { return Ok(None) };
        if found.name == name {
            if seen == index {
                return Ok(Some((at, found)));
            }
            seen += 1;
        }
        at = found.end;
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn boxed(name: [u8; 4], content: &[u8]) -> Vec<u8> {
        [&(content.len() as u32 + 8).to_be_bytes(), name.as_slice(), content].concat()
    }

    fn track() -> Vec<u8> {
        PATH.iter().rev().fold(vec![0; 20], |inner, name| boxed(*name, &inner))
    }

    #[test]
    fn the_codec_of_one_track_is_masked_by_the_bytes_behind_its_name() {
        let tracks = [boxed(*b"mvhd", &[1; 4]), boxed(*b"trak", &track()), boxed(*b"trak", &track())].concat();
        let bytes = [boxed(*b"ftyp", b"isom"), boxed(*b"moov", &tracks), boxed(*b"mdat", &[7; 9])].concat();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        let mut masks = Masks::default();
        assert_eq!((masks.address().as_str(), masks.protocols()), ("file:/dev/stdin", "file,pipe"));
        assert!(masks.add(&file, 1).unwrap());
        assert!(!masks.add(&file, 1).unwrap() && !masks.add(&file, 2).unwrap());
        let at = bytes.windows(4).rposition(|window| window == b"stsd").unwrap();
        let size = bytes.len();
        assert_eq!(
            masks.address(),
            format!(
                "concat:subfile,,start,0,end,{at},,:file:/dev/stdin|subfile,,start,{},end,{},,:file:/dev/stdin|\
                 subfile,,start,{},end,{size},,:file:/dev/stdin",
                at + 4,
                at + 8,
                at + 4
            )
        );
        assert!(masks.add(&file, 0).unwrap());
        assert_eq!(masks.address().matches("subfile").count(), 5);
    }
}
