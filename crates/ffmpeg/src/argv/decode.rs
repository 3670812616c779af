use std::{fmt::Write as _, time::Duration};

use clearcut_frame::{FrameRate, Matrix, Size, Subsampling};

use super::{codecs::whitelist, words};
use crate::{Container, MediaInfo, MediaLimits};

/// How frames are brought to a constant rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retiming {
    /// The source has a constant rate already: every frame once, none added.
    EveryFrame,
    /// Frames are repeated or dropped to reach this rate.
    To(FrameRate),
}

/// How a clip is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodePlan {
    /// Size of the frames.
    pub size: Size,
    /// How they are brought to a constant rate.
    pub retiming: Retiming,
    /// Threads of the decoder. More are faster and hold more frames.
    pub threads: usize,
}

/// Which frames are sampled for measuring the background.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SamplePlan {
    /// Among which, and how far apart.
    pub among: Sampled,
    /// Stop after so many.
    pub max_frames: u64,
}

/// Among which frames samples are taken. What is left out is not decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sampled {
    /// Key frames, every so many-th, at least 1.
    KeyFrames(u64),
    /// Frames that others are predicted from, at least so long after the one before. For clips of constant rate, whose timestamps are right.
    References(Duration),
    /// All, every so many-th, at least 1.
    Every(u64),
}

/// Which few frames in a row are decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExcerptPlan {
    /// Size of the frames.
    pub size: Size,
    /// Where the first of them lies, counted from the clip's first frame. What lies before it is looked for by its key frames alone.
    pub from: Duration,
    /// Stop after so many.
    pub frames: u64,
}

/// From which colors a clip is converted to BT.709 on decoding. What the clip does not state is taken to be BT.2020.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ToneMap {
    /// How bright its values are.
    pub transfer: SourceTransfer,
    /// Whether the clip states its primaries.
    pub has_primaries: bool,
    /// Whether the clip states its matrix.
    pub has_matrix: bool,
}

/// The transfer of a clip that is converted to BT.709.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceTransfer {
    /// PQ (SMPTE 2084) or HLG, as stated: tone-mapped to standard range.
    HighDynamicRange,
    /// A standard one, as stated: only primaries and matrix are mapped.
    Standard,
    /// None is stated: taken as that of BT.2020 in standard range.
    Unstated,
}

/// Name in the scratch folder of the sound that goes into the outputs.
pub(crate) const AUDIO_FILE: &str = "sound.wav";

/// What every command that reads a stranger's file begins with: only files and pipes, one demuxer, known decoders.
fn guarded_input(container: Container, limits: &MediaLimits, options: &str) -> Vec<String> {
    let demuxer = container.demuxer();
    let mut arguments: Vec<String> = words("-hide_banner -loglevel error -protocol_whitelist file,pipe").collect();
    arguments.extend(words(&format!("-format_whitelist {demuxer} -codec_whitelist {}", whitelist())));
    arguments.extend(words(&format!("-max_pixels {}", limits.max_pixels)));
    arguments.extend(words(options));
    arguments.extend(words(&format!("-f {demuxer} -i file:/dev/stdin")));
    arguments
}

/// ffprobe: streams as JSON.
pub(crate) fn probe_streams(container: Container, limits: &MediaLimits) -> Vec<String> {
    guarded_input(container, limits, "-show_streams -of json")
}

/// ffprobe: a line `stream_index,pts_time,dts,dts_time,flags` for every packet of every video stream, and what its side data is called.
pub(crate) fn probe_packets(container: Container, limits: &MediaLimits) -> Vec<String> {
    let options = "-select_streams v -show_entries packet=stream_index,pts_time,dts,dts_time,flags:packet_side_data=side_data_type -of csv=p=0";
    guarded_input(container, limits, options)
}

fn ffmpeg_input(info: &MediaInfo, limits: &MediaLimits, options: &str) -> Vec<String> {
    let decoder = info.decoder.map(|decoder| format!("-c:v {decoder}")).unwrap_or_default();
    let mut arguments = vec!["-nostdin".to_owned()];
    arguments.extend(guarded_input(info.container, limits, &format!("{decoder} {options}")));
    arguments
}

/// ffmpeg: raw frames of [`MediaInfo::frame_format`] to standard output.
pub(crate) fn decode(info: &MediaInfo, plan: &DecodePlan, limits: &MediaLimits) -> Vec<String> {
    let mut arguments = ffmpeg_input(info, limits, &format!("-threads {}", plan.threads));
    let mut filters = Vec::new();
    if let Retiming::To(rate) = plan.retiming {
        filters.push(format!("fps={rate}"));
    }
    filters.extend(pixel_filters(info, plan.size));
    arguments.extend(raw_output(info, &filters));
    arguments
}

/// ffmpeg: some raw frames of [`MediaInfo::frame_format`] to standard output.
pub(crate) fn sample(info: &MediaInfo, size: Size, plan: &SamplePlan, limits: &MediaLimits) -> Vec<String> {
    let every = |step: u64| format!("select=not(mod(n\\,{}))", step.max(1));
    let (skipping, select) = match plan.among {
        Sampled::KeyFrames(step) => ("-skip_frame nokey", every(step)),
        Sampled::References(apart) => {
            let apart = apart.as_secs_f64();
            ("-skip_frame noref", format!("select=isnan(prev_selected_t)+gte(t-prev_selected_t\\,{apart:.6})"))
        }
        Sampled::Every(step) => ("", every(step)),
    };
    let mut arguments = ffmpeg_input(info, limits, skipping);
    let mut filters = vec![select];
    filters.extend(pixel_filters(info, size));
    arguments.extend(words(&format!("-frames:v {}", plan.max_frames)));
    arguments.extend(raw_output(info, &filters));
    arguments
}

/// ffmpeg: some raw frames in a row of [`MediaInfo::frame_format`] to standard output, decoded on one thread.
pub(crate) fn excerpt(info: &MediaInfo, plan: &ExcerptPlan, limits: &MediaLimits) -> Vec<String> {
    let mut options = "-threads 1".to_owned();
    let mut retiming = info.has_variable_rate.then(|| format!("fps={}", info.frame_rate));
    // From the beginning nothing has to be looked for, and containers that cannot be searched are read all the same.
    if !plan.from.is_zero() {
        // A quarter of a frame early, since containers round timestamps: the first that comes is the one that is meant. Half of one would be
        // rounded to the frame before where the container counts in frames.
        let quarter = info.frame_rate.start_of(1).as_secs_f64() / 4.0;
        let from = info.video_start_secs + plan.from.as_secs_f64() - quarter;
        let _ = write!(options, " -seek_timestamp 1 -ss {from:.6}");
        // Counted from there, also where the frame that is shown then began before.
        retiming = retiming.map(|retiming| retiming + ":start_time=0");
    }
    let mut filters: Vec<String> = retiming.into_iter().collect();
    filters.extend(pixel_filters(info, plan.size));
    let mut arguments = ffmpeg_input(info, limits, &options);
    arguments.extend(words(&format!("-frames:v {}", plan.frames)));
    arguments.extend(raw_output(info, &filters));
    arguments
}

/// ffmpeg: the first sound track as PCM in [`AUDIO_FILE`], beginning and ending with the frames.
///
/// Timestamps are those of the file (`-copyts`); the first frame's start becomes 0, gaps are filled with silence.
pub(crate) fn extract_audio(info: &MediaInfo, limits: &MediaLimits) -> Vec<String> {
    let stream = info.audio.as_ref().map_or(0, |audio| audio.stream);
    let channels = info.audio.as_ref().map_or(2, |audio| audio.channels.min(2));
    let (start, length) = (info.video_start_secs, info.duration.as_secs_f64());
    let mut arguments = ffmpeg_input(info, limits, "-copyts");
    arguments.extend(words(&format!("-map 0:{stream} -vn -sn -dn -af")));
    arguments.push(format!(
        "asetpts=PTS-({start:.6})/TB,aresample=async=1:first_pts=0,apad=whole_dur={length:.6},atrim=end={length:.6}"
    ));
    arguments.extend(words(&format!("-ac {channels} -c:a pcm_s24le -rf64 auto -f wav -y {AUDIO_FILE}")));
    arguments
}

/// Names the colors that the clip does not: zscale gives up on unnamed ones.
fn unstated_colors(source: ToneMap) -> Option<String> {
    let unstated = [
        (source.transfer == SourceTransfer::Unstated, "color_trc=bt2020-10"),
        (!source.has_primaries, "color_primaries=bt2020"),
        (!source.has_matrix, "colorspace=bt2020nc"),
    ];
    let named: Vec<&str> = unstated.into_iter().filter_map(|(is_unstated, name)| is_unstated.then_some(name)).collect();
    if named.is_empty() { None } else { Some(format!("setparams={}", named.join(":"))) }
}

/// Filters that bring a decoded frame to 8-bit limited range in `size`, in the matrix of [`MediaInfo::color`].
fn pixel_filters(info: &MediaInfo, size: Size) -> Vec<String> {
    let mut filters = Vec::new();
    if let Some(source) = info.tone_map {
        filters.extend(unstated_colors(source));
        // Reference white of HDR video is 203 cd/m² (ITU-R BT.2408).
        let linear = if info.has_alpha { "gbrapf32le" } else { "gbrpf32le" };
        filters.push(match source.transfer {
            SourceTransfer::HighDynamicRange => format!(
                "zscale=transfer=linear:npl=203,format={linear},zscale=primaries=bt709,tonemap=mobius:desat=0,\
                 zscale=transfer=bt709:matrix=bt709:range=tv"
            ),
            SourceTransfer::Standard | SourceTransfer::Unstated => {
                "zscale=primaries=bt709:transfer=bt709:matrix=bt709:range=tv".to_owned()
            }
        });
    }
    let matrix = match info.color.matrix {
        Matrix::Bt601 => "bt601",
        Matrix::Bt709 => "bt709",
    };
    let quality = "flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp";
    filters.push(format!(
        "scale={}:{}:in_color_matrix={matrix}:out_color_matrix={matrix}:out_range=tv:{quality}",
        size.width(),
        size.height()
    ));
    filters
}

fn raw_output(info: &MediaInfo, filters: &[String]) -> Vec<String> {
    let mut arguments: Vec<String> = words(&format!("-map 0:{} -an -sn -dn -vf", info.stream)).collect();
    arguments.push(filters.join(","));
    let pixels = raw_pixel_format(info.subsampling, info.has_alpha);
    arguments.extend(words(&format!("-fps_mode passthrough -f rawvideo -pix_fmt {pixels} pipe:1")));
    arguments
}

/// ffmpeg's name for the layout of a [`clearcut_frame::Frame`].
pub(super) const fn raw_pixel_format(subsampling: Subsampling, has_alpha: bool) -> &'static str {
    match (subsampling, has_alpha) {
        (Subsampling::Half, false) => "yuv420p",
        (Subsampling::Half, true) => "yuva420p",
        (Subsampling::Full, false) => "yuv444p",
        (Subsampling::Full, true) => "yuva444p",
    }
}
