//! What the header of a PNG says that its decoder does not: the stored depth, and gamma and primaries
//! without a profile.

use std::io::Cursor;

use moxcms::{Chromaticity, ColorProfile, ToneReprCurve, XyY};

/// Difference of the gamma from that of sRGB, 1/2.2, up to which it is sRGB.
const GAMMA_TOLERANCE: f32 = 0.01;

/// The bits of a channel, or of an index into a palette, in the PNG in `bytes`; and the profile of the
/// gamma and primaries that it states.
pub(crate) fn header(bytes: &[u8]) -> Option<(u8, Option<ColorProfile>)> {
    let reader = png::Decoder::new(Cursor::new(bytes)).read_info().ok()?;
    Some((reader.info().bit_depth as u8, stated(reader.info())))
}

/// The profile of the gamma and primaries that a PNG states; `None` if it states none, those of sRGB,
/// or nonsense.
fn stated(info: &png::Info) -> Option<ColorProfile> {
    if info.srgb.is_some() || info.icc_profile.is_some() || info.coding_independent_code_points.is_some() {
        return None;
    }
    let gamma = info.gama_chunk.map(png::ScaledFloat::into_value).filter(|gamma| (0.1..=2.0).contains(gamma))?;
    let is_usual = (gamma - 1.0 / 2.2).abs() < GAMMA_TOLERANCE;
    let mut profile = ColorProfile::new_srgb();
    let is_grayscale = matches!(info.color_type, png::ColorType::Grayscale | png::ColorType::GrayscaleAlpha);
    let own_primaries = info.chrm_chunk.filter(|_| !is_grayscale).filter(|primaries| {
        let (red, green) = (point(primaries.red), point(primaries.green));
        (red.x - 0.64).abs() > 0.005 || (green.y - 0.60).abs() > 0.005
    });
    if is_usual && own_primaries.is_none() {
        return None;
    }
    if let Some(primaries) = own_primaries {
        let white = point(primaries.white);
        let corners = [primaries.red, primaries.green, primaries.blue].map(point);
        if [white]
            .iter()
            .chain(&corners)
            .any(|point| !(0.0..=1.0).contains(&point.x) || !(0.01..=1.0).contains(&point.y))
        {
            return None;
        }
        let white = XyY { x: white.x.into(), y: white.y.into(), yb: 1.0 };
        let [red, green, blue] = corners.map(|point| point.to_xyzd());
        profile.update_rgb_colorimetry_triplet(white, red, green, blue);
    }
    if !is_usual {
        let curve = || Some(ToneReprCurve::Parametric(vec![1.0 / gamma]));
        (profile.red_trc, profile.green_trc, profile.blue_trc) = (curve(), curve(), curve());
        profile.cicp = None;
    }
    Some(profile)
}

fn point((x, y): (png::ScaledFloat, png::ScaledFloat)) -> Chromaticity {
    Chromaticity::new(x.into_value(), y.into_value())
}
