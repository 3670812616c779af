//! Reader for finished sprite sheets.

use std::{io::BufReader, path::Path};

use clearcut_ffmpeg::EncodePlan;

use super::{Comparison, sequence::Archive};
use crate::{Error, matte_log::MatteSummary, progress::Counters, stages::encode::SheetInfo};

/// Reads the mattes of the frames of a sprite sheet, and what it says of them.
pub(crate) fn read_sprites(
    plan: &EncodePlan,
    scratch: &Path,
    counters: &Counters,
    comparison: &mut Comparison,
) -> Result<(), Error> {
    let mut archive = Archive::open(plan, scratch)?;
    let info: SheetInfo = archive.json(SheetInfo::FILE)?;
    let grid = info.grid(plan.size).filter(|grid| info == SheetInfo::new(plan, grid, info.frames()));
    let grid = grid.ok_or_else(|| archive.failed(&"its frames are not in a grid"))?;
    let failed = |finding: String| Error::CheckFailed { format: plan.format, finding };
    let image = archive.files.by_name_seek(SheetInfo::IMAGE).map_err(|error| failed(error.to_string()))?;
    let undecodable = |error: png::DecodingError| failed(error.to_string());
    let mut reader = png::Decoder::new(BufReader::new(image)).read_info().map_err(undecodable)?;
    let found = (u64::from(reader.info().width), u64::from(reader.info().height), reader.info().color_type);
    if found != (grid.width(), grid.height(), png::ColorType::Rgba) {
        return Err(failed(format!("its image is {:?} of {}×{} pixels", found.2, found.0, found.1)));
    }
    let mut shown = 0;
    while shown < info.frames() {
        let mut mattes = vec![Vec::new(); grid.columns() as usize];
        for line in 0..grid.row_step() {
            // After the last row there is no gap.
            let Some(row) = reader.next_row().map_err(undecodable)? else { break };
            if line < u64::from(plan.size.height()) {
                for (matte, pixels) in mattes.iter_mut().zip(row.data().chunks(4 * grid.column_step() as usize)) {
                    matte.extend(pixels.chunks_exact(4).take(plan.size.width() as usize).map(|pixel| pixel[3]));
                }
            }
        }
        for matte in mattes.iter().take((info.frames() - shown) as usize) {
            shown += 1;
            comparison.show(MatteSummary::from_alpha(matte.iter().copied()), shown);
            counters.count_checked();
        }
    }
    Ok(())
}
