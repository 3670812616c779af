//! Tests for subjects with colors of the background's own hue.

use clearcut_frame::{Frame, FrameFormat, Subsampling};

use crate::canvas::{RED, cut_one, disc_alpha, format, mixed, painted};

const SIDE: usize = 256;

/// Color of a green screen that leaves room for stronger greens.
const MIDDLING_GREEN: [u8; 3] = [140, 100, 90];

fn square() -> FrameFormat {
    format(SIDE as u32, SIDE as u32, Subsampling::Half)
}

/// A color with `share` of the hue of `background`, at `luma`.
fn related_color(background: [u8; 3], share: f32, luma: u8) -> [u8; 3] {
    let scaled = |value: u8| (128.0 + share * (f32::from(value) - 128.0)).round() as u8;
    [luma, scaled(background[1]), scaled(background[2])]
}

/// Alpha of an antialiased disc of `radius` around a place.
fn disc(x: usize, y: usize, at: (usize, usize), radius: f32) -> f32 {
    disc_alpha((x + SIDE / 2).saturating_sub(at.0), (y + SIDE / 2).saturating_sub(at.1), SIDE, radius)
}

/// Number of pixels well inside the discs at `places` that have lost more than a tenth of their
/// alpha.
fn holes(out: &Frame, places: &[((usize, usize), f32)]) -> usize {
    let alpha = out.alpha().unwrap();
    let inside =
        |index: &usize| places.iter().any(|&(at, radius)| disc(index % SIDE, index / SIDE, at, radius - 3.0) >= 1.0);
    (0..SIDE * SIDE).filter(inside).filter(|&index| alpha[index] < 230).count()
}

#[test]
fn small_parts_of_the_backgrounds_hue_stay_solid_inside_and_at_the_outline() {
    let green = [120_u8, 60, 50];
    let parts = [((105, 105), 7.0), ((150, 105), 7.0), ((110, 230), 9.0), ((146, 230), 9.0)];
    for share in [0.55, 0.7, 0.8] {
        let lime = related_color(green, share, 135);
        let frame = painted(square(), 1, |x, y| {
            let body = disc(x, y, (128, 128), 100.0);
            let part = parts.iter().map(|&(at, radius)| disc(x, y, at, radius)).fold(0.0, f32::max);
            let with_body = mixed(RED, green, body);
            [0, 1, 2].map(|k| with_body[k] + part * (f32::from(lime[k]) - with_body[k]))
        });
        assert_eq!(holes(&cut_one(&frame), &parts), 0, "share {share}");
    }
}

#[test]
fn a_subject_with_a_weaker_or_stronger_hue_than_the_background_stays_solid() {
    let body = [((128, 128), 80.0)];
    let frame = painted(square(), 1, |x, y| {
        // From a fraction of the background's hue to much more than it, and darker than the
        // background everywhere.
        let color = related_color(MIDDLING_GREEN, 0.3 + 1.3 * x as f32 / SIDE as f32, 50 + (y / 4) as u8);
        mixed(color, MIDDLING_GREEN, disc(x, y, body[0].0, body[0].1))
    });
    assert_eq!(holes(&cut_one(&frame), &body), 0);
}

#[test]
fn a_screen_with_light_falling_off_by_a_quarter_is_background() {
    let lit = |y: usize| {
        let light = 1.1 - 0.25 * y as f32 / SIDE as f32;
        [16.0 + 110.0 * light, 128.0 - 34.0 * light, 128.0 - 54.0 * light]
    };
    let body = [((128, 150), 70.0)];
    let frame = painted(square(), 0, |x, y| {
        let alpha = disc(x, y, body[0].0, body[0].1);
        [0, 1, 2].map(|k| lit(y)[k] + alpha * (f32::from(RED[k]) - lit(y)[k]))
    });
    let out = cut_one(&frame);
    assert_eq!(holes(&out, &body), 0);
    let left = (0..SIDE * SIDE).filter(|&i| disc(i % SIDE, i / SIDE, (128, 150), 74.0) <= 0.0);
    assert_eq!(left.filter(|&index| out.alpha().unwrap()[index] > 25).count(), 0);
}

#[test]
fn a_wide_shadow_with_an_even_middle_is_translucent() {
    let green = [120_u8, 60, 50];
    // Even within 60 pixels, soft over 40 more.
    let shade = |x: usize, y: usize| {
        let distance = (x as f32 - 128.0).hypot(1.6 * (y as f32 - 190.0));
        1.0 - 0.4 * ((100.0 - distance) / 40.0).clamp(0.0, 1.0)
    };
    let frame = painted(square(), 1, |x, y| {
        let dark = shade(x, y);
        let background_color = [16.0, 128.0, 128.0];
        let background_color =
            [0, 1, 2].map(|k| background_color[k] + (f32::from(green[k]) - background_color[k]) * dark);
        let body = disc(x, y, (128, 110), 70.0);
        [0, 1, 2].map(|k| background_color[k] + body * (f32::from(RED[k]) - background_color[k]))
    });
    let alpha = cut_one(&frame).alpha().unwrap().to_vec();
    for (x, y) in [(128, 200), (90, 205), (160, 195), (60, 200)] {
        let expected = 255.0 * (1.0 - shade(x, y));
        assert!((f32::from(alpha[y * SIDE + x]) - expected).abs() < 30.0, "{} for {expected}", alpha[y * SIDE + x]);
    }
}

#[test]
fn a_part_shaded_into_the_backgrounds_hue_stays_solid_behind_its_sharp_outline() {
    let green = [120_u8, 60, 50];
    let bead = [((128, 40), 22.0)];
    let frame = painted(square(), 1, |x, y| {
        // From none of the hue to most of it. The purer half is a color that could result from
        // mixtures.
        let color = related_color(green, (0.75 * (y as f32 - 18.0) / 44.0).clamp(0.0, 0.75), 160);
        let with_body = mixed(RED, green, disc(x, y, (128, 160), 80.0));
        let bead = disc(x, y, bead[0].0, bead[0].1);
        [0, 1, 2].map(|k| with_body[k] + bead * (f32::from(color[k]) - with_body[k]))
    });
    assert_eq!(holes(&cut_one(&frame), &bead), 0);
}

#[test]
fn a_thing_of_the_backgrounds_full_hue_in_another_light_stays_solid() {
    let navy = [45_u8, 166, 122];
    let sky = related_color(navy, 1.02, 165);
    // A wide body holds most of the inside; the bars are narrow.
    let bars = |x: usize, y: usize| {
        let is_bar = (30..226).contains(&x) && (150..244).contains(&y) && (y - 150) % 46 < 32;
        f32::from(u8::from(is_bar))
    };
    let frame = painted(square(), 1, |x, y| {
        let with_body = mixed(RED, navy, disc(x, y, (128, 75), 66.0));
        [0, 1, 2].map(|k| with_body[k] + bars(x, y) * (f32::from(sky[k]) - with_body[k]))
    });
    let alpha = cut_one(&frame).alpha().unwrap().to_vec();
    let inside: Vec<usize> = (0..SIDE * SIDE).filter(|at| bars(at % SIDE, at / SIDE) > 0.0).collect();
    let holes = inside.iter().filter(|&&at| alpha[at] < 230).count();
    assert!(50 * holes <= inside.len(), "{holes} of {} pixels have holes", inside.len());
}
