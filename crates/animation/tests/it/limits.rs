//! Tests of limits: a failing writer, bounded memory for long clips, and an empty clip.

use std::{
    cell::{Cell, RefCell},
    io::{self, Cursor, Seek, SeekFrom, Write},
    num::NonZeroUsize,
    sync::{Arc, Weak},
};

use clearcut_animation::{AnimationSettings, Error, encode_apng, encode_webp};
use clearcut_frame::{Frame, Matrix, Subsampling};

use crate::fixture::{KINDS, Kind, disc_clip, format, painted, settings};

/// A disk with room for this many bytes.
struct SmallDisk(usize);

impl Write for SmallDisk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for SmallDisk {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        Ok(0)
    }
}

#[test]
fn a_full_disk_is_reported_and_stops_the_encoder() {
    let format = format(64, 64, Subsampling::Half, Matrix::Bt709);
    for kind in KINDS {
        for room in [0, 100, 2000] {
            let taken = Cell::new(0);
            let clip = disc_clip(format, 20);
            let frames = clip.iter().cycle().take(10_000).inspect(|_| taken.set(taken.get() + 1)).map(Arc::clone);
            let result = match kind {
                Kind::Webp => encode_webp(&settings(format, 60), frames, SmallDisk(room)),
                Kind::Apng => encode_apng(&settings(format, 60), frames, SmallDisk(room)),
            };
            let Err(Error::Write(error)) = result else { panic!("{kind:?} {room}: {result:?}") };
            assert_eq!(error.kind(), io::ErrorKind::StorageFull);
            assert!(taken.get() < 200, "{kind:?} {room}: {} frames were taken", taken.get());
        }
    }
}

#[test]
fn the_number_of_frames_in_memory_is_bounded() {
    let format = format(32, 32, Subsampling::Half, Matrix::Bt601);
    for threads in [1, 3] {
        let (created, max_alive) = (RefCell::new(Vec::<Weak<Frame>>::new()), Cell::new(0));
        let frames = (0..120_usize).map(|index| {
            let frame = painted(format, |x, _| ([(x * 5 + index) as u8; 3], 255));
            created.borrow_mut().push(Arc::downgrade(&frame));
            let alive = created.borrow().iter().filter(|frame| frame.strong_count() > 0).count();
            max_alive.set(max_alive.get().max(alive));
            frame
        });
        let threads = NonZeroUsize::new(threads).unwrap();
        encode_webp(&AnimationSettings { threads, ..settings(format, 60) }, frames, Cursor::new(Vec::new())).unwrap();
        // The frames in the window, one held back by the schedule, one just created.
        assert!(max_alive.get() <= threads.get() + 2 + 2, "{} frames with {threads} threads", max_alive.get());
        assert!(max_alive.get() > threads.get(), "no work runs in parallel");
    }
}

#[test]
fn a_clip_without_frames_gives_a_valid_file() {
    let format = format(4, 4, Subsampling::Half, Matrix::Bt709);
    let mut out = Cursor::new(Vec::new());
    let summary = encode_webp(&settings(format, 60), std::iter::empty(), &mut out).unwrap();
    assert_eq!((summary.patches, summary.bytes), (0, out.into_inner().len() as u64));
}
