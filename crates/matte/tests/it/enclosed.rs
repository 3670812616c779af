//! What a subject encloses on a background without color.

use clearcut_frame::{Frame, FrameFormat, Subsampling};
use clearcut_matte::Background;

use crate::canvas::{RED, cut, disc_alpha, format, painted};

const SIDE: usize = 128;
const MIDDLE: usize = SIDE / 2 * SIDE + SIDE / 2;

fn square() -> FrameFormat {
    format(SIDE as u32, SIDE as u32, Subsampling::Half)
}

/// White that darkens to the right by `slope` levels, or not at all.
fn white(x: usize, slope: f32) -> [f32; 3] {
    [235.0 - slope * x as f32 / SIDE as f32, 128.0, 128.0]
}

/// A red ring of 16 pixels on white; in its hole the white is `darker` by so many levels.
fn ring(slope: f32, darker: f32) -> Frame {
    painted(square(), 1, |x, y| {
        let (outer, inner) = (disc_alpha(x, y, SIDE, 40.0), disc_alpha(x, y, SIDE, 24.0));
        let ground = white(x, slope);
        let inside = [ground[0] - darker, ground[1], ground[2]];
        let seen = [0, 1, 2].map(|k| ground[k] + outer * (f32::from(RED[k]) - ground[k]));
        [0, 1, 2].map(|k| seen[k] + inner * (inside[k] - seen[k]))
    })
}

/// Alpha in the middle of the ring.
fn alpha_inside(frame: Frame) -> u8 {
    let clip = vec![frame; 4];
    cut(&clip, &Background::estimate(&clip, None).unwrap(), 30)[1].alpha().unwrap()[MIDDLE]
}

#[test]
fn exactly_what_an_uneven_white_has_at_its_place_is_background() {
    assert_eq!(alpha_inside(ring(8.0, 0.0)), 0);
}

#[test]
fn white_that_is_not_quite_the_backgrounds_is_subject() {
    assert_eq!(alpha_inside(ring(8.0, 3.0)), 255);
}

#[test]
fn white_enclosed_on_perfectly_even_white_is_subject() {
    assert_eq!(alpha_inside(ring(0.0, 0.0)), 255);
}

#[test]
fn what_lines_enclose_on_perfectly_even_white_is_background() {
    let is_line = |x: usize, y: usize| (20..108).contains(&x) && (20..108).contains(&y) && (x % 29 < 3 || y % 29 < 3);
    let lines = painted(square(), 1, |x, y| if is_line(x, y) { [16.0, 128.0, 128.0] } else { white(x, 0.0) });
    assert_eq!(alpha_inside(lines), 0);
}
