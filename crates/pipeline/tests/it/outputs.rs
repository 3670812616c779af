//! Tests of the output files' content: frames, colors, alpha, sound and frame rate.

use std::path::Path;

use clearcut_job::{
    CutRequest, Hints,
    OutputFormat::{Apng, Gif, Matte, Mov, PngSequence, Poster, StackedAlpha, Webm, Webp},
    ShadowChoice,
};

use crate::{
    cutting::{ALL_FORMATS, PICTURES, cut, request},
    media::{Decoded, command, ffmpeg, probe, sample},
};

#[test]
fn every_format_has_all_frames_at_the_rate_and_size_of_the_clip() {
    let cut = cut(sample("mascot.mp4").as_ref(), &request(ALL_FORMATS));
    assert_eq!(apng_length(cut.output(Apng)), 2200);
    for (format, height) in [(Webm, 720), (StackedAlpha, 1440), (Mov, 720)] {
        let probed = probe(cut.output(format), "width,height,r_frame_rate,nb_read_frames");
        assert_eq!(probed, format!("720,{height},30/1,66"), "{format}");
    }
    let bytes = std::fs::read(cut.output(Webp)).unwrap();
    let anim = bytes.windows(4).position(|window| window == b"ANIM").unwrap();
    assert_eq!(&bytes[anim + 12..anim + 14], [0, 0], "the WebP must loop forever");
    let webp = webp_animation::Decoder::new(&bytes).unwrap();
    assert_eq!(webp.dimensions(), (720, 720));
    let shown_ms = webp.into_iter().last().unwrap().timestamp();
    assert!((shown_ms - 2200).abs() <= 2, "the WebP lasts {shown_ms} ms");
}

#[test]
fn a_gif_has_all_frames_and_the_matte_of_the_cut() {
    let request = CutRequest { size: Some("240".parse().unwrap()), ..request("gif,apng") };
    let cut = cut(sample("mascot.mp4").as_ref(), &request);
    // ffmpeg's decoder; at 30 frames per second, the times of a GIF are off by up to 5 ms.
    assert_eq!(probe(cut.output(Gif), "width,height,nb_read_frames"), "240,240,66");
    let [gif, apng] = [Gif, Apng].map(|format| Decoded::read(cut.output(format), (240, 240), false));
    for (index, (gif, apng)) in gif.frames.iter().zip(&apng.frames).enumerate() {
        let alphas = || gif.chunks_exact(4).zip(apng.chunks_exact(4)).map(|(gif, apng)| (gif[3], apng[3]));
        assert!(
            alphas().all(|(gif, apng)| gif == if apng < 128 { 0 } else { 255 } || (112..144).contains(&apng)),
            "{index}"
        );
        assert!(alphas().any(|(gif, _)| gif == 0) && alphas().any(|(gif, _)| gif == 255), "{index}");
    }
}

#[test]
fn a_png_sequence_a_matte_and_a_poster_show_what_the_cut_shows() {
    let folder = tempfile::tempdir().unwrap();
    let clip = "-f lavfi -i color=0x20c040:s=161x91:r=30000/1001:d=0.6,format=yuv444p[wall];color=0xE0E0F0:s=50x40:r=30000/1001:d=0.6,format=yuv444p[box];\
                [wall][box]overlay=x=40+40*t:y=20:format=yuv444 -c:v libx264 -crf 12 -pix_fmt yuv444p clip.mp4";
    ffmpeg(folder.path(), clip);
    let lossless = CutRequest { quality: "100".parse().unwrap(), ..request("png-sequence,matte,poster,apng") };
    let cut = cut(&folder.path().join("clip.mp4"), &lossless);
    let truth = Decoded::read(cut.output(Apng), (161, 91), false);
    let mut archive = zip::ZipArchive::new(std::fs::File::open(cut.output(PngSequence)).unwrap()).unwrap();
    archive.extract(folder.path()).unwrap();
    let info: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("sequence.json")).unwrap()).unwrap();
    assert_eq!((&info["frameRate"], &info["width"]), (&serde_json::json!([30000, 1001]), &161.into()));
    assert_eq!((info["frames"].as_u64().unwrap(), cut.report.frames), (18, 18));
    let sequence = Decoded::read(&folder.path().join(info["files"].as_str().unwrap()), (161, 91), false);
    assert_eq!(sequence.frames.len(), 18);
    let alpha = |frame: &[u8]| frame.chunks_exact(4).map(|pixel| f64::from(pixel[3])).sum::<f64>() / (161.0 * 91.0);
    let (found, expected) = (alpha(&sequence.frames[0]), alpha(&truth.frames[0]));
    assert!((found - expected).abs() < 0.5, "alpha {found} instead of {expected}");
    assert!(Decoded::read(cut.output(Poster), (161, 91), false).frames[0] == sequence.frames[0]);
    let probed = probe(cut.output(Matte), "codec_name,width,height,color_range,r_frame_rate,nb_read_frames");
    assert_eq!(probed, "h264,162,92,pc,30000/1001,18");
    let planes = ffmpeg(
        cut.output(Matte).parent().unwrap(),
        "-i matte.mp4 -vf extractplanes=y,crop=161:91:0:0 -f rawvideo -pix_fmt gray -",
    );
    for (matte, frame) in planes.chunks_exact(161 * 91).zip(&sequence.frames) {
        let errors = || matte.iter().zip(frame.chunks_exact(4)).map(|(luma, pixel)| luma.abs_diff(pixel[3]));
        let mean = errors().map(f64::from).sum::<f64>() / (161.0 * 91.0);
        assert!(mean < 0.5 && errors().max() <= Some(24), "off by {mean}, at most {:?}", errors().max());
    }
}

#[test]
fn a_poster_shows_the_subject_and_not_a_speck_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let line = "-f lavfi -i color=0x20c040:s=160x90:r=25:d=0.6,format=yuv444p,drawbox=20:20:4:4:white:fill,\
                drawbox=60:20:50:40:white:fill:enable=gte(n\\,5) -c:v libx264 -crf 12 -pix_fmt yuv444p clip.mp4";
    ffmpeg(folder.path(), line);
    let cut = cut(&folder.path().join("clip.mp4"), &request("poster"));
    let solid = Decoded::read(cut.output(Poster), (160, 90), false).mean(0, (85, 40), 10)[3];
    assert!(solid > 250.0, "{solid}");
}

#[test]
fn ntsc_rates_stay_exact_and_odd_sizes_stay_odd() {
    let folder = tempfile::tempdir().unwrap();
    ffmpeg(
        folder.path(),
        "-f lavfi -i color=0x20c040:s=161x91:r=30000/1001:d=0.6,format=yuv444p,noise=alls=4:allf=t,drawbox=60:30:40:30:white:fill \
         -c:v libx264 -pix_fmt yuv444p clip.mp4",
    );
    let clip = folder.path().join("clip.mp4");
    let frames = probe(&clip, "nb_read_frames");
    let cut = cut(&clip, &request(ALL_FORMATS));
    let decoded: u32 = frames.parse().unwrap();
    assert_eq!(apng_length(cut.output(Apng)), (1001 * decoded + 15) / 30);
    for (format, size) in [(Webm, "161,91"), (StackedAlpha, "162,184"), (Mov, "161,91")] {
        let probed = probe(cut.output(format), "width,height,r_frame_rate,nb_read_frames");
        assert_eq!(probed, format!("{size},30000/1001,{frames}"), "{format}");
    }
    for format in [StackedAlpha, Mov] {
        let bytes = std::fs::read(cut.output(format)).unwrap();
        let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
        let position = |name: &[u8; 4]| bytes.windows(4).rposition(|window| window == name).unwrap() + 4;
        let length = 1001 * decoded;
        let movie = position(b"mvhd");
        assert_eq!((number(movie + 12), number(movie + 16)), (30000, length), "{format}: the length of the movie");
        // One edit: all of the video at its own speed.
        let edits = position(b"elst");
        assert_eq!(
            (number(edits + 4), number(edits + 8), number(edits + 16)),
            (1, length, 1 << 16),
            "{format}: the edit list"
        );
    }
}

#[test]
fn seeking_in_a_webm_to_a_later_keyframe_decodes_its_matte() {
    let folder = tempfile::tempdir().unwrap();
    ffmpeg(
        folder.path(),
        "-f lavfi -i color=0x20c040:s=96x64:r=30:d=9,drawbox=24:16:48:32:white:fill -c:v libx264 -pix_fmt yuv420p clip.mp4",
    );
    let cut = cut(&folder.path().join("clip.mp4"), &request("webm"));
    let matte = ffmpeg(
        cut.output(Webm).parent().unwrap(),
        "-ss 8.1 -c:v libvpx-vp9 -i webm.webm -frames:v 1 -vf alphaextract -f rawvideo -pix_fmt gray -",
    );
    assert_eq!(matte.len(), 96 * 64);
    assert!(matte[0] < 20 && matte[32 * 96 + 48] > 235, "{} and {}", matte[0], matte[32 * 96 + 48]);
}

#[test]
fn shadows_are_kept_or_dropped_as_requested() {
    let folder = tempfile::tempdir().unwrap();
    // A red box on white, and a soft shadow below it.
    let light = "255*(1-0.5*exp(-hypot(X-128,Y-190)*hypot(X-128,Y-190)/900))";
    let frame = format!("color=c=white:s=256x256:r=12:d=0.5,format=gbrp,geq=r='{light}':g='{light}':b='{light}'");
    let line =
        format!("-f lavfi -i {frame},drawbox=92:64:72:80:red:fill -c:v libx264 -crf 1 -pix_fmt yuv420p clip.mp4");
    ffmpeg(folder.path(), &line);
    let lossless = CutRequest { quality: "100".parse().unwrap(), ..request("apng") };
    for (shadow, expected) in [(ShadowChoice::Keep, 80.0..150.0), (ShadowChoice::Drop, 0.0..2.0)] {
        let cut = cut(&folder.path().join("clip.mp4"), &CutRequest { shadow, ..lossless.clone() });
        let decoded = Decoded::read(cut.output(Apng), (256, 256), false);
        let [shadow_alpha, box_alpha] = [190, 100].map(|y| decoded.mean(0, (128, y), 4)[3]);
        assert!(expected.contains(&shadow_alpha), "{shadow:?}: alpha {shadow_alpha} in the shadow");
        assert!(box_alpha > 250.0, "{shadow:?}: alpha {box_alpha} in the box");
    }
}

#[test]
fn hints_apply_to_every_frame() {
    let folder = tempfile::tempdir().unwrap();
    // A red plate with two green holes moves to the right.
    let holes = "drawbox=20:22:30:50:0x00B140:fill,drawbox=70:22:30:50:0x00B140:fill";
    let line = format!(
        "-f lavfi -i color=c=0x00B140:s=256x192:r=12:d=1.5[wall];color=c=red:s=120x100:r=12:d=1.5,{holes}[plate];\
         [wall][plate]overlay=x=40+24*t:y=48 -c:v libx264 -crf 12 -pix_fmt yuv420p clip.mp4"
    );
    ffmpeg(folder.path(), &line);
    let clip = folder.path().join("clip.mp4");
    let hints = ["keep@0.5,0.34,0.5", "remove@1.0,0.1,0.1"].map(|hint| hint.parse().unwrap());
    let hints = Hints::try_from(hints.to_vec()).unwrap();
    let cut = cut(&clip, &CutRequest { hints, quality: "100".parse().unwrap(), ..request("apng") });
    let decoded = Decoded::read(cut.output(Apng), (256, 192), false);
    for frame in 0..18 {
        let alpha = |x: usize| decoded.mean(frame, (x + 2 * frame, 95), 5)[3];
        let [left, right, plate] = [alpha(75), alpha(125), alpha(98)];
        assert!(left > 250.0 && right < 2.0 && plate > 250.0, "frame {frame}: {left} {right} {plate}");
    }
}

/// Duration of an APNG in milliseconds, to which its fcTL chunks add up. ffprobe only guesses it.
pub(crate) fn apng_length(path: &Path) -> u32 {
    let bytes = std::fs::read(path).unwrap();
    let (mut at, mut length) = (8, 0);
    while at + 8 < bytes.len() {
        let chunk = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        if &bytes[at + 4..at + 8] == b"fcTL" {
            let number = |offset: usize| u16::from_be_bytes([bytes[at + 8 + offset], bytes[at + 9 + offset]]);
            // Browsers read fractions of a second as whole milliseconds.
            assert_eq!(number(22), 1000);
            length += u32::from(number(20));
        }
        at += chunk + 12;
    }
    length
}

/// Colors of the patches in the color clip: skin, red, blue, yellow, grey, near white.
const PATCHES: [[u8; 3]; 6] =
    [[224, 172, 140], [200, 30, 40], [40, 60, 200], [240, 210, 40], [128, 128, 128], [245, 245, 245]];

/// Makes a clip of six patches over green, from raw RGB, in the given matrix. Patch i is centered
/// at (80 + 60 i, 60).
pub(crate) fn color_clip(folder: &Path, matrix: &str) {
    let (width, height) = (480_usize, 120_usize);
    let mut raw = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let patch = (x >= 50 && (30..90).contains(&y)).then(|| PATCHES.get((x - 50) / 60)).flatten();
            raw.extend(patch.unwrap_or(&[20, 190, 70]));
        }
    }
    std::fs::write(folder.join("board.rgb"), raw.repeat(8)).unwrap();
    let tag = if matrix == "bt601" { "smpte170m" } else { matrix };
    ffmpeg(
        folder,
        &format!(
            "-f rawvideo -pixel_format rgb24 -video_size {width}x{height} -framerate 25 -i board.rgb \
             -vf scale=out_color_matrix={matrix}:out_range=tv:flags=accurate_rnd+full_chroma_int,format=yuv420p,noise=alls=3:allf=t \
             -colorspace {tag} -color_primaries {tag} -color_trc {tag} -c:v libx264 -crf 16 {matrix}.mp4"
        ),
    );
}

/// CIE 1976 ΔE of two sRGB colors (IEC 61966-2-1 to CIELAB under D65).
pub(crate) fn delta_e(a: [f64; 3], b: [f64; 3]) -> f64 {
    let lab = |rgb: [f64; 3]| {
        let linear =
            rgb.map(|c| c / 255.0).map(|c| if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) });
        let row = |m: [f64; 3]| m.iter().zip(linear).map(|(m, c)| m * c).sum::<f64>();
        let xyz = [
            row([0.4124, 0.3576, 0.1805]) / 0.9505,
            row([0.2126, 0.7152, 0.0722]),
            row([0.0193, 0.1192, 0.9505]) / 1.089,
        ];
        let f = xyz.map(|t| if t > 0.008_856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 });
        [116.0 * f[1] - 16.0, 500.0 * (f[0] - f[1]), 200.0 * (f[1] - f[2])]
    };
    lab(a).iter().zip(lab(b)).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

#[test]
fn solid_colors_are_true_in_every_format_and_matrix() {
    for matrix in ["bt709", "bt601"] {
        let folder = tempfile::tempdir().unwrap();
        color_clip(folder.path(), matrix);
        let clip = folder.path().join(format!("{matrix}.mp4"));
        let cut = cut(&clip, &request(ALL_FORMATS));
        for format in PICTURES {
            let decoded = if format == Webp {
                first_webp_frame(cut.output(Webp))
            } else {
                Decoded::read(cut.output(format), (480, 120), format == StackedAlpha)
            };
            for (index, patch) in PATCHES.into_iter().enumerate() {
                let [r, g, b, alpha] = decoded.mean(decoded.frames.len() / 2, (80 + 60 * index, 60), 20);
                let error = delta_e([r, g, b], patch.map(f64::from));
                // GIF spends some of its quality on smaller files.
                let allowed = if format == Gif { 3.5 } else { 2.0 };
                assert!(
                    error <= allowed,
                    "{matrix} {format}: patch {index} is {:?}, ΔE {error:.1} from {patch:?}",
                    [r, g, b]
                );
                assert!(alpha > 253.0, "{matrix} {format}: patch {index} has alpha {alpha}");
            }
            let [.., alpha] = decoded.mean(0, (20, 20), 20);
            assert!(alpha < 1.0, "{matrix} {format}: the background has alpha {alpha}");
        }
    }
}

pub(crate) fn first_webp_frame(path: &Path) -> Decoded {
    let bytes = std::fs::read(path).unwrap();
    let decoder = webp_animation::Decoder::new(&bytes).unwrap();
    let width = decoder.dimensions().0 as usize;
    Decoded { width, frames: vec![decoder.into_iter().next().unwrap().data().to_vec()] }
}

#[test]
fn soft_edges_have_the_color_of_the_subject_and_not_of_the_background() {
    let folder = tempfile::tempdir().unwrap();
    // A white disc with a soft edge over green. Along the edge, the straight color must stay white.
    ffmpeg(
        folder.path(),
        "-f lavfi -i nullsrc=s=160x160:r=25:d=0.4,format=gbrp,geq=\
         r='20+235*clip((50-hypot(X-80\\,Y-80))/6\\,0\\,1)':\
         g='190+65*clip((50-hypot(X-80\\,Y-80))/6\\,0\\,1)':\
         b='60+195*clip((50-hypot(X-80\\,Y-80))/6\\,0\\,1)' -c:v libx264 -crf 12 -pix_fmt yuv420p clip.mp4",
    );
    let cut = cut(&folder.path().join("clip.mp4"), &request("mov"));
    let decoded = Decoded::read(cut.output(Mov), (160, 160), false);
    let edge: Vec<&[u8]> = decoded.frames[5].chunks_exact(4).filter(|pixel| (90..220).contains(&pixel[3])).collect();
    assert!(edge.len() > 100, "there are only {} pixels of soft edge", edge.len());
    let mean = |channel: usize| edge.iter().map(|pixel| f64::from(pixel[channel])).sum::<f64>() / edge.len() as f64;
    let (r, g, b) = (mean(0), mean(1), mean(2));
    assert!(r > 225.0 && b > 225.0 && g > 225.0, "the edge is {r:.0},{g:.0},{b:.0} instead of white");
}

/// Makes 60 frames at 30 frames per second whose subject flashes white at frame 30. The sound track
/// starts at `sound_offset` seconds, and its beep coincides with the flash.
fn flash_clip(folder: &Path, sound_offset: f64) {
    let beep = 1.0 - sound_offset;
    ffmpeg(
        folder,
        &format!(
            "-f lavfi -i color=0x20c040:s=160x120:r=30:d=2,noise=alls=3:allf=t,drawbox=50:30:60:60:0x404040:fill,\
             drawbox=50:30:60:60:white:fill:enable='gte(n\\,30)' \
             -itsoffset {sound_offset} -f lavfi -i aevalsrc='if(gte(t\\,{beep})\\,0.5*sin(6000*t)\\,0)':s=48000:d=2 \
             -map 0:v -map 1:a -c:v libx264 -pix_fmt yuv420p -c:a aac clip.mp4"
        ),
    );
}

/// Seconds from the first frame until the sound gets loud, as in a player.
fn beep_secs(path: &Path) -> f64 {
    let name = path.file_name().unwrap().to_str().unwrap();
    let raw = ffmpeg(
        path.parent().unwrap(),
        &format!("-i {name} -map 0:a -af aresample=async=1:first_pts=0 -ac 1 -ar 48000 -f s16le -"),
    );
    let samples = raw.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]]));
    let loud = samples.enumerate().find(|(_, sample)| sample.unsigned_abs() > 4000).expect("no beep");
    loud.0 as f64 / 48_000.0
}

#[test]
fn sound_stays_in_sync_within_one_frame_in_every_container_with_sound() {
    for sound_offset in [0.0, 0.25] {
        let folder = tempfile::tempdir().unwrap();
        flash_clip(folder.path(), sound_offset);
        let clip = folder.path().join("clip.mp4");
        let cut = cut(&clip, &request("webm,stacked-alpha,mov"));
        for (format, codec) in [(Webm, "opus"), (StackedAlpha, "aac"), (Mov, "pcm_s24le")] {
            let output = cut.output(format);
            let decoded = Decoded::read(output, (160, 120), format == StackedAlpha);
            let flash = (0..decoded.frames.len()).find(|&frame| decoded.mean(frame, (80, 60), 10)[0] > 160.0).unwrap();
            assert_eq!(flash, 30, "{format}");
            let beep = beep_secs(output);
            assert!((beep - 1.0).abs() < 1.0 / 30.0, "{format}: the beep is at {beep:.3} s instead of 1 s");
            let probed = command("ffprobe")
                .args(["-v", "error", "-select_streams", "a", "-show_entries", "stream=codec_name", "-of", "csv=p=0"])
                .arg(output)
                .output()
                .unwrap();
            assert_eq!(String::from_utf8(probed.stdout).unwrap().trim(), codec);
        }
    }
}

#[test]
fn a_cut_without_audio_drops_the_sound() {
    let cut = cut(sample("mascot.mp4").as_ref(), &CutRequest { keeps_audio: false, ..request("webm") });
    let mut ffprobe = command("ffprobe");
    ffprobe.args(["-v", "error", "-show_entries", "stream=codec_type", "-of", "csv=p=0"]).arg(cut.output(Webm));
    assert_eq!(String::from_utf8(ffprobe.output().unwrap().stdout).unwrap().trim(), "video");
}

#[test]
fn the_output_has_the_requested_size_and_frame_rate() {
    let smaller = CutRequest { size: Some("480".parse().unwrap()), fps: "12".parse().unwrap(), ..request("webm") };
    let cut = cut(sample("wheel.mp4").as_ref(), &smaller);
    assert_eq!(probe(cut.output(Webm), "width,height,r_frame_rate,nb_read_frames"), "480,270,12/1,36");
}

#[test]
fn the_report_names_the_files_and_their_sizes() {
    let cut = cut(sample("mascot.mp4").as_ref(), &request("webm,apng"));
    let reported: Vec<_> = cut.report.outputs.iter().map(|output| (output.format, output.bytes)).collect();
    let on_disk = [Webm, Apng].map(|format| (format, cut.output(format).metadata().unwrap().len()));
    assert_eq!(reported, on_disk);
    assert_eq!((cut.report.frames, cut.report.size.to_string().as_str()), (66, "720×720"));
}
