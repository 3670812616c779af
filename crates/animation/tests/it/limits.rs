//! What happens when the writer fails, or there is no end of frames.

use std::{
    cell::{Cell, RefCell},
    io::{self, Cursor, Seek, SeekFrom, Write},
    num::NonZeroUsize,
    sync::{Arc, Weak},
};

use clearcut_animation::{AnimationSettings, Error, encode_apng, encode_webp};
use clearcut_frame::{Frame, Matrix, Subsampling};

use crate::fixture::{KINDS, Kind, disc_clip, format, painted, settings};

/// A disk with room for so many bytes.
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
fn a_full_disk_is_told_and_stops_the_frames() {
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
fn frames_in_memory_are_bounded() {
    let format = format(32, 32, Subsampling::Half, Matrix::Bt601);
    for threads in [1, 3] {
        let (given, most) = (RefCell::new(Vec::<Weak<Frame>>::new()), Cell::new(0));
        let frames = (0..120_usize).map(|index| {
            let frame = painted(format, |x, _| ([(x * 5 + index) as u8; 3], 255));
            given.borrow_mut().push(Arc::downgrade(&frame));
            let alive = given.borrow().iter().filter(|frame| frame.strong_count() > 0).count();
            most.set(most.get().max(alive));
            frame
        });
        let threads = NonZeroUsize::new(threads).unwrap();
        encode_webp(&AnimationSettings { threads, ..settings(format, 60) }, frames, Cursor::new(Vec::new())).unwrap();
        // In the window; held back; just made.
        assert!(most.get() <= threads.get() + 2 + 2, "{} frames with {threads} threads", most.get());
        assert!(most.get() > threads.get(), "nothing is done at the same time");
    }
}

#[test]
fn no_frame_at_all_is_still_a_file() {
    let format = format(4, 4, Subsampling::Half, Matrix::Bt709);
    let mut out = Cursor::new(Vec::new());
    let summary = encode_webp(&settings(format, 60), std::iter::empty(), &mut out).unwrap();
    assert_eq!((summary.patches, summary.bytes), (0, out.into_inner().len() as u64));
}
