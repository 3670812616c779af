//! Timeline of a clip: when each frame is shown, from the timestamps and durations of its packets,
//! and the constant frame rate that fits.

use std::time::Duration;

use clearcut_frame::FrameRate;
use clearcut_job::{Note, NoteCode};

use crate::{
    Container, MediaError,
    rates::{DEFAULT_RATE, ROUNDING, constant_rate, lost_frames, rate_for_uneven},
    seek_point::SeekPoint,
};

/// The packets of the video stream, in the order of the file.
#[derive(Debug, Default)]
pub(crate) struct Packets {
    /// Packets whose frame is shown, or would be if it can be decoded.
    shown: Vec<Packet>,
    /// Number of frames that an edit list hides. The header counts them, but players do not show
    /// them.
    hidden: u64,
    /// Slots of an AVI up to the last frame, and the largest distance of two frames in slots. An
    /// empty slot repeats the frame before it; the header counts it, but it has no packet.
    slots: u64,
    slot_step: u64,
    /// Whether the first frames may depend on frames that the file does not have.
    starts_open: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Packet {
    /// Presentation time in seconds, where it is known.
    start: Option<f64>,
    /// Duration in seconds, where it is known.
    duration: Option<f64>,
    is_keyframe: bool,
}

/// ffprobe's name for the key information of an encrypted packet. The codec tag of such a stream is
/// that of the unencrypted video.
const ENCRYPTED: &str = "Encryption info";

impl Packets {
    /// Parses the lines of [`crate::argv::probe_packets`] that belong to `stream`.
    ///
    /// # Errors
    /// [`MediaError::Encrypted`].
    pub(crate) fn parse(lines: &[u8], stream: usize, container: Container) -> Result<Self, MediaError> {
        let mut packets = Self::default();
        let (mut last_slot, mut first_keyframe) = (None, None);
        for line in lines.split(|&byte| byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok()) {
            let mut fields = line.trim().split(',');
            let mut next = || fields.next();
            let (Some(index), Some(shown), Some(slot), Some(decoded), Some(duration), Some(flags)) =
                (next(), next(), next(), next(), next(), next())
            else {
                continue;
            };
            if index.parse() != Ok(stream) {
                continue;
            }
            if fields.any(|side_data| side_data == ENCRYPTED) {
                return Err(MediaError::Encrypted);
            }
            // AVI frames lie in slots of equal length and have no other time.
            let in_slots = container == Container::Avi;
            if let Some(slot) = slot.parse::<u64>().ok().filter(|_| in_slots) {
                packets.slots = packets.slots.max(slot.saturating_add(1));
                packets.slot_step = packets.slot_step.max(slot.saturating_sub(last_slot.unwrap_or(slot)));
                last_slot = Some(slot);
            }
            let start = seconds(if in_slots { decoded } else { shown });
            let is_keyframe = flags.starts_with('K');
            if is_keyframe && first_keyframe.is_none() {
                first_keyframe = Some(start);
            }
            if flags.contains('D') {
                packets.hidden += 1;
                continue;
            }
            let is_leading = first_keyframe.is_none_or(|keyframe| start.zip(keyframe).is_some_and(|(a, b)| a < b));
            packets.starts_open |= is_leading;
            packets.shown.push(Packet { start, duration: seconds(duration).filter(|secs| *secs > 0.0), is_keyframe });
        }
        Ok(packets)
    }

    /// Number of frames that are shown.
    pub(crate) fn frames(&self) -> u64 {
        self.shown.len() as u64
    }

    /// Number of keyframes that are shown.
    pub(crate) fn keyframes(&self) -> u64 {
        self.shown.iter().filter(|packet| packet.is_keyframe).count() as u64
    }

    /// Whether the file has fewer frames than the header's `count` says.
    pub(crate) fn lacks_frames(&self, count: u64) -> bool {
        let found = self.slots.saturating_add(self.slot_step.saturating_sub(1)).max(self.frames() + self.hidden);
        found < count
    }

    /// Whether the file begins in the middle of a group of pictures, so that only a decoder can tell
    /// which frame is the first that is shown.
    pub(crate) fn starts_open(&self) -> bool {
        // Without any keyframe, nothing can be told from where they are.
        self.starts_open && self.shown.iter().any(|packet| packet.is_keyframe)
    }

    /// Number of leading packets that contain the first frame that can be decoded.
    pub(crate) fn packets_to_first_frame(&self) -> usize {
        /// Frames that a decoder may hold back or skip behind a keyframe, in H.264 and HEVC.
        const BEHIND_KEYFRAME: usize = 32;
        self.shown.iter().position(|packet| packet.is_keyframe).unwrap_or(0) + BEHIND_KEYFRAME
    }

    /// The keyframes, at least a second apart. Empty if a frame has no time, is hidden or may lack
    /// what it depends on, or if the rate is not constant: then the times do not tell the numbers of
    /// the frames.
    pub(crate) fn keyframe_points(&self, timeline: &Timeline) -> Vec<SeekPoint> {
        let is_proven = timeline.is_constant && self.hidden == 0 && !self.starts_open;
        if !is_proven || self.shown.iter().any(|packet| packet.start.is_none()) {
            return Vec::new();
        }
        let mut keyframes: Vec<f64> =
            self.shown.iter().filter(|packet| packet.is_keyframe).filter_map(|packet| packet.start).collect();
        keyframes.sort_by(f64::total_cmp);
        let mut points: Vec<SeekPoint> = Vec::new();
        for secs in keyframes {
            if points.last().is_none_or(|last| secs - last.secs >= 1.0) {
                let frame = ((secs - timeline.start_secs) * timeline.rate.per_second()).round() as u64;
                points.push(SeekPoint { frame, secs });
            }
        }
        points
    }

    /// Drops the frames that come before `first`, the time in seconds of the first frame that a
    /// decoder returned.
    pub(crate) fn begin_with(&mut self, first: f64) {
        self.shown.retain(|packet| packet.start.is_none_or(|start| start > first - 2.0 * ROUNDING));
    }
}

fn seconds(text: &str) -> Option<f64> {
    text.parse().ok().filter(|seconds: &f64| seconds.is_finite())
}

/// When the frames of a clip are shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Timeline {
    /// Timestamp of the first frame in the file, in seconds.
    pub(crate) start_secs: f64,
    /// Time from the start of the first frame to the start of the last.
    pub(crate) last_frame_start: Duration,
    /// Time from the start of the first frame to the end of the last.
    pub(crate) length: Duration,
    /// The constant rate of the frames, or one that suits uneven frames.
    pub(crate) rate: FrameRate,
    /// Whether frame i is the only one that is shown at i / rate, for every i.
    pub(crate) is_constant: bool,
    /// Number of frames that are not shown at the rate, because the next one follows too soon.
    lost: usize,
}

impl Timeline {
    /// The timeline of `packets`, of which there is at least one. `header_rates` are the rates that
    /// the header states; `header_end` is the time in seconds at which the track ends by its
    /// header.
    pub(crate) fn new(packets: &Packets, header_rates: &[FrameRate], header_end: Option<f64>) -> Self {
        let count = packets.frames();
        let mut starts: Vec<f64> = packets.shown.iter().filter_map(|packet| packet.start).collect();
        starts.sort_by(f64::total_cmp);
        let base_rate = header_rates.first().copied().unwrap_or(DEFAULT_RATE);
        if starts.len() as u64 != count {
            // Some frames have no time: only the number of frames is known.
            let last_frame_start = base_rate.start_of(count.saturating_sub(1));
            let (start_secs, length) = (starts.first().copied().unwrap_or(0.0), base_rate.start_of(count));
            return Self { start_secs, last_frame_start, length, rate: base_rate, is_constant: true, lost: 0 };
        }
        let (start, last) = (starts[0], starts[starts.len() - 1]);
        let constant_rate = constant_rate(&starts, header_rates);
        let end = end_of(packets, last).into_iter().chain(header_end).fold(last, f64::max);
        let rate = constant_rate.unwrap_or_else(|| rate_for_uneven(&starts, header_rates));
        let frame = 1.0 / rate.per_second();
        // A clip that says nothing of its end shows the last frame for one frame.
        let end = if end > last { end } else { last + frame };
        // Timestamps and durations are rounded, so the end of the last frame is seldom exact.
        let is_last_held = end - last > 1.5 * frame;
        let is_constant = constant_rate.is_some() && !is_last_held;
        // Times that no duration can hold exceed the limit of the length.
        let from_start = |time: f64| Duration::try_from_secs_f64(time - start).unwrap_or(Duration::MAX);
        let nominal = rate.start_of(count);
        let is_rounded = is_constant && from_start(end).abs_diff(nominal).as_secs_f64() < 2.0 * ROUNDING;
        let length = if is_rounded { nominal } else { from_start(end) };
        let lost = if is_constant { 0 } else { lost_frames(&starts, rate) };
        Self { start_secs: start, last_frame_start: from_start(last), length, rate, is_constant, lost }
    }

    /// The reason for the rate of a clip whose frames are uneven.
    pub(crate) fn note(&self) -> Option<Note> {
        let held = self.length.saturating_sub(self.last_frame_start).as_secs_f64();
        let rate = self.rate.readable();
        let message = if self.is_constant {
            return None;
        } else if held > MIN_HOLD_SECS {
            format!("the last frame is shown for {held:.2} s; at {rate} frames/s it is repeated for that time")
        } else {
            let shown = match self.lost {
                0 => "each of them at its time".to_owned(),
                lost => format!("all but {lost} of them, which the next frame follows too soon"),
            };
            format!("the frames of the clip are unevenly spaced; {rate} frames/s show {shown}")
        };
        Some(Note::new(NoteCode::RateConverted, message))
    }
}

/// The end of the frame that starts at `last`, in seconds, if its packet has a duration.
fn end_of(packets: &Packets, last: f64) -> Option<f64> {
    let packet = packets.shown.iter().find(|packet| packet.start == Some(last));
    packet.and_then(|packet| packet.duration).map(|duration| last + duration)
}

/// Time for which the last frame of a clip is shown, from which on a note tells of it.
const MIN_HOLD_SECS: f64 = 0.25;

#[cfg(test)]
mod tests {
    use super::*;

    fn packets(container: Container, lines: &str) -> Packets {
        Packets::parse(lines.as_bytes(), 0, container).unwrap()
    }

    #[test]
    fn a_last_frame_that_is_held_ends_with_its_packet_or_with_its_track() {
        let lines = "0,0.0,0,0.0,0.04,K_\n0,0.04,1,0.04,0.04,__\n0,0.08,2,0.08,1.92,__\n";
        let rates = ["25/1".parse().unwrap()];
        let held = Timeline::new(&packets(Container::Gif, lines), &rates, None);
        assert_eq!((held.length, held.last_frame_start), (Duration::from_secs(2), Duration::from_millis(80)));
        assert!(!held.is_constant && held.note().unwrap().message.contains("1.92 s"));
        let short = packets(Container::Mov, &lines.replace("1.92", "N/A"));
        assert!(Timeline::new(&short, &rates, Some(0.12)).is_constant);
        assert_eq!(Timeline::new(&short, &rates, Some(5.0)).length, Duration::from_secs(5));
    }

    #[test]
    fn a_clip_of_constant_rate_ends_when_its_last_frame_does() {
        let rate = FrameRate::new(30_000, 1001).unwrap();
        let length = |lines: &str| Timeline::new(&packets(Container::Gif, lines), &[rate, rate], None).length;
        // At this rate, each of two uneven frames is shown once.
        assert_eq!(length("0,0.0,0,0.0,0.02,K_\n0,0.02,1,0.02,0.04,K_\n"), Duration::from_millis(60));
        let rounded_to_milliseconds = "0,0.0,0,0.0,0.033,K_\n0,0.033,1,0.033,0.033,K_\n";
        assert_eq!(length(rounded_to_milliseconds), rate.start_of(2));
    }

    #[test]
    fn frames_before_the_first_that_can_be_decoded_are_not_shown() {
        let open = "0,1.04,N/A,N/A,N/A,K_\n0,0.96,N/A,N/A,N/A,__\n0,1.0,N/A,N/A,N/A,__\n0,1.08,N/A,N/A,N/A,__\n";
        let mut packets = packets(Container::Matroska, open);
        assert!(packets.starts_open());
        packets.begin_with(1.04);
        assert_eq!(packets.frames(), 2);
        assert!((Timeline::new(&packets, &["25/1".parse().unwrap()], None).start_secs - 1.04).abs() < 1e-9);
        let closed = "0,0.0,N/A,N/A,N/A,K_\n0,0.08,N/A,N/A,N/A,__\n0,0.04,N/A,N/A,N/A,__\n";
        assert!(!self::packets(Container::Matroska, closed).starts_open());
    }
}
