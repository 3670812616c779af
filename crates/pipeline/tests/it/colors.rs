//! Tests of colors: patches of known colors, in each color space of clips, keep their looks in
//! the outputs.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clearcut_job::{NoteCode, OutputFormat};
use clearcut_pipeline::Stop;
use tempfile::TempDir;

use crate::{
    cutting::{ALL_FORMATS, Cut, PICTURES, cut, cut_into, request},
    media::{Decoded, ffmpeg, probe},
    outputs::{delta_e, first_webp_frame},
};

/// Colors of sRGB. Patch i is centered at (80 + 60 i, 60), over green.
const PATCHES: [[u8; 3]; 6] =
    [[240, 130, 40], [200, 30, 40], [40, 60, 200], [240, 210, 40], [128, 128, 128], [245, 245, 245]];
const SIZE: (usize, usize) = (480, 120);

const X264: &str = "-c:v libx264 -preset veryfast -crf 2 -pix_fmt yuv420p";
const X265: &str = "-c:v libx265 -x265-params log-level=none -preset ultrafast -crf 2 -pix_fmt yuv420p10le";

/// Encodes the patches through `filters` with `codec` and tags.
fn patches(folder: &TempDir, name: &str, filters: &str, codec: &str) -> PathBuf {
    let boxes: Vec<_> = (PATCHES.iter().enumerate())
        .map(|(index, [r, g, b])| {
            format!("drawbox=x={}:y=30:w=60:h=60:c=0x{r:02x}{g:02x}{b:02x}:t=fill", 50 + index * 60)
        })
        .collect();
    let source = format!("color=c=0x1ec83c:s={}x{}:r=25,format=rgb24,{}", SIZE.0, SIZE.1, boxes.join(","));
    ffmpeg(folder.path(), &format!("-f lavfi -i {source},format=gbrp,{filters} -frames:v 8 {codec} {name}"));
    folder.path().join(name)
}

/// zscale from the patches' sRGB to another color space. Clips that share the curve of BT.709 have
/// that of sRGB here, by which players show both.
fn zscale(to: &str) -> String {
    format!("zscale=pin=bt709:tin=iec61966-2-1:min=gbr:rin=pc:{to}")
}

/// Asserts that each patch has its color in the output, and the background is clear.
fn assert_colors(name: &str, path: &Path, format: OutputFormat) {
    let decoded = if format == OutputFormat::Webp {
        first_webp_frame(path)
    } else {
        Decoded::read(path, SIZE, format == OutputFormat::StackedAlpha)
    };
    for (index, patch) in PATCHES.into_iter().enumerate() {
        let [r, g, b, alpha] = decoded.mean(0, (80 + 60 * index, 60), 20);
        assert!(alpha > 250.0, "{name}: patch {index} has alpha {alpha}");
        let error = delta_e([r, g, b], patch.map(f64::from));
        // GIF spends some of its quality on smaller files.
        let allowed = if format == OutputFormat::Gif { 3.5 } else { 2.0 };
        assert!(error <= allowed, "{name}: patch {index} is {:?}, ΔE {error:.1} from {patch:?}", [r, g, b]);
    }
    let clear = decoded.mean(0, (20, 20), 10)[3];
    assert!(clear < 5.0, "{name}: the background has alpha {clear}");
}

fn converted(cut: &Cut) -> Option<&str> {
    let notes = &cut.report.notes;
    notes.iter().find(|note| note.code == NoteCode::ColorConverted).map(|note| note.message.as_str())
}

/// Cuts the clip to APNG without loss, and compares the patches.
fn assert_true(name: &str, filters: &str, codec: &str) -> Cut {
    let folder = tempfile::tempdir().unwrap();
    let mut request = request("apng");
    request.quality = "100".parse().unwrap();
    let cut = cut(&patches(&folder, name, filters, codec), &request);
    assert_colors(&format!("{name} {filters}"), cut.output(OutputFormat::Apng), OutputFormat::Apng);
    cut
}

#[test]
fn other_primaries_are_converted() {
    for (primaries, said) in [
        ("smpte432", "Display P3"),
        ("smpte431", "DCI-P3"),
        ("smpte428", "CIE XYZ"),
        ("smpte170m", "SMPTE 170M"),
        ("bt470bg", "BT.470 BG"),
        ("bt470m", "BT.470 M"),
        ("film", "film"),
    ] {
        let to = zscale(&format!("p={primaries}:t=iec61966-2-1:m=bt709:r=tv,format=yuv420p10le"));
        let tags = format!("{X265} -color_primaries {primaries} -color_trc bt709 -colorspace bt709 -color_range tv");
        let cut = assert_true("primaries.mov", &to, &tags);
        assert_eq!(converted(&cut), Some(format!("the clip's colors ({said}) are converted to BT.709").as_str()));
    }
}

#[test]
fn other_transfers_are_converted() {
    for (transfer, tag) in [("bt470m", "gamma22"), ("bt470bg", "gamma28"), ("linear", "linear")] {
        let to = zscale(&format!("p=bt709:t={transfer}:m=bt709:r=tv,format=yuv420p10le"));
        let tags = format!("{X265} -color_primaries bt709 -color_trc {tag} -colorspace bt709 -color_range tv");
        assert!(converted(&assert_true("transfer.mkv", &to, &tags)).is_some(), "{transfer}");
    }
    // The power 2.4, which zscale takes for BT.709, and then that of cinema.
    let curve = "maxval*pow(48/52.37*pow(val/maxval\\,2.4)\\,1/2.6)";
    let display = zscale("p=bt709:t=bt709:m=gbr:r=pc,format=gbrp16le");
    let limited = "zscale=pin=bt709:tin=bt709:min=gbr:rin=pc:p=bt709:t=bt709:m=bt709:r=tv,format=yuv420p10le";
    let cinema = format!("{display},lutrgb=r={curve}:g={curve}:b={curve},{limited}");
    let tags = format!("{X265} -color_primaries bt709 -color_trc smpte428 -colorspace bt709 -color_range tv");
    assert!(converted(&assert_true("cinema.mkv", &cinema, &tags)).is_some());
}

#[test]
fn other_matrices_are_converted() {
    for (primaries, curve, matrix, tag) in [
        ("bt2020", "iec61966-2-1", "bt2020nc", "bt2020nc"),
        ("bt2020", "bt709", "bt2020c", "bt2020c"),
        ("smpte240m", "iec61966-2-1", "smpte2400m", "smpte240m"),
        ("bt709", "iec61966-2-1", "ycgco", "ycgco"),
    ] {
        let to = format!("zscale=pin=bt709:tin={curve}:min=gbr:rin=pc:p={primaries}:t={curve}:m={matrix}:r=tv");
        let to = format!("{to},format=yuv420p10le");
        let tags = format!("{X265} -color_primaries {primaries} -color_trc bt709 -colorspace {tag} -color_range tv");
        assert!(converted(&assert_true("matrix.mkv", &to, &tags)).is_some(), "{matrix}");
    }
}

const HDR: [(&str, &str); 2] = [("pq.mkv", "smpte2084"), ("hlg.mkv", "arib-std-b67")];

/// zscale from sRGB, whose white is reference white, to an HDR transfer.
fn to_hdr(transfer: &str) -> String {
    zscale(&format!("p=bt2020:t={transfer}:m=bt2020nc:r=tv:npl=203,format=yuv420p10le"))
}

/// Codec, and the tags of an HDR transfer.
fn x265_hdr(transfer: &str, crf: u32) -> String {
    format!(
        "-c:v libx265 -x265-params log-level=none:crf={crf} -pix_fmt yuv420p10le -color_primaries bt2020 \
         -color_trc {transfer} -colorspace bt2020nc -color_range tv"
    )
}

#[test]
fn hdr_keeps_its_colors_up_to_reference_white() {
    for (name, transfer) in HDR {
        let cut = assert_true(name, &to_hdr(transfer), &x265_hdr(transfer, 2));
        assert!(converted(&cut).is_some_and(|message| message.contains("tone-mapped")), "{name}");
    }
}

#[test]
fn what_moves_in_hdr_leaves_no_traces() {
    const BOX: usize = 40;
    for (name, transfer) in HDR {
        let folder = tempfile::tempdir().unwrap();
        let scene = "color=c=0x1ec83c:s=160x120:r=25:d=1,format=gbrp[under];\
                     color=c=0xf08228:s=40x40:r=25:d=1,format=gbrp[box];\
                     [under][box]overlay=x=8+3*n:y=40:format=gbrp";
        let line = format!("-f lavfi -i {scene},{} {} {name}", to_hdr(transfer), x265_hdr(transfer, 20));
        ffmpeg(folder.path(), &line);
        let cut = cut(&folder.path().join(name), &request("mov"));
        let decoded = Decoded::read(cut.output(OutputFormat::Mov), (160, 120), false);
        for frame in 0..25 {
            let (left, top) = (8 + 3 * frame, 40);
            let is_beside =
                |x: usize, y: usize| x + 6 < left || x >= left + BOX + 6 || y + 6 < top || y >= top + BOX + 6;
            let pixels = (0..120).flat_map(|y| (0..160).map(move |x| (x, y)));
            let traces = pixels.filter(|&(x, y)| is_beside(x, y) && decoded.mean(frame, (x, y), 1)[3] > 25.0).count();
            assert_eq!(traces, 0, "{name}, frame {frame}");
        }
    }
}

#[test]
fn rgb_and_full_range_keep_their_colors() {
    let full = "scale=out_color_matrix=bt709:out_range=pc,format=yuv420p -colorspace bt709 -color_range pc";
    let deep = full.replace("yuv420p", "yuv420p10le");
    for (name, filters, codec) in [
        ("gbr.mp4", "null", "-c:v libx264rgb -crf 2 -pix_fmt rgb24".to_owned()),
        ("gbr.mov", "null", X265.replace("yuv420p10le", "gbrp10le")),
        ("gbr.webm", "null", "-c:v libvpx-vp9 -crf 4 -b:v 0 -deadline realtime -cpu-used 8 -pix_fmt gbrp".to_owned()),
        ("packed.mov", "format=rgb24", "-c:v qtrle".to_owned()),
        ("full.mp4", &full.replace("yuv420p", "yuvj420p"), X264.replace("yuv420p", "yuvj420p")),
        ("full.mkv", deep.as_str(), X265.to_owned()),
        ("full.webm", full, "-c:v libvpx-vp9 -crf 4 -b:v 0 -deadline realtime -cpu-used 8".to_owned()),
    ] {
        assert_eq!(converted(&assert_true(name, filters, &codec)), None, "{name}");
    }
    let to = zscale("p=smpte432:t=iec61966-2-1:m=gbr:r=pc,format=gbrp");
    let tags = "-c:v libx264rgb -crf 2 -pix_fmt rgb24 -color_primaries smpte432 -color_trc iec61966-2-1";
    assert!(converted(&assert_true("wide.mp4", &to, tags)).is_some());
    let to = zscale("p=smpte432:t=iec61966-2-1:m=bt709:r=pc,format=yuvj420p");
    let tags = format!("{X264} -pix_fmt yuvj420p -color_primaries smpte432 -color_trc bt709 -colorspace bt709");
    assert!(converted(&assert_true("wide-full.mp4", &to, &tags)).is_some());
}

#[test]
fn a_screen_recording_in_srgb_is_read_as_bt709() {
    let tags = format!("{X264} -color_primaries bt709 -color_trc iec61966-2-1 -colorspace bt709");
    assert_eq!(converted(&assert_true("screen.mp4", "scale=out_color_matrix=bt709,format=yuv420p", &tags)), None);
}

#[test]
fn converted_colors_are_true_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let to = zscale("p=smpte432:t=iec61966-2-1:m=bt709:r=tv,format=yuv420p");
    let tags = format!("{X264} -color_primaries smpte432 -color_trc bt709 -colorspace bt709");
    let cut = cut(&patches(&folder, "p3.mov", &to, &tags), &request(ALL_FORMATS));
    for format in PICTURES {
        assert_colors(format.name(), cut.output(format), format);
    }
    for format in [OutputFormat::Webm, OutputFormat::StackedAlpha, OutputFormat::Mov] {
        let tags = probe(cut.output(format), "color_space,color_transfer,color_primaries");
        assert_eq!(tags, "bt709,bt709,bt709", "{format}");
    }
}

#[test]
fn standard_definition_with_primaries_of_high_definition_is_tagged_so() {
    let folder = tempfile::tempdir().unwrap();
    let tags = format!("{X264} -color_primaries bt709 -color_trc bt709 -colorspace smpte170m");
    let clip = patches(&folder, "phone.mp4", "scale=out_color_matrix=smpte170m,format=yuv420p", &tags);
    let cut = cut(&clip, &request("webm,mov"));
    for format in [OutputFormat::Webm, OutputFormat::Mov] {
        let tags = probe(cut.output(format), "color_space,color_transfer,color_primaries");
        assert_eq!(tags, "smpte170m,bt709,bt709", "{format}");
        assert_colors(format.name(), cut.output(format), format);
    }
}

#[test]
fn dolby_vision_5_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let clip = patches(&folder, "dolby.mp4", "format=yuv420p10le", &format!("{X265} -tag:v hvc1"));
    let mut bytes = fs::read(&clip).unwrap();
    // The box of the bit rate makes room for a Dolby Vision configuration: version 1.0, profile 5,
    // level 1, with metadata and a base layer that no other decoder can show.
    let at = bytes.windows(4).position(|name| name == b"btrt").unwrap();
    bytes[at..at + 16].copy_from_slice(b"dvcC\x01\x00\x0a\x0d\0\0\0\0\0\0\0\0");
    fs::write(&clip, bytes).unwrap();
    let error = cut_into(folder.path(), &clip, &request("webm"), &Stop::default(), &mut |_| {}).unwrap_err();
    let expected = "the video is in Dolby Vision profile 5, whose colors only a Dolby decoder can show";
    assert_eq!(error.to_string(), expected);
}
