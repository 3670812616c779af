//! One frame compared with its background: the color seen at a pixel, and the background color
//! expected there.

use clearcut_frame::Frame;

use crate::{
    distance_map::DistanceMap,
    glass::cells::Cells,
    outline::place,
    pixels::{Pixels, spread},
    plate::Plate,
};

/// The frame, its background, and the comparison of both.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    pub(crate) width: usize,
    pub(crate) plate: &'a Plate,
    map: &'a DistanceMap,
    pixels: Pixels<'a>,
}

impl<'a> Scene<'a> {
    pub(crate) fn new(frame: &'a Frame, map: &'a DistanceMap, plate: &'a Plate) -> Self {
        Self { width: map.width, plate, map, pixels: Pixels::new(frame, plate.siting) }
    }

    /// See [`DistanceMap::contrast_gain`].
    pub(crate) fn contrast_gain(&self) -> f32 {
        self.map.contrast_gain()
    }

    /// The cells of the frame, see [`Cells`].
    pub(crate) fn cells(&self) -> Cells<'a> {
        Cells::new(self.pixels, self.map, &self.plate.tones, self.plate.siting)
    }

    /// A color of the usual light in the light of this frame.
    pub(crate) fn in_this_light(&self, color: [f32; 3]) -> [f32; 3] {
        self.map.in_this_light(color)
    }

    /// See [`Pixels::at`].
    pub(crate) fn seen(&self, index: usize) -> [f32; 3] {
        self.pixels.at(index)
    }

    /// See [`DistanceMap::has_open_pockets`].
    pub(crate) fn has_open_pockets(&self) -> bool {
        self.map.has_open_pockets
    }

    /// Whether chroma has half the resolution of luma.
    pub(crate) fn has_halved_chroma(&self) -> bool {
        self.pixels.chroma_shift > 0
    }

    /// See [`DistanceMap::contrast`].
    pub(crate) fn contrast(&self) -> &'a [u8] {
        &self.map.contrast
    }

    /// The expected background color, Y', Cb, Cr, at a luma index.
    pub(crate) fn background(&self, index: usize) -> [f32; 3] {
        let (x, y) = place(index, self.width);
        self.map.background_at(&self.plate.tones, x, y)
    }

    /// The hue share of every pixel, one luma row at a time, in 1/128ths: 0..=255, saturated. It is
    /// approximate: relative to the background's color at the frame's centre, and interpolated
    /// chroma may have up to 1/16 less.
    pub(crate) fn hue_rows(&self) -> impl Iterator<Item = Vec<u8>> {
        let Pixels { luma, blue: blue_plane, red: red_plane, chroma_size: (chroma_width, _), chroma_shift, .. } =
            self.pixels;
        let centre = self.plate.tones.first.field.at(0.5, 0.5);
        let (blue, red) = (centre[1] - 128.0, centre[2] - 128.0);
        let scale = 128.0 * 256.0 / (blue * blue + red * red).max(1.0);
        let (blue, red) = ((blue * scale) as i32, (red * scale) as i32);
        let height = luma.len() / self.width;
        let mut row = vec![0; self.width];
        let mut last = usize::MAX;
        (0..height).map(move |y| {
            let chroma = y >> chroma_shift;
            if chroma != last {
                last = chroma;
                let at = chroma * chroma_width..(chroma + 1) * chroma_width;
                let shares: Vec<u8> = blue_plane[at.clone()]
                    .iter()
                    .zip(&red_plane[at])
                    .map(|(&cb, &cr)| {
                        let share = (i32::from(cb) - 128) * blue + (i32::from(cr) - 128) * red;
                        ((share >> 8) + 8).clamp(0, 255) as u8
                    })
                    .collect();
                spread(&shares, chroma_shift, &mut row);
            }
            row.clone()
        })
    }
}
