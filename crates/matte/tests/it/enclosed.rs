//! Tests for areas that a subject encloses on a background without color.

use clearcut_frame::{Frame, FrameFormat, Subsampling};
use clearcut_matte::Background;

use crate::canvas::{RED, WHITE, cut, disc_alpha, format, mixed, painted};

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

#[test]
fn narrow_areas_between_drawn_lines_on_grey_are_background_although_coding_has_shifted_them() {
    // Blue squares, one inside the other. Coding has left some of their color between them.
    let line = |x: usize, y: usize| {
        let depth = x.min(y).min(SIDE - 1 - x).min(SIDE - 1 - y);
        if depth < 20 {
            0.0
        } else if (depth - 20) % 12 < 3 {
            1.0
        } else {
            0.05
        }
    };
    let seen = |x: usize, y: usize| {
        let alpha = line(x, y);
        [118.0 - 60.0 * alpha + 2.0 * y as f32 / SIDE as f32, 128.0 + 60.0 * alpha, 128.0 - 30.0 * alpha]
    };
    let clip = vec![painted(square(), 1, seen); 4];
    let out = cut(&clip, &Background::estimate(&clip, None).unwrap(), 30);
    let alpha = out[1].alpha().unwrap();
    assert_eq!([alpha[MIDDLE + SIDE / 2 - 28], alpha[MIDDLE + SIDE / 2 - 40]], [0, 0]);
    assert_eq!([alpha[MIDDLE + SIDE / 2 - 22], alpha[MIDDLE + SIDE / 2 - 34]], [255, 255]);
}

#[test]
fn a_small_figure_is_no_line_drawing() {
    // A disc 20 pixels wide, with the background's white in its middle.
    let size = format(640, 640, Subsampling::Half);
    let figure = painted(size, 1, |x, y| {
        let (outer, inner) = (disc_alpha(x, y, 640, 10.0), disc_alpha(x, y, 640, 4.0));
        mixed(RED, WHITE, outer - inner)
    });
    let clip = vec![figure; 3];
    let out = cut(&clip, &Background::estimate(&clip, None).unwrap(), 30);
    assert_eq!(out[1].alpha().unwrap()[320 * 640 + 320], 255);
}
