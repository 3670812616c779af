//! New backgrounds on the command line: an image covers the frame, and what is refused says why.

use crate::{
    clips::{H264, HEIGHT, WIDTH},
    media::{Decoded, ffmpeg},
    run::Workspace,
};

#[test]
fn an_image_covers_the_frame_behind_the_subject() {
    let workspace = Workspace::new();
    workspace.encode("clip.mp4", H264);
    // Twice as wide as the frame: red, green and blue thirds, of which the red and the blue are cropped.
    let thirds = "-f lavfi -i color=red:s=640x240,format=rgb24,drawbox=214:0:212:240:0x00ff00:fill,drawbox=426:0:214:240:0x0000ff:fill";
    for (name, options) in [("beach.png", ""), ("beach.jpg", "-q:v 2"), ("beach.webp", "-quality 95")] {
        ffmpeg(workspace.path(), &format!("{thirds} -frames:v 1 {options} {name}"));
        let outcome = workspace.run(&["cut", "clip.mp4", "--background", name, "-o", "out.mp4", "--force"]);
        assert_eq!(outcome.exit, Some(0), "{outcome:?}");
        assert!(outcome.stdout.contains("the background is 640×240 and covers the frame"), "{outcome:?}");
        let decoded = Decoded::read(&workspace.join("out.mp4"), (WIDTH, HEIGHT), false);
        // The crop shows the middle 320 of 640 pixels, so the thirds end at 27 and 133 of 160.
        for (x, expected) in [(12, [255.0, 0.0, 0.0]), (150, [0.0, 0.0, 255.0])] {
            let found = decoded.mean(0, (x, 12), 8);
            let is_near = expected.iter().zip(found).all(|(a, b): (&f64, f64)| (a - b).abs() < 12.0);
            assert!(is_near, "{name} at {x}: {found:?}");
        }
        assert!(decoded.mean(0, (80, 6), 6)[1] > 240.0, "{name}");
    }
    workspace.assert_no_process_left();
}

#[test]
fn a_background_that_cannot_be_used_is_refused_by_its_name() {
    let workspace = Workspace::new();
    workspace.encode("clip.mp4", H264);
    std::fs::write(workspace.join("broken.jpg"), b"\xFF\xD8\xFF\xE0\0\x10JFIF\0 and no more").unwrap();
    std::fs::write(workspace.join("text.txt"), "hello").unwrap();
    for (options, exit, code, says) in [
        (&["--background", "none.jpg"][..], 3, "INVALID_BACKGROUND", "background none.jpg"),
        (&["--background", "broken.jpg"], 3, "INVALID_BACKGROUND", "background:"),
        (&["--background", "text.txt"], 3, "INVALID_BACKGROUND", "background:"),
        (&["--formats", "mp4"], 2, "INVALID_REQUEST", "mp4 has no transparency"),
        (&["--formats", "matte", "--background", "blur"], 2, "INVALID_REQUEST", "matte"),
    ] {
        let outcome = workspace.run(&[&["cut", "clip.mp4", "-o", "out/", "--json"], options].concat());
        assert_eq!(outcome.exit, Some(exit), "{options:?}: {outcome:?}");
        assert!(outcome.stdout.contains(code) && outcome.stdout.contains(says), "{options:?}: {outcome:?}");
    }
    assert!(!workspace.join("out").exists());
}

#[test]
fn a_background_is_never_replaced_by_the_cut() {
    let workspace = Workspace::new();
    workspace.encode("clip.mp4", H264);
    workspace.encode("waves.mp4", H264);
    let before = std::fs::read(workspace.join("waves.mp4")).unwrap();
    let outcome = workspace.run(&["cut", "clip.mp4", "--background", "waves.mp4", "-o", "./waves.mp4", "--force"]);
    assert_eq!(outcome.exit, Some(4), "{outcome:?}");
    assert!(outcome.stderr.contains("waves.mp4 is the background itself"), "{outcome:?}");
    assert!(std::fs::read(workspace.join("waves.mp4")).unwrap() == before);
}
