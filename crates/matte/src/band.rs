//! The thin band between backdrop and solid subject: which pixels it has, their alpha and their unmixed colour.

use crate::{
    palette::hue_share,
    profile::{Profile, REACH},
};

/// One pixel that may be mixed of subject and backdrop.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BandPixel {
    /// Index into the luma plane.
    pub(crate) index: u32,
    /// Which edge pixel it was reached from.
    edge: u32,
    /// Steps to the nearest backdrop pixel, from 0 at the edge.
    depth: u8,
    /// 0.0 clear – 1.0 solid.
    pub(crate) alpha: f32,
    /// Y', Cb, Cr of the subject alone.
    pub(crate) foreground: [f32; 3],
}

/// What the band needs to know of the picture.
pub(crate) trait Scene {
    /// Y', Cb, Cr at a pixel, chroma interpolated.
    fn seen(&self, x: usize, y: usize) -> [f32; 3];
    /// Y', Cb, Cr of the backdrop there.
    fn backdrop(&self, x: usize, y: usize) -> [f32; 3];
    /// Standard deviation of luma and chroma, in levels.
    fn noise(&self) -> [f32; 2];
    /// The largest share of the backdrop's hue that solid subject has.
    fn largest_share(&self) -> f32;
}

/// The band of one picture: its mixed pixels, nearest to the backdrop first.
pub(crate) fn unmixed_band(mask: &[u8], width: usize, scene: &impl Scene) -> Vec<BandPixel> {
    let mut slots = vec![0_u32; mask.len()];
    let mut pixels = Vec::new();
    for (edge, index) in edge_of(mask, width).into_iter().enumerate() {
        pixels.push(BandPixel { index: index as u32, edge: edge as u32, depth: 0, alpha: 1.0, foreground: [0.0; 3] });
        slots[index] = pixels.len() as u32;
    }
    let profiles: Vec<Profile> =
        pixels.iter().map(|edge| Profile::inwards(edge.index as usize, mask, width, scene)).collect();
    let profiles = settled(&profiles, &pixels, &slots, width);
    let mut next = 0;
    while next < pixels.len() {
        let BandPixel { index, edge, depth, .. } = pixels[next];
        next += 1;
        if depth < profiles[edge as usize].width.min(REACH) {
            for (neighbour, is_straight) in neighbours(index as usize, width, mask.len()) {
                if is_straight && mask[neighbour] != 0 && slots[neighbour] == 0 {
                    pixels.push(BandPixel {
                        index: neighbour as u32,
                        edge,
                        depth: depth + 1,
                        alpha: 1.0,
                        foreground: [0.0; 3],
                    });
                    slots[neighbour] = pixels.len() as u32;
                }
            }
        }
    }
    for pixel in &mut pixels {
        let (x, y) = (pixel.index as usize % width, pixel.index as usize / width);
        let backdrop = scene.backdrop(x, y);
        let mut profile = profiles[pixel.edge as usize];
        profile.foreground = freed(profile.foreground, backdrop, scene.largest_share());
        unmix(pixel, &profile, scene.seen(x, y), backdrop, scene.noise());
    }
    see_through(&mut pixels, mask, &slots, width, scene);
    pixels
}

/// Adds the pixels outside the band that have more of the backdrop's hue than solid subject has.
fn see_through(pixels: &mut Vec<BandPixel>, mask: &[u8], slots: &[u32], width: usize, scene: &impl Scene) {
    let most = scene.largest_share();
    if most >= 1.0 {
        return;
    }
    for index in 0..mask.len() {
        if mask[index] == 0 || slots[index] != 0 {
            continue;
        }
        let (x, y) = (index % width, index / width);
        let (seen, backdrop) = (scene.seen(x, y), scene.backdrop(x, y));
        let share = hue_share(seen, backdrop);
        if share > most {
            let foreground = freed(seen, backdrop, most);
            let alpha = ((1.0 - share) / (1.0 - most)).clamp(0.0, 1.0);
            pixels.push(BandPixel { index: index as u32, edge: 0, depth: REACH, alpha, foreground });
        }
    }
}

/// `colour` with no more than `most` of the backdrop's hue: carried on along the line from the backdrop through it.
fn freed(colour: [f32; 3], backdrop: [f32; 3], most: f32) -> [f32; 3] {
    let share = hue_share(colour, backdrop);
    if most >= 1.0 || share <= most {
        return colour;
    }
    let stretch = (1.0 - most) / (1.0 - share).max(1.0 / 16.0);
    [0, 1, 2].map(|k| (backdrop[k] + (colour[k] - backdrop[k]) * stretch).clamp(1.0, 254.0))
}

/// Each profile agreed with its neighbours along the edge: the middle width, the mean colour of those of like colour.
fn settled(profiles: &[Profile], edges: &[BandPixel], slots: &[u32], width: usize) -> Vec<Profile> {
    let mut near: Vec<Profile> = Vec::new();
    let mut widths: Vec<u8> = Vec::new();
    let mut agreed = Vec::with_capacity(profiles.len());
    for (own, edge) in profiles.iter().zip(edges) {
        near.clear();
        near.push(*own);
        for (one, _) in neighbours(edge.index as usize, width, slots.len()) {
            if slots[one] != 0 {
                near.push(profiles[slots[one] as usize - 1]);
                for (two, _) in neighbours(one, width, slots.len()) {
                    if slots[two] != 0 {
                        near.push(profiles[slots[two] as usize - 1]);
                    }
                }
            }
        }
        widths.clear();
        widths.extend(near.iter().map(|profile| profile.width));
        let middle = widths.len() / 2;
        let width = *widths.select_nth_unstable(middle).1;
        agreed.push(Profile { width, ..own.averaged_with(&near) });
    }
    agreed
}

/// Solves C = αF + (1 − α)B for one pixel, luma and chroma each weighted by how well they can tell.
fn unmix(pixel: &mut BandPixel, profile: &Profile, seen: [f32; 3], backdrop: [f32; 3], noise: [f32; 2]) {
    let full = [0, 1, 2].map(|k| profile.foreground[k] - backdrop[k]);
    let here = [0, 1, 2].map(|k| seen[k] - backdrop[k]);
    // What luma and chroma are uncertain by, as a share of their own full contrast: coding noise around edges (three
    // deviations and a level), the subject's texture, and the reach of ringing (luma) and of half-resolution chroma.
    let doubt = |full: f32, noise: f32, texture: f32, smear: f32| {
        let level = 1.0 + 3.0 * noise;
        (level * level + texture * texture + smear * smear * full * full).max(1e-3)
    };
    let chroma = full[1].hypot(full[2]);
    let luma_doubt = doubt(full[0], noise[0], profile.texture[0], 0.05);
    let chroma_doubt = doubt(chroma, noise[1], profile.texture[1], 0.2);
    let weights = [1.0 / luma_doubt, 1.0 / chroma_doubt, 1.0 / chroma_doubt];
    let power: f32 = (0..3).map(|k| weights[k] * full[k] * full[k]).sum();
    let along: f32 = (0..3).map(|k| weights[k] * full[k] * here[k]).sum();
    let alpha = (along / power.max(1e-6)).clamp(0.0, 1.0);
    pixel.alpha = alpha;
    pixel.foreground =
        [0, 1, 2].map(|k| profile.foreground[k] + alpha * (here[k] - alpha * full[k]).clamp(-64.0, 64.0));
}

/// The subject's pixels that have backdrop beside, above or below them.
fn edge_of(mask: &[u8], width: usize) -> Vec<usize> {
    let mut edge = Vec::new();
    for (y, row) in mask.chunks_exact(width).enumerate() {
        let start = y * width;
        let above = if y > 0 { &mask[start - width..start] } else { row };
        let below = mask.get(start + width..start + 2 * width).unwrap_or(row);
        for x in 0..width {
            let beside = row[x.saturating_sub(1)] & row[(x + 1).min(width - 1)];
            if row[x] != 0 && beside & above[x] & below[x] == 0 {
                edge.push(start + x);
            }
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
