//! Encoding of a sprite sheet in this process: a ZIP archive of one PNG, in which the frames lie in a
//! grid, and of a JSON file that says where, in the form that Phaser and `PixiJS` read.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufWriter, Write},
    path::Path,
    sync::Arc,
};

use clearcut_animation::straight_rgba;
use clearcut_ffmpeg::EncodePlan;
use clearcut_frame::{Frame, Size};
use clearcut_job::OutputFormat;
use serde::{Deserialize, Serialize};
use zip::ZipWriter;

use super::sequence::{io_error, stored};
use crate::Error;

/// The places of frames in a sheet: from left to right, then from top to bottom, with a clear gap
/// between them, so that no filter mixes neighbors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grid {
    cell: Size,
    columns: u64,
    rows: u64,
}

impl Grid {
    /// Longest side of a sheet in pixels: larger textures fail on many telephones.
    const MAX_SIDE: u64 = 8192;

    /// Largest number of frames: their places are in memory, at about half a kilobyte for each.
    const MAX_FRAMES: u64 = 100_000;

    /// Pixels between two frames.
    const GAP: u64 = 2;

    /// The grid for `frames` frames of size `cell` whose longer side is the shortest. `None` if they
    /// do not fit into a sheet, or if there are none.
    fn new(cell: Size, frames: u64) -> Option<Self> {
        let grid = |columns: u64| Self { cell, columns, rows: frames.div_ceil(columns) };
        let longer_side = |grid: &Self| grid.width().max(grid.height());
        let most = Self::most_beside(cell.width()).min(frames);
        let best = (1..=most).map(grid).min_by_key(longer_side)?;
        (longer_side(&best) <= Self::MAX_SIDE).then_some(best)
    }

    /// The grid of a sheet of `frames` frames of size `cell`; one of an empty clip has place for one.
    ///
    /// # Errors
    /// [`Error::TooManyFramesFor`] if they do not fit.
    pub(crate) fn of_sheet(cell: Size, frames: u64) -> Result<Self, Error> {
        let limit = Self::capacity(cell);
        let grid = Self::new(cell, frames.max(1)).filter(|_| frames <= limit);
        grid.ok_or(Error::TooManyFramesFor { format: OutputFormat::SpriteSheet, frames, size: cell, limit })
    }

    /// The largest number of frames of size `cell` in a sheet.
    fn capacity(cell: Size) -> u64 {
        (Self::most_beside(cell.width()) * Self::most_beside(cell.height())).min(Self::MAX_FRAMES)
    }

    /// The number of frames with a side of `side` pixels that fit beside each other.
    fn most_beside(side: u32) -> u64 {
        (Self::MAX_SIDE + Self::GAP) / (u64::from(side) + Self::GAP)
    }

    /// Number of frames beside each other.
    pub(crate) const fn columns(&self) -> u64 {
        self.columns
    }

    /// Width of the sheet in pixels.
    pub(crate) fn width(&self) -> u64 {
        self.columns * self.column_step() - Self::GAP
    }

    /// Height of the sheet in pixels.
    pub(crate) fn height(&self) -> u64 {
        self.rows * self.row_step() - Self::GAP
    }

    /// Pixels from a column to the next.
    pub(crate) fn column_step(&self) -> u64 {
        u64::from(self.cell.width()) + Self::GAP
    }

    /// Pixels from a row to the next.
    pub(crate) fn row_step(&self) -> u64 {
        u64::from(self.cell.height()) + Self::GAP
    }
}

/// The file in the archive that says where the frames are: the "JSON hash" of `TexturePacker`.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SheetInfo {
    frames: BTreeMap<String, Place>,
    /// Names of the frames of the only animation, in order. `PixiJS` reads it.
    animations: BTreeMap<String, Vec<String>>,
    meta: Meta,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Place {
    frame: Rectangle,
    rotated: bool,
    trimmed: bool,
    sprite_source_size: Rectangle,
    source_size: Sides,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Rectangle {
    x: u64,
    y: u64,
    w: u64,
    h: u64,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Sides {
    w: u64,
    h: u64,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    app: String,
    image: String,
    format: String,
    size: Sides,
    scale: String,
    /// Frames per second, as a fraction. No other program writes it.
    frame_rate: (u32, u32),
}

impl SheetInfo {
    /// Name of the file in the archive.
    pub(crate) const FILE: &str = "sprites.json";

    /// Name of the image in the archive.
    pub(crate) const IMAGE: &str = "sprites.png";

    /// The places of `frames` frames in `grid`.
    pub(crate) fn new(plan: &EncodePlan, grid: &Grid, frames: u64) -> Self {
        let (w, h) = (u64::from(plan.size.width()), u64::from(plan.size.height()));
        let names: Vec<String> = (1..=frames).map(|number| format!("frame-{number:06}")).collect();
        let place = |index: u64| {
            let (x, y) = (index % grid.columns * grid.column_step(), index / grid.columns * grid.row_step());
            Place {
                frame: Rectangle { x, y, w, h },
                rotated: false,
                trimmed: false,
                sprite_source_size: Rectangle { x: 0, y: 0, w, h },
                source_size: Sides { w, h },
            }
        };
        Self {
            frames: names.iter().cloned().zip((0..frames).map(place)).collect(),
            animations: BTreeMap::from([("clip".to_owned(), names)]),
            meta: Meta {
                app: "clearcut".to_owned(),
                image: Self::IMAGE.to_owned(),
                format: "RGBA8888".to_owned(),
                size: Sides { w: grid.width(), h: grid.height() },
                scale: "1".to_owned(),
                frame_rate: (plan.frame_rate.frames(), plan.frame_rate.seconds()),
            },
        }
    }

    /// The grid for frames of size `cell`. `None` if they do not fill the sheet.
    pub(crate) fn grid(&self, cell: Size) -> Option<Grid> {
        let grid = |columns, rows| Grid { cell, columns, rows };
        let (steps, sides) = (grid(1, 1), &self.meta.size);
        let count = |side: u64, step: u64| (side + Grid::GAP) / step;
        let found = grid(count(sides.w, steps.column_step()), count(sides.h, steps.row_step()));
        ((found.width(), found.height()) == (sides.w, sides.h) && found.columns > 0).then_some(found)
    }

    /// Number of frames.
    pub(crate) fn frames(&self) -> u64 {
        self.frames.len() as u64
    }
}

/// Writes `frames` to [`EncodePlan::file_name`] in `scratch`. Holds one row of the grid in memory.
/// Blocks until all are written.
///
/// # Errors
/// A full disk, or [`Error::Io`].
pub(crate) fn write_sprites(
    plan: &EncodePlan,
    grid: &Grid,
    scratch: &Path,
    frames: impl Iterator<Item = Arc<Frame>>,
) -> Result<(), Error> {
    let failed = |source| Error::from_write("writing an output", source);
    let archive = || -> io::Result<()> {
        let file = File::create_new(scratch.join(plan.file_name()))?;
        let mut archive = ZipWriter::new(BufWriter::new(file));
        archive.start_file(SheetInfo::IMAGE, stored()).map_err(io_error)?;
        let count = write_sheet(grid, &mut archive, frames)?;
        archive.start_file(SheetInfo::FILE, stored()).map_err(io_error)?;
        archive.write_all(&serde_json::to_vec(&SheetInfo::new(plan, grid, count))?)?;
        archive.finish().map_err(io_error)?.flush()
    };
    archive().map_err(failed)
}

/// Writes the PNG of a sheet to `out`. Returns the number of frames in it.
fn write_sheet(grid: &Grid, out: impl Write, frames: impl Iterator<Item = Arc<Frame>>) -> io::Result<u64> {
    let mut encoder = png::Encoder::new(out, grid.width() as u32, grid.height() as u32);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Balanced);
    let mut writer = encoder.write_header()?;
    let mut rows = writer.stream_writer()?;
    let (line, frame_line) = (grid.width() as usize * 4, grid.cell.width() as usize * 4);
    let (band, gap) = (line * grid.cell.height() as usize, line * Grid::GAP as usize);
    let mut frames = frames.take((grid.columns * grid.rows) as usize);
    let mut count = 0;
    for row in 0..grid.rows {
        let mut pixels = vec![0; if row + 1 == grid.rows { band } else { band + gap }];
        for (column, frame) in frames.by_ref().take(grid.columns as usize).enumerate() {
            let left = column * grid.column_step() as usize * 4;
            let from = straight_rgba(&frame);
            let to = pixels.chunks_exact_mut(line).map(|line| &mut line[left..left + frame_line]);
            for (to, from) in to.zip(from.as_flattened().chunks_exact(frame_line)) {
                to.copy_from_slice(from);
            }
            count += 1;
        }
        rows.write_all(&pixels)?;
    }
    rows.finish()?;
    writer.finish()?;
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_is_as_square_as_its_frames_allow() {
        let grid = |width, height, frames| {
            let grid = Grid::new(Size::new(width, height).unwrap(), frames)?;
            Some((grid.columns, grid.rows, grid.width(), grid.height()))
        };
        assert_eq!(grid(100, 100, 9), Some((3, 3, 304, 304)));
        assert_eq!(grid(100, 100, 1), Some((1, 1, 100, 100)));
        assert_eq!(grid(200, 100, 8), Some((2, 4, 402, 406)));
        assert_eq!(grid(8192, 8192, 1), Some((1, 1, 8192, 8192)));
        assert_eq!(grid(4095, 4095, 4), Some((2, 2, 8192, 8192)));
        assert_eq!(grid(4096, 4096, 4), None, "the gap does not fit");
        assert_eq!((grid(8193, 8, 1), grid(8, 8193, 1)), (None, None));
        assert_eq!(grid(8, 8, 0), None);
    }

    #[test]
    fn as_many_frames_fit_as_the_capacity_says() {
        for (width, height) in [(720, 720), (1920, 1080), (1, 1), (8192, 8), (4095, 4096)] {
            let cell = Size::new(width, height).unwrap();
            let most = Grid::capacity(cell);
            assert!(Grid::of_sheet(cell, most).is_ok(), "{cell:?}");
            assert!(Grid::of_sheet(cell, most + 1).is_err(), "{cell:?}");
        }
    }
}
