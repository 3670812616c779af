//! Helpers for byte planes: threshold crossings in rows, edges of the subject, depths and neighbors
//! of pixels. The modules of the keyer share them.

use clearcut_frame::FrameFormat;

/// Bytes examined together while none of them crosses the limit.
const STRIDE: usize = 32;

/// First position from `from` on with a value below `limit`, or the row's end.
pub(crate) fn next_below(row: &[u8], from: usize, limit: u8) -> usize {
    let skipped = from + STRIDE * row[from..].chunks_exact(STRIDE).take_while(|chunk| min_of(chunk) >= limit).count();
    row[skipped..].iter().position(|&value| value < limit).map_or(row.len(), |at| skipped + at)
}

/// First position from `from` on with a value of `limit` or above, or the row's end.
pub(crate) fn next_from(row: &[u8], from: usize, limit: u8) -> usize {
    let skipped = from + STRIDE * row[from..].chunks_exact(STRIDE).take_while(|chunk| max_of(chunk) < limit).count();
    row[skipped..].iter().position(|&value| value >= limit).map_or(row.len(), |at| skipped + at)
}

fn min_of(chunk: &[u8]) -> u8 {
    chunk.iter().fold(u8::MAX, |least, &value| least.min(value))
}

fn max_of(chunk: &[u8]) -> u8 {
    chunk.iter().fold(0, |most, &value| most.max(value))
}

/// Subject pixels (255 in `mask`) with background (0) beside, above or below them, in row order.
pub(crate) fn edge_of(mask: &[u8], width: usize) -> Vec<usize> {
    let mut edge = Vec::new();
    let mut marks = vec![0; width];
    for (y, row) in mask.chunks_exact(width).enumerate() {
        let start = y * width;
        let above = if y > 0 { &mask[start - width..start] } else { row };
        let below = mask.get(start + width..start + 2 * width).unwrap_or(row);
        for ((mark, (value, above)), below) in marks.iter_mut().zip(row.iter().zip(above)).zip(below) {
            *mark = value & !(above & below);
        }
        for ((mark, value), left) in marks[1..].iter_mut().zip(&row[1..]).zip(row) {
            *mark |= value & !left;
        }
        for ((mark, value), right) in marks.iter_mut().zip(row).zip(&row[1..]) {
            *mark |= value & !right;
        }
        let mut x = next_from(&marks, 0, 1);
        while x < width {
            edge.push(start + x);
            x = next_from(&marks, x + 1, 1);
        }
    }
    edge
}

/// Maximum of each value of a row and its neighbors up to `reach` away.
pub(crate) fn widened(row: &[u8], reach: usize) -> Vec<u8> {
    let mut wide = row.to_vec();
    for step in 1..=reach.min(row.len() - 1) {
        raise(&mut wide[step..], row);
        raise(&mut wide, &row[step..]);
    }
    wide
}

/// Maximum of each value of a plane and its neighbors up to `reach` columns and rows away.
pub(crate) fn dilated(values: &[u8], width: usize, reach: usize) -> Vec<u8> {
    let wide: Vec<u8> = values.chunks_exact(width).flat_map(|row| widened(row, reach)).collect();
    let mut high = wide.clone();
    for rows in 1..=reach.min(values.len() / width - 1) {
        raise(&mut high[rows * width..], &wide);
        raise(&mut high, &wide[rows * width..]);
    }
    high
}

/// Raises each byte to that of `values` where that is more.
pub(crate) fn raise(maxima: &mut [u8], values: &[u8]) {
    for (maximum, value) in maxima.iter_mut().zip(values) {
        *maximum = (*maximum).max(*value);
    }
}

/// Column and row of a pixel. Frame sizes fit in 32 bits, whose division is several times as fast
/// as that of 64.
pub(crate) fn place(index: usize, width: usize) -> (usize, usize) {
    let (index, width) = (index as u32, width as u32);
    ((index % width) as usize, (index / width) as usize)
}

/// Chroma sample of the pixel `index`.
pub(crate) fn chroma_of(index: usize, format: FrameFormat) -> usize {
    let (x, y) = place(index, format.size.width() as usize);
    let shift = format.subsampling.shift();
    (y >> shift) * format.chroma_size().0 + (x >> shift)
}

/// The up to four pixels that share a side with a pixel.
pub(crate) fn beside(index: usize, width: usize, len: usize) -> impl Iterator<Item = usize> {
    let (x, _) = place(index, width);
    let left = (x > 0).then(|| index - 1);
    let right = (x + 1 < width).then_some(index + 1);
    let above = index.checked_sub(width);
    let below = (index + width < len).then_some(index + width);
    [left, right, above, below].into_iter().flatten()
}

/// The pixels at most `reach` columns and rows away from a pixel, including itself.
pub(crate) fn around(index: usize, width: usize, len: usize, reach: usize) -> impl Iterator<Item = usize> {
    let ((x, y), height) = (place(index, width), len / width);
    let (left, right) = (x.saturating_sub(reach), (x + reach).min(width - 1));
    (y.saturating_sub(reach)..=(y + reach).min(height - 1))
        .flat_map(move |row| row * width + left..=row * width + right)
}

/// City-block distance of every subject pixel to the nearest background pixel, saturating.
pub(crate) fn depths(mask: &[u8], width: usize) -> Vec<u8> {
    let mut depth = mask.to_vec();
    let mut nearest = vec![u8::MAX; width];
    for row in depth.chunks_exact_mut(width) {
        propagate_depth(row.iter_mut().zip(&mut nearest));
    }
    nearest.fill(u8::MAX);
    for row in depth.chunks_exact_mut(width).rev() {
        propagate_depth(row.iter_mut().zip(&mut nearest).rev());
    }
    depth
}

/// Lowers each depth to one more than the lesser of the previous pixel in the row and the same
/// column in the previous row, where that is less.
fn propagate_depth<'a>(row: impl Iterator<Item = (&'a mut u8, &'a mut u8)>) {
    let mut last = u8::MAX;
    for (depth, nearest) in row {
        last = (*depth).min(last.saturating_add(1)).min(nearest.saturating_add(1));
        (*depth, *nearest) = (last, last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_crossing_is_found_at_every_position() {
        for at in 0..100 {
            let mut row = vec![9; 100];
            row[at] = 3;
            assert_eq!(next_below(&row, 0, 5), at);
            assert_eq!(next_from(&row, at, 5), if at < 99 { at + 1 } else { 100 });
        }
        assert_eq!(next_below(&[9; 70], 5, 5), 70);
    }

    #[test]
    fn the_edge_of_a_square_is_its_outermost_pixels() {
        let mut mask = vec![0; 8 * 8];
        for y in 2..6 {
            mask[y * 8 + 2..y * 8 + 6].fill(255);
        }
        assert_eq!(edge_of(&mask, 8).len(), 12);
        assert!(!edge_of(&mask, 8).contains(&(3 * 8 + 3)));
        assert_eq!(edge_of(&[255; 4], 2), [0_usize; 0]);
    }
}
