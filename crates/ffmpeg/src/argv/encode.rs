use clearcut_frame::{FrameRate, Matrix, Size, Subsampling};
use clearcut_job::{OutputFormat, Quality, Speed};

use super::{
    decode::{AUDIO_FILE, raw_pixel_format},
    words,
};

/// Which colors the numbers of a frame mean. The range is always limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColorTags {
    /// The matrix of the pixels.
    pub matrix: Matrix,
    names: &'static str,
    /// Primaries, transfer and matrix as ITU-T H.273 counts them.
    pub code_points: [u8; 3],
}

impl ColorTags {
    /// High definition.
    pub const BT709: Self = Self {
        matrix: Matrix::Bt709,
        names: "-colorspace bt709 -color_primaries bt709 -color_trc bt709",
        code_points: [1, 1, 1],
    };
    /// Standard definition, 525 lines.
    pub const BT601_525: Self = Self {
        matrix: Matrix::Bt601,
        names: "-colorspace smpte170m -color_primaries smpte170m -color_trc smpte170m",
        code_points: [6, 6, 6],
    };
    /// Standard definition, 625 lines.
    pub const BT601_625: Self = Self {
        matrix: Matrix::Bt601,
        names: "-colorspace bt470bg -color_primaries bt470bg -color_trc smpte170m",
        code_points: [5, 6, 5],
    };

    fn arguments(self) -> impl Iterator<Item = String> {
        words(self.names).chain(words("-color_range tv"))
    }
}

/// How one output is encoded, and so also how it is read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodePlan {
    /// The kind of file.
    pub format: OutputFormat,
    /// Of the frame. A stacked file is padded to even sides and twice as high.
    pub size: Size,
    /// Chroma resolution of the raw frames.
    pub subsampling: Subsampling,
    /// Constant rate of the frames.
    pub frame_rate: FrameRate,
    /// What the colors mean.
    pub color: ColorTags,
    /// Of WebP and APNG.
    pub quality: Quality,
    /// Of WebM and stacked-alpha.
    pub speed: Speed,
    /// Whether [`AUDIO_FILE`] in the scratch folder goes in. Ignored where the container has no place for it.
    pub has_audio: bool,
    /// Threads of the encoder.
    pub threads: usize,
}

impl EncodePlan {
    /// Name of the output in the scratch folder.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}.{}", self.format.name(), self.format.extension())
    }

    /// The frames that the encoder reads: for a stacked file color over matte, padded to even sides, without alpha.
    #[must_use]
    pub fn raw_size(&self) -> Size {
        if self.format != OutputFormat::StackedAlpha {
            return self.size;
        }
        let half = self.size.padded_to_even();
        Size::new(half.width(), half.height() * 2).unwrap_or(half)
    }

    /// Name in the scratch folder of one of a WebM's streams, before they are put together.
    #[must_use]
    pub const fn layer_name(layer: Layer) -> &'static str {
        match layer {
            Layer::Color => "webm-color.ivf",
            Layer::Alpha => "webm-alpha.ivf",
        }
    }

    /// Name in the scratch folder of a WebM's sound (Opus in Ogg), before it is put together.
    pub const LAYER_SOUND: &str = "webm-sound.ogg";

    /// The longest side in pixels that the format or its encoder takes: libvpx as distributions build it, x264, and libwebp.
    #[must_use]
    pub const fn max_side(&self) -> u32 {
        match self.format {
            OutputFormat::Webm | OutputFormat::StackedAlpha => 16_384,
            OutputFormat::Webp => 16_383,
            OutputFormat::Apng | OutputFormat::Mov => 65_535,
        }
    }

    /// The most pixels that the format can be read back with, for its check: of WebP those of 4K.
    #[must_use]
    pub const fn max_pixels(&self) -> Option<u64> {
        match self.format {
            OutputFormat::Webp => Some(3840 * 2160),
            OutputFormat::Webm | OutputFormat::StackedAlpha | OutputFormat::Apng | OutputFormat::Mov => None,
        }
    }

    pub(crate) const fn doing(&self) -> &'static str {
        match self.format {
            OutputFormat::Webm => "encoding webm",
            OutputFormat::StackedAlpha => "encoding stacked-alpha",
            OutputFormat::Webp => "encoding webp",
            OutputFormat::Apng => "encoding apng",
            OutputFormat::Mov => "encoding mov",
        }
    }
}

/// One of the two streams of a WebM: VP9 knows no alpha, so that the matte is a second video.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// Y', Cb and Cr, and the sound.
    Color,
    /// The matte, as luma.
    Alpha,
}

const QUIET: &str = "-hide_banner -loglevel error -nostdin";

/// ffmpeg: raw frames from standard input to [`EncodePlan::file_name`] in the current folder. Of a stacked file or MOV.
pub(crate) fn encode(plan: &EncodePlan) -> Vec<String> {
    let stacked = plan.format == OutputFormat::StackedAlpha;
    let pixels = if stacked { "yuv420p" } else { raw_pixel_format(plan.subsampling, true) };
    let mut arguments = raw_input(plan, pixels);
    let has_audio = plan.has_audio && plan.format.carries_audio();
    if has_audio {
        arguments.extend(words(&format!("-f wav -i file:{AUDIO_FILE} -map 0:v -map 1:a")));
    }
    arguments.extend(words(match plan.format {
        OutputFormat::Mov => {
            "-c:v prores_ks -profile:v 4444 -qscale:v 4 -pix_fmt yuva444p10le -alpha_bits 16 -vendor apl0 -f mov"
        }
        _ => "-c:v libx264 -pix_fmt yuv420p -g 240 -movflags +faststart",
    }));
    if stacked {
        arguments.extend(words(x264_speed(plan.speed)));
    }
    arguments.extend(plan.color.arguments());
    if has_audio {
        arguments.extend(words(if stacked { "-c:a aac -b:a 160k" } else { "-c:a pcm_s24le" }));
    }
    arguments.extend(words(&format!("-threads {} -fps_mode passthrough", plan.threads)));
    arguments.extend(words(&format!("-map_metadata -1 -fflags +bitexact -y {}", plan.file_name())));
    arguments
}

/// ffmpeg: one stream of a WebM, raw from standard input, to [`EncodePlan::layer_name`] in the current folder, and with the colors the
/// sound to [`EncodePlan::LAYER_SOUND`].
pub(crate) fn encode_layer(plan: &EncodePlan, layer: Layer) -> Vec<String> {
    let (pixels, speed) = match layer {
        Layer::Color => (raw_pixel_format(plan.subsampling, false), vp9_speed(plan.speed)),
        Layer::Alpha => ("gray", vp9_alpha_speed(plan.speed)),
    };
    let mut arguments = raw_input(plan, pixels);
    let has_audio = plan.has_audio && layer == Layer::Color;
    if has_audio {
        arguments.extend(words(&format!("-f wav -i file:{AUDIO_FILE} -map 0:v")));
    }
    if layer == Layer::Alpha {
        // Alpha is luma as it stands, 0 to 255; ffmpeg would squeeze grey.
        arguments.extend(words("-vf scale=in_range=full:out_range=full"));
    }
    // Key frames come by count alone, so that both streams have them at the same frames.
    arguments.extend(words("-c:v libvpx-vp9 -pix_fmt yuv420p -b:v 0 -tile-columns 2 -row-mt 1 -frame-parallel 0 -auto-alt-ref 0 -lag-in-frames 0 -g 240 -keyint_min 240"));
    arguments.extend(words(speed));
    arguments.extend(plan.color.arguments());
    // Half of them for each stream.
    arguments.extend(words(&format!("-threads {} -fps_mode passthrough -f ivf -y", plan.threads.div_ceil(2))));
    arguments.push(EncodePlan::layer_name(layer).to_owned());
    if has_audio {
        arguments.extend(words("-map 1:a -c:a libopus -b:a 128k -map_metadata -1 -fflags +bitexact -f ogg -y"));
        arguments.push(EncodePlan::LAYER_SOUND.to_owned());
    }
    arguments
}

fn raw_input(plan: &EncodePlan, pixels: &str) -> Vec<String> {
    let size = plan.raw_size();
    let mut arguments: Vec<String> = words(QUIET).collect();
    arguments.extend(words(&format!("-protocol_whitelist file,pipe -f rawvideo -pixel_format {pixels}")));
    arguments.extend(words(&format!("-video_size {}x{} -framerate {}", size.width(), size.height(), plan.frame_rate)));
    arguments.extend(plan.color.arguments());
    arguments.extend(words("-i pipe:0"));
    arguments
}

// What an encoder of lossy video spends its time on: steps of one ladder, of about the same quality, the slower the smaller
// (docs/performance.md has the figures).

const fn vp9_speed(speed: Speed) -> &'static str {
    match speed {
        Speed::Best => "-deadline good -cpu-used 2 -crf 34",
        Speed::Balanced => "-deadline realtime -cpu-used 5 -crf 34",
        Speed::Fast => "-deadline realtime -cpu-used 8 -crf 35",
    }
}

/// A matte is flat but for its edge, as frames of a screen are: tuned for these it is a seventh smaller, and truer.
const fn vp9_alpha_speed(speed: Speed) -> &'static str {
    match speed {
        Speed::Best => "-deadline good -cpu-used 2 -tune-content screen -crf 38",
        Speed::Balanced => "-deadline realtime -cpu-used 5 -tune-content screen -crf 43",
        Speed::Fast => "-deadline realtime -cpu-used 7 -tune-content screen -crf 41",
    }
}

/// x264 spends bits on what is flat, of which a stacked frame has much: half as eager it is a twentieth to an eighth smaller at the same
/// error. What it decides by looking ahead (which frames lean on each other, where shots change, where light fades) gains a stacked
/// frame nothing, and costs a third of the time and 90 MB at 1080p.
const fn x264_speed(speed: Speed) -> &'static str {
    match speed {
        Speed::Best => "-preset medium -crf 23",
        // A faster preset takes half as many bytes again for a tenth of the time.
        Speed::Balanced | Speed::Fast => {
            "-preset veryfast -crf 30.5 -x264-params aq-strength=0.5:rc-lookahead=0:sync-lookahead=0:mbtree=0:scenecut=0:weightp=0:\
             b-adapt=0:bframes=1:ref=2"
        }
    }
}

/// ffmpeg: the matte of the finished output as raw grey to standard output; limited range for a stacked file, else full.
pub(crate) fn decode_matte(plan: &EncodePlan) -> Vec<String> {
    let mut arguments: Vec<String> = words(QUIET).collect();
    arguments.extend(words("-protocol_whitelist file,pipe"));
    if plan.format == OutputFormat::Webm {
        arguments.extend(words("-c:v libvpx-vp9"));
    }
    arguments.extend(words(&format!("-threads {} -i file:{} -map 0:v:0 -vf", plan.threads, plan.file_name())));
    let (width, height) = (plan.size.width(), plan.size.height());
    arguments.push(match plan.format {
        OutputFormat::StackedAlpha => {
            format!("extractplanes=y,crop={width}:{height}:0:ih/2")
        }
        _ => "alphaextract,format=gray".to_owned(),
    });
    arguments.extend(words("-fps_mode passthrough -f rawvideo -pix_fmt gray pipe:1"));
    arguments
}
