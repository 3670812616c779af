use clearcut_frame::{FrameRate, Matrix, Size, Subsampling};
use clearcut_job::{OutputFormat, Quality, Speed};

use super::{
    decode::{AUDIO_FILE, raw_pixel_format},
    words,
};

/// Which colours the numbers of a picture mean. The range is always limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColorTags {
    /// The matrix of the pixels.
    pub matrix: Matrix,
    names: &'static str,
}

impl ColorTags {
    /// High definition.
    pub const BT709: Self =
        Self { matrix: Matrix::Bt709, names: "-colorspace bt709 -color_primaries bt709 -color_trc bt709" };
    /// Standard definition, 525 lines.
    pub const BT601_525: Self =
        Self { matrix: Matrix::Bt601, names: "-colorspace smpte170m -color_primaries smpte170m -color_trc smpte170m" };
    /// Standard definition, 625 lines.
    pub const BT601_625: Self =
        Self { matrix: Matrix::Bt601, names: "-colorspace bt470bg -color_primaries bt470bg -color_trc smpte170m" };

    fn arguments(self) -> impl Iterator<Item = String> {
        words(self.names).chain(words("-color_range tv"))
    }
}

/// How one output is encoded, and so also how it is read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodePlan {
    /// The kind of file.
    pub format: OutputFormat,
    /// Of the picture. A stacked file is padded to even sides and twice as high.
    pub size: Size,
    /// Chroma resolution of the raw pictures.
    pub subsampling: Subsampling,
    /// Constant rate of the pictures.
    pub frame_rate: FrameRate,
    /// What the colours mean.
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

    /// The pictures that the encoder reads: for a stacked file colour over matte, padded to even sides, without alpha.
    #[must_use]
    pub fn raw_size(&self) -> Size {
        if self.format != OutputFormat::StackedAlpha {
            return self.size;
        }
        let half = self.size.padded_to_even();
        Size::new(half.width(), half.height() * 2).unwrap_or(half)
    }

    /// The longest side in pixels that the format or its encoder takes: libvpx as distributions build it, x264, and libwebp.
    #[must_use]
    pub const fn max_side(&self) -> u32 {
        match self.format {
            OutputFormat::Webm | OutputFormat::StackedAlpha => 16_384,
            OutputFormat::Webp => 16_383,
            OutputFormat::Apng | OutputFormat::Mov => 65_535,
        }
    }

    /// Whether the format is made in our own process, from the pictures of the pipe that ffmpeg would read.
    #[must_use]
    pub const fn is_made_here(&self) -> bool {
        matches!(self.format, OutputFormat::Webp | OutputFormat::Apng)
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

const QUIET: &str = "-hide_banner -loglevel error -nostdin";

/// ffmpeg: raw pictures from standard input to [`EncodePlan::file_name`] in the current folder. Of a format that is not
/// [made here](EncodePlan::is_made_here).
pub(crate) fn encode(plan: &EncodePlan) -> Vec<String> {
    let stacked = plan.format == OutputFormat::StackedAlpha;
    let pixels = if stacked { "yuv420p" } else { raw_pixel_format(plan.subsampling, true) };
    let size = plan.raw_size();
    let mut arguments: Vec<String> = words(QUIET).collect();
    arguments.extend(words(&format!("-protocol_whitelist file,pipe -f rawvideo -pixel_format {pixels}")));
    arguments.extend(words(&format!("-video_size {}x{} -framerate {}", size.width(), size.height(), plan.frame_rate)));
    arguments.extend(plan.color.arguments());
    arguments.extend(words("-i pipe:0"));
    let has_audio = plan.has_audio && plan.format.carries_audio();
    if has_audio {
        arguments.extend(words(&format!("-f wav -i file:{AUDIO_FILE} -map 0:v -map 1:a")));
    }
    arguments.extend(video_codec(plan));
    if has_audio {
        arguments.extend(words(audio_codec(plan.format)));
    }
    arguments.extend(words(&format!("-threads {} -fps_mode passthrough", plan.threads)));
    arguments.extend(words(&format!("-map_metadata -1 -fflags +bitexact -y {}", plan.file_name())));
    arguments
}

fn video_codec(plan: &EncodePlan) -> Vec<String> {
    let mut arguments: Vec<String> = words(match plan.format {
        OutputFormat::Webm => {
            "-c:v libvpx-vp9 -pix_fmt yuva420p -b:v 0 -tile-columns 2 -row-mt 1 -auto-alt-ref 0 -lag-in-frames 0 -g 240"
        }
        OutputFormat::StackedAlpha => "-c:v libx264 -pix_fmt yuv420p -g 240 -movflags +faststart",
        OutputFormat::Webp | OutputFormat::Apng => "",
        OutputFormat::Mov => {
            "-c:v prores_ks -profile:v 4444 -qscale:v 4 -pix_fmt yuva444p10le -alpha_bits 16 -vendor apl0 -f mov"
        }
    })
    .collect();
    arguments.extend(words(speed(plan)));
    if plan.format == OutputFormat::Webm {
        arguments.extend(words("-metadata:s:v:0 alpha_mode=1"));
    }
    arguments.extend(plan.color.arguments());
    arguments
}

/// What an encoder of lossy video spends its time on: steps of one ladder, of about the same quality, the slower the smaller
/// (docs/performance.md has the figures).
const fn speed(plan: &EncodePlan) -> &'static str {
    match (plan.format, plan.speed) {
        (OutputFormat::Webm, Speed::Best) => "-deadline good -cpu-used 2 -crf 34",
        (OutputFormat::Webm, Speed::Balanced) => "-deadline realtime -cpu-used 5 -crf 34",
        (OutputFormat::Webm, Speed::Fast) => "-deadline realtime -cpu-used 8 -crf 34",
        (OutputFormat::StackedAlpha, Speed::Best) => "-preset medium -crf 23",
        // A faster preset takes half as many bytes again for a tenth of the time.
        (OutputFormat::StackedAlpha, Speed::Balanced | Speed::Fast) => "-preset veryfast -crf 22",
        (OutputFormat::Webp | OutputFormat::Apng | OutputFormat::Mov, _) => "",
    }
}

const fn audio_codec(format: OutputFormat) -> &'static str {
    match format {
        OutputFormat::StackedAlpha => "-c:a aac -b:a 160k",
        OutputFormat::Mov => "-c:a pcm_s24le",
        OutputFormat::Webm | OutputFormat::Webp | OutputFormat::Apng => "-c:a libopus -b:a 128k",
    }
}

/// ffmpeg: the matte of the finished output as raw grey to standard output; limited range for a stacked file, else full.
pub(crate) fn decode_matte(plan: &EncodePlan) -> Vec<String> {
    let mut arguments: Vec<String> = words(QUIET).collect();
    arguments.extend(words("-protocol_whitelist file,pipe"));
    if plan.format == OutputFormat::Webm {
        arguments.extend(words("-c:v libvpx-vp9"));
    }
    arguments.extend(words(&format!("-i file:{} -map 0:v:0 -vf", plan.file_name())));
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
