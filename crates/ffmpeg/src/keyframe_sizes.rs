//! Clips whose frames change size in mid-stream, as browsers record calls: the sizes of the codec
//! keyframes, and the one that is shown longest.

use std::collections::HashMap;

use clearcut_frame::Size;
use clearcut_job::Container;

/// Pixels of all codec keyframes up to which they are decoded for their sizes: a few seconds of
/// processor time.
const MAX_PIXELS: u64 = 1_000_000_000;
/// Number of sizes that a message lists.
const LISTED: usize = 4;

/// The other sizes of a clip that changes its size in mid-stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SizeChanges {
    /// All sizes have the same shape: the frames are scaled.
    SameShape,
    /// The frames are scaled, and bars continue the colors of their left and right edges.
    OtherShape,
}

/// The sizes of a clip's codec keyframes, by the time that they are shown.
#[derive(Debug, PartialEq)]
pub(crate) struct KeyframeSizes {
    /// Sizes and seconds, in order of appearance. At least two.
    shown: Vec<(Size, f64)>,
}

/// Whether a clip of this kind may change its size in mid-stream, and few enough pixels must be
/// decoded to find out. Decoders of AV1 skip no frames.
pub(crate) fn may_change_size(container: Container, codec: &str, size: Size, frames: u64, keyframes: u64) -> bool {
    let can_change = match codec {
        "vp8" | "vp9" | "av1" => true,
        "h264" | "hevc" => !matches!(container, Container::Mov | Container::Avi),
        _ => false,
    };
    let decoded = if codec == "av1" { frames } else { keyframes };
    can_change && keyframes > 1 && decoded.saturating_mul(size.pixels()) <= MAX_PIXELS
}

impl KeyframeSizes {
    /// Reads lines `best_effort_timestamp_time=…|width=…|height=…` in order of time. `end` is the
    /// end of the clip in seconds. `None` if the size never changes.
    pub(crate) fn of_listing(listing: &[u8], end: f64) -> Option<Self> {
        let listing = String::from_utf8_lossy(listing);
        let frames: Vec<(f64, Size)> = listing.lines().filter_map(frame).collect();
        let mut shown: Vec<(Size, f64)> = Vec::new();
        // A crafted clip has as many sizes as frames.
        let mut places = HashMap::new();
        for (index, (start, size)) in frames.iter().enumerate() {
            let next = frames.get(index + 1).map_or(end, |(start, _)| *start);
            let secs = (next - start).max(0.0);
            let place = *places.entry(*size).or_insert(shown.len());
            match shown.get_mut(place) {
                Some((_, total)) => *total += secs,
                None => shown.push((*size, secs)),
            }
        }
        (shown.len() > 1).then_some(Self { shown })
    }

    /// The size that is shown longest; the larger one of several.
    pub(crate) fn main(&self) -> Option<Size> {
        let longer = |a: &&(Size, f64), b: &&(Size, f64)| a.1.total_cmp(&b.1).then(a.0.pixels().cmp(&b.0.pixels()));
        self.shown.iter().max_by(longer).map(|(size, _)| *size)
    }

    pub(crate) fn changes(&self, main: Size) -> SizeChanges {
        let is_same = |(size, _): &(Size, f64)| {
            let width = u64::from(size.width()) * u64::from(main.height()) / u64::from(size.height());
            width.abs_diff(u64::from(main.width())) * 100 <= u64::from(main.width())
        };
        if self.shown.iter().all(is_same) { SizeChanges::SameShape } else { SizeChanges::OtherShape }
    }

    /// What users are told.
    pub(crate) fn message(&self, main: Size) -> String {
        let mut sizes: Vec<_> = self.shown.iter().take(LISTED).map(|(size, _)| size.to_string()).collect();
        if self.shown.len() > LISTED {
            sizes.push("…".to_owned());
        }
        format!("the clip changes its size in mid-stream ({}); all frames are cut as {main}", sizes.join(", "))
    }
}

fn frame(line: &str) -> Option<(f64, Size)> {
    let field = |name: &str| line.trim().split('|').find_map(|field| field.strip_prefix(name)?.strip_prefix('='));
    let start = field("best_effort_timestamp_time")?.parse::<f64>().ok().filter(|start| start.is_finite())?;
    Some((start, Size::new(field("width")?.parse().ok()?, field("height")?.parse().ok()?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(frames: &[(f64, u32, u32)], end: f64) -> Option<KeyframeSizes> {
        let line = |(start, width, height): &(f64, u32, u32)| {
            format!("best_effort_timestamp_time={start:.6}|width={width}|height={height}|side_data_type=x\n")
        };
        KeyframeSizes::of_listing(frames.iter().map(line).collect::<String>().as_bytes(), end)
    }

    #[test]
    fn the_size_that_is_shown_longest_is_the_main_one() {
        let main = |frames: &[_], end| sizes(frames, end).unwrap().main().unwrap().to_string();
        assert_eq!(main(&[(0.0, 160, 120), (0.4, 640, 480)], 1.4), "640×480");
        assert_eq!(main(&[(0.0, 640, 480), (0.4, 160, 120)], 1.4), "160×120");
        assert_eq!(main(&[(0.0, 160, 120), (1.0, 640, 480), (1.5, 160, 120)], 2.0), "160×120");
        assert_eq!(main(&[(0.0, 640, 480), (1.0, 160, 120)], 2.0), "640×480", "the larger one of two");
        assert_eq!(sizes(&[(0.0, 160, 120), (1.0, 160, 120)], 2.0), None);
        assert_eq!(KeyframeSizes::of_listing(b"\nwidth=3|height=\nx|y\n", 1.0), None);
    }

    #[test]
    fn rounded_sizes_of_a_shape_have_the_same_shape() {
        let changes = |other: (u32, u32)| {
            let sizes = sizes(&[(0.0, 1280, 720), (9.0, other.0, other.1)], 10.0).unwrap();
            sizes.changes(sizes.main().unwrap())
        };
        assert_eq!(changes((426, 240)), SizeChanges::SameShape);
        assert_eq!(changes((480, 640)), SizeChanges::OtherShape);
    }

    #[test]
    fn only_a_few_sizes_are_listed() {
        let frames: Vec<_> = (0..9).map(|index| (f64::from(index), 100 + index, 100)).collect();
        let sizes = sizes(&frames, 9.0).unwrap();
        let expected = "the clip changes its size in mid-stream (100×100, 101×100, 102×100, 103×100, …); all frames are \
                        cut as 108×100";
        assert_eq!(sizes.message(sizes.main().unwrap()), expected);
    }

    #[test]
    fn a_size_in_every_frame_takes_no_time() {
        let frames: Vec<_> = (0..200_000).map(|index| (f64::from(index), 16 + index, 16)).collect();
        assert_eq!(sizes(&frames, 2e5).unwrap().shown.len(), frames.len());
    }

    #[test]
    fn keyframes_are_read_where_sizes_change() {
        let may = |container, codec, keyframes| {
            may_change_size(container, codec, Size::new(1920, 1080).unwrap(), 10_000, keyframes)
        };
        assert!(may(Container::Matroska, "vp8", 2) && may(Container::Matroska, "h264", 2));
        assert!(!may(Container::Mov, "h264", 2) && !may(Container::Matroska, "vp8", 1));
        assert!(!may(Container::Matroska, "vp8", 1000), "too much to decode");
        assert!(!may(Container::Matroska, "av1", 2), "too much to decode");
    }
}
