//! Tests for areas that a subject encloses on a background without color.

use clearcut_frame::{Frame, FrameFormat, Subsampling};
use clearcut_matte::Background;

use crate::canvas::{RED, cut, disc_alpha, format, painted};

const SIDE: usize = 128;
const MIDDLE: usize = SIDE / 2 * SIDE + SIDE / 2;

fn square() -> FrameFormat {
    format(SIDE as u32, SIDE as u32, Subsampling::Half)
}

/// White that darkens to the right by `slope` levels over the frame.
fn white(x: usize, slope: f32) -> [f32; 3] {
    [235.0 - slope * x as f32 / SIDE as f32, 128.0, 128.0]
}

/// A red ring of 16 pixels on white. In its hole, the white is darker by `darker` levels.
fn ring(slope: f32, darker: f32) -> Frame {
    painted(square(), 1, |x, y| {
        let (outer, inner) = (disc_alpha(x, y, SIDE, 40.0), disc_alpha(x, y, SIDE, 24.0));
        let background_color = white(x, slope);
        let inside = [background_color[0] - darker, background_color[1], background_color[2]];
        let seen = [0, 1, 2].map(|k| background_color[k] + outer * (f32::from(RED[k]) - background_color[k]));
        [0, 1, 2].map(|k| seen[k] + inner * (inside[k] - seen[k]))
    })
}

/// Alpha in the middle of the frame.
fn alpha_inside(frame: Frame) -> u8 {
    let clip = vec![frame; 4];
    cut(&clip, &Background::estimate(&clip, None).unwrap(), 30)[1].alpha().unwrap()[MIDDLE]
}

#[test]
fn an_enclosed_area_that_matches_the_uneven_white_is_background() {
    assert_eq!(alpha_inside(ring(8.0, 0.0)), 0);
}

#[test]
fn enclosed_white_slightly_darker_than_the_background_is_subject() {
    assert_eq!(alpha_inside(ring(8.0, 3.0)), 255);
}

#[test]
fn enclosed_white_on_perfectly_even_white_is_subject() {
    assert_eq!(alpha_inside(ring(0.0, 0.0)), 255);
}

#[test]
fn areas_between_drawn_lines_on_perfectly_even_white_are_background() {
    let is_line = |x: usize, y: usize| (20..108).contains(&x) && (20..108).contains(&y) && (x % 29 < 3 || y % 29 < 3);
    let lines = painted(square(), 1, |x, y| if is_line(x, y) { [16.0, 128.0, 128.0] } else { white(x, 0.0) });
    assert_eq!(alpha_inside(lines), 0);
}
