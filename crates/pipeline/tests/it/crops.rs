//! Tests of cuts of a part of the frame: they are those of a clip that shows that part alone.

use std::path::{Path, PathBuf};

use clearcut_frame::Size;
use clearcut_job::{Bounds, CutRequest, ErrorCode, Fit, OutputFormat::Apng};
use clearcut_pipeline::Stop;

use crate::{
    cutting::{cut, cut_into, request},
    media::{Decoded, ffmpeg, sample},
};

fn cropped(request: &CutRequest, crop: &str) -> CutRequest {
    CutRequest { crop: Some(crop.parse().unwrap()), ..request.clone() }
}

/// A clip of `vf` over the first frames of the sample, without loss.
fn clip(folder: &Path, name: &str, vf: &str) -> PathBuf {
    let source = sample("mascot.mp4");
    ffmpeg(folder, &format!("-i {source} -an -vf {vf} -frames:v 12 -c:v ffv1 -pix_fmt yuv420p {name}"));
    folder.join(name)
}

#[test]
fn a_part_of_the_frame_is_cut_as_a_clip_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let plain = clip(folder.path(), "whole.mkv", "scale=240:240");
    let part = clip(folder.path(), "part.mkv", "scale=240:240,crop=160:200:40:20");
    let request = request("apng");
    for (crop, size) in [("40,20,160,200", (160, 200)), ("1:1", (240, 240)), ("2:1", (240, 120))] {
        assert_eq!(cut(&plain, &cropped(&request, crop)).report.size, Size::new(size.0, size.1).unwrap());
    }
    let [found, expected] = [cut(&plain, &cropped(&request, "40,20,160,200")), cut(&part, &request)]
        .map(|cut| Decoded::read(cut.output(Apng), (160, 200), false).frames);
    assert!(found == expected && found.len() == 12, "the pictures differ");
    // The size is that of the part, and a hint has its place in the whole frame.
    let small = CutRequest { size: Some("100".parse().unwrap()), ..cropped(&request, "40,20,160,200") };
    assert_eq!(cut(&plain, &small).report.size, Size::new(80, 100).unwrap());
    let hinted = |clip: &Path, request: &CutRequest, (x, y): (f64, f64)| {
        let hints = format!(r#"[{{"time":0,"x":{x},"y":{y},"kind":"keep"}}]"#).parse().unwrap();
        cut(clip, &CutRequest { hints, ..request.clone() }).report.matte.hint_frames
    };
    let found = hinted(&plain, &cropped(&request, "40,20,160,200"), (0.45, 0.6));
    assert!(found == hinted(&part, &request, (0.425, 0.62)) && found[0] > 0, "{found:?}");
}

#[test]
fn outputs_have_the_width_and_height_that_were_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let plain = clip(folder.path(), "whole.mkv", "scale=240:240");
    let bound = |width: u16, height: Option<u16>, fit: Option<Fit>, crop: &str| {
        let side = |side: u16| side.try_into().unwrap();
        let bounds = Bounds::new(Some(side(width)), height.map(side), fit).unwrap();
        cut(&plain, &CutRequest { bounds, ..cropped(&request("apng"), crop) })
    };
    let whole = "0,0,240,240";
    assert_eq!(bound(100, None, None, "0,0,240,120").report.size, Size::new(100, 50).unwrap());
    assert_eq!(bound(120, Some(80), None, whole).report.size, Size::new(80, 80).unwrap());
    let covering = [bound(120, Some(80), Some(Fit::Cover), whole), bound(120, None, None, "0,40,240,160")];
    let [found, expected] = covering.map(|cut| Decoded::read(cut.output(Apng), (120, 80), false).frames);
    assert!(found == expected && found.len() == 12, "the middle is cut");
}

#[test]
fn a_rectangle_is_that_of_the_frame_as_it_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    // Shown as 480×240, with pixels twice as wide as they are high.
    let wide = clip(folder.path(), "wide.mkv", "scale=240:240,setsar=2");
    let whole = cut(&wide, &request("apng")).report.size;
    assert_eq!(whole, Size::new(480, 240).unwrap());
    let (width, height) = (whole.width() as usize, whole.height() as usize);
    let lower = format!("0,{},{width},{}", height / 2, height / 2);
    let [all, part] = [request("apng"), cropped(&request("apng"), &lower)].map(|request| cut(&wide, &request));
    assert_eq!(part.report.size, Size::new(width as u32, height as u32 / 2).unwrap());
    let all = Decoded::read(all.output(Apng), (width, height), false).frames;
    let part = Decoded::read(part.output(Apng), (width, height / 2), false).frames;
    let solid = |frame: &[u8], from: usize| {
        let pixels = frame[from * width * 4..].chunks_exact(4);
        pixels.map(|pixel| f64::from(pixel[3])).sum::<f64>() / 255.0 / (width * height / 2) as f64
    };
    let (expected, found) = (solid(&all[5], height / 2), solid(&part[5], 0));
    assert!((expected - found).abs() < 0.02 && expected > 0.1, "{expected:.3} of the lower half, found {found:.3}");
}

#[test]
fn a_rectangle_outside_of_the_frame_is_refused_with_its_size() {
    let refused = |request: &CutRequest| {
        let folder = tempfile::tempdir().unwrap();
        let path = sample("mascot.mp4");
        let error = cut_into(folder.path(), path.as_ref(), request, &Stop::default(), &mut |_| ()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidRequest);
        error.to_string()
    };
    let outside = refused(&cropped(&request("apng"), "700,0,22,720"));
    assert_eq!(outside, "the frames of the clip are 720×720, and crop 700,0,22,720 does not lie in them");
    let hints = r#"[{"time":0,"x":0.9,"y":0.5,"kind":"keep"}]"#.parse().unwrap();
    let hinted = refused(&CutRequest { hints, ..cropped(&request("apng"), "0,0,360,720") });
    assert_eq!(hinted, "hint 1 lies outside of the part of the frame that is cut, 0,0,360,720");
}
