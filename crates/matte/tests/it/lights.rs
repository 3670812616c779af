//! Tests for backgrounds with more than one color over the clip: changing light, another background
//! after a cut, and backgrounds of two parts.

use clearcut_frame::{Frame, FrameFormat, Subsampling};
use clearcut_matte::Background;

use crate::canvas::{GREEN, RED, WHITE, cut, disc_alpha, format, mixed, painted};

const SIDE: usize = 128;
const BLUE: [u8; 3] = [60, 200, 100];
const BLACK: [u8; 3] = [16, 128, 128];

fn square() -> FrameFormat {
    format(SIDE as u32, SIDE as u32, Subsampling::Half)
}

/// A red disc with a quarter of the frame's side as radius, over the color `background_color(x,
/// y)`.
fn disc_over(background_color: impl Fn(usize, usize) -> [f32; 3]) -> Frame {
    painted(square(), 1, |x, y| {
        let (background_color, alpha) = (background_color(x, y), disc_alpha(x, y, SIDE, SIDE as f32 / 4.0));
        [0, 1, 2].map(|k| background_color[k] + alpha * (f32::from(RED[k]) - background_color[k]))
    })
}

/// Number of pixels of `out` whose alpha differs from that of the disc, without its edge.
fn wrong_pixels(out: &Frame) -> usize {
    let truth = |index: usize| disc_alpha(index % SIDE, index / SIDE, SIDE, SIDE as f32 / 4.0);
    let is_near_edge = |index: usize| {
        let near = |radius: f32| disc_alpha(index % SIDE, index / SIDE, SIDE, radius);
        near(SIDE as f32 / 4.0 + 4.0) > near(SIDE as f32 / 4.0 - 4.0)
    };
    let alpha = out.alpha().unwrap();
    (0..SIDE * SIDE)
        .filter(|&index| !is_near_edge(index) && (f32::from(alpha[index]) / 255.0 - truth(index)).abs() > 0.1)
        .count()
}

fn assert_disc_is_cut(clip: &[Frame]) {
    let out = cut(clip, &Background::estimate(clip, None).unwrap(), 30);
    for (at, frame) in out.iter().enumerate() {
        assert!(wrong_pixels(frame) <= 8, "frame {at}: {} pixels", wrong_pixels(frame));
    }
}

fn scaled(color: [u8; 3], light: f32) -> [f32; 3] {
    [
        16.0 + (f32::from(color[0]) - 16.0) * light,
        128.0 + (f32::from(color[1]) - 128.0) * light,
        128.0 + (f32::from(color[2]) - 128.0) * light,
    ]
}

#[test]
fn every_frame_is_cut_in_flickering_light() {
    let clip: Vec<Frame> = (0..12)
        .map(|at| {
            let light = 1.0 - 0.7 * (2.3 * at as f32).sin().abs();
            disc_over(|_, _| scaled(GREEN, light))
        })
        .collect();
    assert_disc_is_cut(&clip);
}

#[test]
fn white_in_fading_light_stays_background() {
    let clip: Vec<Frame> = (0..10).map(|at| disc_over(|_, _| scaled(WHITE, 1.0 - 0.03 * at as f32))).collect();
    assert_disc_is_cut(&clip);
}

#[test]
fn a_cut_to_another_background_is_followed() {
    let clip: Vec<Frame> = (0..12)
        .map(|at| {
            let background_color = if at < 5 { GREEN } else { BLUE };
            disc_over(|_, _| background_color.map(f32::from))
        })
        .collect();
    assert_disc_is_cut(&clip);
}

#[test]
fn a_close_up_in_a_paler_tone_of_another_shots_background_is_subject() {
    let (olive, brown, blue) = ([140_u8, 74, 143], [111_u8, 120, 151], [96_u8, 183, 123]);
    let clip: Vec<Frame> = (0..8)
        .map(|at| match at {
            0..4 => disc_over(|_, _| olive.map(f32::from)),
            // The subject covers much of the border, too.
            _ => painted(square(), 1, |x, y| mixed(brown, blue, disc_alpha(x, y, SIDE, 69.0))),
        })
        .collect();
    let out = cut(&clip, &Background::estimate(&clip, None).unwrap(), 30);
    let alpha = out[6].alpha().unwrap();
    assert_eq!([alpha[64 * SIDE + 64], alpha[64 * SIDE + 1], alpha[3 * SIDE + 3]], [255, 255, 0]);
}

#[test]
fn bars_and_the_area_between_them_are_both_background() {
    for bar in [BLACK, WHITE] {
        let clip = vec![disc_over(|_, y| if (12..SIDE - 12).contains(&y) { GREEN } else { bar }.map(f32::from)); 6];
        let background = Background::estimate(&clip, None).unwrap();
        assert!(background.confidence() > 0.95, "{}", background.confidence());
        let out = cut(&clip, &background, 30);
        assert!(wrong_pixels(&out[2]) <= 8, "{} pixels", wrong_pixels(&out[2]));
    }
}

#[test]
fn a_border_with_round_corners_and_its_inside_are_both_background() {
    let (bar, round) = (14.0, 20.0);
    let is_inside = |x: usize, y: usize| {
        // Distance of a coordinate beyond the centres of the round corners.
        let beyond =
            |at: usize| (bar + round - at as f32 - 0.5).max(at as f32 + 0.5 - (SIDE as f32 - bar - round)).max(0.0);
        beyond(x).hypot(beyond(y)) <= round
    };
    for frame in [BLACK, WHITE] {
        assert_disc_is_cut(&vec![disc_over(|x, y| if is_inside(x, y) { GREEN } else { frame }.map(f32::from)); 6]);
    }
}

#[test]
fn a_subject_cut_off_by_a_border_does_not_hide_the_border() {
    let bar = 14;
    let inside = |at: usize| (bar..SIDE - bar).contains(&at);
    let clip = vec![
        painted(square(), 1, |x, y| match (inside(x) && inside(y), x >= 60 && y < 88) {
            (false, _) => BLACK.map(f32::from),
            (true, false) => GREEN.map(f32::from),
            (true, true) => RED.map(f32::from),
        });
        6
    ];
    let out = cut(&clip, &Background::estimate(&clip, None).unwrap(), 30);
    let alpha = out[2].alpha().unwrap();
    assert_eq!([alpha[60 * SIDE + 80], alpha[60 * SIDE + 30], alpha[60 * SIDE + 4]], [255, 0, 0]);
}

#[test]
fn a_phone_screen_is_not_taken_for_a_bordered_background() {
    // A blue screen in a black rim that fills the frame except for a margin.
    let clip = vec![
        painted(square(), 1, |x, y| {
            let depth = x.min(y).min(SIDE - 1 - x).min(SIDE - 1 - y);
            if depth < 12 {
                GREEN
            } else if depth < 18 {
                BLACK
            } else {
                BLUE
            }
            .map(f32::from)
        });
        6
    ];
    let out = cut(&clip, &Background::estimate(&clip, None).unwrap(), 30);
    let alpha = out[2].alpha().unwrap();
    assert_eq!([alpha[64 * SIDE + 64], alpha[64 * SIDE + 15], alpha[64 * SIDE + 4]], [255, 255, 0]);
}

#[test]
fn a_round_subject_that_fills_the_frame_is_not_taken_for_a_bordered_background() {
    let clip = vec![painted(square(), 1, |x, y| mixed(RED, GREEN, disc_alpha(x, y, SIDE, 52.0))); 6];
    let out = cut(&clip, &Background::estimate(&clip, None).unwrap(), 30);
    let alpha = out[0].alpha().unwrap();
    assert_eq!([alpha[64 * SIDE + 64], alpha[3 * SIDE + 3]], [255, 0]);
}

#[test]
fn a_large_face_that_bobs_is_not_taken_for_a_bordered_background() {
    // The curve of a side hides between the places of the sample grid at some sizes only.
    for radius in [44.0, 46.0, 48.0, 50.0] {
        let clip: Vec<Frame> = [0, 1, 2, 3, 4, 3, 2, 1, 0]
            .map(|at| painted(square(), 0, |x, y| mixed(RED, BLUE, disc_alpha(x, y + at, SIDE, radius))))
            .into();
        let out = cut(&clip, &Background::estimate(&clip, None).unwrap(), 30);
        let alpha = out[4].alpha().unwrap();
        assert_eq!([alpha[60 * SIDE + 64], alpha[3 * SIDE + 3]], [255, 0], "radius {radius}");
    }
}

#[test]
fn wall_and_floor_are_both_background() {
    assert_disc_is_cut(&vec![disc_over(|_, y| if y < 90 { GREEN.map(f32::from) } else { scaled(GREEN, 0.65) }); 6]);
}

#[test]
fn shoulders_at_the_lower_border_are_subject() {
    // A bust in one flat color that covers most of the lower border, but not its corners.
    let inside = |x: usize, y: usize| {
        let half = 10.0 + 0.7 * (y as f32 - 60.0);
        (half - (x as f32 - 64.0).abs()).clamp(0.0, 1.0) * f32::from(u8::from(y >= 60))
    };
    let clip = vec![painted(square(), 1, |x, y| mixed(RED, GREEN, inside(x, y).min(1.0))); 6];
    let out = cut(&clip, &Background::estimate(&clip, None).unwrap(), 30);
    let alpha = out[0].alpha().unwrap();
    assert_eq!([alpha[126 * SIDE + 64], alpha[126 * SIDE + 1], alpha[80 * SIDE + 64]], [255, 0, 255]);
}

#[test]
fn a_subject_colored_between_the_background_and_another_color_is_solid() {
    // Orange on red: a third of the way from red to yellow.
    let (red, yellow) = ([70_u8, 100, 220], [170_u8, 20, 150]);
    let orange = mixed(yellow, red, 0.34);
    let clip = vec![
        painted(square(), 1, |x, y| {
            let alpha = disc_alpha(x, y, SIDE, 40.0);
            let shade = 0.8 + 0.2 * x as f32 / SIDE as f32;
            [0, 1, 2].map(|k| {
                let subject = if k == 0 { orange[0] * shade } else { orange[k] };
                f32::from(red[k]) + alpha * (subject - f32::from(red[k]))
            })
        });
        4
    ];
    let out = cut(&clip, &Background::estimate(&clip, None).unwrap(), 30);
    let alpha = out[0].alpha().unwrap();
    let inside = (0..SIDE * SIDE).filter(|&index| disc_alpha(index % SIDE, index / SIDE, SIDE, 36.0) >= 1.0);
    assert_eq!(inside.filter(|&index| alpha[index] < 230).count(), 0);
}

#[test]
fn a_large_pale_subject_on_white_is_no_uneven_light() {
    // Its color is 12 levels from the white, which the light of a wall varies by, too.
    let pale = [222.0, 124.0, 130.0];
    let clip: Vec<Frame> = (0..8)
        .map(|at| {
            painted(square(), 0, |x, y| {
                let wall = [235.0 - 2.0 * y as f32 / SIDE as f32, 128.0, 128.0];
                let alpha = disc_alpha(x + at, y, SIDE, 50.0);
                [0, 1, 2].map(|k| wall[k] + alpha * (pale[k] - wall[k]))
            })
        })
        .collect();
    let out = cut(&clip, &Background::estimate(&clip, None).unwrap(), 30);
    let alpha = out[4].alpha().unwrap();
    assert_eq!(
        [alpha[64 * SIDE + 60], alpha[64 * SIDE + 16], alpha[100 * SIDE + 60], alpha[64 * SIDE + 3]],
        [255, 255, 255, 0]
    );
}

#[test]
fn light_that_falls_off_towards_the_border_is_no_subject() {
    let clip = vec![
        disc_over(|x, y| {
            let [u, v] = [x, y].map(|at| 2.0 * at as f32 / SIDE as f32 - 1.0);
            scaled(GREEN, 1.0 - 0.2 * (u * u + v * v))
        });
        6
    ];
    assert_disc_is_cut(&clip);
}

#[test]
fn a_plate_that_varies_is_no_part_of_the_background() {
    // It has the straight sides of a background in a surround, but not the evenness.
    let clip = vec![
        painted(square(), 0, |x, y| {
            let inside = |at: usize| (20..SIDE - 20).contains(&at);
            let shade = 3.0 * ((x as f32 * 1.1).sin() + (y as f32 * 0.9).cos());
            if inside(x) && inside(y) { [190.0 + shade, 128.0, 128.0] } else { [120.0, 128.0, 128.0] }
        });
        6
    ];
    let out = cut(&clip, &Background::estimate(&clip, None).unwrap(), 30);
    let alpha = out[2].alpha().unwrap();
    let solid =
        (24..SIDE - 24).flat_map(|y| (24..SIDE - 24).map(move |x| y * SIDE + x)).filter(|at| alpha[*at] > 250).count();
    assert_eq!([solid, usize::from(alpha[10 * SIDE + 64])], [80 * 80, 0]);
}
