//! Tests for translucent things with a form, and for solid subjects that resemble them.

use clearcut_frame::{Frame, FrameFormat, Subsampling};
use clearcut_matte::Background;

use crate::canvas::{GREEN, WHITE, cut, format, mixed, painted};

const SIDE: usize = 192;
const VIOLET: [u8; 3] = [145, 165, 160];
const RADIUS: f32 = 48.0;

fn square() -> FrameFormat {
    format(SIDE as u32, SIDE as u32, Subsampling::Half)
}

/// Distance of a pixel from the middle of a thing that is `by` pixels off the middle of the frame.
fn away(x: usize, y: usize, by: f32) -> f32 {
    let middle = SIDE as f32 / 2.0;
    (x as f32 + 0.5 - middle - by).hypot(y as f32 + 0.5 - middle)
}

/// Density of a pane of glass: an even body, and a rim that is denser around three pixels inside the
/// outline.
fn pane(x: usize, y: usize, by: f32) -> f32 {
    let away = away(x, y, by);
    let rim = (1.0 - (away - RADIUS + 3.0).abs() / 3.0).max(0.0);
    (RADIUS + 0.5 - away).clamp(0.0, 1.0) * (0.75 * rim).max(0.3)
}

/// Density of a soap bubble.
fn bubble(x: usize, y: usize, by: f32) -> f32 {
    let away = away(x, y, by);
    (RADIUS + 0.5 - away).clamp(0.0, 1.0) * (0.1 + 0.5 * (away / RADIUS).min(1.0).powi(4))
}

/// A clip in which a thing moves, and its matte in the second of four frames.
fn second_of_four(color_at: impl Fn(usize, usize, f32) -> [f32; 3]) -> Frame {
    let clip: Vec<Frame> =
        (0..4).map(|at| painted(square(), 1, |x, y| color_at(x, y, 8.0 * at as f32 - 12.0))).collect();
    cut(&clip, &Background::estimate(&clip, None).unwrap(), 30).swap_remove(1)
}

/// Mean difference of alpha from `truth` within `radius` of the middle of the thing, in thousandths.
fn error(out: &Frame, radius: f32, truth: impl Fn(usize, usize) -> f32) -> f32 {
    let alpha = out.alpha().unwrap();
    let inside: Vec<(usize, usize)> = (0..SIDE * SIDE)
        .map(|index| (index % SIDE, index / SIDE))
        .filter(|&(x, y)| away(x, y, -4.0) < radius)
        .collect();
    let sum: f32 = inside.iter().map(|&(x, y)| (f32::from(alpha[y * SIDE + x]) / 255.0 - truth(x, y)).abs()).sum();
    1000.0 * sum / inside.len() as f32
}

/// The least alpha three pixels and more inside the outline.
fn least_alpha(out: &Frame) -> u8 {
    let alpha = out.alpha().unwrap();
    let inside = (0..SIDE * SIDE).filter(|index| away(index % SIDE, index / SIDE, -4.0) < RADIUS - 3.0);
    inside.map(|index| alpha[index]).min().unwrap()
}

#[test]
fn a_pane_with_a_denser_rim_is_translucent_and_loses_the_background() {
    let out = second_of_four(|x, y, by| mixed(VIOLET, GREEN, pane(x, y, by)));
    let error = error(&out, RADIUS, |x, y| pane(x, y, -4.0));
    assert!(error < 80.0, "{error}");
    let middle = SIDE / 4 * SIDE / 2 + SIDE / 4;
    let away = [out.cb()[middle].abs_diff(VIOLET[1]), out.cr()[middle].abs_diff(VIOLET[2])];
    assert!(away.iter().all(|away| *away <= 24), "{away:?}");
}

#[test]
fn a_bubble_is_clear_in_the_middle_and_visible_at_the_rim() {
    let out = second_of_four(|x, y, by| mixed(VIOLET, GREEN, bubble(x, y, by)));
    let error = error(&out, RADIUS, |x, y| bubble(x, y, -4.0));
    assert!(error < 80.0, "{error}");
}

#[test]
fn a_highlight_in_glass_is_white_and_dense() {
    // White that covers nine tenths in the middle.
    let shine = |x: usize, y: usize, by: f32| 0.9 * (-(away(x, y, by) / 8.0).powi(2)).exp();
    let out = second_of_four(|x, y, by| {
        let below = mixed(VIOLET, GREEN, pane(x, y, by));
        let shine = shine(x, y, by);
        [0, 1, 2].map(|k| shine * f32::from(WHITE[k]) + (1.0 - shine) * below[k])
    });
    let error = error(&out, 12.0, |x, y| {
        let (shine, pane) = (shine(x, y, -4.0), pane(x, y, -4.0));
        shine + (1.0 - shine) * pane
    });
    assert!(error < 90.0, "{error}");
}

#[test]
fn a_line_around_glass_of_its_color_is_solid() {
    let density = |x: usize, y: usize, by: f32| {
        let away = away(x, y, by);
        (RADIUS + 0.5 - away).clamp(0.0, 1.0) * if away > RADIUS - 8.0 { 1.0 } else { 0.3 }
    };
    let out = second_of_four(|x, y, by| mixed(VIOLET, GREEN, density(x, y, by)));
    let error = error(&out, RADIUS, |x, y| density(x, y, -4.0));
    assert!(error < 60.0, "{error}");
    let alpha = out.alpha().unwrap();
    let line = (0..SIDE * SIDE).filter(|index| {
        let away = away(index % SIDE, index / SIDE, -4.0);
        (RADIUS - 6.0..RADIUS - 2.0).contains(&away)
    });
    let least = line.map(|index| alpha[index]).min().unwrap();
    assert!(least >= 240, "{least}");
}

#[test]
fn a_solid_subject_whose_body_is_off_the_line_to_its_outline_stays_solid() {
    // A brown outline around orange, on green.
    let (brown, orange) = ([70, 120, 150], [150, 90, 170]);
    let out = second_of_four(|x, y, by| {
        let body = if away(x, y, by) > RADIUS - 6.0 { brown } else { orange };
        mixed(body, GREEN, (RADIUS + 0.5 - away(x, y, by)).clamp(0.0, 1.0))
    });
    assert!(least_alpha(&out) >= 250, "{}", least_alpha(&out));
}

#[test]
fn a_solid_subject_without_a_denser_rim_stays_solid_beside_glass_of_its_tint() {
    // The color that the pane has in its body, all over a disc. Every other frame shows the pane.
    let density = |x: usize, y: usize, by: f32| 0.5 * (RADIUS + 0.5 - away(x, y, by)).clamp(0.0, 1.0);
    let clip: Vec<Frame> = (0..8)
        .map(|at| {
            let by = 8.0 * (at / 2) as f32 - 12.0;
            painted(square(), 1, |x, y| {
                mixed(VIOLET, GREEN, if at % 2 == 0 { pane(x, y, by) } else { density(x, y, by) })
            })
        })
        .collect();
    let out = cut(&clip, &Background::estimate(&clip, None).unwrap(), 30).swap_remove(3);
    assert!(least_alpha(&out) >= 240, "{}", least_alpha(&out));
}
