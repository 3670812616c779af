//! Tests for the parts of a subject that a report calls fine, soft and faint.

use clearcut_frame::{Frame, FrameFormat, Subsampling};
use clearcut_matte::{Background, Defect, Defects, KeySettings, Keyer, PocketTracker};

use crate::canvas::{GREEN, RED, WHITE, disc_alpha, format, mixed, painted};

const SIDE: usize = 192;
const BLACK: [u8; 3] = [16, 128, 128];

fn square() -> FrameFormat {
    format(SIDE as u32, SIDE as u32, Subsampling::Half)
}

/// The possible errors in the matte of a still.
fn defects_of(frame: &Frame) -> Defects {
    let clip = std::slice::from_ref(frame);
    let keyer = Keyer::new(Background::estimate(clip, None).unwrap(), KeySettings::default());
    let mut compared = keyer.compare(frame.clone(), None);
    PocketTracker::default().classify(&mut compared);
    keyer.key(compared).defects()
}

/// Shares of the subject that are fine, soft and faint.
fn shares(frame: &Frame) -> [f64; 3] {
    let defects = defects_of(frame);
    let share = |defect: Defect| defect.pixels as f64 / defects.subject as f64;
    [defects.fine, defects.soft, defects.faint].map(share)
}

/// Density of a puff of smoke in the middle of the frame: 1.0 there, 0 at the border.
fn puff(x: usize, y: usize) -> f32 {
    let middle = SIDE as f32 / 2.0;
    let away = (x as f32 + 0.5 - middle).hypot(y as f32 + 0.5 - middle) / (0.16 * SIDE as f32);
    (-away * away).exp()
}

#[test]
fn a_solid_disc_is_neither_fine_nor_soft_nor_faint() {
    let found = shares(&painted(square(), 1, |x, y| mixed(RED, GREEN, disc_alpha(x, y, SIDE, 60.0))));
    assert!(found.iter().all(|share| *share < 0.01), "{found:?}");
}

#[test]
fn strokes_are_fine_and_the_area_names_them() {
    let is_stroke = |x: usize, y: usize| (40..152).contains(&x) && (80..120).contains(&y) && (y / 4).is_multiple_of(4);
    let frame = painted(square(), 1, |x, y| mixed(RED, GREEN, f32::from(u8::from(is_stroke(x, y)))));
    let [fine, soft, faint] = shares(&frame);
    assert!(fine > 0.8 && soft < 0.01 && faint < 0.01, "{:?}", [fine, soft, faint]);
    let extent = defects_of(&frame).fine.extent.unwrap();
    assert_eq!([extent.top, extent.bottom], [64, 128]);
}

#[test]
fn smoke_is_soft_and_a_shadow_is_not() {
    let puff_of = |color| painted(square(), 1, move |x, y| mixed(color, GREEN, 0.5 * puff(x, y)));
    let [_, smoke, _] = shares(&puff_of(WHITE));
    let [_, shadow, _] = shares(&puff_of(BLACK));
    assert!(smoke > 0.3 && shadow < 0.02, "{smoke} {shadow}");
}

#[test]
fn a_subject_of_nearly_the_backgrounds_color_is_faint() {
    let pale = [GREEN[0] + 12, GREEN[1], GREEN[2]];
    let [_, _, faint] = shares(&painted(square(), 0, |x, y| mixed(pale, GREEN, disc_alpha(x, y, SIDE, 60.0))));
    assert!(faint > 0.5, "{faint}");
}
