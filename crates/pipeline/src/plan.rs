//! What is decided about a cut before its first frame is decoded, and what it may use of the machine.

use std::num::NonZeroUsize;

use clearcut_ffmpeg::{DecodePlan, EncodePlan, MediaInfo, Retiming};
use clearcut_frame::{FrameFormat, FrameRate, Size};
use clearcut_job::{CutRequest, FpsChoice, OutputFormat};

/// What a cut may use of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resources {
    /// Threads for matting, and for each decoder and encoder. Default: all cores.
    pub threads: NonZeroUsize,
    /// Memory for raw frames in our own process. Fewer bytes mean shorter queues, so encoders of uneven speed wait for each
    /// other more often. Default 128 MiB. At least a dozen frames are held, however large they are.
    pub frame_bytes: usize,
    /// Memory that a cut may take in all, our own and that of decoders and encoders, as far as it is known before. Default 4 GiB.
    pub max_bytes: u64,
}

impl Default for Resources {
    fn default() -> Self {
        Self {
            threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            frame_bytes: 128 << 20,
            max_bytes: 4 << 30,
        }
    }
}

/// Everything that is decided before the first frame is decoded.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) decode: DecodePlan,
    pub(crate) frame: FrameFormat,
    pub(crate) frame_rate: FrameRate,
    /// Frames there will be, as far as the headers tell.
    pub(crate) expected_frames: u64,
    pub(crate) encodes: Vec<EncodePlan>,
    /// Frames that wait in front of each stage.
    pub(crate) queue_len: usize,
}

impl Plan {
    pub(crate) fn new(info: &MediaInfo, request: &CutRequest, resources: &Resources) -> Self {
        let size = request.size.map_or(info.size, |side| info.size.with_longest_side(u32::from(side.get())));
        let (frame_rate, retiming) = timing(info, request.fps);
        let frame = info.frame_format(size);
        let expected_frames = match retiming {
            Retiming::EveryFrame => info.frames,
            Retiming::To(rate) => rate.frames_in(info.duration).max(1),
        };
        let encode = |format: OutputFormat| EncodePlan {
            format,
            size,
            subsampling: frame.subsampling,
            frame_rate,
            color: info.color,
            quality: request.quality,
            speed: request.speed,
            has_audio: request.keeps_audio && info.audio.is_some(),
            threads: threads_for(format, request.formats.iter().count(), resources),
        };
        Self {
            decode: DecodePlan { size, retiming, threads: resources.threads.get().div_ceil(2).min(4) },
            frame,
            frame_rate,
            expected_frames,
            encodes: request.formats.iter().map(encode).collect(),
            queue_len: queue_len(frame, resources),
        }
    }

    /// Whether any output takes the sound along.
    pub(crate) fn carries_audio(&self) -> bool {
        self.encodes.iter().any(|plan| plan.has_audio && plan.format.carries_audio())
    }

    /// How much there is to do: pixels of all frames, and of each frame as many as moving it between processes costs.
    pub(crate) fn work(&self) -> u64 {
        self.expected_frames.saturating_mul(self.size().pixels() + FRAME_PIXELS)
    }

    /// Memory that large frames take, about: in our own queues and in decoder and encoders. Measured at 36 million pixels.
    pub(crate) fn memory_bytes(&self) -> u64 {
        let by_format = |plan: &EncodePlan| match plan.format {
            OutputFormat::Webm => 45,
            OutputFormat::StackedAlpha => 60,
            OutputFormat::Webp | OutputFormat::Apng | OutputFormat::Mov => 25,
        };
        self.size().pixels() * (40 + self.encodes.iter().map(by_format).sum::<u64>())
    }

    /// The size of the outputs' frame.
    pub(crate) const fn size(&self) -> Size {
        self.frame.size
    }
}

/// What a frame costs however small it is, in pixels.
const FRAME_PIXELS: u64 = 50_000;

/// The constant rate of the output, and how the source gets there.
pub(crate) fn timing(info: &MediaInfo, choice: FpsChoice) -> (FrameRate, Retiming) {
    let asked = match choice {
        FpsChoice::Source => info.frame_rate,
        FpsChoice::Fixed(fps) => FrameRate::new(u32::from(fps), 1).unwrap_or(info.frame_rate),
    };
    let unchanged = asked == info.frame_rate && !info.has_variable_rate;
    (asked, if unchanged { Retiming::EveryFrame } else { Retiming::To(asked) })
}

/// Encoders share the cores: all work at the same time, and one that divides a frame among threads takes up to a seventh more time of
/// processors, and more memory. Those in our own process compress whole frames on their threads, which costs nothing.
fn threads_for(format: OutputFormat, formats: usize, resources: &Resources) -> usize {
    match format {
        OutputFormat::Webp | OutputFormat::Apng => resources.threads.get(),
        _ => resources.threads.get().div_ceil(formats.max(1)),
    }
}

/// About a third of the budget waits decoded, a third is being matted and a third waits for the encoders; 1–4 frames each: more gain
/// nothing.
fn queue_len(frame: FrameFormat, resources: &Resources) -> usize {
    (resources.frame_bytes / (3 * frame.with_alpha().byte_len())).clamp(1, 4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clearcut_frame::{Matrix, Subsampling};

    fn format(width: u32, height: u32) -> FrameFormat {
        let size = Size::new(width, height).unwrap();
        FrameFormat { size, subsampling: Subsampling::Half, has_alpha: false, matrix: Matrix::Bt709 }
    }

    #[test]
    fn encoders_share_the_cores_and_each_has_one() {
        let of = |formats, cores| {
            let resources = Resources { threads: NonZeroUsize::new(cores).unwrap(), ..Resources::default() };
            threads_for(OutputFormat::StackedAlpha, formats, &resources)
        };
        assert_eq!([of(1, 2), of(2, 2), of(5, 2), of(2, 8), of(5, 8)], [2, 1, 1, 4, 2]);
    }

    #[test]
    fn queues_shrink_as_frames_grow_and_never_vanish() {
        let resources = Resources { frame_bytes: 128 << 20, ..Resources::default() };
        assert_eq!(queue_len(format(640, 360), &resources), 4);
        assert_eq!(queue_len(format(3840, 2160), &resources), 2);
        assert_eq!(queue_len(format(8000, 4000), &resources), 1);
    }
}
