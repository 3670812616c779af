//! Animated WebP and image sequences: unpacked in the sandbox, then cut as any other clip.

use std::{fs, io::Write as _};

use zip::{ZipWriter, write::SimpleFileOptions};

use crate::{
    media::{Decoded, ffmpeg, probe},
    run::Workspace,
};

/// The master clip as an animated WebP, with an alpha that is clear in the left half.
const HALF_CLEAR_WEBP: &str =
    "-vf format=rgba,geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)':a='255*gte(X,W/2)' -c:v libwebp_anim -lossless 1";

#[test]
fn an_animated_webp_is_probed_and_cut_with_its_alpha() {
    let workspace = Workspace::new();
    workspace.encode("clip.webp", HALF_CLEAR_WEBP);
    let before = workspace.names();
    let probed = workspace.run(&["probe", "clip.webp", "--json"]);
    let info: serde_json::Value = serde_json::from_str(&probed.stdout).unwrap_or_else(|_| panic!("{probed:?}"));
    assert_eq!((&info["container"], &info["codec"], &info["frames"]), (&"webp".into(), &"webp".into(), &24.into()));
    assert_eq!((&info["alpha"], &info["width"], &info["height"]), (&true.into(), &160.into(), &120.into()));
    assert_eq!(workspace.names(), before, "a probe leaves no file");
    let cut = workspace.run(&["cut", "clip.webp", "-o", "clip.webm", "-q"]);
    assert_eq!(cut.exit, Some(0), "{cut:?}");
    // The durations of WebP are whole milliseconds, so the rate is near 24.
    assert!(probe(&workspace.join("clip.webm"), "nb_read_frames").parse::<u32>().unwrap().abs_diff(24) <= 1);
    let decoded = Decoded::read(&workspace.join("clip.webm"), (160, 120), false);
    for frame in [0, 12, 23] {
        let alpha = |x| decoded.mean(frame, (x, 60), 7)[3];
        assert!(alpha(70) < 5.0 && alpha(90) > 250.0, "frame {frame}: {} {}", alpha(70), alpha(90));
        assert!(alpha(152) < 5.0, "the background of frame {frame} has {}", alpha(152));
    }
    workspace.assert_no_process_left();
}

#[test]
fn a_damaged_or_large_webp_is_refused_by_its_reason() {
    let workspace = Workspace::new();
    let whole = fs::read(workspace.encode("whole.webp", HALF_CLEAR_WEBP)).unwrap();
    workspace.write("cut-off.webp", &whole[..whole.len() * 2 / 3]);
    let large = "-f lavfi -i testsrc2=s=4000x2200:r=2:d=1 -c:v libwebp_anim -quality 1 -compression_level 0 large.webp";
    ffmpeg(workspace.path(), large);
    for command in ["cut", "probe"] {
        let refused = |clip: &str, reason: &str| workspace.assert_refused(&[command, clip], 3, "INVALID_VIDEO", reason);
        refused("cut-off.webp", "damaged or cut off");
        refused("large.webp", "8 million pixels");
    }
}

/// A ZIP archive of these files.
fn archive(workspace: &Workspace, name: &str, files: &[(String, Vec<u8>)]) {
    let mut writer = ZipWriter::new(fs::File::create(workspace.join(name)).unwrap());
    for (name, bytes) in files {
        writer.start_file(name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap();
}

#[test]
fn a_zip_of_numbered_images_is_a_clip_of_25_frames_a_second() {
    let workspace = Workspace::new();
    for (extension, codec) in [("png", "png"), ("jpg", "mjpeg"), ("webp", "libwebp")] {
        let folder = tempfile::tempdir().unwrap();
        let frames = format!("-i {} -c:v {codec} -q:v 2 -f image2 f%d.{extension}", crate::clips::master().display());
        ffmpeg(folder.path(), &frames);
        let read = |number: u32| fs::read(folder.path().join(format!("f{number}.{extension}"))).unwrap();
        // In the order of their names: 1, 10, 11, and so on.
        let mut files: Vec<_> = (1..=24).map(|number| (format!("shot/f{number}.{extension}"), read(number))).collect();
        files.sort();
        files.push((format!("__MACOSX/shot/._f1.{extension}"), b"Mac OS X".to_vec()));
        archive(&workspace, "clip.zip", &files);
        let cut = workspace.run(&["cut", "clip.zip", "-o", "clip.webm", "-q", "--force"]);
        assert_eq!(cut.exit, Some(0), "{extension}: {cut:?}");
        assert_eq!(probe(&workspace.join("clip.webm"), "r_frame_rate,nb_read_frames"), "25/1,24", "{extension}");
        let decoded = Decoded::read(&workspace.join("clip.webm"), (160, 120), false);
        assert!(decoded.mean(12, (80, 60), 9)[3] > 250.0 && decoded.mean(12, (8, 8), 9)[3] < 5.0, "{extension}");
        if extension == "png" {
            files.retain(|(name, _)| !name.ends_with("f7.png"));
            archive(&workspace, "gap.zip", &files);
            archive(&workspace, "document.zip", &[("frames/readme.txt".to_owned(), b"x".to_vec())]);
            archive(&workspace, "frames.zip", &[("a.png".to_owned(), read(1)), ("b.png".to_owned(), read(2))]);
        }
    }
    workspace.assert_refused(&["cut", "gap.zip"], 3, "INVALID_VIDEO", "numbers are missing");
    workspace.assert_refused(&["cut", "frames.zip"], 3, "INVALID_VIDEO", "not numbered");
    workspace.assert_refused(&["cut", "document.zip"], 3, "INVALID_VIDEO", "it holds no PNG, JPEG or WebP images");
}
