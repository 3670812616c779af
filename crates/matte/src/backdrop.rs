use clearcut_frame::{Matrix, Picture, Rgb8};

use crate::{
    light::{Light, Sample, fitted_light, sampled},
    palette, sharpness,
    siting::Siting,
};

/// Share of the visible border that must agree with the fitted backdrop if that has no noise at all: the subject may cover
/// more than half of the border.
const LEAST_SHARE: f64 = 0.4;

/// How much more of the border must agree per level of luma noise: scenery with a smooth sky has both a large share and much
/// variation, a screen has only one of them at a time.
const SHARE_PER_NOISE: f64 = 0.1;

/// The most that a backdrop may vary around its fitted light, as standard deviation of luma and of chroma in levels: the
/// grain of a dark, high-gain camera. Scenery that a smooth surface happens to run through has much more in one or the other.
const FLAT_NOISE: [f32; 2] = [6.0, 4.5];

/// The background of a clip as measured: its colour, how it varies, its noise, and how sure we are.
#[derive(Debug, Clone)]
pub struct Backdrop {
    color: Rgb8,
    confidence: f32,
    pub(crate) light: Option<Light>,
}

/// The border of the clip has no dominant colour, so there is nothing to key.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("the border of the clip has no dominant colour")]
pub struct NoFlatBackdrop;

impl Backdrop {
    /// Measures the background from `samples`, pictures of one format spread over the whole clip in time order.
    ///
    /// `given` is the key colour if the user named one: then only noise and variation around it are measured.
    /// Where most of the border is transparent already, the backdrop is absent and keying keeps the clip's own alpha.
    ///
    /// # Errors
    /// If no colour is given and none dominates the border.
    pub fn estimate(samples: &[Picture], given: Option<Rgb8>) -> Result<Self, NoFlatBackdrop> {
        let matrix = samples.first().map_or(Matrix::Bt709, |picture| picture.format().matrix);
        let per_picture: Vec<Vec<Sample>> = samples.iter().map(sampled).collect();
        if given.is_none() && !samples.is_empty() && border_is_clear(samples) {
            return Ok(Self { color: Rgb8::default(), confidence: 1.0, light: None });
        }
        let seed = match given {
            Some(rgb) => matrix.ycc_from_rgb([rgb.r, rgb.g, rgb.b].map(f32::from)).map(f64::from),
            None => border_mode(&per_picture).ok_or(NoFlatBackdrop)?,
        };
        let size = samples.first().map_or((1, 1), |p| (p.size().width() as usize, p.size().height() as usize));
        let (mut light, share) = fitted_light(&per_picture, seed, size);
        let is_flat = light.noise[0] <= FLAT_NOISE[0] && light.noise[1] <= FLAT_NOISE[1];
        if given.is_none() && (share < LEAST_SHARE + SHARE_PER_NOISE * f64::from(light.noise[0]) || !is_flat) {
            return Err(NoFlatBackdrop);
        }
        light.matrix = matrix;
        light.siting = Siting::of(samples);
        light.steepening = sharpness::steepening(samples);
        light.body = palette::body(samples, &light);
        let centre = light.field.at(0.5, 0.5);
        let [r, g, b] = matrix.rgb_from_ycc(centre).map(|value| value.round().clamp(0.0, 255.0) as u8);
        Ok(Self { color: given.unwrap_or(Rgb8::new(r, g, b)), confidence: share as f32, light: Some(light) })
    }

    /// The background's colour.
    #[must_use]
    pub const fn color(&self) -> Rgb8 {
        self.color
    }

    /// Whether there is none, since most of the border is transparent already.
    #[must_use]
    pub const fn is_absent(&self) -> bool {
        self.light.is_none()
    }

    /// Share of the border, over the whole clip, that is this background: 0.0..=1.0.
    #[must_use]
    pub const fn confidence(&self) -> f32 {
        self.confidence
    }
}

fn border_is_clear(samples: &[Picture]) -> bool {
    let mut counts = [0_usize; 2];
    for picture in samples {
        let Some(alpha) = picture.alpha() else { return false };
        let (width, height) = (picture.size().width() as usize, picture.size().height() as usize);
        for (y, row) in alpha.chunks_exact(width).enumerate() {
            let ends = [row[0], row[width - 1]];
            let seen = if y == 0 || y + 1 == height { row } else { &ends };
            counts[0] += seen.len();
            counts[1] += seen.iter().filter(|&&value| value < 128).count();
        }
    }
    2 * counts[1] > counts[0]
}

/// The most frequent colour of the border: the heaviest cell of 8 levels a side, its neighbours counted in.
fn border_mode(per_picture: &[Vec<Sample>]) -> Option<[f64; 3]> {
    let border = || per_picture.iter().flatten().filter(|sample| sample.at_border);
    let mut cells = std::collections::BTreeMap::<[i32; 3], f64>::new();
    for sample in border() {
        *cells.entry(sample.ycc.map(|value| value as i32 / 8)).or_default() += 1.0;
    }
    let weight = |cell: &[i32; 3]| -> f64 {
        let near = (0..27).map(|n| [cell[0] + n % 3 - 1, cell[1] + n / 3 % 3 - 1, cell[2] + n / 9 - 1]);
        near.filter_map(|neighbour| cells.get(&neighbour)).sum()
    };
    let (cell, _) = cells.keys().map(|cell| (cell, weight(cell))).max_by(|a, b| a.1.total_cmp(&b.1))?;
    let centre = cell.map(|index| f64::from(index) * 8.0 + 4.0);
    let near = border().filter(|sample| differences(sample, centre).iter().all(|d| d.abs() <= 12.0));
    let (sum, count) =
        near.fold(([0.0; 3], 0.0), |(sum, count), sample| ([0, 1, 2].map(|k| sum[k] + sample.ycc[k]), count + 1.0));
    Some(sum.map(|total| total / count))
}

fn differences(sample: &Sample, from: [f64; 3]) -> [f64; 3] {
    [0, 1, 2].map(|k| sample.ycc[k] - from[k])
}
