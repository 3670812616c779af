//! Tests of a cut that is stopped or fails: how it ends and what it leaves.

use clearcut_job::{CutRequest, CutStep, ErrorCode, KeyColorChoice, MethodChoice};
use clearcut_pipeline::{BackgroundFinding, Error, Stop};

use crate::{
    cutting::{ALL_FORMATS, cut_into, request},
    media::{command, ffmpeg, sample},
};

/// Number of processes whose arguments name `folder`.
fn children_in(folder: &std::path::Path) -> usize {
    let listed = command("ps").args(["-eo", "args"]).output().unwrap();
    let lines = String::from_utf8_lossy(&listed.stdout).into_owned();
    lines.lines().filter(|line| line.contains(folder.to_str().unwrap())).count()
}

#[test]
fn a_cancelled_cut_returns_after_its_child_processes_have_ended() {
    let folder = tempfile::tempdir().unwrap();
    let stop = Stop::default();
    let mut steps = Vec::new();
    let result = cut_into(folder.path(), sample("mascot.mp4").as_ref(), &request(ALL_FORMATS), &stop, &mut |step| {
        if let CutStep::Cutting { done, .. } = step
            && done > 0
            && !stop.is_stopped()
        {
            assert!(children_in(folder.path()) > 0, "the encoders run");
            stop.cancel();
        }
        steps.push(step);
    });
    assert!(matches!(result, Err(Error::Cancelled)), "{result:?}");
    assert_eq!(steps.first(), Some(&CutStep::Surveying));
    assert_eq!(children_in(folder.path()), 0);
}

#[test]
fn a_cut_that_was_stopped_before_it_begins_does_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let stop = Stop::default();
    stop.cancel();
    let result = cut_into(folder.path(), sample("mascot.mp4").as_ref(), &request("webm"), &stop, &mut |_| {});
    assert!(matches!(result, Err(Error::Cancelled)), "{result:?}");
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
}

#[test]
fn a_clip_without_a_flat_background_needs_a_model() {
    let folder = tempfile::tempdir().unwrap();
    ffmpeg(folder.path(), "-f lavfi -i testsrc2=s=160x120:r=12:d=0.5 -c:v libx264 -pix_fmt yuv420p clip.mp4");
    let scratch = tempfile::tempdir().unwrap();
    let clip = folder.path().join("clip.mp4");
    let result = cut_into(scratch.path(), &clip, &request("webm"), &Stop::default(), &mut |_| {});
    let error = result.unwrap_err();
    let finding = BackgroundFinding::NoDominantColor;
    assert!(is_refused(&error, finding), "{error:?}");
    assert_eq!(error.code(), ErrorCode::NoFlatBackground);
}

fn is_refused(error: &Error, expected: BackgroundFinding) -> bool {
    matches!(error, Error::NoFlatBackground { finding, could_use_model: true } if *finding == expected)
}

#[test]
fn a_painted_checkerboard_is_refused_by_name_unless_the_user_names_a_color() {
    let folder = tempfile::tempdir().unwrap();
    let square = "if(mod(floor(X/13)+floor(Y/13),2),255,204)";
    let subject = "between(X,60,100)*between(Y,40,80)";
    let channel = |value: u8| format!("'if({subject},{value},{square})'");
    let (r, g, b) = (channel(240), channel(130), channel(40));
    let board = format!("color=s=160x120:r=12:d=0.5,format=gbrp,geq=r={r}:g={g}:b={b}");
    ffmpeg(folder.path(), &format!("-f lavfi -i {board} -c:v libx264 -pix_fmt yuv420p clip.mp4"));
    let clip = folder.path().join("clip.mp4");
    let cut = |request: CutRequest| {
        let scratch = tempfile::tempdir().unwrap();
        cut_into(scratch.path(), &clip, &request, &Stop::default(), &mut |_| {})
    };
    let error = cut(request("webm")).unwrap_err();
    assert!(is_refused(&error, BackgroundFinding::Checkerboard), "{error:?}");
    assert!(error.hint().unwrap().contains("clearcut models install"));
    let by_color = cut(CutRequest { method: MethodChoice::Chroma, ..request("webm") });
    assert!(matches!(by_color, Err(Error::NoFlatBackground { could_use_model: false, .. })), "{by_color:?}");
    cut(CutRequest { key_color: KeyColorChoice::Given("#CCCCCC".parse().unwrap()), ..request("webm") }).unwrap();
}

#[test]
fn a_color_that_has_little_more_than_half_of_the_border_is_only_keyed_if_the_user_asks() {
    let folder = tempfile::tempdir().unwrap();
    // A cross of colored blocks over green reaches the middle of all four sides.
    let channel = |seed: u8, green: u8| {
        format!("'if(between(X,50,110)+between(Y,38,82),255*mod(floor(X/8)*7+floor(Y/8)*13+{seed},11)/10,{green})'")
    };
    let (r, g, b) = (channel(0, 32), channel(4, 176), channel(7, 64));
    let scene = format!("color=s=160x120:r=12:d=0.5,format=gbrp,geq=r={r}:g={g}:b={b}");
    ffmpeg(folder.path(), &format!("-f lavfi -i {scene} -c:v libx264 -pix_fmt yuv420p clip.mp4"));
    let clip = folder.path().join("clip.mp4");
    let cut = |request: CutRequest| {
        let scratch = tempfile::tempdir().unwrap();
        cut_into(scratch.path(), &clip, &request, &Stop::default(), &mut |_| {})
    };
    let error = cut(request("webm")).unwrap_err();
    let Error::NoFlatBackground { finding: BackgroundFinding::Unsure { share, .. }, could_use_model: true } = error
    else {
        panic!("{error:?}")
    };
    assert!((0.4..0.7).contains(&share), "{share}");
    let hint = error.hint().unwrap();
    assert!(hint.contains("--key") && hint.contains("chromaKey") && hint.contains("models install"), "{hint}");
    cut(CutRequest { method: MethodChoice::Chroma, ..request("webm") }).unwrap();
}
