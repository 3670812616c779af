use clearcut_frame::Picture;
use clearcut_job::MatteReport;
use clearcut_matte::Doubts;

/// Flicker is measured on every so many-th row and every second column: it is nowhere only on those between.
const ROW_STEP: usize = 4;

/// Colour that differs by no more in every component is the same, in levels: noise of a good camera or codec.
const SAME: u8 = 2;

/// Sums over the pictures of a clip what tells how good its matte probably is.
#[derive(Debug, Default)]
pub(crate) struct QualityLog {
    doubts: Doubts,
    /// Pixels in all pictures.
    pixels: u64,
    /// Squared changes of alpha (levels²), and how many pixels were compared.
    flicker: [u64; 2],
    /// The measured places of the last picture: Y', Cb, Cr as they came in, and alpha.
    last: Vec<[u8; 4]>,
}

impl QualityLog {
    /// Adds a finished picture, the colour planes it was made from, and what may be wrong with it.
    pub(crate) fn push(&mut self, picture: &Picture, seen: &[u8], doubts: Doubts) {
        self.doubts += doubts;
        self.pixels += picture.size().pixels();
        if seen.is_empty() {
            return;
        }
        let now = measured_places(picture, seen);
        let is_same = |a: &[u8; 4], b: &[u8; 4]| (0..3).all(|k| a[k].abs_diff(b[k]) <= SAME);
        let change =
            |(a, b): (&[u8; 4], &[u8; 4])| if is_same(a, b) { u64::from(a[3].abs_diff(b[3])).pow(2) } else { 0 };
        self.flicker[0] += now.iter().zip(&self.last).map(change).sum::<u64>();
        self.flicker[1] += now.len().min(self.last.len()) as u64;
        self.last = now;
    }

    /// The report, with the background's `confidence`, where its colour told it, the share of the picture that was removed, and in how many
    /// frames each hint holds.
    pub(crate) fn report(&self, confidence: Option<f32>, removed_share: f64, hint_frames: Vec<u64>) -> MatteReport {
        let percent = |part: u64, whole: u64| confidence.map(|_| 100.0 * part as f64 / whole.max(1) as f64);
        let Doubts { subject, holes, lookalikes, residue } = self.doubts;
        let [squares, compared] = self.flicker;
        MatteReport {
            confidence: confidence.map(f64::from),
            removed_share,
            holes_percent: percent(holes, subject + holes),
            lookalike_percent: percent(lookalikes, subject),
            residue_percent: percent(residue, self.pixels.saturating_sub(subject)),
            hint_frames,
            flicker: 100.0 / 255.0 * (squares as f64 / compared.max(1) as f64).sqrt(),
        }
    }
}

fn measured_places(picture: &Picture, seen: &[u8]) -> Vec<[u8; 4]> {
    let format = picture.format();
    let (width, shift) = (format.size.width() as usize, format.subsampling.shift());
    let (luma, chroma) = seen.split_at(format.luma_len());
    let (blue, red) = chroma.split_at(format.chroma_len());
    let chroma_width = format.chroma_size().0;
    let alpha = picture.alpha().unwrap_or_default();
    let mut places = Vec::with_capacity(format.luma_len() / ROW_STEP / 2 + 1);
    for row in (0..luma.len() / width).step_by(ROW_STEP) {
        let (start, chroma_start) = (row * width, (row >> shift) * chroma_width);
        for x in (0..width).step_by(2) {
            let at = chroma_start + (x >> shift);
            places.push([luma[start + x], blue[at], red[at], alpha[start + x]]);
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use clearcut_frame::{Matrix, PictureFormat, Size, Subsampling};

    use super::*;

    fn picture(alpha: u8) -> Picture {
        let size = Size::new(8, 8).unwrap();
        let format = PictureFormat { size, subsampling: Subsampling::Half, has_alpha: true, matrix: Matrix::Bt709 };
        let mut picture = Picture::new(format);
        picture.planes_mut()[3].fill(alpha);
        picture
    }

    fn flicker(pictures: &[(u8, u8)]) -> f64 {
        let mut log = QualityLog::default();
        for &(seen, alpha) in pictures {
            log.push(&picture(alpha), &[seen; 96], Doubts::default());
        }
        log.report(Some(1.0), 0.5, Vec::new()).flicker
    }

    #[test]
    fn flicker_is_alpha_that_changes_where_the_colour_does_not() {
        assert!((flicker(&[(90, 255), (90, 204)]) - 20.0).abs() < 1e-9);
        assert!(flicker(&[(90, 255), (200, 204)]) < 1e-9);
        assert!(flicker(&[(90, 255), (90, 255), (90, 255)]) < 1e-9);
    }

    #[test]
    fn shares_are_of_what_they_are_part_of() {
        let mut log = QualityLog::default();
        log.push(&picture(255), &[90; 96], Doubts { subject: 30, holes: 10, lookalikes: 3, residue: 17 });
        let report = log.report(Some(0.8), 0.5, Vec::new());
        let found = [report.holes_percent, report.lookalike_percent, report.residue_percent];
        assert_eq!(found.map(|percent| percent.map(f64::round)), [Some(25.0), Some(10.0), Some(50.0)]);
    }
}
