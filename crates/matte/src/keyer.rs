use clearcut_frame::Picture;

use crate::{
    Backdrop,
    band::{BandPixel, band_of},
    clean,
    likeness::{LIMIT, Likeness},
    regions::backdrop_mask,
    scene::Scene,
};

/// What the user may turn.
#[derive(Debug, Clone, Copy)]
pub struct KeySettings {
    /// 0 keeps everything that might be subject, 100 removes everything that might be background, 30 is balanced.
    pub tolerance: u8,
}

impl Default for KeySettings {
    fn default() -> Self {
        Self { tolerance: 30 }
    }
}

/// One picture with its own first matte, before its neighbours in time have been asked.
#[derive(Debug)]
pub struct Keyed {
    picture: Picture,
}

/// Turns pictures over a known backdrop into pictures with alpha and clean colour.
#[derive(Debug)]
pub struct Keyer {
    backdrop: Backdrop,
    settings: KeySettings,
}

impl Keyer {
    /// How many neighbours on each side [`Self::finish`] looks at.
    pub const REACH: usize = 1;

    /// A keyer for pictures over `backdrop`.
    #[must_use]
    pub fn new(backdrop: Backdrop, settings: KeySettings) -> Self {
        Self { backdrop, settings }
    }

    /// The first matte of `picture`, from itself alone. An alpha plane on the input multiplies ours.
    #[must_use]
    pub fn key(&self, picture: Picture) -> Keyed {
        let Some(light) = &self.backdrop.light else { return Keyed { picture: with_alpha(picture) } };
        let likeness = Likeness::measured(&picture, light);
        let limit = limit_at(self.settings.tolerance);
        let mask = backdrop_mask(&likeness.off, likeness.width, limit, light.is_coloured());
        let band = band_of(&mask, &Scene::new(&picture, &likeness, light));
        Keyed { picture: cut(picture, &mask, &band) }
    }

    /// The finished picture `current` (format with alpha): alpha settled over time, colour unmixed and cleaned.
    ///
    /// `before` holds up to [`Self::REACH`] predecessors (nearest first), `after` as many successors (nearest first);
    /// fewer at the ends of the clip.
    #[must_use]
    pub fn finish(&self, _before: &[&Keyed], current: &Keyed, _after: &[&Keyed]) -> Picture {
        current.picture.clone()
    }
}

/// The likeness limit for a tolerance: [`LIMIT`] at 30, a quarter of it at 0, four times at 100.
fn limit_at(tolerance: u8) -> u8 {
    let exponent =
        if tolerance < 30 { f32::from(tolerance) / 15.0 - 2.0 } else { f32::from(tolerance.min(100) - 30) / 35.0 };
    (f32::from(LIMIT) * exponent.exp2()).round() as u8
}

/// The picture in a format with alpha, solid where it had none.
fn with_alpha(picture: Picture) -> Picture {
    let format = picture.format().with_alpha();
    let mut bytes = picture.into_bytes();
    bytes.resize(format.byte_len(), 255);
    Picture::from_bytes(format, bytes).unwrap_or_else(|| Picture::new(format))
}

/// The picture with its matte: alpha from mask and band, the band's colours unmixed, colour under clear pixels cleaned.
fn cut(picture: Picture, mask: &[u8], band: &[BandPixel]) -> Picture {
    let mut out = with_alpha(picture);
    let alpha = &mut out.planes_mut()[3];
    for (alpha, mask) in alpha.iter_mut().zip(mask) {
        *alpha = (*alpha).min(*mask);
    }
    for pixel in band {
        let theirs = &mut alpha[pixel.index as usize];
        let ours = (pixel.unmixed.alpha * 255.0).round() as u16;
        *theirs = ((ours * u16::from(*theirs) + 127) / 255) as u8;
    }
    clean::paint(&mut out, mask, band);
    out
}
