//! Reader of the boxes of ISO base media (ISO/IEC 14496-12, 4.2), a few bytes at a time. Malformed
//! boxes end a list; ffmpeg reports them.

use std::{fs::File, io, os::unix::fs::FileExt as _};

/// A box: its name and where its content lies.
pub(crate) struct BoxSpan {
    pub(crate) name: [u8; 4],
    /// Offset of the content, and of its end.
    pub(crate) content: u64,
    pub(crate) end: u64,
}

/// The box at offset `at`, which must end by `end`; `None` if there is no valid box.
pub(crate) fn read_box(file: &File, at: u64, end: u64) -> io::Result<Option<BoxSpan>> {
    let Some(head) = read_at::<8>(file, at)? else { return Ok(None) };
    let name = [head[4], head[5], head[6], head[7]];
    let (size, content) = match u64::from(u32::from_be_bytes([head[0], head[1], head[2], head[3]])) {
        // A size of 0 means up to the end.
        0 => (end.saturating_sub(at), at + 8),
        1 => match read_at::<8>(file, at + 8)? {
            Some(size) => (u64::from_be_bytes(size), at + 16),
            None => return Ok(None),
        },
        size => (size, at + 8),
    };
    let span = at.checked_add(size).map(|span_end| BoxSpan { name, content, end: span_end.min(end) });
    Ok(span.filter(|span| span.content <= span.end && at < end))
}

/// The 32-bit number at an offset; 0 beyond the end of the file.
pub(crate) fn u32_at(file: &File, at: u64) -> io::Result<u64> {
    Ok(read_at::<4>(file, at)?.map_or(0, u32::from_be_bytes).into())
}

/// Bytes at an offset; `None` if the file ends before them.
pub(crate) fn read_at<const COUNT: usize>(file: &File, at: u64) -> io::Result<Option<[u8; COUNT]>> {
    let mut bytes = [0; COUNT];
    match file.read_exact_at(&mut bytes, at) {
        Ok(()) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

/// The boxes from offset `at` to `end`, at most `max_count`.
pub(crate) fn boxes_in(file: &File, mut at: u64, end: u64, max_count: usize) -> io::Result<Vec<BoxSpan>> {
    let mut boxes = Vec::new();
    while boxes.len() < max_count
        && let Some(span) = read_box(file, at, end)?
    {
        at = span.end;
        boxes.push(span);
    }
    Ok(boxes)
}
