//! Tests of cuts of a part of the frame: they are those of a clip that shows that part alone.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use clearcut_frame::Size;
use clearcut_job::{
    Bounds, CutRequest, ErrorCode, Fit, Hints, NoteCode,
    OutputFormat::{Apng, Mov},
};
use clearcut_pipeline::{CutReport, SegmentPlan, SegmentPolicy, Stop, cut_segment, join_segments, plan_segments};

use crate::{
    cutting::{Cut, cut, cut_into, request, with_job},
    media::{Decoded, ffmpeg, sample},
    segments::{self, cut_in},
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

/// X, Y, width and height of the part of the frame that was cut.
fn rect_of(report: &CutReport) -> [usize; 4] {
    let rect = report.crop.unwrap();
    [rect.x, rect.y, rect.size.width(), rect.size.height()].map(|side| side as usize)
}

/// Left, top, right and bottom of what is solid in any frame of the cut of a whole frame of `size`.
fn solid_box(cut: &Cut, size: (usize, usize)) -> [usize; 4] {
    let frames = Decoded::read(cut.output(Apng), size, false).frames;
    let mut found = [usize::MAX, usize::MAX, 0, 0];
    for frame in &frames {
        for (at, _) in frame.chunks_exact(4).enumerate().filter(|(_, pixel)| pixel[3] >= 250) {
            let (x, y) = (at % size.0, at / size.0);
            found = [found[0].min(x), found[1].min(y), found[2].max(x + 1), found[3].max(y + 1)];
        }
    }
    found
}

#[test]
fn the_subject_of_all_frames_is_cut_with_a_margin() {
    let folder = tempfile::tempdir().unwrap();
    // One is searched in smaller frames; in the other the subject moves.
    let large = clip(folder.path(), "large.mkv", "null");
    for (clip, size) in [(large.as_path(), (720, 720)), (segments::clip(), segments::SIZE)] {
        let whole = cut(clip, &request("apng,mov"));
        let found = cut(clip, &cropped(&request("apng,mov"), "auto"));
        let ([x, y, width, height], solid) = (rect_of(&found.report), solid_box(&whole, size));
        let [left, top, right, bottom] = solid;
        let inside = x <= left && y <= top && x + width >= right && y + height >= bottom;
        assert!(inside, "{solid:?} is not in {:?}", rect_of(&found.report));
        // A margin of 4 %, of 3 pixels of a small frame at least, and up to 2 pixels for even sides and soft edges.
        let most = ((right - left).max(bottom - top) as f64 * 0.04) as usize + 8;
        let margins = [left - x, top - y, x + width - right, y + height - bottom];
        assert!(margins.iter().all(|margin| *margin <= most), "{margins:?} of at most {most}");
        assert!([x, y, width, height].iter().all(|side| side % 2 == 0));
        assert_eq!(found.report.size, Size::new(width as u32, height as u32).unwrap());
        let notes: Vec<_> = found.report.notes.iter().filter(|note| note.code == NoteCode::CropFound).collect();
        assert!(notes.len() == 1 && notes[0].message.contains(&found.report.crop.unwrap().to_string()), "{notes:?}");
        assert_eq!(found.report.reason, whole.report.reason);
        // It shows what the whole cut shows there. (An APNG joins frames that are alike.) Its background is measured
        // in the rectangle alone, which moves edges a little.
        let [part, all] = [(&found, (width, height)), (&whole, size)]
            .map(|(cut, size)| Decoded::read(cut.output(Mov), size, false).frames);
        assert_eq!(part.len(), all.len());
        for (part, all) in part.iter().zip(&all) {
            let alpha = |at: usize| f64::from(all[((y + at / width) * size.0 + x + at % width) * 4 + 3]);
            let off = part.chunks_exact(4).enumerate().map(|(at, pixel)| (f64::from(pixel[3]) - alpha(at)).abs());
            let mean = off.sum::<f64>() / (width * height) as f64;
            assert!(mean < 2.5, "alpha differs by {mean}");
        }
    }
}

#[test]
fn a_shape_around_the_subject_has_that_shape() {
    let part = |crop: &str, bounds: Option<Bounds>| {
        cut(segments::clip(), &CutRequest { bounds, ..cropped(&trimmed(), crop) }).report
    };
    let [x, y, width, height] = rect_of(&part("auto", None));
    let square = part("auto:1:1", None);
    let [left, top, side, other] = rect_of(&square);
    assert!(side == other && side == width.max(height), "{:?} around {:?}", square.crop, [x, y, width, height]);
    assert!(left <= x && top <= y && left + side >= x + width && top + side >= y + height);
    let sides = (Some(100_u16.try_into().unwrap()), Some(100_u16.try_into().unwrap()));
    let covered = part("auto", Bounds::new(sides.0, sides.1, Some(Fit::Cover)).unwrap());
    assert_eq!((covered.crop, covered.size), (square.crop, Size::new(100, 100).unwrap()));
}

/// The request of a second of the clip of segments.
fn trimmed() -> CutRequest {
    CutRequest { trim: Some("1,2".parse().unwrap()), ..request("apng") }
}

#[test]
fn hints_of_the_whole_frame_count_when_the_subject_is_searched() {
    let hinted = |hints: &str| CutRequest { hints: hints.parse::<Hints>().unwrap(), ..cropped(&trimmed(), "auto") };
    let plain = cut(segments::clip(), &cropped(&trimmed(), "auto")).report;
    let [x, ..] = rect_of(&plain);
    // A corner that is kept widens the rectangle; one that is removed anyway lies outside of it.
    let corner = |kind: &str| format!(r#"[{{"time":1.2,"x":0.0,"y":0.0,"width":0.1,"height":0.1,"kind":"{kind}"}}]"#);
    let kept = cut(segments::clip(), &hinted(&corner("keep"))).report;
    assert!(x > 20 && rect_of(&kept)[..2] == [0, 0], "{:?} and {:?}", plain.crop, kept.crop);
    let removed = cut(segments::clip(), &hinted(&corner("remove"))).report;
    assert_eq!((removed.crop, removed.matte.hint_frames.len()), (plain.crop, 1));
}

#[test]
fn segments_have_the_rectangle_of_the_whole_clip() {
    let request = cropped(&request("webm,apng"), "auto");
    let whole = cut(segments::clip(), &request).report;
    assert_eq!(cut_in(2, segments::clip(), &request, &mut |_| ()).report.crop, whole.crop);
    let policy = SegmentPolicy { min_clip: Duration::from_secs(10), segment: Duration::from_secs(8) };
    let folder = tempfile::tempdir().unwrap();
    let in_folder = |name: &str| {
        let path = folder.path().join(name);
        fs::create_dir(&path).unwrap();
        path
    };
    let (stop, none) = (Stop::default(), &mut |_| ());
    let plan = with_job(&in_folder("plan"), segments::clip(), &request, |job| plan_segments(job, &policy, &stop, none));
    // As another machine reads it.
    let plan = SegmentPlan::from_json(&plan.unwrap().unwrap().to_json().unwrap()).unwrap();
    let folders: Vec<PathBuf> = (0..plan.segments().len()).map(|index| in_folder(&index.to_string())).collect();
    for (index, folder) in folders.iter().enumerate() {
        with_job(folder, segments::clip(), &request, |job| cut_segment(job, &plan, index, &stop, none)).unwrap();
    }
    let joined = with_job(&in_folder("joined"), segments::clip(), &request, |job| {
        join_segments(job, &plan, &folders, &stop, none).unwrap()
    });
    assert_eq!((joined.crop, joined.size, joined.frames), (whole.crop, whole.size, whole.frames));
    assert_eq!((&joined.notes, joined.reason), (&whole.notes, whole.reason));
    let short = SegmentPolicy { min_clip: Duration::from_mins(1), ..policy };
    let plan = with_job(&in_folder("short"), segments::clip(), &request, |job| plan_segments(job, &short, &stop, none));
    assert!(plan.unwrap().is_none(), "a short clip is cut whole");
}

#[test]
fn a_subject_that_is_not_there_or_too_large_for_a_shape_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |clip: &Path, crop: &str| {
        let scratch = tempfile::tempdir().unwrap();
        let request = cropped(&request("apng"), crop);
        let error = cut_into(scratch.path(), clip, &request, &Stop::default(), &mut |_| ()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidRequest, "{error}");
        error.to_string()
    };
    let empty = "-f lavfi -i color=0x14be46:s=64x48:r=10 -frames:v 5 -c:v ffv1 -pix_fmt yuv420p empty.mkv";
    ffmpeg(folder.path(), empty);
    let nothing = refused(&folder.path().join("empty.mkv"), "auto");
    assert_eq!(nothing, "crop is auto, and no frame has a subject: the background is everywhere");
    let large = refused(&clip(folder.path(), "whole.mkv", "scale=240:240"), "auto:9:1");
    assert!(large.starts_with("the frames of the clip are 240×240, and hold no rectangle of 9:1 around"), "{large}");
}
