//! The keyer: a frame over a known background in, alpha and clean color out, step by step.

use std::borrow::Cow;

use clearcut_frame::Frame;

use crate::{
    Background, HintMap,
    band::{BandPixel, band_of, put},
    clean,
    doubts::Doubts,
    enclosed,
    hints::Named,
    likeness::{LIMIT, Likeness},
    regions::Regions,
    ringing,
    scene::Scene,
    shadow::shadow_of,
    soft::soft_of,
    steady::{Steadied, steady},
    tolerance::{cleared, kept},
};

/// What the user may turn.
#[derive(Debug, Clone, Copy)]
pub struct KeySettings {
    /// 0 keeps everything that might be subject, 100 removes everything that might be background, 30 is balanced.
    ///
    /// Alpha never rises anywhere when this does.
    pub tolerance: u8,
    /// Whether shadows stay, as translucent black, or are background. Dark smoke and dark soft glows count as shadows: they look the same.
    pub keeps_shadows: bool,
}

impl Default for KeySettings {
    fn default() -> Self {
        Self { tolerance: 30, keeps_shadows: true }
    }
}

/// One frame compared with the background, before anything was decided.
#[derive(Debug)]
pub struct Looked {
    frame: Frame,
    /// None where there is no background to compare with.
    found: Option<Found>,
    /// The pixels that hints mean.
    named: Option<Named>,
}

/// What comparing found.
#[derive(Debug)]
struct Found {
    /// Which of the background's lights the frame is in.
    light: usize,
    likeness: Likeness,
    regions: Regions,
}

/// What was background in the frame before: a pocket that closes stays open.
#[derive(Debug, Default)]
pub struct Pockets {
    before: Option<Regions>,
}

impl Pockets {
    /// Decides the pockets of `next`; to be called for all frames of a clip in order.
    pub fn settle(&mut self, next: &mut Looked) {
        let Some(Found { regions, .. }) = &mut next.found else { return };
        if let Some(before) = &self.before {
            regions.settle(before);
        }
        self.before = Some(regions.clone());
    }
}

/// One frame with its own first matte, before its neighbors in time have been asked.
#[derive(Debug)]
pub struct Keyed {
    /// The frame with its first matte and clean color.
    frame: Frame,
    /// The color planes as they came in: they tell whether a place has changed.
    seen: Vec<u8>,
    /// The background's noise in it, luma and chroma.
    noise: [f32; 2],
    doubts: Doubts,
}

/// Turns frames over a known background into frames with alpha and clean color.
#[derive(Debug)]
pub struct Keyer {
    background: Background,
    settings: KeySettings,
}

impl Keyer {
    /// How many neighbors on each side [`Self::finish`] looks at.
    pub const REACH: usize = 1;

    /// A keyer for frames over `background`.
    #[must_use]
    pub fn new(background: Background, settings: KeySettings) -> Self {
        Self { background, settings }
    }

    /// Compares `frame` with the background. What `hints` say of it is beyond doubt.
    #[must_use]
    pub fn look(&self, frame: Frame, hints: Option<&HintMap>) -> Looked {
        let mut named = hints.map(|hints| hints.named_in(&frame));
        let found = self.background.light_in(&frame).map(|(number, shift)| {
            let light = &self.background.lights[number];
            let mut likeness = Likeness::measured(&frame, light, shift);
            if light.is_colored() {
                ringing::allow_for(&mut likeness, &frame, light);
            }
            let mut likeness = likeness.without_specks();
            if let Some(named) = &mut named {
                named.write_into(&mut likeness.off, likeness.width);
            }
            let mut regions = Regions::of(&likeness.off, likeness.width, LIMIT, light.is_colored());
            if !light.is_colored() {
                enclosed::open(&mut regions, &likeness.off, &Scene::new(&frame, &likeness, light));
            }
            if let Some(named) = &named {
                regions.open_at(&named.removed);
            }
            Found { light: number, likeness, regions }
        });
        Looked { frame, found, named }
    }

    /// The first matte of a frame, from itself alone but for its pockets. An alpha plane on the input multiplies ours.
    #[must_use]
    pub fn key(&self, looked: Looked) -> Keyed {
        let Looked { frame, found: Some(Found { light, likeness, regions }), named } = looked else {
            return Keyed::unkeyed(looked.frame, looked.named.as_ref());
        };
        let light = &self.background.lights[light];
        let scene = Scene::new(&frame, &likeness, light);
        let mut mask = regions.mask();
        let mut off = Cow::Borrowed(likeness.off.as_slice());
        let (soft, mut shadows) = soft_and_shadows(&mask, &regions, &off, &scene);
        if !self.settings.keeps_shadows {
            for pixel in shadows.drain(..) {
                mask[pixel.index as usize] = 0;
                off.to_mut()[pixel.index as usize] = 0;
            }
        }
        let mut band = band_of(&mask, &scene);
        put(&mut band, soft, mask.len());
        put(&mut band, shadows, mask.len());
        kept(&mut band, &mask, &off, &scene, self.settings.tolerance);
        if let Some(named) = &named {
            let beyond_doubt = named.kept_with_rim(&mask, scene.width);
            band.retain(|pixel| beyond_doubt[pixel.index as usize] == 0);
        }
        let colors = frame.format().without_alpha().byte_len();
        let seen = frame.bytes()[..colors].to_vec();
        let mut frame = cut(frame, &mask, &band);
        cleared(frame.planes_mut()[3], &mask, &off, likeness.width, self.settings.tolerance);
        let doubts = Doubts::of(frame.alpha().unwrap_or_default(), &off, &regions, likeness.width);
        Keyed { frame, seen, noise: light.noise, doubts }
    }

    /// The finished frame `current` (format with alpha): alpha settled over time, color unmixed and cleaned.
    ///
    /// `before` holds up to [`Self::REACH`] predecessors (nearest first), `after` as many successors (nearest first);
    /// fewer at the ends of the clip.
    #[must_use]
    pub fn finish(&self, before: &[&Keyed], current: &Keyed, after: &[&Keyed]) -> Frame {
        let mut out = current.frame.clone();
        if self.background.is_absent() {
            return out;
        }
        let neighbors = [before.first(), after.first()];
        steady(&mut out, &current.as_steadied(), neighbors.map(|n| n.map(|keyed| keyed.as_steadied())), current.noise);
        out
    }
}

impl Keyed {
    /// The color planes as they came in: Y', Cb, Cr one after the other; empty where nothing was keyed.
    #[must_use]
    pub fn seen(&self) -> &[u8] {
        &self.seen
    }

    /// What may be wrong with the matte of this frame.
    #[must_use]
    pub const fn doubts(&self) -> Doubts {
        self.doubts
    }

    fn unkeyed(frame: Frame, named: Option<&Named>) -> Self {
        let mut frame = with_alpha(frame);
        for (alpha, removed) in frame.planes_mut()[3].iter_mut().zip(named.iter().flat_map(|named| &named.removed)) {
            *alpha &= !removed;
        }
        Self { frame, seen: Vec::new(), noise: [0.0; 2], doubts: Doubts::default() }
    }

    fn as_steadied(&self) -> Steadied<'_> {
        Steadied { alpha: self.frame.alpha().unwrap_or_default(), seen: &self.seen, format: self.frame.format() }
    }
}

/// What of the subject in `mask` is soft and no shadow, and what is shadow.
fn soft_and_shadows(mask: &[u8], regions: &Regions, off: &[u8], scene: &Scene) -> (Vec<BandPixel>, Vec<BandPixel>) {
    let (mut soft, mut shadows) = (Vec::new(), Vec::new());
    for thing in soft_of(mask, &regions.outside(), off, scene) {
        if thing.is_shadow { &mut shadows } else { &mut soft }.extend(thing.pixels);
    }
    put(&mut shadows, shadow_of(mask, off, scene), mask.len());
    (soft, shadows)
}

/// The frame in a format with alpha, solid where it had none.
fn with_alpha(frame: Frame) -> Frame {
    let format = frame.format().with_alpha();
    let mut bytes = frame.into_bytes();
    bytes.resize(format.byte_len(), 255);
    Frame::from_bytes(format, bytes).unwrap_or_else(|| Frame::new(format))
}

/// The frame with its matte: alpha from mask and band, the band's colors unmixed, color under clear pixels cleaned.
fn cut(frame: Frame, mask: &[u8], band: &[BandPixel]) -> Frame {
    let own = frame.alpha().map(<[u8]>::to_vec);
    let mut out = with_alpha(frame);
    clean::paint(&mut out, mask, band);
    let [_, _, _, alpha] = out.planes_mut();
    alpha.copy_from_slice(mask);
    for pixel in band {
        alpha[pixel.index as usize] = (pixel.unmixed.alpha * 255.0 + 0.5) as u8;
    }
    for (alpha, own) in alpha.iter_mut().zip(own.iter().flatten()) {
        *alpha = ((u16::from(*alpha) * u16::from(*own) + 127) / 255) as u8;
    }
    out
}
