//! Tests of a cut that is stopped or fails: how it ends and what it leaves.

use clearcut_job::{CutStep, ErrorCode};
use clearcut_pipeline::{Error, Stop};

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
    assert!(matches!(error, Error::NoFlatBackground { could_use_model: true }), "{error:?}");
    assert_eq!(error.code(), ErrorCode::NoFlatBackground);
}
