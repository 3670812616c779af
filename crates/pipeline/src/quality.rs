//! How good a matte probably is, and where to look: sums over the frames of a clip.

use clearcut_frame::{Frame, FrameRate, Size};
use clearcut_job::{FrameBox, MatteReport, Place, Warning};
use clearcut_matte::{Doubt, Doubts, Extent};

/// Flicker is measured on every so many-th row and every second column: it is nowhere only on those between.
const ROW_STEP: usize = 4;

/// Color that differs by no more in every component is the same, in levels: noise of a good camera or codec.
const SAME: u8 = 2;

/// A frame is shown with the worst one if it has that part of its doubt.
const PART_OF_WORST: f32 = 0.5;

/// The rows and columns of cells, to a side, in which flicker is placed.
const CELLS: usize = 8;

/// Sums over the frames of a clip what tells how good its matte probably is.
#[derive(Debug, Default)]
pub(crate) struct QualityLog {
    subject: u64,
    /// Pixels in all frames.
    pixels: u64,
    holes: Series,
    lookalikes: Series,
    residue: Series,
    /// Squared changes of alpha (levels²).
    flicker: Series,
    /// How many pixels were compared for flicker.
    compared: u64,
    /// The measured places of the last frame: Y', Cb, Cr as they came in, and alpha.
    last: Vec<[u8; 4]>,
}

/// One kind of doubt through the clip.
#[derive(Debug, Default)]
struct Series {
    sum: u64,
    /// Per frame.
    amounts: Vec<f32>,
    /// The frame with the most, how much it has, and where.
    worst: Option<(usize, u64, Option<FrameBox>)>,
}

impl Series {
    fn push(&mut self, amount: u64, area: Option<FrameBox>) {
        if amount > self.worst.map_or(0, |(_, most, _)| most) {
            self.worst = Some((self.amounts.len(), amount, area));
        }
        self.sum += amount;
        self.amounts.push(amount as f32);
    }

    fn push_doubt(&mut self, Doubt { pixels, extent }: Doubt, size: Size) {
        self.push(pixels, extent.map(|extent| box_of(extent, size)));
    }

    /// Where it is at its worst: the frames around the worst one that have half as much and more.
    fn place(&self, rate: FrameRate) -> Option<Place> {
        let (worst, most, area) = self.worst?;
        let is_bad = |amount: &&f32| **amount >= PART_OF_WORST * most as f32;
        let before = self.amounts[..worst].iter().rev().take_while(is_bad).count();
        let after = self.amounts[worst..].iter().take_while(is_bad).count();
        let at = |frame: usize| rate.start_of(frame as u64).as_secs_f64();
        Some(Place { from: at(worst - before), to: at(worst + after), area: area.unwrap_or(FrameBox::WHOLE) })
    }
}

fn box_of(Extent { left, top, right, bottom }: Extent, size: Size) -> FrameBox {
    let (width, height) = (f64::from(size.width()), f64::from(size.height()));
    FrameBox {
        x: f64::from(left) / width,
        y: f64::from(top) / height,
        width: f64::from(right - left) / width,
        height: f64::from(bottom - top) / height,
    }
}

impl QualityLog {
    /// Adds a finished frame, the color planes it was made from, and what may be wrong with it.
    pub(crate) fn push(&mut self, frame: &Frame, seen: &[u8], doubts: Doubts) {
        let size = frame.size();
        self.subject += doubts.subject;
        self.pixels += size.pixels();
        self.holes.push_doubt(doubts.holes, size);
        self.lookalikes.push_doubt(doubts.lookalikes, size);
        self.residue.push_doubt(doubts.residue, size);
        let now = if seen.is_empty() { Vec::new() } else { measured_places(frame, seen) };
        let is_same = |a: &[u8; 4], b: &[u8; 4]| (0..3).all(|k| a[k].abs_diff(b[k]) <= SAME);
        let mut cells = [0_u64; CELLS * CELLS];
        let columns = (size.width() as usize).div_ceil(2);
        let rows = (size.height() as usize).div_ceil(ROW_STEP);
        for (index, (a, b)) in now.iter().zip(&self.last).enumerate() {
            if a[3] != b[3] && is_same(a, b) {
                let cell = index / columns * CELLS / rows * CELLS + index % columns * CELLS / columns;
                cells[cell] += u64::from(a[3].abs_diff(b[3])).pow(2);
            }
        }
        let worst = (0..cells.len()).max_by_key(|&cell| cells[cell]).unwrap_or(0);
        let side = 1.0 / CELLS as f64;
        let at = |cell: usize| cell as f64 * side;
        let area = FrameBox { x: at(worst % CELLS), y: at(worst / CELLS), width: side, height: side };
        self.flicker.push(cells.iter().sum(), Some(area));
        self.compared += now.len().min(self.last.len()) as u64;
        if !seen.is_empty() {
            self.last = now;
        }
    }

    /// The report, with the background's `confidence`, where its color told it, the share of the frame that was removed, and in how many
    /// frames each hint holds; frames come at `rate`.
    pub(crate) fn report(
        &self,
        confidence: Option<f32>,
        removed_share: f64,
        rate: FrameRate,
        hint_frames: Vec<u64>,
    ) -> MatteReport {
        let percent = |part: u64, whole: u64| confidence.map(|_| 100.0 * part as f64 / whole.max(1) as f64);
        let [holes, lookalikes, residue, flicker] =
            [&self.holes, &self.lookalikes, &self.residue, &self.flicker].map(|series| series.sum);
        let mut report = MatteReport {
            confidence: confidence.map(f64::from),
            removed_share,
            holes_percent: percent(holes, self.subject + holes),
            lookalike_percent: percent(lookalikes, self.subject),
            residue_percent: percent(residue, self.pixels.saturating_sub(self.subject)),
            flicker: 100.0 / 255.0 * (flicker as f64 / self.compared.max(1) as f64).sqrt(),
            places: Vec::new(),
            hint_frames,
        };
        let place = |warning: Warning| {
            let series = match warning {
                Warning::Holes => &self.holes,
                Warning::Lookalike => &self.lookalikes,
                Warning::Residue => &self.residue,
                Warning::Flicker => &self.flicker,
                Warning::LowConfidence
                | Warning::NothingRemoved
                | Warning::EverythingRemoved
                | Warning::HintWithoutEffect => return None,
            };
            Some((warning, series.place(rate)?))
        };
        report.places = report.warnings().into_iter().filter_map(place).collect();
        report
    }
}

fn measured_places(frame: &Frame, seen: &[u8]) -> Vec<[u8; 4]> {
    let format = frame.format();
    let (width, shift) = (format.size.width() as usize, format.subsampling.shift());
    let (luma, chroma) = seen.split_at(format.luma_len());
    let (blue, red) = chroma.split_at(format.chroma_len());
    let chroma_width = format.chroma_size().0;
    let alpha = frame.alpha().unwrap_or_default();
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
    use clearcut_frame::{FrameFormat, Matrix, Size, Subsampling};

    use super::*;

    const RATE: FrameRate = FrameRate::new(8, 1).unwrap();

    fn frame(alpha: u8) -> Frame {
        let size = Size::new(8, 8).unwrap();
        let format = FrameFormat { size, subsampling: Subsampling::Half, has_alpha: true, matrix: Matrix::Bt709 };
        let mut frame = Frame::new(format);
        frame.planes_mut()[3].fill(alpha);
        frame
    }

    fn flicker(frames: &[(u8, u8)]) -> f64 {
        let mut log = QualityLog::default();
        for &(seen, alpha) in frames {
            log.push(&frame(alpha), &[seen; 96], Doubts::default());
        }
        log.report(Some(1.0), 0.5, RATE, Vec::new()).flicker
    }

    #[test]
    fn flicker_is_alpha_that_changes_where_the_color_does_not() {
        assert!((flicker(&[(90, 255), (90, 204)]) - 20.0).abs() < 1e-9);
        assert!(flicker(&[(90, 255), (200, 204)]) < 1e-9);
        assert!(flicker(&[(90, 255), (90, 255), (90, 255)]) < 1e-9);
    }

    #[test]
    fn shares_are_of_what_they_are_part_of() {
        let mut log = QualityLog::default();
        let [holes, lookalikes, residue] = [10, 3, 17].map(|pixels| Doubt { pixels, extent: None });
        log.push(&frame(255), &[90; 96], Doubts { subject: 30, holes, lookalikes, residue });
        let report = log.report(Some(0.8), 0.5, RATE, Vec::new());
        let found = [report.holes_percent, report.lookalike_percent, report.residue_percent];
        assert_eq!(found.map(|percent| percent.map(f64::round)), [Some(25.0), Some(10.0), Some(50.0)]);
    }

    #[test]
    fn a_warning_says_when_and_where_it_is_worst() {
        let mut log = QualityLog::default();
        for (index, pixels) in [0, 1, 9, 16, 8, 7, 20, 0].into_iter().enumerate() {
            let left = index as u32;
            let extent = (pixels > 0).then_some(Extent { left, top: 2, right: left + 1, bottom: 6 });
            let alpha = if index == 3 { 155 } else { 255 };
            let doubts = Doubts { subject: 30, holes: Doubt { pixels, extent }, ..Doubts::default() };
            log.push(&frame(alpha), &[90; 96], doubts);
        }
        let report = log.report(Some(0.8), 0.5, RATE, Vec::new());
        let area = FrameBox { x: 0.75, y: 0.25, width: 0.125, height: 0.5 };
        assert_eq!(report.place_of(Warning::Holes, 1.0), Place { from: 0.75, to: 0.875, area });
        // Alpha goes down and comes back.
        let Place { from, to, .. } = report.place_of(Warning::Flicker, 1.0);
        assert_eq!((from, to), (0.375, 0.625));
        assert_eq!(report.place_of(Warning::Residue, 1.0), Place { from: 0.0, to: 1.0, area: FrameBox::WHOLE });
    }
}
