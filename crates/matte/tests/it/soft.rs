//! Tests for soft translucent regions, and for solid objects that resemble them.

use clearcut_frame::{Frame, FrameFormat, Subsampling};
use clearcut_matte::{Background, KeySettings};

use crate::canvas::{GREEN, RED, WHITE, cut, cut_with, disc_alpha, format, mixed, painted, rgb};

const SIDE: usize = 192;
const MIDDLE: usize = SIDE / 2 * SIDE + SIDE / 2;
const BLACK: [u8; 3] = [16, 128, 128];

fn square() -> FrameFormat {
    format(SIDE as u32, SIDE as u32, Subsampling::Half)
}

/// Density of a puff of smoke in the middle of the frame: 1.0 there, 0 at the border.
fn puff(x: usize, y: usize) -> f32 {
    let middle = SIDE as f32 / 2.0;
    let away = (x as f32 + 0.5 - middle).hypot(y as f32 + 0.5 - middle) / (0.16 * SIDE as f32);
    (-away * away).exp()
}

fn cut_still(frame: &Frame) -> Frame {
    let clip = vec![frame.clone(); 4];
    cut(&clip, &Background::estimate(&clip, None).unwrap(), 30).swap_remove(1)
}

/// Mean difference of alpha from `truth`, in thousandths.
fn error(out: &Frame, truth: impl Fn(usize, usize) -> f32) -> f32 {
    let alpha = out.alpha().unwrap();
    let sum: f32 =
        (0..SIDE * SIDE).map(|index| (f32::from(alpha[index]) / 255.0 - truth(index % SIDE, index / SIDE)).abs()).sum();
    1000.0 * sum / (SIDE * SIDE) as f32
}

#[test]
fn smoke_keeps_its_density_and_loses_the_background() {
    let out = cut_still(&painted(square(), 1, |x, y| mixed(WHITE, GREEN, 0.5 * puff(x, y))));
    let error = error(&out, |x, y| 0.5 * puff(x, y));
    assert!(error < 20.0, "{error}");
    let chroma = [out.cb(), out.cr()].map(|plane| plane[SIDE / 4 * SIDE / 2 + SIDE / 4].abs_diff(128));
    assert!(chroma.iter().all(|away| *away <= 12), "{chroma:?}");
}

#[test]
fn smoke_whose_color_is_not_the_strongest_is_no_thinner() {
    // Four fifths of the way from the green to the strongest violet in that direction.
    let violet = [145, 155, 148];
    let density = |x: usize, y: usize, by: usize| 0.5 * puff((x + SIDE - by) % SIDE, y);
    let clip: Vec<Frame> = [0, 48, 96, 144]
        .into_iter()
        .map(|by| painted(square(), 0, |x, y| mixed(violet, GREEN, density(x, y, by))))
        .collect();
    let out = cut(&clip, &Background::estimate(&clip, None).unwrap(), 30).swap_remove(1);
    let error = error(&out, |x, y| density(x, y, 48));
    assert!(error < 12.0, "{error}");
}

#[test]
fn smoke_over_the_middle_does_not_change_the_measured_background_color() {
    // The smoke is dense all through the clip and reaches the lower border.
    let dense = |x: usize, y: usize| 0.45 * puff(x, y.min(SIDE / 2)) + 0.1 * puff(x, y);
    let clip = vec![painted(square(), 0, |x, y| mixed(WHITE, GREEN, dense(x, y))); 4];
    let found = Background::estimate(&clip, None).unwrap().color();
    let green = rgb(square(), GREEN);
    let away = [found.r.abs_diff(green.r), found.g.abs_diff(green.g), found.b.abs_diff(green.b)];
    assert!(away.iter().all(|away| *away <= 24), "{found} instead of {green}");
}

#[test]
fn smoke_gets_no_denser_with_a_higher_tolerance() {
    let clip = vec![painted(square(), 1, |x, y| mixed(WHITE, GREEN, 0.5 * puff(x, y))); 3];
    let background = Background::estimate(&clip, None).unwrap();
    let alphas: Vec<Vec<u8>> = [0, 20, 28, 30, 40, 70, 100]
        .map(|tolerance| cut(&clip, &background, tolerance)[1].alpha().unwrap().to_vec())
        .into_iter()
        .collect();
    for pair in alphas.windows(2) {
        assert_eq!(pair[0].iter().zip(&pair[1]).filter(|(lower, higher)| higher > lower).count(), 0);
    }
}

#[test]
fn a_soft_shadow_on_white_is_translucent_black() {
    let out = cut_still(&painted(square(), 1, |x, y| mixed(BLACK, WHITE, 0.5 * puff(x, y))));
    let error = error(&out, |x, y| 0.5 * puff(x, y));
    assert!(error < 20.0, "{error}");
    assert!(out.y()[MIDDLE] <= 32, "{}", out.y()[MIDDLE]);
}

#[test]
fn a_shadow_that_blends_into_its_subject_is_translucent_and_the_subject_solid() {
    let (grey, green) = ([180_u8, 128, 128], [150_u8, 90, 80]);
    // A disc whose outline is soft where its shadow lies, and hard elsewhere.
    let disc = |x: usize, y: usize| {
        let middle = SIDE as f32 / 2.0;
        let away = (x as f32 + 0.5 - middle).hypot(y as f32 + 0.5 - middle);
        let width = if x + y > SIDE + 20 { 12.0 } else { 1.0 };
        ((36.0 - away) / width).clamp(0.0, 1.0)
    };
    let shadow = |x: usize, y: usize| 0.45 * puff(x.saturating_sub(18), y.saturating_sub(18));
    let out = cut_still(&painted(square(), 0, |x, y| {
        let background_color = mixed(BLACK, grey, shadow(x, y));
        [0, 1, 2].map(|k| background_color[k] + disc(x, y) * (f32::from(green[k]) - background_color[k]))
    }));
    let alpha = out.alpha().unwrap();
    let inside = (0..SIDE * SIDE).filter(|index| disc(index % SIDE, index / SIDE) >= 1.0);
    assert_eq!(inside.filter(|index| alpha[*index] < 250).count(), 0);
    for (x, y) in [(140, 140), (150, 130), (130, 150)] {
        let (seen, truth) = (f32::from(alpha[y * SIDE + x]) / 255.0, shadow(x, y));
        assert!((seen - truth).abs() < 0.12, "({x}, {y}): {seen} instead of {truth}");
    }
}

#[test]
fn disabling_shadows_removes_them_and_keeps_smoke_and_subject() {
    // A disc in the middle, and the shadow or smoke around the place below it.
    let disc = |x: usize, y: usize| disc_alpha(x, y, SIDE, 24.0);
    let below = |x: usize, y: usize| 0.5 * puff(x, (y + SIDE - 30) % SIDE);
    for (soft, background_color, is_shadow) in [(BLACK, WHITE, true), (BLACK, GREEN, true), (WHITE, GREEN, false)] {
        let frame = painted(square(), 1, |x, y| {
            let (background_color, disc) = (mixed(soft, background_color, below(x, y)), disc(x, y));
            [0, 1, 2].map(|k| background_color[k] + disc * (f32::from(RED[k]) - background_color[k]))
        });
        let clip = vec![frame; 4];
        let background = Background::estimate(&clip, None).unwrap();
        for tolerance in [0, 30] {
            let out = cut_with(&clip, &background, KeySettings { tolerance, keeps_shadows: false }).swap_remove(1);
            let alpha = out.alpha().unwrap();
            let soft_alpha = alpha[(SIDE / 2 + 36) * SIDE + SIDE / 2];
            assert_eq!(alpha[MIDDLE], 255, "{background_color:?} at {tolerance}");
            assert_eq!(soft_alpha < 13, is_shadow, "{background_color:?} at {tolerance}: alpha {soft_alpha}");
        }
        let kept = cut(&clip, &background, 30).swap_remove(1);
        assert!(kept.alpha().unwrap()[(SIDE / 2 + 36) * SIDE + SIDE / 2] > 50, "{background_color:?}: kept");
    }
}

#[test]
fn a_solid_object_in_a_glow_stays_solid() {
    // The disc and its glow, moved by `by` columns to the right.
    let moved = |x: usize, by: usize| (x + SIDE - by) % SIDE;
    let disc = |x: usize, y: usize, by: usize| disc_alpha(moved(x, by), y, SIDE, 20.0);
    let glow = |x: usize, y: usize, by: usize| 0.4 * puff(moved(x, by), y);
    let clip: Vec<Frame> = [0, 48, 96, 144]
        .into_iter()
        .map(|by| {
            painted(square(), 0, |x, y| {
                let behind = mixed(WHITE, GREEN, glow(x, y, by));
                [0, 1, 2].map(|k| behind[k] + disc(x, y, by) * (f32::from(RED[k]) - behind[k]))
            })
        })
        .collect();
    let out = cut(&clip, &Background::estimate(&clip, None).unwrap(), 30).swap_remove(1);
    let alpha = out.alpha().unwrap();
    let inside = (0..SIDE * SIDE).filter(|index| disc_alpha(moved(index % SIDE, 48), index / SIDE, SIDE, 18.0) >= 1.0);
    assert_eq!(inside.filter(|index| alpha[*index] < 230).count(), 0);
}

#[test]
fn a_glow_reaches_up_to_what_glows() {
    let away = |x: usize, y: usize, by: usize| {
        let middle = SIDE as f32 / 2.0;
        (((x + SIDE - by) % SIDE) as f32 + 0.5 - middle).hypot(y as f32 + 0.5 - middle)
    };
    let clip: Vec<Frame> = [0, 48, 96, 144]
        .into_iter()
        .map(|by| {
            painted(square(), 0, |x, y| {
                let behind = mixed(WHITE, GREEN, 0.35 * (-(away(x, y, by) / 48.0).powi(2)).exp());
                let disc = (20.5 - away(x, y, by)).clamp(0.0, 1.0);
                [0, 1, 2].map(|k| behind[k] + disc * (f32::from(RED[k]) - behind[k]))
            })
        })
        .collect();
    let out = cut(&clip, &Background::estimate(&clip, None).unwrap(), 30).swap_remove(1);
    // Nearer to the disc, half-resolution chroma smears its color.
    let beside = (0..SIDE * SIDE).filter(|index| (22.5..26.5).contains(&away(index % SIDE, index / SIDE, 48)));
    let solid = beside.filter(|index| out.alpha().unwrap()[*index] > 128).count();
    assert_eq!(solid, 0);
}

#[test]
fn a_beam_with_steep_sides_is_as_translucent_as_the_smoke_of_its_color() {
    let moved = |x: usize, by: usize| (x + SIDE - by) % SIDE;
    let beam = |x: usize, y: usize| {
        let away = ((y as f32 + 0.5 - 160.0).abs() / 8.0).min(1.0);
        if (40..150).contains(&x) { 0.4 * (1.0 - away * away).powi(2) } else { 0.0 }
    };
    let density = |x: usize, y: usize, by: usize| (0.5 * puff(moved(x, by), y + 20)).max(beam(moved(x, by), y));
    let clip: Vec<Frame> = [0, 48, 96, 144]
        .into_iter()
        .map(|by| painted(square(), 0, |x, y| mixed(WHITE, GREEN, density(x, y, by))))
        .collect();
    let out = cut(&clip, &Background::estimate(&clip, None).unwrap(), 30).swap_remove(1);
    for x in [100, 112, 124] {
        let alpha = out.alpha().unwrap()[160 * SIDE + x];
        assert!(alpha.abs_diff(102) < 20, "column {x}: {alpha}");
    }
}

#[test]
fn a_solid_object_of_the_color_of_the_smoke_around_it_stays_solid() {
    let pale = mixed(WHITE, GREEN, 0.6).map(|level| level.round() as u8);
    let out = cut_still(&painted(square(), 0, |x, y| {
        let behind = mixed(WHITE, GREEN, 0.25 * puff(x, y));
        let disc = disc_alpha(x, y, SIDE, 20.0);
        [0, 1, 2].map(|k| behind[k] + disc * (f32::from(pale[k]) - behind[k]))
    }));
    let alpha = out.alpha().unwrap();
    let inside = (0..SIDE * SIDE).filter(|index| disc_alpha(index % SIDE, index / SIDE, SIDE, 18.0) >= 1.0);
    assert_eq!(inside.filter(|index| alpha[*index] < 230).count(), 0);
}

#[test]
fn overlapping_lights_of_several_colors_are_translucent() {
    let (left, right) = ([120_u8, 110, 190], [150_u8, 170, 110]);
    let moved = |x: usize, by: usize| (x + SIDE - by) % SIDE;
    let density = |x: usize, y: usize| [0.5 * puff(moved(x, 14), y), 0.5 * puff(moved(x, SIDE - 14), y)];
    let out = cut_still(&painted(square(), 0, |x, y| {
        let [one, two] = density(x, y);
        let below = mixed(left, GREEN, one);
        [0, 1, 2].map(|k| below[k] + two * (f32::from(right[k]) - below[k]))
    }));
    let truth = |x: usize, y: usize| {
        let [one, two] = density(x, y);
        1.0 - (1.0 - one) * (1.0 - two)
    };
    let error = error(&out, truth);
    assert!(error < 40.0, "{error}");
}

#[test]
fn a_solid_object_in_a_fade_stays_solid() {
    // A pale disc with a blurred outline, in fading light.
    let violet = [104_u8, 170, 130];
    let disc = |x: usize, y: usize| {
        let middle = SIDE as f32 / 2.0;
        let away = (x as f32 + 0.5 - middle).hypot(y as f32 + 0.5 - middle);
        ((52.0 - away) / 8.0).clamp(0.0, 1.0)
    };
    let in_light = |light: f32| {
        painted(square(), 0, |x, y| {
            let full = mixed([190, 128, 128], violet, disc(x, y));
            [0, 1, 2].map(|k| f32::from(BLACK[k]) + light * (full[k] - f32::from(BLACK[k])))
        })
    };
    let clip: Vec<Frame> = [1.0, 1.0, 1.0, 1.0, 0.5, 0.25].map(in_light).into();
    let out = cut(&clip, &Background::estimate(&clip, None).unwrap(), 30);
    for (at, frame) in out.iter().enumerate() {
        assert_eq!(frame.alpha().unwrap()[MIDDLE], 255, "frame {at}");
    }
}

#[test]
fn a_shaded_subject_of_nearly_the_backgrounds_hue_stays_solid() {
    // On one side the subject reaches the background's own brightness. Its outline is hard.
    let out = cut_still(&painted(square(), 1, |x, y| {
        let shade = 0.55 + 0.45 * x as f32 / SIDE as f32;
        let subject = [16.0 + 104.0 * shade, 128.0 - 36.0 * shade, 128.0 - 70.0 * shade];
        let alpha = disc_alpha(x, y, SIDE, 60.0);
        [0, 1, 2].map(|k| f32::from(GREEN[k]) + alpha * (subject[k] - f32::from(GREEN[k])))
    }));
    let alpha = out.alpha().unwrap();
    let inside = (0..SIDE * SIDE).filter(|index| disc_alpha(index % SIDE, index / SIDE, SIDE, 52.0) >= 1.0);
    assert_eq!(inside.filter(|index| alpha[*index] < 230).count(), 0);
}
