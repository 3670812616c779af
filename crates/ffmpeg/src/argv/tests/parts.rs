//! Tests of the arguments that read a part of a clip or of its frames.

use std::time::Duration;

use clearcut_frame::Size;
use clearcut_job::CropRect;

use super::{decode, decode_plan, info, sample, sample_plan, value};
use crate::{MediaInfo, MediaLimits, SamplePlan, Sampled, SizeChanges, TimeSpan};

#[test]
fn a_crop_comes_before_colors_and_scaling() {
    let crop = CropRect { x: 10, y: 20, size: Size::new(40, 30).unwrap() };
    let info = MediaInfo { crop: Some(crop), ..info() };
    let arguments = decode(&info, &decode_plan(), &MediaLimits::default());
    assert!(value(&arguments, "-vf").starts_with("crop=iw*40/160:ih*30/120:iw*10/160:ih*20/120:exact=1,scale=80:60:"));
    let info = MediaInfo { size_changes: Some(SizeChanges::SameShape), ..info };
    let arguments = decode(&info, &decode_plan(), &MediaLimits::default());
    assert!(value(&arguments, "-vf").starts_with("scale=160:120,crop="), "{arguments:?}");
}

#[test]
fn a_part_is_sampled_from_a_keyframe_before_it_on() {
    let span = TimeSpan { start: Duration::from_secs(10), length: Duration::from_secs(5) };
    let arguments_for =
        |among| sample(&info(), info().size, &SamplePlan { among, ..sample_plan() }, &MediaLimits::default());
    let keyframes = arguments_for(Sampled::KeyframesIn(span, Duration::from_millis(200)));
    assert_eq!((value(&keyframes, "-skip_frame"), value(&keyframes, "-ss")), ("nokey", "9.491658"));
    let selected = "trim=start=9.499000:end=14.500000,select=isnan(prev_selected_t)+gte(t-prev_selected_t\\,0.200000),";
    assert!(value(&keyframes, "-vf").starts_with(selected), "{keyframes:?}");
    let shown = arguments_for(Sampled::ShownIn(span));
    assert!(!shown.contains(&"-skip_frame".to_owned()));
    let filters = "settb=AVTB,fps=24/5:start_time=9.395970:round=down:eof_action=pass,tpad=stop=24:";
    assert!(value(&shown, "-vf").starts_with(filters), "{shown:?}");
}
