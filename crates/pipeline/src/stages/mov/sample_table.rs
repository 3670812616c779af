//! The sample table of a track: where in the file each sample lies (ISO/IEC 14496-12, 8.7).

use super::boxes::{bytes_at, find_box, u32_at};

/// Position of a sample in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sample {
    pub(super) offset: u64,
    /// Length in bytes.
    pub(super) len: u32,
}

/// The tables of a track, as they are in the file.
#[derive(Debug)]
pub(super) struct SampleTable<'a> {
    count: usize,
    sizes: Sizes<'a>,
    offsets: Offsets<'a>,
    /// Runs of chunks with equally many samples: first chunk from 1, samples per chunk, entry.
    runs: &'a [[u8; 12]],
}

#[derive(Debug)]
enum Sizes<'a> {
    Same(u32),
    Each(&'a [[u8; 4]]),
}

/// Offsets of the chunks.
#[derive(Debug)]
enum Offsets<'a> {
    Short(&'a [[u8; 4]]),
    Long(&'a [[u8; 8]]),
}

impl Offsets<'_> {
    fn get(&self, chunk: usize) -> Option<u64> {
        match self {
            Self::Short(offsets) => offsets.get(chunk).map(|&offset| u32::from_be_bytes(offset).into()),
            Self::Long(offsets) => offsets.get(chunk).map(|&offset| u64::from_be_bytes(offset)),
        }
    }

    const fn len(&self) -> usize {
        match self {
            Self::Short(offsets) => offsets.len(),
            Self::Long(offsets) => offsets.len(),
        }
    }
}

/// The entries of a table: after version and flags, the number of entries, and the entries.
fn entries<const BYTES: usize>(table: &[u8]) -> Option<&[[u8; BYTES]]> {
    rows(table.get(8..)?, u32_at(table, 4)?)
}

/// The first `count` rows of `BYTES` each.
fn rows<const BYTES: usize>(bytes: &[u8], count: u32) -> Option<&[[u8; BYTES]]> {
    bytes.as_chunks().0.get(..count as usize)
}

impl<'a> SampleTable<'a> {
    /// The table in the content of an `stbl` box; `None` if one of its boxes is missing or cut off.
    pub(super) fn parse(stbl: &'a [u8]) -> Option<Self> {
        let sizes = find_box(stbl, *b"stsz")?;
        let (same, count) = (u32_at(sizes, 4)?, u32_at(sizes, 8)?);
        let offsets = match find_box(stbl, *b"stco") {
            Some(short) => Offsets::Short(entries(short)?),
            None => Offsets::Long(entries(find_box(stbl, *b"co64")?)?),
        };
        Some(Self {
            count: count as usize,
            sizes: if same == 0 { Sizes::Each(rows(sizes.get(12..)?, count)?) } else { Sizes::Same(same) },
            offsets,
            runs: entries(find_box(stbl, *b"stsc")?)?,
        })
    }

    /// The samples in order, each as `None` where the tables contradict each other. Ends after the
    /// first contradiction.
    pub(super) fn samples(&self) -> impl Iterator<Item = Option<Sample>> {
        let (mut number, mut chunk, mut is_over) = (0, 0, false);
        // Of the current chunk: the samples that are left, and the offset of the next one.
        let (mut left, mut offset) = (0, 0);
        let mut runs = self.runs.iter().copied().map(Run::from).peekable();
        let mut per_chunk = 0;
        let mut next = move || {
            while left == 0 {
                offset = self.offsets.get(chunk)?;
                chunk += 1;
                if let Some(run) = runs.next_if(|run| run.first_chunk as usize == chunk) {
                    per_chunk = run.samples_per_chunk;
                }
                left = per_chunk;
            }
            let len = match &self.sizes {
                Sizes::Same(len) => *len,
                Sizes::Each(sizes) => u32::from_be_bytes(*sizes.get(number)?),
            };
            let sample = Sample { offset, len };
            offset = offset.checked_add(len.into())?;
            (left, number) = (left - 1, number + 1);
            // The last sample must end the last chunk.
            let is_last = number == self.count;
            (is_last == (left == 0 && chunk == self.offsets.len())).then_some((sample, is_last))
        };
        std::iter::from_fn(move || {
            if is_over || self.count == 0 {
                return None;
            }
            let sample = next();
            is_over = sample.is_none_or(|(_, is_last)| is_last);
            Some(sample.map(|(sample, _)| sample))
        })
    }
}

/// A run of chunks.
struct Run {
    first_chunk: u32,
    samples_per_chunk: u32,
}

impl From<[u8; 12]> for Run {
    fn from(row: [u8; 12]) -> Self {
        let number = |at| bytes_at(&row, at).map_or(0, u32::from_be_bytes);
        Self { first_chunk: number(0), samples_per_chunk: number(4) }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::boxes::boxed, *};

    fn table(name: [u8; 4], numbers: &[u32]) -> Vec<u8> {
        let numbers: Vec<u8> = numbers.iter().flat_map(|number| number.to_be_bytes()).collect();
        boxed(name, &[&[0; 4], numbers.as_slice()].concat())
    }

    fn samples(tables: &[Vec<u8>]) -> Option<Vec<(u64, u32)>> {
        let stbl = tables.concat();
        let samples: Option<Vec<Sample>> = SampleTable::parse(&stbl)?.samples().collect();
        Some(samples?.into_iter().map(|sample| (sample.offset, sample.len)).collect())
    }

    #[test]
    fn samples_lie_one_after_the_other_in_their_chunks() {
        let sizes = table(*b"stsz", &[0, 4, 10, 20, 30, 40]);
        let runs = table(*b"stsc", &[2, 1, 1, 1, 2, 3, 1]);
        let expected = Some(vec![(100, 10), (500, 20), (520, 30), (550, 40)]);
        let short = table(*b"stco", &[2, 100, 500]);
        assert_eq!(samples(&[sizes.clone(), runs.clone(), short]), expected);
        let long = table(*b"co64", &[2, 0, 100, 1, 500]);
        let beyond = |offset: u64| (1 << 32) + offset;
        assert_eq!(
            samples(&[sizes, runs, long]),
            Some(vec![(100, 10), (beyond(500), 20), (beyond(520), 30), (beyond(550), 40)])
        );
        let same = table(*b"stsz", &[7, 3]);
        let one_run = table(*b"stsc", &[1, 1, 1, 1]);
        let chunks = table(*b"stco", &[3, 5, 50, 90]);
        assert_eq!(samples(&[same, one_run, chunks]), Some(vec![(5, 7), (50, 7), (90, 7)]));
    }

    #[test]
    fn tables_that_are_cut_off_or_contradict_each_other_are_refused() {
        let sizes = table(*b"stsz", &[0, 2, 10, 20]);
        let runs = table(*b"stsc", &[1, 1, 1, 1]);
        let chunks = table(*b"stco", &[2, 100, 500]);
        assert!(samples(&[sizes.clone(), runs.clone(), chunks.clone()]).is_some());
        let wrong = [
            [table(*b"stsz", &[0, 3, 10, 20]), runs.clone(), chunks.clone()],
            [table(*b"stsz", &[0, u32::MAX, 10]), runs.clone(), chunks.clone()],
            [table(*b"stsz", &[10, u32::MAX]), runs.clone(), chunks.clone()],
            [table(*b"stsz", &[0, 1, 10]), runs.clone(), chunks.clone()],
            [sizes.clone(), table(*b"stsc", &[1, 2, 1, 1]), chunks.clone()],
            [sizes.clone(), table(*b"stsc", &[1, 1, 2, 1]), chunks.clone()],
            [sizes.clone(), table(*b"stsc", &[0]), chunks.clone()],
            [sizes.clone(), runs.clone(), table(*b"stco", &[1, 100])],
            [sizes.clone(), runs, table(*b"co64", &[2, u32::MAX, u32::MAX, 0, 1])],
        ];
        for (index, tables) in wrong.into_iter().enumerate() {
            assert_eq!(samples(&tables), None, "{index}");
        }
        assert_eq!(samples(&[sizes, chunks]), None);
    }
}
