//! The way from an edge of the subject inwards: where its mixing with the backdrop ends, and on which colour.

use crate::band::Scene;

/// How far inwards alpha may still be partial, in pixels: the widest blur that is unmixed.
pub(crate) const REACH: u8 = 24;

/// A contrast that grows less than this over two pixels has arrived: a blur of [`REACH`] pixels still grows by 1/12.
const ARRIVED: f32 = 1.0 / 12.0;

/// What one edge pixel sees when it looks into the subject.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Profile {
    /// Pixels until the colour has arrived.
    pub(crate) width: u8,
    /// Y', Cb, Cr of the subject there.
    pub(crate) foreground: [f32; 3],
    /// How much luma and chroma vary there, in levels.
    pub(crate) texture: [f32; 2],
}

impl Profile {
    /// The profile from the edge pixel `index` along the normal of `mask` (0 backdrop, else subject).
    pub(crate) fn inwards(index: usize, mask: &[u8], width: usize, scene: &impl Scene) -> Self {
        let [dx, dy] = normal(index, mask, width);
        let (x0, y0, height) = ((index % width) as f32, (index / width) as f32, mask.len() / width);
        let mut contrasts = [[0.0_f32; 3]; REACH as usize + 3];
        let mut colours = [[0.0_f32; 3]; REACH as usize + 3];
        let mut length = 0;
        while length < contrasts.len() {
            let (x, y) = (x0 + dx * length as f32, y0 + dy * length as f32);
            let (x, y) = (x.round().max(-1.0) as i64, y.round().max(-1.0) as i64);
            if x < 0 || y < 0 || x >= width as i64 || y >= height as i64 {
                break;
            }
            let (x, y) = (x as usize, y as usize);
            if mask[y * width + x] == 0 {
                break;
            }
            let (seen, backdrop) = (scene.seen(x, y), scene.backdrop(x, y));
            colours[length] = seen;
            contrasts[length] = [0, 1, 2].map(|k| seen[k] - backdrop[k]);
            length += 1;
        }
        let end = arrival(&contrasts[..length], scene.noise());
        let plateau = &colours[end..(end + 3).min(length)];
        let count = plateau.len() as f32;
        let mean = [0, 1, 2].map(|k| plateau.iter().map(|colour| colour[k]).sum::<f32>() / count);
        let around = |k: usize| (plateau.iter().map(|c| (c[k] - mean[k]).powi(2)).sum::<f32>() / count).sqrt();
        Self { width: end as u8, foreground: mean, texture: [around(0), around(1).max(around(2))] }
    }

    /// The mean of those of `near` whose foreground is like this one's; texture grows by what they differ.
    pub(crate) fn averaged_with(&self, near: &[Self]) -> Self {
        let like = |other: &&Self| (0..3).all(|k| (other.foreground[k] - self.foreground[k]).abs() < 24.0);
        let count = near.iter().filter(like).count().max(1) as f32;
        let foreground = [0, 1, 2].map(|k| near.iter().filter(like).map(|o| o.foreground[k]).sum::<f32>() / count);
        let texture = [0, 1].map(|k| near.iter().filter(like).map(|other| other.texture[k]).sum::<f32>() / count);
        Self { foreground, texture, ..*self }
    }
}

/// The step at which the contrast has stopped growing along its own direction.
fn arrival(contrasts: &[[f32; 3]], noise: [f32; 2]) -> usize {
    let strength = |c: &[f32; 3]| (c[0] * c[0] + c[1] * c[1] + c[2] * c[2]).sqrt();
    let level = 1.0 + 3.0 * noise[0].max(noise[1]);
    for at in 0..contrasts.len().saturating_sub(1) {
        if at as u8 >= REACH {
            return at;
        }
        let (here, ahead) = (&contrasts[at], &contrasts[(at + 2).min(contrasts.len() - 1)]);
        let (now, then) = (strength(here), strength(ahead));
        if then <= now * (1.0 + ARRIVED) + level {
            return at;
        }
        let along = (0..3).map(|k| here[k] * ahead[k]).sum::<f32>() / then.max(1e-3);
        let aside = (now * now - along * along).max(0.0).sqrt();
        if at >= 2 && aside > 0.2 * then + level {
            return at;
        }
    }
    contrasts.len().saturating_sub(1)
}

/// The unit vector from the backdrop into the subject at an edge pixel, from the 5×5 pixels around it.
fn normal(index: usize, mask: &[u8], width: usize) -> [f32; 2] {
    let (x, y, height) = (index % width, index / width, mask.len() / width);
    let (mut dx, mut dy) = (0.0, 0.0);
    for row in y.saturating_sub(2)..=(y + 2).min(height - 1) {
        for column in x.saturating_sub(2)..=(x + 2).min(width - 1) {
            if mask[row * width + column] != 0 {
                dx += column as f32 - x as f32;
                dy += row as f32 - y as f32;
            } else {
                dx -= column as f32 - x as f32;
                dy -= row as f32 - y as f32;
            }
        }
    }
    let length = dx.hypot(dy);
    if length > 0.0 { [dx / length, dy / length] } else { [0.0, 0.0] }
}
