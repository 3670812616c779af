//! Tests for edges in shade and edges with an outline: they are as solid as lit ones.

use clearcut_frame::{FrameFormat, Subsampling};

use crate::canvas::{WHITE, cut_one, disc_alpha, format, mixed, painted};

const SIDE: usize = 160;
const RADIUS: f32 = 50.0;
const BLACK: [u8; 3] = [16, 128, 128];
const TEAL: [u8; 3] = [122, 134, 76];
const MAGENTA: [u8; 3] = [100, 180, 210];
const YELLOW: [u8; 3] = [200, 50, 150];
const BLUE: [u8; 3] = [45, 230, 118];

fn square() -> FrameFormat {
    format(SIDE as u32, SIDE as u32, Subsampling::Half)
}

/// Of the solid pixels of a disc of [`RADIUS`] that are at most two pixels from its edge, the share
/// below 0.9, and the mean alpha outside of the disc.
fn holes_and_residue(alpha: &[u8]) -> (f32, f32) {
    let cover = |at: usize, radius: f32| disc_alpha(at % SIDE, at / SIDE, SIDE, radius);
    let rim: Vec<u8> = (0..alpha.len())
        .filter(|&at| cover(at, RADIUS) >= 1.0 && cover(at, RADIUS - 2.0) < 1.0)
        .map(|at| alpha[at])
        .collect();
    let outside: Vec<u8> = (0..alpha.len()).filter(|&at| cover(at, RADIUS) <= 0.0).map(|at| alpha[at]).collect();
    let holes = rim.iter().filter(|&&value| value < 230).count();
    let residue: f32 = outside.iter().map(|&value| f32::from(value) / 255.0).sum();
    (holes as f32 / rim.len() as f32, residue / outside.len() as f32)
}

#[test]
fn the_shaded_side_of_a_ball_is_solid_up_to_its_edge() {
    for (color, back) in [(YELLOW, MAGENTA), (WHITE, MAGENTA), (YELLOW, TEAL)] {
        // A ball lit from above: its lower rim has half of the light.
        let ball = |x: usize, y: usize| {
            let [across, down] = [x, y].map(|at| at as f32 + 0.5 - SIDE as f32 / 2.0);
            let depth = RADIUS - across.hypot(down);
            let shade = 0.5 * (1.0 - depth / 12.0).clamp(0.0, 1.0) * (down / RADIUS).clamp(0.0, 1.0);
            mixed(BLACK, color, shade)
        };
        let frame = painted(square(), 1, |x, y| {
            let (cover, color) = (disc_alpha(x, y, SIDE, RADIUS), ball(x, y));
            [0, 1, 2].map(|k| cover * color[k] + (1.0 - cover) * f32::from(back[k]))
        });
        let (holes, residue) = holes_and_residue(cut_one(&frame).alpha().unwrap());
        assert!(holes < 0.03 && residue < 0.001, "{color:?}: {holes} of the rim are holes, residue {residue}");
    }
}

#[test]
fn a_black_outline_around_white_is_solid_on_blue() {
    let frame = painted(square(), 1, |x, y| {
        let outlined = mixed(BLACK, BLUE, disc_alpha(x, y, SIDE, RADIUS));
        let inside = disc_alpha(x, y, SIDE, RADIUS - 2.0);
        [0, 1, 2].map(|k| outlined[k] + inside * (f32::from(WHITE[k]) - outlined[k]))
    });
    let (holes, residue) = holes_and_residue(cut_one(&frame).alpha().unwrap());
    assert!(holes < 0.2 && residue < 0.001, "{holes} of the rim are holes, residue {residue}");
}

#[test]
fn an_outline_that_is_no_mixture_of_the_colors_beside_it_is_solid() {
    // Dark orange around yellow on brown: in luma darker than both, in chroma beside the line.
    let (inside, outline, back) = ([194_u8, 65, 157], [106, 81, 187], [116, 100, 170]);
    let frame = painted(square(), 1, |x, y| {
        let outlined = mixed(outline, back, disc_alpha(x, y, SIDE, RADIUS));
        let cover = disc_alpha(x, y, SIDE, RADIUS - 3.0);
        [0, 1, 2].map(|k| outlined[k] + cover * (f32::from(inside[k]) - outlined[k]))
    });
    let (holes, residue) = holes_and_residue(cut_one(&frame).alpha().unwrap());
    assert!(holes < 0.5 && residue < 0.001, "{holes} of the rim are holes, residue {residue}");
}
