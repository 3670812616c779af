//! The plan of a cut, made before the first frame is decoded, and the resources a cut may use.

use std::{num::NonZeroUsize, ops::Range, time::Duration};

use clearcut_animation::{is_too_fast_for_browsers, is_too_fast_for_gif};
use clearcut_ffmpeg::{DecodePlan, DecodeWindow, EncodePlan, MediaInfo, Retiming, SeekPoint, TimeSpan};
use clearcut_frame::{FrameFormat, FrameRate, Size};
use clearcut_job::{Bounds, CutRequest, EdgeColor, LoopChoice, Note, NoteCode, OutputFormat};

use crate::{
    part::{Part, timing},
    stages::encode::Grid,
};

mod limits;

/// The machine resources a cut may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resources {
    /// Number of threads for matting, and for each decoder and encoder. Default: all cores.
    pub threads: NonZeroUsize,
    /// Bytes from which the length of each encoder's queue follows: a third of them, one to four
    /// frames. With shorter queues, encoders of uneven speed wait for each other more often.
    /// Default 128 MiB.
    pub frame_bytes: usize,
    /// Total memory in bytes that a cut may use, in this process and in decoders and encoders.
    /// Compared with an estimate before the cut; of large frames, fewer threads are used for
    /// matting. Default 4 GiB.
    pub max_bytes: u64,
    /// Number of segments of a long clip that are cut side by side; they share the threads and the
    /// memory. `None`, the default: as many as the encoders leave threads for.
    pub segments: Option<NonZeroUsize>,
}

impl Resources {
    /// The part of one of `count` segments that are cut at the same time.
    pub(crate) fn shared_by(&self, count: NonZeroUsize) -> Self {
        Self {
            threads: NonZeroUsize::new(self.threads.get() / count).unwrap_or(NonZeroUsize::MIN),
            frame_bytes: self.frame_bytes / count,
            max_bytes: self.max_bytes / count.get() as u64,
            segments: Some(NonZeroUsize::MIN),
        }
    }
}

impl Default for Resources {
    fn default() -> Self {
        Self {
            threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            frame_bytes: 128 << 20,
            max_bytes: 4 << 30,
            segments: None,
        }
    }
}

/// The plan of a cut.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) decode: DecodePlan,
    pub(crate) frame: FrameFormat,
    /// Frame size of the outputs: that of the frames, or larger, with margins.
    pub(crate) canvas: Size,
    pub(crate) frame_rate: FrameRate,
    /// Rate of the frames in the time of the clip: that of the outputs but for the tempo.
    pub(crate) clip_rate: FrameRate,
    /// How the outputs loop.
    pub(crate) looped: Option<LoopChoice>,
    /// The part of the clip that is cut. Frames are counted from its start.
    pub(crate) span: TimeSpan,
    /// Expected number of frames according to the headers.
    pub(crate) expected_frames: u64,
    pub(crate) encodes: Vec<EncodePlan>,
    /// Number of threads for matting. Each holds frames of its own.
    pub(crate) matte_threads: NonZeroUsize,
    /// Length of the queue in front of each encoder, in frames.
    pub(crate) queue_len: usize,
    /// Number, in the part of the clip, of the first frame that is encoded.
    pub(crate) first: u64,
    /// Number of frames that are matted before it.
    pub(crate) run_in: u64,
    /// Number of frames that are matted after the last one.
    pub(crate) run_out: u64,
}

impl Plan {
    /// The plan of a cut whose part [`crate::part::check_trim`] has accepted.
    pub(crate) fn new(info: &MediaInfo, request: &CutRequest, resources: &Resources) -> Self {
        let size = request.output_size(info.decoded_size());
        let (clip_rate, retiming) = timing(request, info);
        let frame_rate = request.tempo.shown(clip_rate);
        let frame = info.frame_format(size);
        let part = Part::of(request, info);
        let canvas = request.bounds.and_then(Bounds::padded).unwrap_or(size);
        let secs = LoopChoice::frames(request.looped, part.count()) as f64 / frame_rate.per_second();
        let encode = |format: OutputFormat| EncodePlan {
            format,
            size: canvas,
            subsampling: frame.subsampling,
            frame_rate,
            color: info.color,
            quality: request.quality,
            edge_color: request.edge_color.map(|EdgeColor(color)| color),
            speed: request.speed,
            crf: None,
            plays: request.preset.and_then(|preset| preset.plays(secs)).unwrap_or(0),
            has_audio: request.keeps_audio && info.audio.is_some() && request.looped != Some(LoopChoice::Boomerang),
            threads: threads_for(format, request.formats.iter().count(), resources),
        };
        let plan = Self {
            decode: DecodePlan {
                size,
                retiming,
                threads: resources.threads.get().div_ceil(2).min(4),
                window: part.window(),
            },
            frame,
            canvas,
            frame_rate,
            clip_rate,
            looped: request.looped,
            span: part.span,
            expected_frames: part.count(),
            encodes: request.formats.iter().map(encode).collect(),
            matte_threads: NonZeroUsize::MIN,
            queue_len: queue_len(frame, resources),
            first: 0,
            run_in: 0,
            run_out: 0,
        };
        Self { matte_threads: plan.matte_threads(resources), ..plan }
    }

    /// The plan of the frames in `range` of the part, without sound. At most `run_in` frames before them and
    /// `run_out` after them are matted, too. Decoding begins at `seek`.
    pub(crate) fn section(&self, range: Range<u64>, run_in: u64, run_out: u64, seek: Option<SeekPoint>) -> Self {
        let is_last = range.end >= self.expected_frames;
        let (run_in, run_out) = (run_in.min(range.start), if is_last { 0 } else { run_out });
        let before = self.frames_before();
        let end_of_part = self.decode.window.and_then(|window| window.end);
        let end = if is_last { end_of_part } else { Some(before + range.end + run_out) };
        let window = DecodeWindow { first: before + range.start - run_in, end, seek };
        let mut plan = Self {
            decode: DecodePlan { window: Some(window), ..self.decode },
            expected_frames: range.end - range.start,
            encodes: self.encodes.clone(),
            first: range.start,
            run_in,
            run_out,
            ..*self
        };
        plan.leave_out_audio();
        plan
    }

    /// The plan, with decoding that begins at `seek`.
    pub(crate) fn seeking(&self, seek: SeekPoint) -> Self {
        let window = self.decode.window.map(|window| DecodeWindow { seek: Some(seek), ..window });
        Self { decode: DecodePlan { window, ..self.decode }, encodes: self.encodes.clone(), ..*self }
    }

    /// Number of frames of the whole clip, at the rate of the output, before the first one that is
    /// decoded and passed on.
    pub(crate) fn frames_before(&self) -> u64 {
        self.decode.window.map_or(0, |window| window.first)
    }

    /// Number, in the whole clip at [`Self::clip_rate`], of the frame after the part; `None` at the end of the clip.
    pub(crate) fn end(&self) -> Option<u64> {
        self.decode.window.and_then(|window| window.end)
    }

    /// The last of `points` from which the frames from number `first` of the part on can be decoded.
    pub(crate) fn seek_before(&self, points: &[SeekPoint], info: &MediaInfo, first: u64) -> Option<SeekPoint> {
        let number = self.frames_before() + first;
        let in_clip = match self.decode.retiming {
            Retiming::EveryFrame => number,
            // What is on screen then may be the frame before.
            Retiming::To(rate) => info.frame_rate.frames_in(rate.start_of(number)).saturating_sub(2),
        };
        SeekPoint::before(points, info, in_clip)
    }

    /// Expected number of frames of the outputs.
    pub(crate) const fn encoded_frames(&self) -> u64 {
        LoopChoice::frames(self.looped, self.expected_frames)
    }

    /// Number of frames that the decoder should give.
    pub(crate) const fn decoded_frames(&self) -> u64 {
        self.run_in + self.expected_frames + self.run_out
    }

    /// The longest time that the frames before the first one may take that is encoded.
    pub(crate) fn time_to_first_frame(&self) -> Duration {
        let dropped = self.decode.window.filter(|window| window.seek.is_none()).map_or(0, |window| window.first);
        MAX_DROP_TIME * u32::try_from(dropped + self.run_in).unwrap_or(u32::MAX)
    }

    /// Whether any output carries sound.
    pub(crate) fn carries_audio(&self) -> bool {
        self.encodes.iter().any(|plan| plan.has_audio && plan.format.carries_audio())
    }

    /// The note that animations have fewer frames, if they do.
    pub(crate) fn animation_note(&self) -> Option<Note> {
        let formats = self.encodes.iter().filter(|plan| leaves_frames_out(plan)).map(|plan| plan.format.name());
        let formats: Vec<&str> = formats.collect();
        let rate = self.frame_rate.per_second();
        (!formats.is_empty()).then(|| {
            let message = format!(
                "{} at most 50 of the {rate:.0} frames a second, because browsers show shorter frames for 100 ms",
                if let [format] = formats[..] { format!("{format} shows") } else { formats.join(" and ") + " show" }
            );
            Note::new(NoteCode::AnimationRateReduced, message)
        })
    }

    /// Leaves the sound out of all outputs.
    pub(crate) fn leave_out_audio(&mut self) {
        for encode in &mut self.encodes {
            encode.has_audio = false;
        }
    }

    /// Amount of work in pixels: the pixels of all frames, plus [`FRAME_PIXELS`] per frame.
    pub(crate) fn work(&self) -> u64 {
        self.expected_frames.saturating_mul(self.size().pixels() + FRAME_PIXELS)
    }

    /// Estimated memory in bytes for large frames, in the queues of this process and in decoder and
    /// encoders.
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.size().pixels()
            * (self.fixed_bytes_per_pixel() + BYTES_PER_PIXEL_OF_THREAD * self.matte_threads.get() as u64)
    }

    /// Estimated bytes per pixel that do not depend on [`Self::matte_threads`]. Measured at 36
    /// million pixels.
    fn fixed_bytes_per_pixel(&self) -> u64 {
        let of_encoder = |plan: &EncodePlan| match plan.format {
            OutputFormat::Webm | OutputFormat::Mp4 | OutputFormat::Foreground => 45,
            OutputFormat::StackedAlpha => 60,
            OutputFormat::Matte => 30,
            // Of it, x265 looks ahead by up to 25 frames of two layers.
            OutputFormat::HevcAlpha => 400,
            OutputFormat::Webp
            | OutputFormat::Apng
            | OutputFormat::Gif
            | OutputFormat::Mov
            | OutputFormat::PngSequence
            | OutputFormat::Poster => 25,
            // One row of the sheet, and its mattes.
            OutputFormat::SpriteSheet => {
                25 + Grid::of_sheet(plan.size, self.encoded_frames()).map_or(0, |grid| 5 * grid.columns())
            }
        };
        28 + self.encodes.iter().map(of_encoder).sum::<u64>()
    }

    /// As many threads for matting as `resources` has, but no more than its memory allows; at least
    /// one.
    fn matte_threads(&self, resources: &Resources) -> NonZeroUsize {
        let bytes_per_pixel = resources.max_bytes / self.size().pixels();
        let affordable = bytes_per_pixel.saturating_sub(self.fixed_bytes_per_pixel()) / BYTES_PER_PIXEL_OF_THREAD;
        resources.threads.min(NonZeroUsize::new(affordable as usize).unwrap_or(NonZeroUsize::MIN))
    }

    /// Frame size of the outputs.
    pub(crate) const fn size(&self) -> Size {
        self.canvas
    }
}

/// Whether an animation has fewer frames than the clip, because browsers would play it too slowly.
pub(crate) fn leaves_frames_out(plan: &EncodePlan) -> bool {
    match plan.format {
        OutputFormat::Webp | OutputFormat::Apng => is_too_fast_for_browsers(plan.frame_rate),
        OutputFormat::Gif => is_too_fast_for_gif(plan.frame_rate),
        OutputFormat::Webm
        | OutputFormat::StackedAlpha
        | OutputFormat::Mp4
        | OutputFormat::Mov
        | OutputFormat::HevcAlpha
        | OutputFormat::PngSequence
        | OutputFormat::SpriteSheet
        | OutputFormat::Matte
        | OutputFormat::Foreground
        | OutputFormat::Poster => false,
    }
}

/// Estimated bytes per pixel of the frames that one thread of the matting holds: one that is
/// compared with the background, one that is keyed, and one that is finished.
const BYTES_PER_PIXEL_OF_THREAD: u64 = 12;

/// Longest time for decoding a frame that is dropped: that of a large frame on a slow machine.
const MAX_DROP_TIME: Duration = Duration::from_millis(50);

/// Fixed cost of a frame in pixels, however small it is, for moving it between processes.
const FRAME_PIXELS: u64 = 50_000;

/// Number of threads of an encoder. The encoders run at the same time and share the cores: an
/// encoder that splits a frame among threads uses up to a seventh more CPU time, and more memory.
/// The encoders in this process compress whole frames on their threads, which has no such cost.
fn threads_for(format: OutputFormat, formats: usize, resources: &Resources) -> usize {
    match format {
        OutputFormat::Webp
        | OutputFormat::Apng
        | OutputFormat::Gif
        | OutputFormat::PngSequence
        | OutputFormat::SpriteSheet
        | OutputFormat::Poster => resources.threads.get(),
        OutputFormat::Webm
        | OutputFormat::StackedAlpha
        | OutputFormat::Mp4
        | OutputFormat::Mov
        | OutputFormat::HevcAlpha
        | OutputFormat::Matte
        | OutputFormat::Foreground => resources.threads.get().div_ceil(formats.max(1)),
    }
}

/// Length of an encoder's queue: as many frames as fit into a third of the budget, but 1–4. Longer
/// queues gain nothing.
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
    fn encoders_share_the_cores_and_each_has_at_least_one_thread() {
        let threads = |formats, cores| {
            let resources = Resources { threads: NonZeroUsize::new(cores).unwrap(), ..Resources::default() };
            threads_for(OutputFormat::StackedAlpha, formats, &resources)
        };
        assert_eq!([threads(1, 2), threads(2, 2), threads(5, 2), threads(2, 8), threads(5, 8)], [2, 1, 1, 4, 2]);
    }

    #[test]
    fn queues_get_shorter_for_larger_frames_but_are_never_empty() {
        let resources = Resources { frame_bytes: 128 << 20, ..Resources::default() };
        assert_eq!(queue_len(format(640, 360), &resources), 4);
        assert_eq!(queue_len(format(3840, 2160), &resources), 2);
        assert_eq!(queue_len(format(8000, 4000), &resources), 1);
    }

    #[test]
    fn large_frames_are_matted_by_as_many_threads_as_fit_into_memory() {
        let threads = |pixels: u32, max_bytes| {
            let resources = Resources { threads: NonZeroUsize::new(16).unwrap(), max_bytes, ..Resources::default() };
            let size = Size::new(pixels, 1000).unwrap();
            let plan = Plan {
                decode: DecodePlan { size, retiming: Retiming::EveryFrame, threads: 1, window: None },
                frame: format(pixels, 1000),
                canvas: size,
                frame_rate: FrameRate::new(24, 1).unwrap(),
                clip_rate: FrameRate::new(24, 1).unwrap(),
                looped: None,
                span: TimeSpan { start: Duration::ZERO, length: Duration::ZERO },
                expected_frames: 1,
                encodes: Vec::new(),
                matte_threads: NonZeroUsize::MIN,
                queue_len: 1,
                first: 0,
                run_in: 0,
                run_out: 0,
            };
            plan.matte_threads(&resources).get()
        };
        assert_eq!([threads(1000, 1 << 30), threads(8000, 1 << 30), threads(8000, 1 << 20)], [16, 8, 1]);
    }
}
