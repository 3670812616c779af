//! Tests of new backgrounds: what is behind the subject in the outputs, and what is refused.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use clearcut_job::{
    Backdrop, BackdropFile, CutRequest, ErrorCode, NoteCode,
    OutputFormat::{self, Apng, Gif, Mov, Mp4, Webm},
};
use clearcut_pipeline::{CutJob, CutReport, Error, Stop};
use tempfile::TempDir;

use crate::{
    clips::{FRAMES, H264, HEIGHT, WIDTH, master, shared_clip},
    cutting::{cut, request, with_job},
    media::{Decoded, ffmpeg, probe, sample},
};

fn over(background: &str, formats: &str) -> CutRequest {
    CutRequest { background: Some(background.parse().unwrap()), ..request(formats) }
}

/// The master as a usual clip.
fn clip() -> PathBuf {
    shared_clip("background-clip.mp4", &format!("-i {} {H264}", master().display()))
}

/// Cuts `clip` over the picture or video in `file`.
fn cut_over(folder: &Path, clip: &Path, file: &Path) -> Result<CutReport, Error> {
    let request = CutRequest { background: Some(Backdrop::File(BackdropFile::Local)), ..request("mp4") };
    let file = File::open(file).unwrap();
    with_job(folder, clip, &request, |job| {
        clearcut_pipeline::cut(&CutJob { background: Some(&file), ..*job }, &Stop::default(), &mut |_| {})
    })
}

#[test]
fn an_mp4_over_a_color_is_opaque_and_plays_with_its_sound() {
    let cut =
        cut(sample("mascot.mp4").as_ref(), &CutRequest { trim: Some(",1".parse().unwrap()), ..over("#ff8800", "mp4") });
    let probed = probe(cut.output(Mp4), "codec_name,profile,width,height,pix_fmt,r_frame_rate,nb_read_frames");
    assert_eq!(probed, "h264,High,720,720,yuv420p,30/1,30");
    let sound = ffmpeg(cut.folder.path(), "-i mp4.mp4 -map 0:a -f s16le -");
    assert!(sound.iter().any(|byte| *byte != 0), "there is sound");
    let decoded = Decoded::read(cut.output(Mp4), (720, 720), false);
    for frame in [0, 29] {
        let [r, g, b, _] = decoded.mean(frame, (20, 20), 16);
        assert!((r - 255.0).abs() < 4.0 && (g - 136.0).abs() < 4.0 && b < 6.0, "{r} {g} {b}");
    }
    assert_eq!(cut.report.outputs[0].alpha_check.frames_compared, 30);
}

/// The expected composite, from the transparent cut, whose alpha and colors are exact.
#[test]
fn every_format_shows_the_subject_over_the_color_and_edges_without_the_old_one() {
    let clip = clip();
    let lossless = |formats: &str| CutRequest { quality: "100".parse().unwrap(), ..request(formats) };
    let truth = Decoded::read(cut(&clip, &lossless("apng")).output(Apng), (WIDTH, HEIGHT), false);
    let background = Some("#2030C0".parse().unwrap());
    let cut = cut(&clip, &CutRequest { background, ..lossless("mp4,webm,apng,gif,mov") });
    for (format, tolerance) in [(Mp4, 3.0), (Webm, 6.0), (Apng, 2.0), (Gif, 8.0), (Mov, 3.0)] {
        let decoded = Decoded::read(cut.output(format), (WIDTH, HEIGHT), false);
        assert_eq!(decoded.frames.len(), FRAMES, "{format}");
        for (index, (found, truth)) in decoded.frames.iter().zip(&truth.frames).enumerate() {
            let mut error = 0.0;
            for (found, truth) in found.chunks_exact(4).zip(truth.chunks_exact(4)) {
                // VP9 has no exact alpha.
                assert!(found[3] == 255 || format == Webm && found[3] >= 250, "{format} is opaque: {}", found[3]);
                let alpha = f64::from(truth[3]) / 255.0;
                for ((found, truth), new) in found.iter().zip(truth).zip([32.0, 48.0, 192.0]) {
                    error += (f64::from(*found) - (alpha * f64::from(*truth) + (1.0 - alpha) * new)).abs();
                }
            }
            error /= (3 * WIDTH * HEIGHT) as f64;
            assert!(error < tolerance, "{format}, frame {index}: off by {error}");
        }
    }
}

#[test]
fn the_soft_edges_of_a_gif_are_mixed_with_the_color_of_its_page() {
    let request = CutRequest {
        quality: "100".parse().unwrap(),
        edge_color: Some("#FFFFFF".parse().unwrap()),
        ..request("apng,gif")
    };
    let cut = cut(&clip(), &request);
    let [truth, gif] = [Apng, Gif].map(|format| Decoded::read(cut.output(format), (WIDTH, HEIGHT), false));
    let (mut soft, mut error) = (0, 0.0);
    for (found, truth) in gif
        .frames
        .iter()
        .flatten()
        .copied()
        .collect::<Vec<_>>()
        .chunks_exact(4)
        .zip(truth.frames.iter().flatten().copied().collect::<Vec<_>>().chunks_exact(4))
    {
        // Between these, a pixel stays what it was in the frame before.
        assert!(truth[3] >= 14 || found[3] == 0, "{truth:?} became {found:?}");
        assert!(truth[3] < 18 || found[3] == 255, "{truth:?} became {found:?}");
        if (18..250).contains(&truth[3]) {
            let alpha = f64::from(truth[3]) / 255.0;
            let mixed = |level: u8| alpha * f64::from(level) + (1.0 - alpha) * 255.0;
            error += (0..3).map(|channel| (f64::from(found[channel]) - mixed(truth[channel])).abs()).sum::<f64>();
            soft += 3;
        }
    }
    assert!(soft > 1000, "{soft} soft pixels");
    assert!(error / f64::from(soft) < 10.0, "off by {}", error / f64::from(soft));
}

/// A video of 12 frames a second, each brighter than the one before.
fn stairs(folder: &Path, frames: usize, size: &str) -> PathBuf {
    let line = format!(
        "-f lavfi -i color=gray:s={size}:r=12,format=gray,geq=lum=40+20*N:cb=128:cr=128 -frames:v {frames} -c:v ffv1 film.mkv"
    );
    ffmpeg(folder, &line);
    folder.join("film.mkv")
}

#[test]
fn a_video_covers_the_frame_at_the_rate_of_the_clip_and_begins_again() {
    let folder = tempfile::tempdir().unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let film = stairs(folder.path(), 5, "300x300");
    let report = cut_over(scratch.path(), &clip(), &film).unwrap();
    let decoded = Decoded::read(&report.outputs[0].path, (WIDTH, HEIGHT), false);
    assert_eq!(decoded.frames.len(), FRAMES);
    for frame in 0..FRAMES {
        // The clip has 24 frames a second, so each of the 5 is shown twice.
        let expected = 40.0 + 20.0 * (frame / 2 % 5) as f64;
        let found = decoded.mean(frame, (8, 8), 8)[0];
        assert!((found - expected).abs() < 4.0, "frame {frame}: {found} instead of {expected}");
    }
    let codes: Vec<NoteCode> = report.notes.iter().map(|note| note.code).collect();
    assert_eq!(codes, [NoteCode::BackgroundFitted, NoteCode::BackgroundRetimed]);
    assert!(report.notes[1].message.contains("begins again"), "{}", report.notes[1].message);
}

#[test]
fn a_video_that_is_longer_ends_with_the_clip() {
    let folder = tempfile::tempdir().unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let film = stairs(folder.path(), 20, &format!("{WIDTH}x{HEIGHT}"));
    let report = cut_over(scratch.path(), &clip(), &film).unwrap();
    assert_eq!(report.frames as usize, FRAMES);
    assert!(report.notes.iter().any(|note| note.message.ends_with("it ends with the clip")), "{:?}", report.notes);
}

#[test]
fn a_blurred_background_is_that_of_the_clip_without_details() {
    let folder = tempfile::tempdir().unwrap();
    let line = "-f lavfi -i color=0x20c040:s=320x180:r=10:d=1,format=yuv444p,drawbox=120:60:80:80:0xE0E0F0:fill,\
                drawbox=20:84:12:12:0x28d048:fill -c:v libx264 -crf 4 -pix_fmt yuv444p clip.mp4";
    ffmpeg(folder.path(), line);
    let cut = cut(&folder.path().join("clip.mp4"), &over("blur", "apng"));
    let decoded = Decoded::read(cut.output(Apng), (320, 180), false);
    let [r, g, b, alpha] = decoded.mean(0, (280, 90), 10);
    assert!((r - 32.0).abs() < 4.0 && (g - 192.0).abs() < 4.0 && (b - 64.0).abs() < 4.0, "{r} {g} {b}");
    // No halo of the subject.
    let [_, _, beside, _] = decoded.mean(0, (114, 100), 4);
    assert!((beside - 64.0).abs() < 6.0 && alpha > 254.0, "{beside}");
}

/// The code of a cut that is refused.
fn refused(clip: &Path, file: &Path) -> (ErrorCode, String) {
    let scratch = tempfile::tempdir().unwrap();
    let error = cut_over(scratch.path(), clip, file).unwrap_err();
    (error.code(), error.to_string())
}

#[test]
fn a_background_that_is_no_picture_or_damaged_is_told_apart_from_the_clip() {
    let folder = tempfile::tempdir().unwrap();
    let clip = clip();
    let file = |name: &str, bytes: &[u8]| {
        fs::write(folder.path().join(name), bytes).unwrap();
        folder.path().join(name)
    };
    let whole = fs::read(&clip).unwrap();
    let playlist = b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n".to_vec();
    for bytes in [Vec::new(), b"hello".to_vec(), whole[..whole.len() / 3].to_vec(), playlist] {
        let (code, message) = refused(&clip, &file("background", &bytes));
        assert_eq!(code, ErrorCode::InvalidBackground, "{message}");
        assert!(message.starts_with("background: ") && !message.contains('/'), "{message}");
        let is_text = bytes == b"hello";
        assert_eq!(message.contains("neither an image nor a video"), is_text, "{message}");
    }
    let sound = folder.path().join("sound.mp4");
    ffmpeg(folder.path(), "-f lavfi -i sine=d=1 -c:a aac sound.mp4");
    assert_eq!(refused(&clip, &sound).0, ErrorCode::InvalidBackground);
}

#[test]
fn a_transparent_clip_has_nothing_to_blur() {
    let folder = tempfile::tempdir().unwrap();
    let line = "-f lavfi -i color=red:s=64x64:r=10:d=0.5,format=rgba,\
                geq=r=255:g=0:b=0:a=255*between(X\\,20\\,44)*between(Y\\,20\\,44) -c:v png clip.mov";
    ffmpeg(folder.path(), line);
    let scratch = TempDir::new().unwrap();
    let clip = folder.path().join("clip.mov");
    let cut = |background: &str| {
        let request = over(background, "mp4");
        with_job(scratch.path(), &clip, &request, |job| clearcut_pipeline::cut(job, &Stop::default(), &mut |_| {}))
    };
    let error = cut("blur").unwrap_err();
    assert!(matches!(error, Error::NothingToBlur) && error.code() == ErrorCode::InvalidRequest, "{error}");
    let report = cut("#00FF00").unwrap();
    let decoded = Decoded::read(&report.outputs[0].path, (64, 64), false);
    assert!(decoded.mean(0, (8, 8), 6)[1] > 250.0 && decoded.mean(0, (32, 32), 6)[0] > 245.0);
    assert_eq!(report.outputs[0].format, OutputFormat::Mp4);
}
