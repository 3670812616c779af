//! Chroma upsampling: rows of 4:2:0 or 4:4:4 chroma at luma resolution.

use clearcut_frame::{Frame, FrameFormat, Subsampling};

/// Factor by which the samples of [`FullChroma`] are multiplied.
pub(crate) const SCALE: i32 = 8;

/// One row of chroma at luma resolution, in eighths of a level.
///
/// 4:2:0 samples are sited on luma's even columns and between its rows, the default of H.264 and
/// H.265 (ITU-T H.264, figure 6-1 and `chroma_sample_loc_type` 0). Values in between are
/// interpolated linearly.
#[derive(Debug)]
pub(crate) struct FullChroma {
    pub(crate) cb: Vec<u16>,
    pub(crate) cr: Vec<u16>,
    /// A row at chroma width in quarters of a level, interpolated vertically but not yet
    /// horizontally.
    narrow: Vec<u16>,
}

impl FullChroma {
    pub(crate) fn new(format: FrameFormat) -> Self {
        let width = format.size.width() as usize;
        Self { cb: vec![0; width], cr: vec![0; width], narrow: vec![0; format.chroma_size().0] }
    }

    /// Computes the chroma of luma row `row` of `frame`.
    pub(crate) fn read_row(&mut self, frame: &Frame, row: usize) {
        let format = frame.format();
        for (plane, out) in [(frame.cb(), &mut self.cb), (frame.cr(), &mut self.cr)] {
            match format.subsampling {
                Subsampling::Full => {
                    let width = out.len();
                    for (out, &sample) in out.iter_mut().zip(&plane[row * width..]) {
                        *out = u16::from(sample) * 8;
                    }
                }
                Subsampling::Half => {
                    interpolate_rows(plane, format.chroma_size(), row, &mut self.narrow);
                    interpolate_columns(&self.narrow, out);
                }
            }
        }
    }
}

fn interpolate_rows(plane: &[u8], (width, height): (usize, usize), row: usize, out: &mut [u16]) {
    let near = row / 2;
    let far = if row.is_multiple_of(2) { near.saturating_sub(1) } else { (near + 1).min(height - 1) };
    let (near, far) = (&plane[near * width..][..width], &plane[far * width..][..width]);
    for ((out, &near), &far) in out.iter_mut().zip(near).zip(far) {
        *out = 3 * u16::from(near) + u16::from(far);
    }
}

fn interpolate_columns(narrow: &[u16], out: &mut [u16]) {
    let rights = narrow.iter().skip(1).chain(narrow.last());
    for ((out, &left), &right) in out.chunks_mut(2).zip(narrow).zip(rights) {
        out[0] = 2 * left;
        if let Some(odd) = out.get_mut(1) {
            *odd = left + right;
        }
    }
}

#[cfg(test)]
mod tests {
    use clearcut_frame::{Matrix, Size};

    use super::*;

    fn frame(width: u32, height: u32, subsampling: Subsampling) -> Frame {
        let size = Size::new(width, height).unwrap();
        Frame::new(FrameFormat { size, subsampling, has_alpha: true, matrix: Matrix::Bt709 })
    }

    #[test]
    fn chroma_between_samples_is_interpolated_linearly() {
        let mut frame = frame(4, 4, Subsampling::Half);
        frame.planes_mut()[1].copy_from_slice(&[10, 20, 50, 60]);
        let mut chroma = FullChroma::new(frame.format());
        let mut row = |row: usize| {
            chroma.read_row(&frame, row);
            chroma.cb.iter().map(|&sample| f32::from(sample) / 8.0).collect::<Vec<_>>()
        };
        assert_eq!(row(0), [10.0, 15.0, 20.0, 20.0]);
        assert_eq!(row(1), [20.0, 25.0, 30.0, 30.0]);
        assert_eq!(row(3), [50.0, 55.0, 60.0, 60.0]);
    }

    #[test]
    fn full_resolution_chroma_is_copied_and_odd_sides_are_handled() {
        let mut full = frame(3, 1, Subsampling::Full);
        full.planes_mut()[2].copy_from_slice(&[1, 2, 3]);
        let mut chroma = FullChroma::new(full.format());
        chroma.read_row(&full, 0);
        assert_eq!(chroma.cr, [8, 16, 24]);
        let mut odd = frame(3, 3, Subsampling::Half);
        odd.planes_mut()[2].copy_from_slice(&[100, 200, 100, 200]);
        let mut chroma = FullChroma::new(odd.format());
        chroma.read_row(&odd, 2);
        assert_eq!(chroma.cr, [800, 1200, 1600]);
    }
}
