//! Animated WebP: unpacked in the sandbox, then cut as any other clip.

use std::fs;

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
fn a_damaged_or_still_webp_is_refused_by_its_reason() {
    let workspace = Workspace::new();
    let whole = fs::read(workspace.encode("whole.webp", HALF_CLEAR_WEBP)).unwrap();
    workspace.write("cut-off.webp", &whole[..whole.len() * 2 / 3]);
    ffmpeg(workspace.path(), "-f lavfi -i testsrc=s=64x64 -frames:v 1 -c:v libwebp still.webp");
    let large = "-f lavfi -i color=s=4000x2200:r=2:d=1 -c:v libwebp_anim -quality 1 -compression_level 0 large.webp";
    ffmpeg(workspace.path(), large);
    for command in ["cut", "probe"] {
        let refused = |clip: &str, reason: &str| workspace.assert_refused(&[command, clip], 3, "INVALID_VIDEO", reason);
        refused("cut-off.webp", "damaged or cut off");
        refused("still.webp", "still image");
        refused("large.webp", "8 million pixels");
    }
}
