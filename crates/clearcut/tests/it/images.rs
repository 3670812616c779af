//! Still images: cut and probed in every format, with the reasons for which they are refused.

use std::fs;

use crate::{
    clips::H264,
    media::{Decoded, command, ffmpeg},
    run::{Outcome, Workspace},
};

/// A grey square with a red and a blue half, 120 pixels high, in the middle of green: 320×240.
const SCENE: &str = "-f lavfi -i color=0x14be46:s=320x240,format=rgb24,drawbox=100:60:60:120:0xc83c32:fill,drawbox=160:60:60:120:0x3246c8:fill";

impl Workspace {
    /// Draws the scene into the file `name` with these options.
    fn draw(&self, name: &str, options: &str) {
        ffmpeg(self.path(), &format!("{SCENE} -frames:v 1 {options} {name}"));
    }

    /// The cut of `name` as JSON.
    fn cut_image(&self, name: &str, options: &[&str]) -> serde_json::Value {
        let outcome = self.run(&[&["cut", name, "--json", "--force"], options].concat());
        assert_eq!(outcome.exit, Some(0), "{name}: {outcome:?}");
        last_line(&outcome)
    }
}

fn last_line(outcome: &Outcome) -> serde_json::Value {
    serde_json::from_str(outcome.stdout.lines().last().unwrap()).unwrap()
}

/// Mean color and alpha of the two halves, and alpha of the background.
fn assert_is_cut(workspace: &Workspace, name: &str, tolerance: f64) {
    let decoded = Decoded::read(&workspace.join(name), (320, 240), false);
    let near = |point, expected: [f64; 4]| {
        let found = decoded.mean(0, point, 9);
        let error = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(error <= tolerance, "{name} at {point:?}: {found:?} instead of {expected:?}");
    };
    near((130, 120), [200.0, 60.0, 50.0, 255.0]);
    near((190, 120), [50.0, 70.0, 200.0, 255.0]);
    near((30, 120), [0.0; 4]);
}

#[test]
fn an_image_of_each_format_becomes_a_png() {
    let workspace = Workspace::new();
    for (name, options, tolerance) in [
        ("a.png", "-c:v png", 0.0),
        ("deep.png", "-c:v png -pix_fmt rgb48be", 1.0),
        ("b.jpg", "-c:v mjpeg -q:v 2", 4.0),
        ("lossless.webp", "-c:v libwebp -lossless 1 -pix_fmt bgra", 0.0),
        ("lossy.webp", "-c:v libwebp -quality 95", 8.0),
        ("c.avif", "-c:v libaom-av1 -still-picture 1 -crf 4 -cpu-used 8 -pix_fmt gbrp", 4.0),
    ] {
        workspace.draw(name, options);
        let before = workspace.names();
        let done = workspace.cut_image(name, &[]);
        let stem = name.split('.').next().unwrap();
        assert_eq!(workspace.names().len(), before.len() + 1, "only the PNG is left");
        assert_eq!((&done["width"], &done["height"], &done["method"]), (&320.into(), &240.into(), &"chromakey".into()));
        assert_eq!((&done["reason"], &done["outputs"][0]["format"]), (&"flat-background".into(), &"png".into()));
        assert_is_cut(&workspace, &format!("{stem}-cut.png"), tolerance);
    }
    workspace.assert_no_process_left();
}

#[test]
fn images_and_clips_are_cut_in_one_command() {
    let workspace = Workspace::new();
    workspace.draw("photo.jpg", "-q:v 2");
    // As phones save both: the names of their cuts differ.
    workspace.encode("photo.mp4", H264);
    let outcome = workspace.run(&["cut", "photo.jpg", "photo.mp4", "-q"]);
    assert_eq!(outcome.exit, Some(0), "{outcome:?}");
    assert_eq!(workspace.names(), ["photo-cut.png", "photo-cut.webm", "photo.jpg", "photo.mp4"]);
    workspace.draw("photo.png", "-c:v png");
    let outcome = workspace.run(&["cut", "photo.jpg", "photo.png", "-q"]);
    assert!(outcome.exit == Some(2) && outcome.stderr.contains("the same output name"), "{outcome:?}");
}

#[test]
fn images_are_finished_in_order_up_to_the_first_that_fails() {
    let workspace = Workspace::new();
    for name in ["a.png", "c.png", "d.png"] {
        workspace.draw(name, "-c:v png");
    }
    fs::write(workspace.join("b.png"), b"no image").unwrap();
    let all = ["cut", "a.png", "b.png", "c.png", "d.png", "--json"];
    let outcome = workspace.run(&all);
    assert_eq!((outcome.exit, last_line(&outcome)["input"].as_str()), (Some(3), Some("b.png")));
    assert_eq!(workspace.names(), ["a-cut.png", "a.png", "b.png", "c.png", "d.png"]);
    let outcome = workspace.run(&[&all[..], &["--keep-going", "--force"]].concat());
    let inputs = outcome.stdout.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let inputs: Vec<_> = inputs.map(|line| line["input"].as_str().unwrap().to_owned()).collect();
    assert_eq!((outcome.exit, inputs.join(" ").as_str()), (Some(3), "a.png b.png c.png d.png"));
}

#[test]
fn the_output_decides_whether_an_animation_is_a_clip_or_an_image() {
    let workspace = Workspace::new();
    let palette = "-filter_complex split[a][b];[a]palettegen[p];[b][p]paletteuse=dither=none";
    ffmpeg(workspace.path(), &format!("-t 1 {SCENE} {palette} -r 5 spin.gif"));
    ffmpeg(workspace.path(), &format!("-t 1 {SCENE} -r 5 -f apng -plays 0 turn.png"));
    for input in ["spin.gif", "turn.png"] {
        let still = workspace.cut_image(input, &["-o", "still.png"]);
        assert_eq!((&still["outputs"][0]["format"], &still["frames"]), (&"png".into(), &serde_json::Value::Null));
        assert_is_cut(&workspace, "still.png", 8.0);
        for (output, format) in [("clip.apng", "apng"), ("clip.webm", "webm")] {
            let clip = workspace.cut_image(input, &["-o", output]);
            assert_eq!(clip["outputs"][0]["format"], format, "{input}");
            assert!(clip["frames"].as_u64() > Some(1), "{clip}");
        }
    }
    let of_clip = ["cut", "spin.gif", "-o", "part.png", "--trim", "0.2,"];
    workspace.assert_refused(
        &of_clip,
        2,
        "INVALID_REQUEST",
        "--trim has no meaning for the first frame of an animation",
    );
    let asked = workspace.cut_image("spin.gif", &["-o", "asked.png", "-f", "apng"]);
    assert!(asked["frames"].as_u64() > Some(1), "{asked}");
}

#[test]
fn an_image_with_transparency_keeps_its_alpha() {
    let workspace = Workspace::new();
    workspace.draw(
        "own.png",
        "-vf format=rgba,geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)':a='if(between(X,100,219)*between(Y,60,179),200,0)'",
    );
    let done = workspace.cut_image("own.png", &[]);
    assert_eq!(done["reason"], "transparent");
    let alpha = Decoded::read(&workspace.join("own-cut.png"), (320, 240), false).mean(0, (130, 120), 9)[3];
    assert!((alpha - 200.0).abs() < 1.0, "{alpha}");
    let clear = "-vf format=rgba,colorchannelmixer=aa=0";
    workspace.draw("clear.png", clear);
    assert_eq!(workspace.cut_image("clear.png", &[])["reason"], "transparent");
}

#[test]
fn size_key_and_hints_apply_to_an_image() {
    let workspace = Workspace::new();
    workspace.draw("photo.png", "-c:v png");
    let done =
        workspace.cut_image("photo.png", &["--size", "160", "--key", "#14BE46", "--hint", "remove@3,0.5,0,0.5,1"]);
    assert_eq!((&done["width"], &done["height"], &done["reason"]), (&160.into(), &120.into(), &"key-given".into()));
    let cut = Decoded::read(&workspace.join("photo-cut.png"), (160, 120), false);
    assert!(cut.mean(0, (65, 60), 5)[3] > 254.0 && cut.mean(0, (100, 60), 5)[3] < 1.0);
}

/// The codes of the warnings of a cut.
fn warned(done: &serde_json::Value) -> Vec<&str> {
    done["warnings"].as_array().unwrap().iter().map(|warning| warning["code"].as_str().unwrap()).collect()
}

#[test]
fn a_cut_that_removes_nothing_or_everything_warns() {
    let workspace = Workspace::new();
    workspace.draw("photo.png", "-c:v png");
    ffmpeg(workspace.path(), "-f lavfi -i color=0x14be46:s=320x240 -frames:v 1 flat.png");
    workspace.encode("clip.mp4", H264);
    let good = workspace.cut_image("photo.png", &[]);
    let removed = good["removed"].as_f64().unwrap();
    assert!(warned(&good).is_empty() && (removed - 0.8125).abs() < 0.02, "{good}");
    let everything = workspace.cut_image("flat.png", &[]);
    assert_eq!((warned(&everything), &everything["removed"]), (vec!["EVERYTHING_REMOVED"], &1.0.into()));
    for input in ["photo.png", "clip.mp4"] {
        let nothing = workspace.cut_image(input, &["--key", "#FF00FF"]);
        assert_eq!(warned(&nothing), ["LOW_CONFIDENCE", "NOTHING_REMOVED"], "{input}");
        let told = workspace.run(&["cut", input, "--force", "--key", "#FF00FF"]);
        assert!(told.stdout.contains("warning: hardly anything was removed"), "{told:?}");
    }
    let hint = workspace.cut_image("photo.png", &["--hint", "keep@0,0.01,0.01"]);
    assert_eq!(warned(&hint), ["HINT_WITHOUT_EFFECT"]);
}

#[test]
fn what_has_no_meaning_for_an_image_is_refused_by_name() {
    let workspace = Workspace::new();
    workspace.draw("photo.jpg", "-q:v 2");
    for options in [&["--fps", "12"][..], &["-f", "webm"], &["--no-audio"], &["--quality", "80"], &["--speed", "fast"]]
    {
        let name = if options[0] == "-f" { "--formats" } else { options[0] };
        workspace.assert_refused(&[&["cut", "photo.jpg"], options].concat(), 2, "INVALID_REQUEST", name);
    }
    workspace.assert_refused(&["cut", "photo.jpg", "-o", "photo.webm"], 2, "INVALID_REQUEST", "is a PNG, not webm");
    workspace.write("photo-cut.png", "taken");
    workspace.assert_refused(&["cut", "photo.jpg"], 4, "OUTPUT_EXISTS", "exists already");
}

#[test]
fn files_that_are_no_image_are_refused_by_name() {
    let workspace = Workspace::new();
    let cases: [(&str, &[u8], &str); 6] = [
        ("drawing.png", b"<svg xmlns='http://www.w3.org/2000/svg'><image href='/etc/passwd'/></svg>", "an SVG drawing"),
        ("page.png", b"<?xml version='1.0'?><svg><image href='/etc/passwd'/></svg>", "an SVG drawing"),
        ("raw.jpg", b"II*\0\x10\0\0\0CR\x02\0\0\0\0\0", "a camera RAW file (CR2)"),
        ("scan.png", b"MM\0*\0\0\0\x08", "a TIFF image"),
        ("layers.png", b"8BPS\0\x01", "a Photoshop document"),
        ("new.png", b"\xFF\x0A\xFA\x7F", "a JPEG XL image"),
    ];
    for (name, bytes, message) in cases {
        workspace.write(name, bytes);
        workspace.assert_refused(&["cut", name], 3, "INVALID_IMAGE", message);
    }
}

/// Width and height of 16,000 pixels as in a PNG header.
const SIXTEEN_THOUSAND_SQUARED: [u8; 8] = [0, 0, 0x3E, 0x80, 0, 0, 0x3E, 0x80];

#[test]
fn bombs_and_damaged_images_are_refused_before_they_do_harm() {
    let workspace = Workspace::new();
    for (name, options) in [("a.png", ""), ("a.jpg", "-q:v 2"), ("a.webp", "-c:v libwebp"), ("a.gif", "")] {
        workspace.draw(name, options);
        let whole = fs::read(workspace.join(name)).unwrap();
        let short = format!("short-{name}");
        workspace.write(&short, &whole[..whole.len() * 3 / 4]);
        if !name.ends_with("gif") {
            workspace.assert_refused(&["cut", &short, "-q"], 3, "INVALID_IMAGE", "damaged or cut off");
        }
    }
    ffmpeg(
        workspace.path(),
        "-f lavfi -i color=0x14be46:s=10100x10000 -frames:v 1 -pix_fmt gray -compression_level 9 bomb.png",
    );
    assert!(fs::metadata(workspace.join("bomb.png")).unwrap().len() < 1_000_000);
    workspace.assert_refused(&["cut", "bomb.png", "-q"], 3, "INVALID_IMAGE", "more than 100 million pixels");
    let mut header = fs::read(workspace.join("a.png")).unwrap();
    header[16..24].copy_from_slice(&SIXTEEN_THOUSAND_SQUARED);
    workspace.write("header.png", header);
    workspace.assert_refused(&["probe", "header.png"], 3, "INVALID_IMAGE", "the image");
}

#[test]
fn the_smallest_images_are_cut_or_refused() {
    let workspace = Workspace::new();
    for size in ["1:1", "2:1", "1:3", "3:3", "8:1"] {
        let name = format!("{}.png", size.replace(':', "x"));
        ffmpeg(
            workspace.path(),
            &format!("-f lavfi -i color=0x14be46:s=16x16 -vf format=rgb24,crop={size} -frames:v 1 {name}"),
        );
        let outcome = workspace.run(&["cut", &name, "-q"]);
        match outcome.exit {
            Some(0) => {}
            Some(3) => assert!(outcome.stderr.contains("NO_FLAT_BACKGROUND"), "{outcome:?}"),
            _ => panic!("{size}: {outcome:?}"),
        }
    }
}

#[test]
fn a_scene_and_a_checkerboard_without_a_model_are_refused() {
    let workspace = Workspace::new();
    let models = workspace.join("none");
    let models = models.to_str().unwrap();
    ffmpeg(workspace.path(), "-f lavfi -i testsrc2=s=320x240 -frames:v 1 scene.png");
    workspace.assert_refused(
        &["cut", "scene.png", "-q", "--models", models],
        3,
        "NO_FLAT_BACKGROUND",
        "flat background",
    );
    let board = "-f lavfi -i color=white:s=320x240,format=gray,geq=lum='if(mod(floor(X/16)+floor(Y/16),2),204,255)' -frames:v 1 board.png";
    ffmpeg(workspace.path(), board);
    workspace.assert_refused(&["cut", "board.png", "-q", "--models", models], 3, "NO_FLAT_BACKGROUND", "checkerboard");
}

#[test]
fn a_probe_says_what_an_image_is() {
    let workspace = Workspace::new();
    workspace.draw("deep.png", "-c:v png -pix_fmt rgba64be");
    let probed = workspace.run(&["probe", "deep.png", "--json"]);
    let info: serde_json::Value = serde_json::from_str(&probed.stdout).unwrap_or_else(|_| panic!("{probed:?}"));
    let expected = serde_json::json!({
        "format": "png", "width": 320, "height": 240, "orientation": 1, "bits": 16, "alpha": false, "colors": "srgb",
        "profile": null,
    });
    assert_eq!(info, expected);
    workspace.draw("still.avif", "-c:v libaom-av1 -still-picture 1 -cpu-used 8");
    let probed = workspace.run(&["probe", "still.avif"]);
    assert!(probed.stdout.starts_with("image    320×240 AVIF, 8 bits\n"), "{probed:?}");
}

#[test]
fn one_decode_gives_a_file_for_each_encoding() {
    let workspace = Workspace::new();
    workspace.draw("photo.png", "-c:v png");
    let output = command(env!("CARGO_BIN_EXE_clearcut"))
        .args(["image", "encode", "100000000", "160:0:cover:jpeg:80", "90:90:contain:png:80", "64:64:cover:webp:80"])
        .stdin(fs::File::open(workspace.join("photo.png")).unwrap())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let (mut parts, mut rest) = (Vec::new(), output.stdout.as_slice());
    while let Some((length, content)) = rest.split_first_chunk() {
        let (part, after) = content.split_at(u64::from_le_bytes(*length) as usize);
        parts.push(part);
        rest = after;
    }
    assert_eq!(parts.len(), 4);
    for (part, name, size) in [(1, "a.jpg", "160,120"), (2, "b.png", "90,90"), (3, "c.webp", "64,64")] {
        workspace.write(name, parts[part]);
        assert_eq!(crate::media::probe(&workspace.join(name), "width,height"), size, "{name}");
    }
    let few = command(env!("CARGO_BIN_EXE_clearcut"))
        .args(["image", "inspect", "1000"])
        .stdin(fs::File::open(workspace.join("photo.png")).unwrap())
        .output()
        .unwrap();
    assert_eq!((few.status.code(), few.stdout.len()), (Some(66), 0), "too many pixels");
}
