//! Arguments of the commands that read the headers and the pictures of a clip.

use std::{fmt::Write as _, ops::Range, time::Duration};

use clearcut_frame::{FrameRate, Matrix, Size, Subsampling};
use clearcut_job::CropRect;

use super::{probe::guarded_input, split_arguments};
use crate::{
    AlphaStream, ColorConversion, Container, FieldOrder, MediaInfo, MediaLimits, SeekPoint, SizeChanges,
    color::{BT709, BT2020_CONSTANT, SMPTE428_TRANSFER, SRGB_TRANSFER},
    masks::Masks,
};

/// How frames are converted to a constant rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retiming {
    /// The source already has a constant rate: every frame is passed once, none is added.
    EveryFrame,
    /// Frames are repeated or dropped to reach this rate.
    To(FrameRate),
}

/// Settings for decoding a clip.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DecodePlan {
    /// Size of the frames.
    pub size: Size,
    /// How the frames are converted to a constant rate.
    pub retiming: Retiming,
    /// Decoder threads. More threads are faster and hold more frames in memory.
    pub threads: usize,
    /// The frames that are passed on; `None` for all.
    pub window: Option<DecodeWindow>,
}

/// A range of the frames that a [`DecodePlan`] would give without it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DecodeWindow {
    /// Number of the first frame, from 0.
    pub first: u64,
    /// Number of the frame after the last one; `None` for all up to the end.
    pub end: Option<u64>,
    /// The keyframe before the first frame at which decoding begins. The frames are then told by
    /// their times, so one that the seek has missed is missing. `None`: every frame before the first
    /// one is decoded and dropped.
    pub seek: Option<SeekPoint>,
}

/// Selection of a few consecutive frames to decode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExcerptPlan {
    /// Size of the frames.
    pub size: Size,
    /// Number of the first frame, counted at [`MediaInfo::frame_rate`] from the clip's first frame.
    /// It must not lie behind the start of the clip's last frame.
    pub first: u64,
    /// Number of frames. Behind its end, the clip's last frame is repeated.
    pub frames: u64,
}

/// ffmpeg command that decodes a few frames from the middle of the clip, and prints for each
/// whether it is interlaced.
pub(crate) fn measure_fields(info: &MediaInfo, limits: &MediaLimits) -> Vec<String> {
    let mut options = "-threads 2".to_owned();
    if info.duration > LEAST_SEEK {
        // From the codec keyframe before, without the frames between.
        let middle = info.video_start_secs + info.duration.as_secs_f64() / 2.0;
        let _ = write!(options, " -noaccurate_seek -seek_timestamp 1 -ss {middle:.6}");
    }
    let mut arguments = ffmpeg_input(info, limits, &options);
    let filters = "idet,metadata=mode=print:key=lavfi.idet.single.current_frame:file=-";
    arguments.extend(split_arguments(&format!(
        "-map 0:{} -an -sn -dn -vf {filters} -frames:v {MEASURED_FRAMES} -fps_mode passthrough -f null -",
        info.stream
    )));
    arguments
}

/// Length of a clip from which its fields are measured in the middle, not at the start.
const LEAST_SEEK: Duration = Duration::from_secs(2);
/// Number of frames whose fields are measured.
const MEASURED_FRAMES: u32 = 16;

pub(super) fn ffmpeg_input(info: &MediaInfo, limits: &MediaLimits, options: &str) -> Vec<String> {
    let decoder = info.decoder.map(|decoder| format!("-c:v {decoder}")).unwrap_or_default();
    // When the size changes, ffmpeg makes new filters, which lose a frame at another rate. A filter
    // that rotates needs that.
    let filters = if info.size_changes.is_some() && info.rotation_degrees == 0 { "-reinit_filter:v 0" } else { "" };
    let mut arguments = vec!["-nostdin".to_owned()];
    arguments.extend(guarded_input(
        info.container,
        limits,
        &Masks::default(),
        &format!("-loglevel error {decoder} {filters} {options}"),
    ));
    arguments
}

/// ffmpeg command that prints a line for each keyframe of the video with a NAL unit of `types`:
/// stream, decoding time, presentation time and more, in the unit that a line `#tb 0:` states.
/// Decodes nothing.
pub(crate) fn list_units(info: &MediaInfo, types: &str, limits: &MediaLimits) -> Vec<String> {
    let mut arguments = ffmpeg_input(info, limits, "-discard:v nokey -copyts");
    arguments.extend(split_arguments(&format!(
        "-map 0:{} -c copy -bsf:v filter_units=pass_types={types} -f framecrc -",
        info.stream
    )));
    arguments
}

/// ffmpeg command that writes the still image in ISO base media on standard input as a PNG to standard
/// output: the picture that ffmpeg chooses by itself, the primary one. Its transfer is taken as that of
/// sRGB, as browsers do; the PNG states its primaries.
pub(crate) fn convert_still(limits: &MediaLimits) -> Vec<String> {
    let limits = MediaLimits { max_pixels: limits.max_image_pixels, ..*limits };
    let mut arguments = vec!["-nostdin".to_owned()];
    arguments.extend(guarded_input(Container::Mov, &limits, &Masks::default(), "-loglevel error -threads 2"));
    let filters = "scale=flags=accurate_rnd+full_chroma_int,format=rgb24,setparams=color_trc=iec61966-2-1";
    arguments.extend(split_arguments(&format!(
        "-an -sn -dn -vf {filters} -frames:v 1 -c:v png -compression_level 1 -f image2pipe -"
    )));
    arguments
}

/// ffmpeg command that writes raw frames of [`MediaInfo::frame_format`] to standard output.
pub(crate) fn decode(info: &MediaInfo, plan: &DecodePlan, limits: &MediaLimits) -> Vec<String> {
    decode_in(info.color.matrix, info, plan, limits)
}

/// [`decode`], with colors of `matrix`.
pub(crate) fn decode_in(matrix: Matrix, info: &MediaInfo, plan: &DecodePlan, limits: &MediaLimits) -> Vec<String> {
    let mut options = format!("-threads {}", plan.threads);
    let mut filters: Vec<String> = deinterlacing(info).into_iter().collect();
    let window = plan.window.filter(|window| window.first > 0);
    let seek = window.and_then(|window| window.seek);
    if plan.retiming != Retiming::EveryFrame || seek.is_some() {
        options += " -copyts";
    }
    if let Some(seek) = seek {
        let _ = write!(options, " -noaccurate_seek -seek_timestamp 1 -ss {:.6}", seek.target());
    }
    if let Retiming::To(rate) = plan.retiming {
        let frames = rate.frames_in(info.duration).max(1);
        let held = frames - rate.frames_in(info.last_frame_start).min(frames - 1);
        if let (Some(_), Some(DecodeWindow { first, end, .. })) = (seek, window) {
            filters.push(retime_by_number(info, rate, first..end.unwrap_or(frames), held));
        } else {
            filters.extend(start_at_first_frame(info));
            filters.push(retime(info, rate, Duration::ZERO, frames, held));
        }
    }
    filters.extend(window.and_then(|window| within(info, plan.retiming, window)));
    let mut arguments = ffmpeg_input(info, limits, &options);
    filters.extend(pixel_filters(info, plan.size, matrix));
    if let Some(DecodeWindow { first, end: Some(end), .. }) = plan.window {
        arguments.extend(split_arguments(&format!("-frames:v {}", end.saturating_sub(first))));
    }
    arguments.extend(raw_output(info, &filters));
    arguments
}

/// The filter that passes on the frames of `window` alone, which does not begin with the clip. After a
/// seek the frames have the times of the file, and each is told from its neighbors by the middle
/// between their times. [`retime_by_number`] needs no such filter.
fn within(info: &MediaInfo, retiming: Retiming, window: DecodeWindow) -> Option<String> {
    let DecodeWindow { first, end, seek } = window;
    if seek.is_none() {
        return Some(format!("trim=start_frame={first}"));
    }
    if retiming != Retiming::EveryFrame {
        return None;
    }
    let half_frame = 0.5 / info.frame_rate.per_second();
    let before = |frame: u64| info.video_start_secs + info.frame_rate.start_of(frame).as_secs_f64() - half_frame;
    let until = end.map(|end| format!(":end={:.6}", before(end))).unwrap_or_default();
    Some(format!("trim=start={:.6}{until}", before(first)))
}

/// ffmpeg command that writes consecutive raw frames of [`MediaInfo::frame_format`] to standard
/// output, decoded on one thread.
pub(crate) fn excerpt(info: &MediaInfo, plan: &ExcerptPlan, limits: &MediaLimits) -> Vec<String> {
    let mut options = "-threads 1 -copyts".to_owned();
    // No seek at the start of the clip, so containers without seek support can be read too.
    let from = info.frame_rate.start_of(plan.first);
    let seek = seek_before(info, from);
    options.extend(seek.iter().map(String::as_str));
    let mut filters: Vec<String> = deinterlacing(info).into_iter().collect();
    if seek.is_none() {
        filters.extend(start_at_first_frame(info));
    }
    filters.push(retime(info, info.frame_rate, from, plan.frames, plan.frames));
    filters.extend(pixel_filters(info, plan.size, info.color.matrix));
    let mut arguments = ffmpeg_input(info, limits, &options);
    arguments.extend(split_arguments(&format!("-frames:v {}", plan.frames)));
    arguments.extend(raw_output(info, &filters));
    arguments
}

/// Options that make ffmpeg begin at a keyframe before the frame that is on screen at `from`, in the
/// time from the first frame; filters drop the frames in between. `None` at the start of the clip, so
/// that containers without seek support can be read, too.
pub(super) fn seek_before(info: &MediaInfo, from: Duration) -> Option<String> {
    if from.is_zero() || info.lacks_presentation_times {
        return None;
    }
    // A quarter of a frame is the room for rounded timestamps.
    let quarter = info.frame_rate.start_of(1).as_secs_f64() / 4.0;
    let target = info.video_start_secs + from.as_secs_f64() - quarter;
    let target = if info.container.seeks_to_keyframes() { Some(target) } else { early_target(info, target) };
    target.map(|target| format!(" -noaccurate_seek -seek_timestamp 1 -ss {target:.6}"))
}

/// A time well before `target` to seek to, in a container where ffmpeg lands at any packet: decoding
/// starts at the next keyframe, which must not be behind `target`. `None` near the start, and in
/// clips with few keyframes.
fn early_target(info: &MediaInfo, target: f64) -> Option<f64> {
    const MIN_LEAD_SECS: f64 = 20.0;
    let keyframe_interval = info.duration.as_secs_f64() / info.keyframes.max(1) as f64;
    let early = target - (4.0 * keyframe_interval).max(MIN_LEAD_SECS);
    (early > info.video_start_secs).then_some(early)
}

/// For a clip without presentation times that is decoded from its start: a filter that times its
/// first frame. The decoder gives it the time at which it leaves the decoder, some frames late.
pub(super) fn start_at_first_frame(info: &MediaInfo) -> Option<String> {
    let start = info.video_start_secs;
    info.lacks_presentation_times.then(|| format!("settb=AVTB,setpts=PTS-STARTPTS+{start:.6}/TB"))
}

/// Filters that give exactly `frames` frames of constant `rate`, from the time `from` on, counted
/// from the first frame. Each shows what is on screen at its middle. The last frame is repeated up to
/// `held` times. The timestamps must be those of the file (`-copyts`).
pub(super) fn retime(info: &MediaInfo, rate: FrameRate, from: Duration, frames: u64, held: u64) -> String {
    let start = grid_start(info, rate, from);
    format!(
        "settb=AVTB,fps={rate}:start_time={start:.6}:round=down:eof_action=pass,\
         tpad=stop={held}:stop_mode=clone,trim=end_frame={frames}"
    )
}

/// Filters that give what [`retime`] gives from the start of the clip, but only the frames of these
/// numbers, if decoding began before them. A frame is told by its time, so one from before the place
/// where decoding began is missing, and not made of a later one.
fn retime_by_number(info: &MediaInfo, rate: FrameRate, numbers: Range<u64>, held: u64) -> String {
    let micros = (grid_start(info, rate, Duration::ZERO) * 1e6).round();
    let Range { start, end } = numbers;
    format!(
        "settb=AVTB,setpts=PTS-({micros}),fps={rate}:round=down:eof_action=pass,\
         tpad=stop={held}:stop_mode=clone,trim=start_pts={start}:end_pts={end}"
    )
}

/// The time in the file, in seconds, from which the filter `fps` counts frames from `from` on.
fn grid_start(info: &MediaInfo, rate: FrameRate, from: Duration) -> f64 {
    /// Keeps the start off the times at which frames begin.
    const OFF_GRID: f64 = 137e-6;
    // The filter drops the last frame if its number is that of the end, which ffmpeg may take for
    // the start of that frame. So numbers are rounded down and the end up, and the start lies half a
    // frame earlier, which gives the same numbers as rounding to the nearest. In units of the
    // container, such as the frames of an AVI, half a frame would be lost.
    let half_frame = 0.5 / rate.per_second();
    info.video_start_secs + from.as_secs_f64() - half_frame + OFF_GRID
}

/// Filters that convert a decoded frame to 8-bit limited range in `size` and `matrix`.
pub(super) fn pixel_filters(info: &MediaInfo, size: Size, matrix: Matrix) -> Vec<String> {
    let mut filters = Vec::new();
    let one_size = if info.crop.is_some() { info.size } else { size };
    filters.extend(info.size_changes.map(|changes| to_one_size(changes, info, one_size)));
    filters.extend(info.crop.map(|crop| cropping(crop, info.size)));
    filters.extend(info.conversion.map(|conversion| to_bt709(conversion, info.has_alpha)));
    let name = |matrix| match matrix {
        Matrix::Bt601 => "bt601",
        Matrix::Bt709 => "bt709",
    };
    let (source, target) = (name(info.color.matrix), name(matrix));
    let quality = "flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp";
    filters.push(format!(
        "scale={}:{}:in_color_matrix={source}:out_color_matrix={target}:out_range=tv:{quality}",
        size.width(),
        size.height()
    ));
    filters
}

/// The filter that passes on `crop` of frames that are shown in `size`. Their pixels need not be
/// square: so it is told in shares of the frame, which are whole pixels if they are.
fn cropping(crop: CropRect, size: Size) -> String {
    let (w, h, CropRect { x, y, size: part }) = (size.width(), size.height(), crop);
    format!("crop=iw*{}/{w}:ih*{}/{h}:iw*{x}/{w}:ih*{y}/{h}:exact=1", part.width(), part.height())
}

/// The filter that makes one whole frame of the two fields of each frame.
pub(super) fn deinterlacing(info: &MediaInfo) -> Option<String> {
    let parity = match info.field_order {
        FieldOrder::TopFirst => "tff",
        FieldOrder::BottomFirst => "bff",
    };
    info.is_deinterlaced.then(|| format!("bwdif=mode=send_frame:parity={parity}:deint=all"))
}

/// Filters that bring frames of any size to `size`, in their own shape. Only filters that take
/// frames of changing size see such frames. The bars beside a frame continue the colors of its left
/// and right edges, which the subject touches least. With alpha, they are transparent.
fn to_one_size(changes: SizeChanges, info: &MediaInfo, size: Size) -> String {
    let (w, h) = (size.width(), size.height());
    if changes == SizeChanges::SameShape {
        return format!("scale={w}:{h}");
    }
    let is_wider = format!("gte(dar\\,{w}/{h})");
    let fit = format!(
        "scale=w=if({is_wider}\\,{w}\\,max(1\\,round({h}*dar))):h=if({is_wider}\\,max(1\\,round({w}/dar))\\,{h}):eval=frame"
    );
    if info.has_alpha {
        return format!("{fit},pad={w}:{h}:(ow-iw)/2:(oh-ih)/2:black@0:eval=frame");
    }
    let format = if info.subsampling == Subsampling::Half { "yuv420" } else { "yuv444" };
    format!(
        "split[picture][whole];[picture]{fit}[fit];[whole]scale={w}:{h},split[first][last];\
         [first]crop=2:{h}:0:0,scale={w}:{h}[left];[last]crop=2:{h}:{w}-2:0,scale=max(2\\,{w}/2):{h}[right];\
         [left][right]overlay=W-w:0:format={format}[bars];[bars][fit]overlay=(W-w)/2:(H-h)/2:format={format}"
    )
}

/// Filters that convert the colors of a frame to BT.709 in limited range. The source is named in
/// full: zscale fails on unstated properties, and frames may state others than their clip.
fn to_bt709(conversion: ColorConversion, has_alpha: bool) -> String {
    let [primaries, transfer, matrix] = conversion.code_points;
    let range = if conversion.has_full_range { "pc" } else { "tv" };
    let source = |transfer| format!("zscale=pin={primaries}:tin={transfer}:min={matrix}:rin={range}");
    // Players show BT.709 by the curve of sRGB; zscale would take a power of 2.4.
    let target = "p=bt709:t=iec61966-2-1:m=bt709:r=tv";
    if conversion.is_hdr() {
        // Reference white of HDR video is 203 cd/m² (ITU-R BT.2408). What is brighter shares the range
        // above the knee, so white stays white and other colors stay what they are.
        const KNEE: f64 = 0.95;
        let linear = if has_alpha { "gbrapf32le" } else { "gbrpf32le" };
        return format!(
            "{}:p={primaries}:t=linear:npl=203,format={linear},\
             zscale=p=bt709,tonemap=mobius:param={KNEE}:desat=0,zscale={target}",
            source(transfer)
        );
    }
    match transfer {
        // Constant luminance is defined for the curve of BT.709 alone.
        BT709 if matrix == BT2020_CONSTANT => format!("{}:p=bt709:t=bt709:m=bt709:r=tv", source(BT709)),
        BT709 => format!("{}:{target}", source(SRGB_TRANSFER)),
        SMPTE428_TRANSFER => {
            // SMPTE ST 428-1: the power 2.6, with a white of 48 of 52.37 cd/m², here made the power
            // 2.4, as zscale has BT.709.
            let deep = if has_alpha { "gbrap16le" } else { "gbrp16le" };
            let curve = "maxval*pow(52.37/48*pow(val/maxval\\,2.6)\\,1/2.4)";
            format!(
                "{}:p={primaries}:t=bt709:m=gbr:r=pc,format={deep},lutrgb=r={curve}:g={curve}:b={curve},\
                 zscale=pin={primaries}:tin=bt709:min=gbr:rin=pc:{target}",
                source(BT709)
            )
        }
        transfer => format!("{}:{target}", source(transfer)),
    }
}

pub(super) fn raw_output(info: &MediaInfo, filters: &[String]) -> Vec<String> {
    let (stream, filters) = (info.stream, filters.join(","));
    let graph = match info.alpha_stream {
        None => vec!["-map".to_owned(), format!("0:{stream}"), "-vf".to_owned(), filters],
        Some(alpha) => {
            let graph = format!("{}[alpha];[0:{stream}][alpha]alphamerge,{filters}[out]", alpha_filters(alpha));
            vec!["-filter_complex".to_owned(), graph, "-map".to_owned(), "[out]".to_owned()]
        }
    };
    let pixels = raw_pixel_format(info.subsampling, info.has_alpha);
    let output = format!("-an -sn -dn -fps_mode passthrough -f rawvideo -pix_fmt {pixels} pipe:1");
    graph.into_iter().chain(split_arguments(&output)).collect()
}

/// Filters that make the frames of an alpha stream full-range gray in the size of the color.
fn alpha_filters(alpha: AlphaStream) -> String {
    // A plane is taken as it is, because the scaler treats gray as full range whatever it is.
    let range = if alpha.is_limited { ",lut=c0='clip((val-16)*255/219,0,255)'" } else { "" };
    let (width, height) = (alpha.size.width(), alpha.size.height());
    format!("[0:{}]extractplanes=y,format=gray{range},scale={width}:{height}", alpha.stream)
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
