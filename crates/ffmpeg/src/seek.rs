//! Codec keyframes at which decoding can begin, with the number of their frame: where the packets
//! prove that the frames after a seek are those of the whole clip.

use std::fs::File;

use crate::{
    Child, Container, Error, KillHandle, MediaInfo, MediaLimits, SeekPoint, Tools, argv,
    probe::{MAX_PACKET_LIST_BYTES, packet_list_timeout},
};

/// Least time between a keyframe and the first frame that is wanted. Containers whose index has
/// decoding times find a keyframe later by as much as frames are reordered.
const MIN_LEAD_SECS: f64 = 0.5;

/// Codecs in which every keyframe makes the decoder forget all earlier frames.
const ALWAYS_EXACT: [&str; 5] = ["vp8", "vp9", "prores", "dnxhd", "mjpeg"];

/// Types of the NAL units of such keyframes in other codecs. In H.264 a keyframe may also be a
/// frame from which on the picture is refreshed piece by piece; only IDR pictures are exact. In HEVC
/// every picture with random access is, for the frames that are shown after it.
const EXACT_UNITS: [(&str, &str); 2] = [("h264", "5"), ("hevc", "16-21")];

/// Difference of a keyframe's time between two listings, in seconds: rounding.
const SAME_SECS: f64 = 1e-3;

impl SeekPoint {
    /// The last of `points`, in ascending order, from which the frames of `info` with number `first`
    /// and later can be decoded.
    #[must_use]
    pub fn before(points: &[Self], info: &MediaInfo, first: u64) -> Option<Self> {
        let wanted = info.video_start_secs + info.frame_rate.start_of(first).as_secs_f64();
        let leads = |point: &&Self| point.frame < first && point.secs + MIN_LEAD_SECS <= wanted;
        points.iter().rev().find(leads).copied()
    }
}

impl Tools {
    /// Starts to find the keyframes of a clip from which all frames that are shown later decode to
    /// the same pixels as from the start. Reads packets, and decodes nothing.
    ///
    /// None are found in containers without an index, in clips of a variable rate, where a filter
    /// makes a frame of several, and where alpha is paired with the color by order.
    ///
    /// # Errors
    /// [`Error::Spawn`].
    pub fn seek_points(&self, input: &File, info: &MediaInfo, limits: &MediaLimits) -> Result<SeekListing, Error> {
        let has_index = matches!(info.container, Container::Mov | Container::Matroska);
        let is_plain = !info.is_deinterlaced && info.size_changes.is_none() && info.alpha_stream.is_none();
        let candidates = if has_index && is_plain && !info.has_variable_rate && !info.lacks_presentation_times {
            info.keyframe_points.clone()
        } else {
            Vec::new()
        };
        if candidates.is_empty() || ALWAYS_EXACT.contains(&info.codec.as_str()) {
            return Ok(SeekListing { candidates, reading: None });
        }
        let Some((_, types)) = EXACT_UNITS.iter().find(|(codec, _)| *codec == info.codec) else {
            return Ok(SeekListing { candidates: Vec::new(), reading: None });
        };
        let child = self.read_packets(input, argv::list_units(info, types, limits))?;
        Ok(SeekListing { candidates, reading: Some((child, packet_list_timeout(input))) })
    }
}

/// A running search for keyframes.
#[derive(Debug)]
pub struct SeekListing {
    candidates: Vec<SeekPoint>,
    /// The process that lists the exact ones, and its timeout; `None` if all are.
    reading: Option<(Child, std::time::Duration)>,
}

impl SeekListing {
    /// A handle that kills the process from another thread; [`Self::finish`] then finds nothing.
    #[must_use]
    pub fn kill_handle(&self) -> Option<KillHandle> {
        self.reading.as_ref().map(|(child, _)| child.kill_handle())
    }

    /// The keyframes, at least a second apart, in ascending order. None if ffmpeg cannot list them.
    /// Blocks.
    ///
    /// # Errors
    /// A failure of the machine.
    pub fn finish(self) -> Result<Vec<SeekPoint>, Error> {
        let Some((child, timeout)) = self.reading else { return Ok(self.candidates) };
        let exact = match child.output(MAX_PACKET_LIST_BYTES, timeout) {
            Ok((listing, _)) => listed_times(&listing),
            Err(Error::Failed { .. } | Error::TimedOut { .. } | Error::Media(_)) => Vec::new(),
            Err(error) => return Err(error),
        };
        let is_exact = |point: &SeekPoint| {
            let next = exact.partition_point(|secs| *secs < point.secs - SAME_SECS);
            exact.get(next).is_some_and(|secs| *secs < point.secs + SAME_SECS)
        };
        Ok(self.candidates.into_iter().filter(is_exact).collect())
    }
}

/// The presentation times that [`argv::list_units`] prints, in seconds and in ascending order.
fn listed_times(listing: &[u8]) -> Vec<f64> {
    let listing = String::from_utf8_lossy(listing);
    let unit = listing.lines().find_map(|line| line.strip_prefix("#tb 0: ")).and_then(|unit| {
        let (seconds, parts) = unit.trim().split_once('/')?;
        Some(seconds.parse::<f64>().ok()? / parts.parse::<f64>().ok()?)
    });
    let shown = |line: &str| line.split(',').nth(2)?.trim().parse::<i64>().ok();
    let lines = listing.lines().filter(|line| !line.starts_with('#'));
    let mut times: Vec<i64> = lines.filter_map(shown).collect();
    times.sort_unstable();
    unit.map(|unit| times.into_iter().map(|time| time as f64 * unit).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_the_unit_of_the_listing() {
        let listing = b"#software: Lavf\n#tb 0: 1/30000\n#media_type 0: video\n\
            0,      -2002,          0,     1001,     1462, 0xc9b2da3c\n0,      38038,      40040,     1001, 9, 0xc1\n";
        assert_eq!(listed_times(listing), [0.0, 40_040.0 / 30_000.0]);
        assert!(listed_times(b"0, 1, 2, 3\n").is_empty(), "times without a unit say nothing");
    }
}
