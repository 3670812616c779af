//! Tests for thin objects: lines of a pixel or two, gaps as narrow, outlines, and coding artifacts
//! between them.

use clearcut_frame::{Frame, FrameFormat, Subsampling};
use clearcut_matte::Background;

use crate::canvas::{GREEN, RED, WHITE, cut, cut_one, disc_alpha, flat, format, mixed, painted};

const SIDE: usize = 160;
const BLUE: [u8; 3] = [60, 190, 110];
/// Colored, but not vividly enough to tell it from a mixture by hue alone.
const SAGE: [u8; 3] = [120, 110, 113];

fn square() -> FrameFormat {
    format(SIDE as u32, SIDE as u32, Subsampling::Half)
}

fn alpha(out: &Frame) -> Vec<f32> {
    out.alpha().unwrap().iter().map(|&value| f32::from(value) / 255.0).collect()
}

/// Coverage of the pixel column `x` by a vertical line that begins at `left` and is `width` wide.
fn covered(x: usize, left: f32, width: f32) -> f32 {
    ((x as f32 + 1.0).min(left + width) - (x as f32).max(left)).clamp(0.0, 1.0)
}

/// Sum of alpha per row, averaged over `rows`.
fn per_row(alpha: &[f32], rows: std::ops::Range<usize>) -> f32 {
    let count = rows.len() as f32;
    rows.map(|y| alpha[y * SIDE..(y + 1) * SIDE].iter().sum::<f32>()).sum::<f32>() / count
}

#[test]
fn lines_are_as_thick_as_they_were_drawn() {
    for (back, width) in [(GREEN, 1.0), (GREEN, 1.6), (BLUE, 2.0), (BLUE, 2.7)] {
        let lines = |x: usize, y: usize| {
            let one = |k: usize| covered(x, 20.25 + 30.0 * k as f32 + 0.06 * y as f32, width);
            if (20..140).contains(&y) { (0..4).map(one).sum::<f32>() } else { 0.0 }
        };
        let out = cut_one(&painted(square(), 1, |x, y| mixed(WHITE, back, lines(x, y))));
        let found = per_row(&alpha(&out), 40..120);
        assert!((found / (4.0 * width) - 1.0).abs() < 0.15, "{found} pixels a row instead of {}", 4.0 * width);
    }
}

/// Slanting lines two pixels wide of one color, on a background of another.
fn slanting_lines(color: [u8; 3], back: [u8; 3]) -> Frame {
    let lines = |x: usize, y: usize| {
        let one = |k: usize| covered(x, 20.25 + 30.0 * k as f32 + 0.06 * y as f32, 2.0);
        if (20..140).contains(&y) { (0..4).map(one).sum::<f32>() } else { 0.0 }
    };
    painted(square(), 1, |x, y| mixed(color, back, lines(x, y)))
}

/// Mean Cb and Cr of the chroma samples that lie under at least one solid pixel.
fn mean_chroma(out: &Frame) -> [f32; 2] {
    let (alpha, half) = (alpha(out), SIDE / 2);
    let is_solid = |at: usize| {
        let pixel = 2 * (at / half) * SIDE + 2 * (at % half);
        [pixel, pixel + 1, pixel + SIDE, pixel + SIDE + 1].iter().any(|&pixel| alpha[pixel] > 0.95)
    };
    let solid: Vec<usize> = (0..half * half).filter(|&at| is_solid(at)).collect();
    [out.cb(), out.cr()].map(|plane| solid.iter().map(|&at| f32::from(plane[at])).sum::<f32>() / solid.len() as f32)
}

#[test]
fn thin_lines_have_their_own_chroma_although_it_is_halved() {
    // Violet on yellow: halving leaves two thirds of the contrast in chroma.
    let (violet, yellow) = ([110, 190, 122], [200, 30, 150]);
    let [blue, red] = mean_chroma(&cut_one(&slanting_lines(violet, yellow)));
    assert!((blue - 190.0).abs() < 16.0 && (red - 122.0).abs() < 8.0, "{blue} {red} instead of 190 122");
}

#[test]
fn the_gap_between_two_lines_is_clear() {
    // Lines of 4 pixels with a gap of 2. Blur has left a tenth of the lines' color in the gap.
    let lines = |x: usize, y: usize| {
        let gap = covered(x, 64.0, 2.0);
        if (20..140).contains(&y) { covered(x, 60.0, 10.0) - 0.9 * gap } else { 0.0 }
    };
    // The gap is closed at both ends, so that the background does not reach in.
    let ends = |x: usize, y: usize| {
        if (60..70).contains(&x) && ((16..20).contains(&y) || (140..144).contains(&y)) { 1.0 } else { 0.0 }
    };
    let out = cut_one(&painted(square(), 0, |x, y| mixed(WHITE, SAGE, lines(x, y) + ends(x, y))));
    let alpha = alpha(&out);
    for y in 40..120 {
        assert!(alpha[y * SIDE + 65] < 0.25, "row {y}: alpha {} in the gap", alpha[y * SIDE + 65]);
        assert!(alpha[y * SIDE + 61] > 0.9 && alpha[y * SIDE + 69] > 0.9, "row {y}: a line has a hole");
    }
}

#[test]
fn a_pocket_is_clear_although_coding_has_shifted_its_color() {
    let ring = |x: usize, y: usize| disc_alpha(x, y, SIDE, 40.0) - disc_alpha(x, y, SIDE, 14.0);
    let frame = painted(square(), 0, |x, y| {
        let color = mixed(RED, SAGE, ring(x, y));
        // A coding artifact: the edge of a contrast of a hundred levels shifts the color within its
        // blocks.
        let is_pocket = disc_alpha(x, y, SIDE, 14.0) > 0.5;
        if is_pocket { [color[0] + 4.0, color[1] + 1.0, color[2] + 4.0] } else { color }
    });
    // The background is measured in other frames: with a still ring, the estimate would be lighter
    // there.
    let clip: Vec<Frame> = std::iter::repeat_n(painted(square(), 0, flat(SAGE)), 5).chain([frame]).collect();
    let out = cut(&clip, &Background::estimate(&clip, None).unwrap(), 30).pop().unwrap();
    assert!(alpha(&out)[SIDE * SIDE / 2 + SIDE / 2 + 8] < 0.1);
    assert!(alpha(&out)[SIDE * SIDE / 2 + SIDE / 2 + 27] > 0.9);
}

#[test]
fn a_dark_rim_with_the_backgrounds_hue_stays_solid_around_a_white_disc() {
    // A wheel: a tyre with half of the background's hue and less light, and a white disc in it.
    let tyre = [30, 159, 119];
    let frame = painted(square(), 1, |x, y| {
        let wheel = mixed(tyre, BLUE, disc_alpha(x, y, SIDE, 50.0));
        let disc = disc_alpha(x, y, SIDE, 45.0);
        [0, 1, 2].map(|k| wheel[k] + disc * (f32::from(WHITE[k]) - wheel[k]))
    });
    let alpha = alpha(&cut_one(&frame));
    let is_rim = |index: &usize| {
        let (x, y) = (index % SIDE, index / SIDE);
        disc_alpha(x, y, SIDE, 48.0) >= 1.0 && disc_alpha(x, y, SIDE, 46.0) <= 0.0
    };
    let holes = (0..SIDE * SIDE).filter(is_rim).filter(|&index| alpha[index] < 0.9).count();
    let all = (0..SIDE * SIDE).filter(is_rim).count();
    assert!(50 * holes <= all, "{holes} of {all} pixels of the rim have holes");
}

#[test]
fn the_first_inner_column_of_an_edge_softened_by_coding_is_solid() {
    // The first column inside contains 6 % of the background.
    let inside = |x: usize, y: usize| {
        let column = match x {
            40 | 99 => 0.94,
            41..99 => 1.0,
            _ => 0.0,
        };
        if (40..100).contains(&y) { column } else { 0.0 }
    };
    let alpha = alpha(&cut_one(&painted(square(), 0, |x, y| mixed(WHITE, GREEN, inside(x, y)))));
    for y in 60..80 {
        assert!(alpha[y * SIDE + 40] > 0.97, "row {y}: alpha {}", alpha[y * SIDE + 40]);
    }
}

#[test]
fn strokes_paled_by_coding_stay_solid_inside() {
    let strokes = |x: usize, y: usize| {
        let one = |k: usize| covered(x, 20.25 + 30.0 * k as f32 + 0.06 * y as f32, 2.4);
        if (20..140).contains(&y) { (0..4).map(one).sum::<f32>() } else { 0.0 }
    };
    let paled = |y: usize| [0.87, 1.0][y / 4 % 2];
    let frame = painted(square(), 1, |x, y| mixed(WHITE, GREEN, paled(y) * strokes(x, y)));
    let alpha = alpha(&cut_one(&frame));
    let is_inside = |at: &usize| (40..120).contains(&(at / SIDE)) && strokes(at % SIDE, at / SIDE) >= 1.0;
    let inside: Vec<usize> = (0..SIDE * SIDE).filter(is_inside).collect();
    let holes = inside.iter().filter(|&&at| alpha[at] < 0.9).count();
    assert!(12 * holes <= inside.len(), "{holes} of {} pixels inside have holes", inside.len());
}
