//! Arguments of the commands that write an output, and of the one that reads an output back.

use std::ops::Range;

use clearcut_frame::{FrameRate, Rgb8, Size, Subsampling};
use clearcut_job::{OutputFormat, Quality, Speed};

use super::{decode::raw_pixel_format, hevc, sound::AUDIO_FILE, split_arguments};
use crate::ColorTags;

/// Settings for encoding one output and for reading it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodePlan {
    /// The output format.
    pub format: OutputFormat,
    /// Size of the frame. Files of 4:2:0 are padded to even sides, and a stacked one is twice as high.
    pub size: Size,
    /// Chroma subsampling of the raw frames.
    pub subsampling: Subsampling,
    /// Constant frame rate.
    pub frame_rate: FrameRate,
    /// The color space of the frames.
    pub color: ColorTags,
    /// Quality of WebP, APNG and GIF.
    pub quality: Quality,
    /// The color that the soft edges of a GIF are mixed with.
    pub edge_color: Option<Rgb8>,
    /// Encoding speed of WebM, stacked-alpha, MP4 and hevc-alpha.
    pub speed: Speed,
    /// CRF of the two streams of a WebM; `None` for those of the speed.
    pub crf: Option<LayerCrf>,
    /// How often an APNG plays; 0 for forever.
    pub plays: u32,
    /// Whether `AUDIO_FILE` in the scratch folder is included. Ignored if the format carries no
    /// audio.
    pub has_audio: bool,
    /// Encoder threads.
    pub threads: usize,
}

impl EncodePlan {
    /// File name of the output in the scratch folder.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}.{}", self.format.name(), self.format.extension())
    }

    /// Size of the frames that the encoder reads: that of the frame, or padded to even sides for an
    /// opaque MP4, for a matte, for HEVC, and for a stacked file, which has color above matte, without
    /// alpha.
    #[must_use]
    pub fn raw_size(&self) -> Size {
        let padded = self.size.padded_to_even();
        match self.format {
            OutputFormat::StackedAlpha => Size::new(padded.width(), padded.height() * 2).unwrap_or(padded),
            OutputFormat::Matte | OutputFormat::Foreground | OutputFormat::Mp4 | OutputFormat::HevcAlpha => padded,
            _ => self.size,
        }
    }

    /// Shortest side in pixels that the encoder takes. x265 damages its memory with sides below 32.
    #[must_use]
    pub const fn min_side(&self) -> u32 {
        if matches!(self.format, OutputFormat::HevcAlpha) { 64 } else { 1 }
    }

    /// Whether the file is an MP4 of H.264, whose frames are 4:2:0 without alpha.
    const fn is_mp4(&self) -> bool {
        matches!(
            self.format,
            OutputFormat::StackedAlpha | OutputFormat::Mp4 | OutputFormat::Matte | OutputFormat::Foreground
        )
    }

    /// The color space as the format states it.
    #[must_use]
    pub fn color_tags(&self) -> ColorTags {
        if self.format == OutputFormat::Mov { self.color.in_prores() } else { self.color }
    }

    /// File name, in the scratch folder, of one stream of a WebM before muxing.
    #[must_use]
    pub const fn layer_name(layer: Layer) -> &'static str {
        match layer {
            Layer::Color => "webm-color.ivf",
            Layer::Alpha => "webm-alpha.ivf",
        }
    }

    /// Largest number of frames from one codec keyframe of an output to the next. In a WebM it is
    /// always this one.
    pub const KEYFRAME_INTERVAL: u64 = 240;

    /// File name, in the scratch folder, of a WebM's audio (Opus in Ogg) before muxing.
    pub const LAYER_SOUND: &str = "webm-sound.ogg";

    /// The longest side in pixels that the format or its encoder supports: libvpx as distributions
    /// build it, x264, and libwebp; of a sprite sheet, that textures may have.
    #[must_use]
    pub const fn max_side(&self) -> u32 {
        match self.format {
            OutputFormat::Webm
            | OutputFormat::StackedAlpha
            | OutputFormat::Mp4
            | OutputFormat::Matte
            | OutputFormat::Foreground => 16_384,
            OutputFormat::HevcAlpha | OutputFormat::SpriteSheet => 8192,
            OutputFormat::Webp => 16_383,
            OutputFormat::Apng
            | OutputFormat::Gif
            | OutputFormat::Mov
            | OutputFormat::PngSequence
            | OutputFormat::Poster => 65_535,
        }
    }

    /// The largest frame, in pixels: for WebP, 4K, which the output check can read back; for HEVC, that
    /// of its highest level.
    #[must_use]
    pub const fn max_pixels(&self) -> Option<u64> {
        match self.format {
            OutputFormat::Webp => Some(3840 * 2160),
            OutputFormat::HevcAlpha => Some(8192 * 4320),
            OutputFormat::Webm
            | OutputFormat::StackedAlpha
            | OutputFormat::Mp4
            | OutputFormat::Apng
            | OutputFormat::Gif
            | OutputFormat::Mov
            | OutputFormat::PngSequence
            | OutputFormat::SpriteSheet
            | OutputFormat::Matte
            | OutputFormat::Foreground
            | OutputFormat::Poster => None,
        }
    }

    pub(crate) const fn operation(&self) -> &'static str {
        match self.format {
            OutputFormat::Webm => "encoding webm",
            OutputFormat::StackedAlpha => "encoding stacked-alpha",
            OutputFormat::Mp4 => "encoding mp4",
            OutputFormat::Webp => "encoding webp",
            OutputFormat::Apng => "encoding apng",
            OutputFormat::Gif => "encoding gif",
            OutputFormat::Mov => "encoding mov",
            OutputFormat::HevcAlpha => "encoding hevc-alpha",
            OutputFormat::PngSequence => "encoding png-sequence",
            OutputFormat::SpriteSheet => "encoding sprite-sheet",
            OutputFormat::Matte => "encoding matte",
            OutputFormat::Foreground => "encoding foreground",
            OutputFormat::Poster => "encoding poster",
        }
    }
}

/// The constant rate factors of the two streams of a WebM, 0 (large) – 63 (small).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerCrf {
    /// That of the color.
    pub color: u8,
    /// That of the matte.
    pub alpha: u8,
}

impl LayerCrf {
    /// The factors of a speed: about the same quality at each.
    #[must_use]
    pub const fn of(speed: Speed) -> Self {
        match speed {
            Speed::Best => Self { color: 34, alpha: 38 },
            Speed::Balanced => Self { color: 34, alpha: 43 },
            Speed::Fast => Self { color: 35, alpha: 41 },
        }
    }
}

/// One of the two streams of a WebM. VP9 has no alpha, so the matte is a second video stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// Y', Cb and Cr, and the audio.
    Color,
    /// The matte, as luma.
    Alpha,
}

pub(super) const QUIET: &str = "-hide_banner -loglevel error -nostdin";

/// ffmpeg command that encodes raw frames from standard input to [`EncodePlan::file_name`] in the
/// current folder. Only for stacked-alpha, MP4, MOV, HEVC and matte.
pub(crate) fn encode(plan: &EncodePlan) -> Vec<String> {
    let pixels = match plan.format {
        OutputFormat::HevcAlpha => "yuva420p",
        _ if plan.is_mp4() => "yuv420p",
        _ => raw_pixel_format(plan.subsampling, true),
    };
    let mut arguments = raw_input(plan, pixels);
    arguments.extend(sound_input(plan));
    match plan.format {
        OutputFormat::Mov => arguments.extend(split_arguments(
            "-c:v prores_ks -profile:v 4444 -qscale:v 4 -pix_fmt yuva444p10le -alpha_bits 16 -vendor apl0",
        )),
        OutputFormat::HevcAlpha => arguments.extend(hevc::encoder(plan)),
        _ => arguments.extend(split_arguments("-c:v libx264 -pix_fmt yuv420p")),
    }
    if plan.is_mp4() {
        arguments.extend(split_arguments(&format!("-g {}", EncodePlan::KEYFRAME_INTERVAL)));
        arguments.extend(split_arguments(match plan.format {
            OutputFormat::Matte | OutputFormat::Foreground => X264_FOR_EDITORS,
            OutputFormat::Mp4 => x264_opaque_speed(plan.speed),
            _ => x264_speed(plan.speed),
        }));
    }
    arguments.extend(color_arguments(plan));
    arguments.extend(split_arguments(&format!("-threads {} -fps_mode passthrough", plan.threads)));
    arguments.extend(file_output(plan));
    arguments
}

fn has_sound(plan: &EncodePlan) -> bool {
    plan.has_audio && plan.format.carries_audio()
}

/// The sound as the second input, if there is any.
pub(super) fn sound_input(plan: &EncodePlan) -> Vec<String> {
    let input = || split_arguments(&format!("-f wav -i file:{AUDIO_FILE} -map 0:v -map 1:a")).collect();
    if has_sound(plan) { input() } else { Vec::new() }
}

/// The codec of the sound, and the file that is written: an MP4 or a MOV.
pub(super) fn file_output(plan: &EncodePlan) -> Vec<String> {
    let mut arguments = Vec::new();
    if has_sound(plan) {
        let is_pcm = plan.format == OutputFormat::Mov;
        arguments.extend(split_arguments(if is_pcm { "-c:a pcm_s24le" } else { "-c:a aac -b:a 160k" }));
    }
    arguments.extend(split_arguments(match plan.format {
        OutputFormat::Mov => "-f mov",
        OutputFormat::HevcAlpha => hevc::CONTAINER,
        _ => "-movflags +faststart",
    }));
    if let Some(timescale) = movie_timescale(plan.frame_rate) {
        arguments.extend(split_arguments(&format!("-movie_timescale {timescale}")));
    }
    arguments.extend(split_arguments(&format!("-map_metadata -1 -fflags +bitexact -y {}", plan.file_name())));
    arguments
}

/// ffmpeg command that encodes one stream of a WebM from raw frames on standard input to
/// [`EncodePlan::layer_name`] in the current folder. The color command also encodes the audio to
/// [`EncodePlan::LAYER_SOUND`].
pub(crate) fn encode_layer(plan: &EncodePlan, layer: Layer) -> Vec<String> {
    let crf = plan.crf.unwrap_or(LayerCrf::of(plan.speed));
    let (pixels, speed, crf) = match layer {
        Layer::Color => (raw_pixel_format(plan.subsampling, false), vp9_speed(plan.speed), crf.color),
        // The matte is luma, with constant chroma: from gray, ffmpeg would convert between full and
        // limited range, each version in its own way.
        Layer::Alpha => (raw_pixel_format(Subsampling::Half, false), vp9_alpha_speed(plan.speed), crf.alpha),
    };
    let mut arguments = raw_input(plan, pixels);
    let has_audio = plan.has_audio && layer == Layer::Color;
    if has_audio {
        arguments.extend(split_arguments(&format!("-f wav -i file:{AUDIO_FILE} -map 0:v")));
    }
    // Keyframes are placed by frame count alone, so that both streams have them at the same frames.
    arguments.extend(split_arguments("-c:v libvpx-vp9 -pix_fmt yuv420p -b:v 0 -tile-columns 2 -row-mt 1 -frame-parallel 0 -auto-alt-ref 0 -lag-in-frames 0"));
    arguments.extend(split_arguments(&format!("-g {0} -keyint_min {0}", EncodePlan::KEYFRAME_INTERVAL)));
    arguments.extend(split_arguments(&format!("{speed} -crf {crf}")));
    arguments.extend(color_arguments(plan));
    // Each stream gets half of the threads.
    arguments
        .extend(split_arguments(&format!("-threads {} -fps_mode passthrough -f ivf -y", plan.threads.div_ceil(2))));
    arguments.push(EncodePlan::layer_name(layer).to_owned());
    if has_audio {
        arguments.extend(split_arguments("-map 1:a"));
        arguments.extend(opus_output());
    }
    arguments
}

/// The Opus sound of a WebM.
pub(super) fn opus_output() -> impl Iterator<Item = String> {
    split_arguments("-c:a libopus -b:a 128k -map_metadata -1 -fflags +bitexact -f ogg -y")
        .chain([EncodePlan::LAYER_SOUND.to_owned()])
}

/// Units per second in which an MP4 or MOV states its length and its edit list, so that they are
/// exact: ffmpeg rounds the length up to milliseconds. `None` for rates without a reasonable one.
fn movie_timescale(rate: FrameRate) -> Option<u32> {
    match rate.frames() {
        frames @ ..1000 => Some(frames * 1000),
        frames @ 1000..=1_000_000 => Some(frames),
        _ => None,
    }
}

fn raw_input(plan: &EncodePlan, pixels: &str) -> Vec<String> {
    let size = plan.raw_size();
    let mut arguments: Vec<String> = split_arguments(QUIET).collect();
    arguments.extend(split_arguments(&format!("-protocol_whitelist file,pipe -f rawvideo -pixel_format {pixels}")));
    arguments.extend(split_arguments(&format!(
        "-video_size {}x{} -framerate {}",
        size.width(),
        size.height(),
        plan.frame_rate
    )));
    arguments.extend(color_arguments(plan));
    arguments.extend(split_arguments("-i pipe:0"));
    arguments
}

// Speed steps of the lossy video encoders: about the same quality at each step, and smaller files
// at slower steps (figures in docs/design/lab-notes.md).

const fn vp9_speed(speed: Speed) -> &'static str {
    match speed {
        Speed::Best => "-deadline good -cpu-used 2",
        Speed::Balanced => "-deadline realtime -cpu-used 5",
        Speed::Fast => "-deadline realtime -cpu-used 8",
    }
}

/// A matte is flat except at its edge, like screen content. Tuned for that, it is a seventh smaller
/// and more accurate.
const fn vp9_alpha_speed(speed: Speed) -> &'static str {
    match speed {
        Speed::Best => "-deadline good -cpu-used 2 -tune-content screen",
        Speed::Balanced => "-deadline realtime -cpu-used 5 -tune-content screen",
        Speed::Fast => "-deadline realtime -cpu-used 7 -tune-content screen",
    }
}

/// x264's adaptive quantization spends bits on flat areas, of which a stacked frame has many; at
/// half its strength the file is a twentieth to an eighth smaller at the same error. Lookahead
/// (frame dependencies, scene cuts, fades) gains a stacked frame nothing, and costs a third of the
/// time and 90 MB at 1080p.
const fn x264_speed(speed: Speed) -> &'static str {
    match speed {
        Speed::Best => "-preset medium -crf 23",
        // A faster preset makes the file half as large again and saves a tenth of the time.
        Speed::Balanced | Speed::Fast => {
            "-preset veryfast -crf 30.5 -x264-params aq-strength=0.5:rc-lookahead=0:sync-lookahead=0:mbtree=0:scenecut=0:weightp=0:\
             b-adapt=0:bframes=1:ref=2"
        }
    }
}

/// An opaque picture is watched as it is, often on a large screen, and is encoded again by the places
/// where it is shared: so it gets more bits than the colors of a stacked frame.
const fn x264_opaque_speed(speed: Speed) -> &'static str {
    match speed {
        Speed::Best => "-preset slow -crf 19",
        Speed::Balanced => "-preset faster -crf 20",
        Speed::Fast => "-preset superfast -crf 20",
    }
}

/// A matte and its foreground are for editors: their levels are off by one or two.
const X264_FOR_EDITORS: &str = "-preset veryfast -crf 12";

/// ffmpeg command that writes the matte of the finished output as raw gray to standard output:
/// limited range for a stacked file, else full. Of HEVC, both layers are written, as yuva420p in
/// [`EncodePlan::raw_size`]. With `range`, only these frames are decoded, of which
/// the first is a codec keyframe.
pub(crate) fn decode_matte(plan: &EncodePlan, range: Option<&Range<u64>>) -> Vec<String> {
    let mut arguments: Vec<String> = split_arguments(QUIET).collect();
    arguments.extend(split_arguments("-protocol_whitelist file,pipe"));
    if let Some(range) = range {
        // The last keyframe before a time that lies shortly after the start of the frame.
        let within = (range.start as f64 + 0.25) / plan.frame_rate.per_second();
        arguments.extend(split_arguments(&format!("-noaccurate_seek -seek_timestamp 1 -ss {within:.6}")));
    }
    if plan.format == OutputFormat::Webm {
        arguments.extend(split_arguments("-c:v libvpx-vp9"));
    }
    arguments.extend(split_arguments(&format!("-threads {} -i file:{} -map 0:v:0", plan.threads, plan.file_name())));
    let (width, height) = (plan.size.width(), plan.size.height());
    let (filters, pixels) = match plan.format {
        OutputFormat::StackedAlpha => (format!("extractplanes=y,crop={width}:{height}:0:ih/2"), "gray"),
        OutputFormat::Matte => (format!("extractplanes=y,crop={width}:{height}:0:0"), "gray"),
        OutputFormat::HevcAlpha => ("null".to_owned(), "yuva420p"),
        _ => ("alphaextract,format=gray".to_owned(), "gray"),
    };
    arguments.extend(["-vf".to_owned(), filters]);
    if let Some(range) = range {
        arguments.extend(split_arguments(&format!("-frames:v {}", range.end - range.start)));
    }
    arguments.extend(split_arguments(&format!("-fps_mode passthrough -f rawvideo -pix_fmt {pixels} pipe:1")));
    arguments
}

/// ffmpeg command that writes the pictures of the finished output, without alpha, as raw 4:2:0 frames
/// of [`EncodePlan::raw_size`] to standard output.
pub(crate) fn decode_picture(plan: &EncodePlan) -> Vec<String> {
    let mut arguments: Vec<String> = split_arguments(QUIET).collect();
    arguments.extend(split_arguments(&format!(
        "-protocol_whitelist file,pipe -threads {} -i file:{} -map 0:v:0 -fps_mode passthrough -f rawvideo -pix_fmt yuv420p pipe:1",
        plan.threads,
        plan.file_name()
    )));
    arguments
}

/// ffmpeg command that prints the packets of the pictures, and of the sound if there is any, of the
/// finished output, with hashes: see [`crate::PacketListing`].
pub(crate) fn list_packets(plan: &EncodePlan) -> Vec<String> {
    let mut arguments: Vec<String> = split_arguments(QUIET).collect();
    arguments.extend(split_arguments(&format!(
        "-protocol_whitelist file,pipe -copyts -i file:{} -map 0:v:0 -map 0:a? -c copy -f framehash -hash murmur3 pipe:1",
        plan.file_name()
    )));
    arguments
}

/// ffprobe command that prints the length in seconds that the finished output states.
pub(crate) fn stated_length(plan: &EncodePlan) -> Vec<String> {
    let options = "-v error -protocol_whitelist file,pipe -show_entries format=duration -of csv=p=0";
    split_arguments(options).chain([format!("file:{}", plan.file_name())]).collect()
}

/// The color space and the range, which is limited but for a matte.
fn color_arguments(plan: &EncodePlan) -> impl Iterator<Item = String> {
    let range = if plan.format == OutputFormat::Matte { "-color_range pc" } else { "-color_range tv" };
    split_arguments(plan.color_tags().names).chain(split_arguments(range))
}
