//! Tests that pixels survive encoding within the error that the quality allows.

use clearcut_frame::{Matrix, Subsampling};

use crate::fixture::{
    KINDS, Kind, decode, disc_clip, encode, format, frames_on_screen, largest_error, painted, settings,
};

#[test]
fn quality_100_is_lossless() {
    for kind in KINDS {
        for matrix in [Matrix::Bt601, Matrix::Bt709] {
            let format = format(61, 33, Subsampling::Full, matrix);
            let clip = disc_clip(format, 12);
            let shown = decode(kind, &encode(kind, &settings(format, 100), &clip).0);
            for (frame, shown) in clip.iter().zip(frames_on_screen(&shown, clip.len())) {
                // The encoder converts to R'G'B' in fixed point, the reference in floats.
                let (color, alpha) = largest_error(frame, &shown.pixels);
                assert!(color <= 1 && alpha == 0, "{kind:?} {matrix:?}: {color} {alpha}");
                // Composing patches gives the same pixels as a file with only this frame.
                let alone = decode(kind, &encode(kind, &settings(format, 100), std::slice::from_ref(frame)).0);
                let visible = |pixels: &[[u8; 4]]| -> Vec<[u8; 4]> {
                    pixels.iter().map(|&pixel| if pixel[3] == 0 { [0; 4] } else { pixel }).collect()
                };
                assert_eq!(visible(&alone[0].pixels), visible(&shown.pixels), "{kind:?} {matrix:?}");
            }
        }
    }
}

#[test]
fn the_color_error_of_apng_stays_within_what_its_quality_allows() {
    let format = format(61, 33, Subsampling::Full, Matrix::Bt709);
    let clip = disc_clip(format, 8);
    for (quality, allowed) in [(99, 1), (80, 1), (60, 2), (20, 4), (0, 5)] {
        let (file, _) = encode(Kind::Apng, &settings(format, quality), &clip);
        let shown = decode(Kind::Apng, &file);
        let errors =
            clip.iter().zip(frames_on_screen(&shown, 8)).map(|(frame, shown)| largest_error(frame, &shown.pixels));
        let (color, alpha) = errors.reduce(|a, b| (a.0.max(b.0), a.1.max(b.1))).unwrap();
        // The conversion to R'G'B' adds up to one level.
        assert!((allowed - 1..=allowed + 1).contains(&color) && alpha == 0, "{quality}: {color} {alpha}");
    }
}

#[test]
fn lossy_webp_keeps_alpha_and_color_within_tolerance() {
    for subsampling in [Subsampling::Half, Subsampling::Full] {
        for matrix in [Matrix::Bt601, Matrix::Bt709] {
            let format = format(97, 65, subsampling, matrix);
            let clip = disc_clip(format, 9);
            let shown = decode(Kind::Webp, &encode(Kind::Webp, &settings(format, 90), &clip).0);
            for (frame, shown) in clip.iter().zip(frames_on_screen(&shown, clip.len())) {
                let (color, alpha) = largest_error(frame, &shown.pixels);
                // At most three quarters of a quantization step of six.
                assert!((1..=4).contains(&alpha), "{alpha}");
                assert!(color <= 24, "{subsampling:?} {matrix:?}: {color}");
            }
        }
    }
}

#[test]
fn plain_colors_are_kept_with_either_matrix() {
    for (r, g, b) in [(200, 30, 40), (20, 180, 60), (40, 60, 210), (230, 220, 40), (128, 128, 128)] {
        for (kind, matrix) in KINDS.into_iter().flat_map(|kind| [(kind, Matrix::Bt601), (kind, Matrix::Bt709)]) {
            let format = format(32, 32, Subsampling::Half, matrix);
            let shown =
                decode(kind, &encode(kind, &settings(format, 80), &[painted(format, |_, _| ([r, g, b], 255))]).0);
            let [found_r, found_g, found_b, alpha] = shown[0].pixels[16 * 32 + 16];
            let error = found_r.abs_diff(r).max(found_g.abs_diff(g)).max(found_b.abs_diff(b));
            assert!(error <= 5 && alpha == 255, "{kind:?} {matrix:?}: {:?} of {:?}", shown[0].pixels[0], (r, g, b));
        }
    }
}

#[test]
fn higher_quality_gives_larger_files() {
    let format = format(96, 96, Subsampling::Half, Matrix::Bt709);
    // Shades with noise like that of a camera: a few levels from a hash.
    let noise = |x: usize, y: usize| ((x * 2_654_435_761) ^ (y * 40_503)).wrapping_mul(0x9E37_79B9) >> 13;
    let noisy = painted(format, |x, y| ([(x + y + noise(x, y) % 8) as u8; 3], 255));
    for kind in KINDS {
        let sizes = [20, 60, 90, 100]
            .map(|quality| encode(kind, &settings(format, quality), std::slice::from_ref(&noisy)).0.len());
        assert!(sizes.is_sorted(), "{kind:?}: {sizes:?}");
    }
}
