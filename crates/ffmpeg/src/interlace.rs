//! Interlaced frames: what a clip's flag says, and what a measurement of its frames says.

use clearcut_frame::FrameRate;

/// Order in which the two fields of a frame were taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldOrder {
    /// The upper lines first.
    TopFirst,
    /// The lower lines first.
    BottomFirst,
}

impl FieldOrder {
    /// The order that ffprobe's `field_order` names; `None` if the clip is not flagged as
    /// interlaced. The second letter is the field that is shown first.
    pub(crate) fn of_flag(name: &str) -> Option<Self> {
        match name {
            "tt" | "bt" => Some(Self::TopFirst),
            "bb" | "tb" => Some(Self::BottomFirst),
            _ => None,
        }
    }
}

/// What a measurement says about a clip's frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fields {
    /// The fields of a frame were taken one after the other.
    Woven(FieldOrder),
    /// Each frame was taken at one time, whatever the clip is flagged as.
    Whole,
    /// Nothing moves in the measured frames, or they contradict each other.
    Undecided,
}

impl Fields {
    /// The verdict of ffmpeg's `idet` filter on single frames, as the `metadata` filter prints it.
    pub(crate) fn of_listing(listing: &[u8]) -> Self {
        let listing = String::from_utf8_lossy(listing);
        let verdicts = listing.lines().filter_map(|line| line.trim().strip_prefix("lavfi.idet.single.current_frame="));
        let (mut top, mut bottom, mut whole, mut all) = (0, 0, 0, 0);
        for verdict in verdicts {
            all += 1;
            match verdict {
                "tff" => top += 1,
                "bff" => bottom += 1,
                "progressive" => whole += 1,
                _ => {}
            }
        }
        let (more, less, order) =
            if top >= bottom { (top, bottom, FieldOrder::TopFirst) } else { (bottom, top, FieldOrder::BottomFirst) };
        // In film that was converted for television, two frames of five are woven. Horizontal lines
        // that move look woven in either order.
        if more >= 2 && more * 4 >= all && less * 4 <= more {
            Self::Woven(order)
        } else if whole * 2 > all && more * 8 <= all {
            Self::Whole
        } else {
            Self::Undecided
        }
    }
}

/// Whether it is worth decoding a few frames to measure whether they are interlaced: the clip is
/// flagged so, or has a rate of interlaced video in a codec of cameras and editors.
pub(crate) fn may_be_interlaced(flag: Option<FieldOrder>, codec: &str, rate: FrameRate) -> bool {
    let is_of_screens = matches!(codec, "vp8" | "vp9" | "av1" | "gif" | "png" | "apng" | "webp" | "qtrle");
    flag.is_some() || !is_of_screens && (24.5..30.5).contains(&rate.per_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(runs: &[(usize, &str)]) -> Fields {
        let frame = |name: &str| format!("frame:0    pts:0\nlavfi.idet.single.current_frame={name}\n");
        Fields::of_listing(runs.iter().map(|(count, name)| frame(name).repeat(*count)).collect::<String>().as_bytes())
    }

    #[test]
    fn frames_are_woven_if_enough_of_them_agree_on_the_order() {
        assert_eq!(verdict(&[(16, "tff")]), Fields::Woven(FieldOrder::TopFirst));
        assert_eq!(verdict(&[(8, "undetermined"), (8, "bff")]), Fields::Woven(FieldOrder::BottomFirst));
        assert_eq!(verdict(&[(10, "progressive"), (6, "tff")]), Fields::Woven(FieldOrder::TopFirst), "telecine");
        assert_eq!(verdict(&[(16, "progressive")]), Fields::Whole);
        assert_eq!(verdict(&[(15, "progressive"), (1, "bff")]), Fields::Whole);
        for runs in
            [&[(16, "undetermined")][..], &[(6, "tff"), (6, "bff")], &[(12, "undetermined"), (4, "progressive")], &[]]
        {
            assert_eq!(verdict(runs), Fields::Undecided, "{runs:?}");
        }
    }

    #[test]
    fn only_clips_that_may_be_interlaced_are_measured() {
        let rate = |frames| FrameRate::new(frames, 1).unwrap();
        assert!(may_be_interlaced(None, "h264", rate(25)));
        assert!(!may_be_interlaced(None, "h264", rate(24)));
        assert!(!may_be_interlaced(None, "vp9", rate(30)));
        assert!(may_be_interlaced(FieldOrder::of_flag("tb"), "h264", rate(50)));
    }
}
