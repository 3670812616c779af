//! The thin band between backdrop and solid subject: which pixels it has, their alpha and their unmixed colour.

/// How far from the backdrop, in pixels, alpha may still be partial: the widest motion blur that is unmixed.
const DEPTH: u8 = 24;

/// Pixels this close to the backdrop are always taken to be mixed with it: antialiasing and the reach of 4:2:0 chroma.
const SMEARED: u8 = 2;

/// One pixel that may be mixed of subject and backdrop.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BandPixel {
    /// Index into the luma plane.
    pub(crate) index: u32,
    /// Steps to the nearest backdrop pixel, from 1.
    depth: u8,
    /// 0.0 clear – 1.0 solid.
    pub(crate) alpha: f32,
    /// Y', Cb, Cr of the subject alone.
    pub(crate) foreground: [f32; 3],
    /// Y', Cb, Cr as seen, less the backdrop.
    contrast: [f32; 3],
    backdrop: [f32; 3],
}

/// The band of one picture.
#[derive(Debug)]
pub(crate) struct Band {
    pub(crate) pixels: Vec<BandPixel>,
    /// Of every luma pixel, its number in `pixels` plus one; 0 outside the band.
    slots: Vec<u32>,
    width: usize,
}

impl Band {
    /// The band inside `mask` (0 backdrop, else subject), with colours from `seen` and `backdrop` at x, y.
    pub(crate) fn found(
        mask: &[u8],
        width: usize,
        seen: impl Fn(usize, usize) -> [f32; 3],
        backdrop: impl Fn(usize, usize) -> [f32; 3],
    ) -> Self {
        let mut band = Self { pixels: Vec::new(), slots: vec![0; mask.len()], width };
        let add = |band: &mut Self, index: usize, depth: u8| {
            let (x, y) = (index % width, index / width);
            let backdrop = backdrop(x, y);
            let colour = seen(x, y);
            band.pixels.push(BandPixel {
                index: index as u32,
                depth,
                alpha: 1.0,
                foreground: colour,
                contrast: [0, 1, 2].map(|k| colour[k] - backdrop[k]),
                backdrop,
            });
            band.slots[index] = band.pixels.len() as u32;
        };
        for index in edge_of(mask, width) {
            add(&mut band, index, 1);
        }
        let mut next = 0;
        while next < band.pixels.len() {
            let BandPixel { index, depth, .. } = band.pixels[next];
            next += 1;
            if depth < DEPTH {
                for (neighbour, is_straight) in neighbours(index as usize, width, mask.len()) {
                    if is_straight && mask[neighbour] != 0 && band.slots[neighbour] == 0 {
                        add(&mut band, neighbour, depth + 1);
                    }
                }
            }
        }
        band
    }

    /// Gives every pixel the colour of the solid subject that it leads up to, and its share of it.
    ///
    /// From the deepest pixel outwards, each takes over the foreground of the neighbour that stands out most from the
    /// backdrop, if its own colour lies on the line from the backdrop to that foreground.
    pub(crate) fn unmix(&mut self, noise: [f32; 2]) {
        let weights = [1.0 / noise[0].powi(2), 0.5 / noise[1].powi(2), 0.5 / noise[1].powi(2)];
        let dot = |a: [f32; 3], b: [f32; 3]| (0..3).map(|k| a[k] * b[k] * weights[k]).sum::<f32>();
        for at in (0..self.pixels.len()).rev() {
            let pixel = self.pixels[at];
            let mut best = pixel.contrast;
            let mut strength = dot(best, best);
            for (neighbour, _) in neighbours(pixel.index as usize, self.width, self.slots.len()) {
                let Some(slot) = self.slots[neighbour].checked_sub(1) else { continue };
                let other = self.pixels[slot as usize];
                if other.depth < pixel.depth || (other.depth == pixel.depth && slot as usize <= at) {
                    continue;
                }
                let there = [0, 1, 2].map(|k| other.foreground[k] - other.backdrop[k]);
                let power = dot(there, there);
                let share = dot(pixel.contrast, there) / power.max(1e-6);
                let rises = pixel.depth <= SMEARED || other.alpha - share > 1.0 / f32::from(DEPTH) || share < 0.9;
                let aside = dot(pixel.contrast, pixel.contrast) - share * share * power;
                let on_line = pixel.depth <= SMEARED || aside < 0.03 * power;
                if power > strength && rises && on_line {
                    (best, strength) = (there, power);
                }
            }
            let share = (dot(pixel.contrast, best) / strength.max(1e-6)).clamp(0.0, 1.0);
            let pixel = &mut self.pixels[at];
            pixel.alpha = share;
            pixel.foreground = [0, 1, 2].map(|k| best[k] + pixel.backdrop[k]);
        }
        self.solidify_plateaus();
    }

    /// Makes solid what is not on a slope that falls all the way to the backdrop: a plain area of the subject.
    fn solidify_plateaus(&mut self) {
        for at in 0..self.pixels.len() {
            let pixel = self.pixels[at];
            if pixel.depth <= SMEARED {
                continue;
            }
            let falls =
                neighbours(pixel.index as usize, self.width, self.slots.len()).into_iter().any(|(neighbour, _)| {
                    self.slots[neighbour].checked_sub(1).is_some_and(|slot| {
                        let other = self.pixels[slot as usize];
                        other.depth < pixel.depth && other.alpha + 0.5 / f32::from(DEPTH) < pixel.alpha
                    })
                });
            if !falls {
                let pixel = &mut self.pixels[at];
                pixel.alpha = 1.0;
                pixel.foreground = [0, 1, 2].map(|k| pixel.backdrop[k] + pixel.contrast[k]);
            }
        }
    }
}

/// The subject's pixels that have backdrop beside, above or below them.
fn edge_of(mask: &[u8], width: usize) -> Vec<usize> {
    let mut edge = Vec::new();
    for (index, _) in mask.iter().enumerate().filter(|(_, value)| **value != 0) {
        let beside = neighbours(index, width, mask.len());
        if beside.into_iter().any(|(neighbour, is_straight)| is_straight && mask[neighbour] == 0) {
            edge.push(index);
        }
    }
    edge
}

/// The up to eight pixels around one, and whether they share a side with it.
pub(crate) fn neighbours(index: usize, width: usize, len: usize) -> impl IntoIterator<Item = (usize, bool)> {
    let (x, y, height) = (index % width, index / width, len / width);
    let columns = x.saturating_sub(1)..=(x + 1).min(width - 1);
    let rows = y.saturating_sub(1)..=(y + 1).min(height - 1);
    rows.flat_map(move |row| columns.clone().map(move |column| (column, row)))
        .filter(move |&(column, row)| (column, row) != (x, y))
        .map(move |(column, row)| (row * width + column, column == x || row == y))
}
