//! The quality estimate of a matte: sums over the frames of a clip, and the worst places.

use clearcut_frame::{Frame, FrameRate, Size};
use clearcut_job::{FrameBox, MatteReport, Place, Warning};
use clearcut_matte::{Defect, Defects, Extent};
use serde::{Deserialize, Serialize};

/// Row step of the flicker measurement, which samples every second column of these rows. Flicker
/// never occurs only on the rows and columns in between.
const ROW_STEP: usize = 4;

/// Largest difference per component, in levels, at which two colors count as equal: the noise of a
/// good camera or codec.
const COLOR_TOLERANCE: u8 = 2;

/// Fraction of the worst frame's amount from which a neighboring frame belongs to the same place.
const WORST_FRACTION: f32 = 0.5;

/// Number of rows and of columns of the grid in which flicker is located.
const GRID_SIDE: usize = 8;

/// Collects, over the frames of a clip, the data for the quality estimate of its matte.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct QualityLog {
    subject: u64,
    /// Number of pixels in all frames.
    pixels: u64,
    holes: Series,
    lookalikes: Series,
    residue: Series,
    fine: Series,
    soft: Series,
    faint: Series,
    /// Squared changes of alpha (levels²).
    flicker: Series,
    /// Number of pixels compared for flicker.
    compared: u64,
    /// Sampled pixels of the previous frame: Y', Cb, Cr of the source, and alpha.
    #[serde(skip)]
    previous: Vec<[u8; 4]>,
}

/// The amounts of one kind of defect over the clip.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Series {
    sum: u64,
    /// Amount in each frame.
    amounts: Vec<f32>,
    /// The worst frame: its index, its amount, and the area.
    worst: Option<(usize, u64, Option<FrameBox>)>,
}

impl Series {
    fn push(&mut self, amount: u64, area: Option<FrameBox>) {
        if amount > self.worst.map_or(0, |(_, max_amount, _)| max_amount) {
            self.worst = Some((self.amounts.len(), amount, area));
        }
        self.sum += amount;
        self.amounts.push(amount as f32);
    }

    /// Appends the amounts of the frames that follow.
    fn append(&mut self, mut next: Self) {
        if let Some((index, amount, area)) = next.worst
            && amount > self.worst.map_or(0, |(_, max_amount, _)| max_amount)
        {
            self.worst = Some((self.amounts.len() + index, amount, area));
        }
        self.sum += next.sum;
        self.amounts.append(&mut next.amounts);
    }

    fn push_defect(&mut self, Defect { pixels, extent }: Defect, size: Size) {
        self.push(pixels, extent.map(|extent| frame_box(extent, size)));
    }

    /// The worst place: the frames around the worst one that have at least half its amount.
    fn place(&self, rate: FrameRate) -> Option<Place> {
        let (worst, max_amount, area) = self.worst?;
        let is_bad = |amount: &&f32| **amount >= WORST_FRACTION * max_amount as f32;
        let before = self.amounts[..worst].iter().rev().take_while(is_bad).count();
        let after = self.amounts[worst..].iter().take_while(is_bad).count();
        let at = |frame: usize| rate.start_of(frame as u64).as_secs_f64();
        Some(Place { from: at(worst - before), to: at(worst + after), area: area.unwrap_or(FrameBox::WHOLE) })
    }
}

fn frame_box(Extent { left, top, right, bottom }: Extent, size: Size) -> FrameBox {
    let (width, height) = (f64::from(size.width()), f64::from(size.height()));
    FrameBox {
        x: f64::from(left) / width,
        y: f64::from(top) / height,
        width: f64::from(right - left) / width,
        height: f64::from(bottom - top) / height,
    }
}

impl QualityLog {
    /// Adds a finished frame, the color planes of its source, and its possible defects.
    pub(crate) fn push(&mut self, frame: &Frame, source_planes: &[u8], defects: Defects) {
        let size = frame.size();
        self.subject += defects.subject;
        self.pixels += size.pixels();
        self.holes.push_defect(defects.holes, size);
        self.lookalikes.push_defect(defects.lookalikes, size);
        self.residue.push_defect(defects.residue, size);
        self.fine.push_defect(defects.fine, size);
        self.soft.push_defect(defects.soft, size);
        self.faint.push_defect(defects.faint, size);
        let current = if source_planes.is_empty() { Vec::new() } else { sampled_pixels(frame, source_planes) };
        let is_same_color = |a: &[u8; 4], b: &[u8; 4]| (0..3).all(|k| a[k].abs_diff(b[k]) <= COLOR_TOLERANCE);
        let mut cells = [0_u64; GRID_SIDE * GRID_SIDE];
        let columns = (size.width() as usize).div_ceil(2);
        let rows = (size.height() as usize).div_ceil(ROW_STEP);
        for (index, (a, b)) in current.iter().zip(&self.previous).enumerate() {
            if a[3] != b[3] && is_same_color(a, b) {
                let cell = index / columns * GRID_SIDE / rows * GRID_SIDE + index % columns * GRID_SIDE / columns;
                cells[cell] += u64::from(a[3].abs_diff(b[3])).pow(2);
            }
        }
        let worst = (0..cells.len()).max_by_key(|&cell| cells[cell]).unwrap_or(0);
        let side = 1.0 / GRID_SIDE as f64;
        let at = |cell: usize| cell as f64 * side;
        let area = FrameBox { x: at(worst % GRID_SIDE), y: at(worst / GRID_SIDE), width: side, height: side };
        self.flicker.push(cells.iter().sum(), Some(area));
        self.compared += current.len().min(self.previous.len()) as u64;
        if !source_planes.is_empty() {
            self.previous = current;
        }
    }

    /// Takes a finished frame that precedes the first one of the log, for the flicker of that one.
    pub(crate) fn follow(&mut self, frame: &Frame, source_planes: &[u8]) {
        if !source_planes.is_empty() {
            self.previous = sampled_pixels(frame, source_planes);
        }
    }

    /// Appends the log of the frames that follow.
    pub(crate) fn append(&mut self, next: Self) {
        self.subject += next.subject;
        self.pixels += next.pixels;
        self.compared += next.compared;
        self.holes.append(next.holes);
        self.lookalikes.append(next.lookalikes);
        self.residue.append(next.residue);
        self.fine.append(next.fine);
        self.soft.append(next.soft);
        self.faint.append(next.faint);
        self.flicker.append(next.flicker);
    }

    /// The report for frames at `rate`. `confidence` is that of the background color, `None` if a
    /// model was used. `removed_share` is the removed fraction of the frame. `hint_frames` is the
    /// number of frames to which each hint applies.
    pub(crate) fn report(
        &self,
        confidence: Option<f32>,
        removed_share: f64,
        rate: FrameRate,
        hint_frames: Vec<u64>,
    ) -> MatteReport {
        let percent = |part: u64, whole: u64| confidence.map(|_| 100.0 * part as f64 / whole.max(1) as f64);
        let of_subject = |series: &Series| percent(series.sum, self.subject);
        let mut report = MatteReport {
            confidence: confidence.map(f64::from),
            removed_share,
            holes_percent: percent(self.holes.sum, self.subject + self.holes.sum),
            lookalike_percent: of_subject(&self.lookalikes),
            residue_percent: percent(self.residue.sum, self.pixels.saturating_sub(self.subject)),
            fine_percent: of_subject(&self.fine),
            soft_percent: of_subject(&self.soft),
            faint_percent: of_subject(&self.faint),
            flicker: 100.0 / 255.0 * (self.flicker.sum as f64 / self.compared.max(1) as f64).sqrt(),
            places: Vec::new(),
            hint_frames,
        };
        let place = |warning: Warning| {
            let series = match warning {
                Warning::Holes => &self.holes,
                Warning::Lookalike => &self.lookalikes,
                Warning::Residue => &self.residue,
                Warning::Fine => &self.fine,
                Warning::Soft => &self.soft,
                Warning::Faint => &self.faint,
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

fn sampled_pixels(frame: &Frame, source_planes: &[u8]) -> Vec<[u8; 4]> {
    let format = frame.format();
    let (width, shift) = (format.size.width() as usize, format.subsampling.shift());
    let (luma, chroma) = source_planes.split_at(format.luma_len());
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
        for &(level, alpha) in frames {
            log.push(&frame(alpha), &[level; 96], Defects::default());
        }
        log.report(Some(1.0), 0.5, RATE, Vec::new()).flicker
    }

    #[test]
    fn flicker_is_alpha_that_changes_while_the_color_does_not() {
        assert!((flicker(&[(90, 255), (90, 204)]) - 20.0).abs() < 1e-9);
        assert!(flicker(&[(90, 255), (200, 204)]) < 1e-9);
        assert!(flicker(&[(90, 255), (90, 255), (90, 255)]) < 1e-9);
    }

    #[test]
    fn percentages_refer_to_the_right_total() {
        let mut log = QualityLog::default();
        let [holes, lookalikes, residue] = [10, 3, 17].map(|pixels| Defect { pixels, extent: None });
        log.push(&frame(255), &[90; 96], Defects { subject: 30, holes, lookalikes, residue, ..Defects::default() });
        let report = log.report(Some(0.8), 0.5, RATE, Vec::new());
        let found = [report.holes_percent, report.lookalike_percent, report.residue_percent];
        assert_eq!(found.map(|percent| percent.map(f64::round)), [Some(25.0), Some(10.0), Some(50.0)]);
    }

    #[test]
    fn logs_of_pieces_give_the_report_of_the_whole() {
        let drawn: Vec<(Frame, u8, Defects)> = (0..9_u8)
            .map(|index| {
                let holes = Defect { pixels: u64::from(index * 7 % 5), extent: None };
                (frame(255 - index * 31 % 100), 90 + index % 2, Defects { subject: 30, holes, ..Defects::default() })
            })
            .collect();
        let log_of = |range: std::ops::Range<usize>| {
            let mut log = QualityLog::default();
            if let Some((frame, level, _)) = range.start.checked_sub(1).map(|before| &drawn[before]) {
                log.follow(frame, &[*level; 96]);
            }
            for (frame, level, defects) in &drawn[range] {
                log.push(frame, &[*level; 96], *defects);
            }
            log
        };
        let report = |log: &QualityLog| log.report(Some(0.8), 0.5, RATE, Vec::new());
        let mut joined = QualityLog::default();
        for range in [0..4, 4..5, 5..9] {
            let stored = serde_json::to_string(&log_of(range)).unwrap();
            joined.append(serde_json::from_str(&stored).unwrap());
        }
        assert_eq!(report(&joined), report(&log_of(0..9)));
    }

    #[test]
    fn a_warning_has_the_time_and_area_of_its_worst_place() {
        let mut log = QualityLog::default();
        for (index, pixels) in [0, 1, 9, 16, 8, 7, 20, 0].into_iter().enumerate() {
            let left = index as u32;
            let extent = (pixels > 0).then_some(Extent { left, top: 2, right: left + 1, bottom: 6 });
            let alpha = if index == 3 { 155 } else { 255 };
            let defects = Defects { subject: 10, holes: Defect { pixels, extent }, ..Defects::default() };
            log.push(&frame(alpha), &[90; 96], defects);
        }
        let report = log.report(Some(0.8), 0.5, RATE, Vec::new());
        let area = FrameBox { x: 0.75, y: 0.25, width: 0.125, height: 0.5 };
        assert_eq!(report.place_of(Warning::Holes, 1.0), Place { from: 0.75, to: 0.875, area });
        // Alpha drops in frame 3 and recovers in frame 4.
        let Place { from, to, .. } = report.place_of(Warning::Flicker, 1.0);
        assert_eq!((from, to), (0.375, 0.625));
        assert_eq!(report.place_of(Warning::Residue, 1.0), Place { from: 0.0, to: 1.0, area: FrameBox::WHOLE });
    }
}
