//! The color keyer: turns frames over a known background into alpha and clean color. This file
//! calls the steps in order; each step lives in a module of its own.

use std::borrow::Cow;

use clearcut_frame::Frame;

use crate::{
    Background, HintMap,
    band::{band_of, replace_pixels},
    defects::Defects,
    distance_map::{DistanceMap, LIMIT},
    edge_extend, enclosed,
    glass::glass_pixels,
    hints::HintedPixels,
    regions::Regions,
    ringing,
    scene::Scene,
    shadow::shadow_pixels,
    soft::soft_regions,
    specks,
    temporal_filter::{TemporalFrame, stabilize},
    tolerance::{add_kept_pixels, clear_pixels},
    unmix::BandPixel,
};

/// User settings of the keyer.
#[derive(Debug, Clone, Copy)]
pub struct KeySettings {
    /// 0 keeps everything that might be subject, 100 removes everything that might be background,
    /// 30 is balanced.
    ///
    /// Raising it never raises the alpha of any pixel.
    pub tolerance: u8,
    /// Keeps shadows as translucent black if true, makes them background if false. Dark smoke and
    /// dark soft glows count as shadows, because they look the same.
    pub keeps_shadows: bool,
}

impl Default for KeySettings {
    fn default() -> Self {
        Self { tolerance: 30, keeps_shadows: true }
    }
}

/// One frame compared with the background, before any pixel is classified.
#[derive(Debug)]
pub struct ComparedFrame {
    frame: Frame,
    /// `None` if the clip has no background to compare with.
    comparison: Option<Comparison>,
    /// The pixels that the user's hints select.
    hinted: Option<HintedPixels>,
}

/// Result of the comparison with the background.
#[derive(Debug)]
struct Comparison {
    /// Index of the plate behind the frame, in [`Background::plates`].
    plate_index: usize,
    map: DistanceMap,
    regions: Regions,
}

/// Background regions of the previous frame. They keep a pocket open after it closes.
#[derive(Debug, Default)]
pub struct PocketTracker {
    previous: Option<Regions>,
}

impl PocketTracker {
    /// Classifies the pockets of `next`. Must be called for all frames of a clip in order.
    pub fn classify(&mut self, next: &mut ComparedFrame) {
        let Some(Comparison { regions, .. }) = &mut next.comparison else { return };
        if let Some(previous) = &self.previous {
            regions.follow_pockets(previous);
        }
        self.previous = Some(regions.clone());
    }
}

/// One frame with its first matte, before its neighbors in time are taken into account.
#[derive(Debug)]
pub struct KeyedFrame {
    /// The frame with its first matte and clean color.
    frame: Frame,
    /// Source color planes. They show whether a place has changed between frames.
    source_planes: Vec<u8>,
    /// Noise of the background in this frame: luma, chroma.
    noise: [f32; 2],
    defects: Defects,
}

/// Color keyer: turns frames over a known background into frames with alpha and clean color.
#[derive(Debug)]
pub struct Keyer {
    background: Background,
    settings: KeySettings,
}

impl Keyer {
    /// Number of neighbors on each side that [`Self::finish`] uses.
    pub const REACH: usize = 1;

    /// Creates a keyer for frames over `background`.
    #[must_use]
    pub fn new(background: Background, settings: KeySettings) -> Self {
        Self { background, settings }
    }

    /// Compares `frame` with the background. `hints` override the comparison.
    #[must_use]
    pub fn compare(&self, frame: Frame, hints: Option<&HintMap>) -> ComparedFrame {
        let mut hinted = hints.map(|hints| hints.hinted_pixels(&frame));
        let comparison = self.background.plate_of(&frame).map(|(plate_index, shift)| {
            let plate = &self.background.plates[plate_index];
            let mut map = DistanceMap::measured(&frame, &plate.tones, plate.siting, shift);
            if plate.is_colored() {
                ringing::compensate(&mut map, &frame, &plate.tones);
                map.has_open_pockets = true;
            } else {
                map = enclosed::with_open_line_drawing(map, &frame, &plate.tones);
            }
            specks::mark_as_background(&mut map.distance, map.width);
            if let Some(hinted) = &mut hinted {
                hinted.write_into(&mut map.distance, map.width);
            }
            let mut regions = Regions::find(&map.distance, map.width, LIMIT, map.has_open_pockets);
            if !map.has_open_pockets {
                enclosed::mark_background_pockets(&mut regions, &Scene::new(&frame, &map, plate));
            }
            if let Some(hinted) = &hinted {
                regions.mark_where(&hinted.removed);
            }
            Comparison { plate_index, map, regions }
        });
        ComparedFrame { frame, comparison, hinted }
    }

    /// Computes the first matte of a frame from this frame alone, apart from its pockets. An alpha
    /// plane of the source multiplies the result.
    #[must_use]
    pub fn key(&self, compared: ComparedFrame) -> KeyedFrame {
        let ComparedFrame { frame, comparison: Some(Comparison { plate_index, map, regions }), hinted } = compared
        else {
            return KeyedFrame::without_background(compared.frame, compared.hinted.as_ref());
        };
        let plate = &self.background.plates[plate_index];
        let scene = Scene::new(&frame, &map, plate);
        let mut mask = regions.mask();
        let mut distance = Cow::Borrowed(map.distance.as_slice());
        let (soft, mut shadows) = soft_and_shadows(&mask, &regions, &distance, &scene);
        if !self.settings.keeps_shadows {
            for pixel in shadows.drain(..) {
                mask[pixel.index as usize] = 0;
                distance.to_mut()[pixel.index as usize] = 0;
            }
        }
        let mut band = band_of(&mask, &scene);
        replace_pixels(&mut band, soft, mask.len());
        replace_pixels(&mut band, shadows, mask.len());
        replace_pixels(&mut band, glass_pixels(&regions.outer_mask(), &scene), mask.len());
        add_kept_pixels(&mut band, &mask, &distance, &scene, self.settings.tolerance);
        if let Some(hinted) = &hinted {
            let kept_by_hint = hinted.kept_with_rim(&mask, scene.width);
            band.retain(|pixel| kept_by_hint[pixel.index as usize] == 0);
        }
        let color_len = frame.format().without_alpha().byte_len();
        let source_planes = frame.bytes()[..color_len].to_vec();
        let mut frame = apply_matte(frame, &mask, &band);
        clear_pixels(frame.planes_mut()[3], &mask, &distance, map.width, self.settings.tolerance);
        let defects = Defects::measure(&frame, &distance, &regions);
        KeyedFrame { frame, source_planes, noise: plate.noise(), defects }
    }

    /// Returns the finished frame of `current`, in a format with alpha: alpha stabilized over time,
    /// color unmixed and clean.
    ///
    /// `before` holds up to [`Self::REACH`] preceding frames and `after` as many following ones,
    /// both nearest first. They hold fewer at the ends of the clip.
    #[must_use]
    pub fn finish(&self, before: &[&KeyedFrame], current: &KeyedFrame, after: &[&KeyedFrame]) -> Frame {
        let mut out = current.frame.clone();
        if self.background.is_transparent() {
            return out;
        }
        let neighbors = [before.first(), after.first()];
        stabilize(
            &mut out,
            &current.as_temporal(),
            neighbors.map(|n| n.map(|keyed| keyed.as_temporal())),
            current.noise,
        );
        out
    }
}

impl KeyedFrame {
    /// Source color planes: Y', Cb, Cr one after the other. Empty if the frame was not keyed.
    #[must_use]
    pub fn source_planes(&self) -> &[u8] {
        &self.source_planes
    }

    /// Possible errors in the matte of this frame.
    #[must_use]
    pub const fn defects(&self) -> Defects {
        self.defects
    }

    /// A frame of a clip without a background: keeps its own alpha, except where hints remove
    /// pixels.
    fn without_background(frame: Frame, hinted: Option<&HintedPixels>) -> Self {
        let mut frame = with_alpha(frame);
        for (alpha, removed) in frame.planes_mut()[3].iter_mut().zip(hinted.iter().flat_map(|hinted| &hinted.removed)) {
            *alpha &= !removed;
        }
        Self { frame, source_planes: Vec::new(), noise: [0.0; 2], defects: Defects::default() }
    }

    fn as_temporal(&self) -> TemporalFrame<'_> {
        TemporalFrame {
            alpha: self.frame.alpha().unwrap_or_default(),
            source_planes: &self.source_planes,
            format: self.frame.format(),
        }
    }
}

/// Splits the soft translucent pixels of the subject in `mask` into those that are no shadow and
/// those that are shadow.
fn soft_and_shadows(
    mask: &[u8],
    regions: &Regions,
    distance: &[u8],
    scene: &Scene,
) -> (Vec<BandPixel>, Vec<BandPixel>) {
    let (mut soft, mut shadows) = (Vec::new(), Vec::new());
    for region in soft_regions(mask, &regions.outer_mask(), distance, scene) {
        if region.is_shadow { &mut shadows } else { &mut soft }.extend(region.pixels);
    }
    replace_pixels(&mut shadows, shadow_pixels(mask, distance, scene), mask.len());
    (soft, shadows)
}

/// Converts a frame to a format with alpha. It is opaque if it had no alpha.
fn with_alpha(frame: Frame) -> Frame {
    let format = frame.format().with_alpha();
    let mut bytes = frame.into_bytes();
    bytes.resize(format.byte_len(), 255);
    Frame::from_bytes(format, bytes).unwrap_or_else(|| Frame::new(format))
}

/// Applies the matte to a frame: alpha from mask and band, unmixed color in the band, fill color
/// under clear pixels.
fn apply_matte(frame: Frame, mask: &[u8], band: &[BandPixel]) -> Frame {
    let source_alpha = frame.alpha().map(<[u8]>::to_vec);
    let mut out = with_alpha(frame);
    edge_extend::paint(&mut out, mask, band);
    let [_, _, _, alpha] = out.planes_mut();
    alpha.copy_from_slice(mask);
    for pixel in band {
        alpha[pixel.index as usize] = (pixel.unmixed.alpha * 255.0 + 0.5) as u8;
    }
    for (alpha, source) in alpha.iter_mut().zip(source_alpha.iter().flatten()) {
        *alpha = ((u16::from(*alpha) * u16::from(*source) + 127) / 255) as u8;
    }
    out
}
