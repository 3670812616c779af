//! Stopping of cuts from another thread, by their first error or by the caller.

use std::{
    fs::File,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use clearcut_ffmpeg::{
    Child, Error as ToolError, ImageConversion, ImageFolder, ImageReading, KillHandle, MediaInfo, Probe, SeekListing,
    Unpacking,
};
use clearcut_job::CutRequest;

use crate::{Error, crop::crop_of};

/// Handle that stops cuts from another thread. Stopping kills the child processes, so that every
/// thread that waits for one wakes.
///
/// One handle may serve several cuts, also one after the other: it stops the cuts that run and all
/// that start later. A cut that fails stops only itself.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    stopped: AtomicBool,
    state: Mutex<StopState>,
}

#[derive(Debug, Default)]
struct StopState {
    /// The first reason. Errors that other threads report afterwards are its consequences.
    reason: Option<Error>,
    children: Vec<KillHandle>,
    cuts: Vec<Weak<Shared>>,
}

impl Stop {
    /// Stops the cuts with [`Error::Cancelled`]. Returns at once; [`crate::cut`] returns when all
    /// child processes have ended.
    pub fn cancel(&self) {
        self.fail(Error::Cancelled);
    }

    /// Whether the cut was cancelled or has failed.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.0.stopped.load(Ordering::Relaxed)
    }

    /// The handle of one cut. It stops with `self`, but its failure does not stop `self`.
    pub(crate) fn for_cut(&self) -> Self {
        let cut = Self::default();
        let mut state = self.state();
        if self.is_stopped() {
            cut.cancel();
        } else {
            state.cuts.retain(|cut| cut.strong_count() > 0);
            state.cuts.push(Arc::downgrade(&cut.0));
        }
        cut
    }

    /// Stops the cut with `reason`. An earlier reason is kept.
    pub(crate) fn fail(&self, reason: Error) {
        let mut state = self.state();
        state.reason.get_or_insert(reason);
        self.0.stopped.store(true, Ordering::Relaxed);
        for child in state.children.drain(..) {
            child.kill();
        }
        for cut in state.cuts.drain(..).filter_map(|cut| cut.upgrade()) {
            Self(cut).cancel();
        }
    }

    /// The value of `result`. An error stops the cut and gives `None`.
    pub(crate) fn on_error<T>(&self, result: Result<T, Error>) -> Option<T> {
        result.map_err(|error| self.fail(error)).ok()
    }

    /// Registers `child` to be killed when the cut stops.
    pub(crate) fn register(&self, child: Child) -> Child {
        self.register_handles([child.kill_handle()]);
        child
    }

    /// Waits for the result of `probe`, and decides what `request` decides about the clip. Headers
    /// of a very long clip take time, so the cut can be stopped here, too.
    pub(crate) fn media_info(&self, probe: Probe, request: &CutRequest) -> Result<MediaInfo, Error> {
        self.register_handles([probe.kill_handle()]);
        let info = probe.info(|listing| self.register_handles([listing]));
        self.check()?;
        let mut info = info?;
        info.choose_deinterlacing(request.deinterlace);
        info.crop = crop_of(request, info.size)?;
        Ok(info)
    }

    /// Registers a search for keyframes to be ended when the cut stops.
    pub(crate) fn register_listing(&self, listing: SeekListing) -> SeekListing {
        self.register_handles(listing.kill_handle());
        listing
    }

    /// Waits until `unpacking` has made the clip that ffmpeg reads; `on_growth` is called again and
    /// again while it does.
    pub(crate) fn unpacked(&self, unpacking: Unpacking, on_growth: impl FnMut()) -> Result<File, Error> {
        self.register_handles([unpacking.kill_handle()]);
        let unpacked = unpacking.finish(on_growth);
        self.check()?;
        Ok(unpacked?)
    }

    /// Waits until `conversion` has made the PNG that is read.
    pub(crate) fn converted(&self, conversion: ImageConversion) -> Result<File, Error> {
        self.register_handles([conversion.kill_handle()]);
        let png = conversion.finish();
        self.check()?;
        Ok(png?)
    }

    /// The result that `read` takes from an image that is being read.
    pub(crate) fn read<T>(
        &self,
        image: ImageReading,
        read: impl FnOnce(ImageReading) -> Result<T, ToolError>,
    ) -> Result<T, Error> {
        self.register_handles([image.kill_handle()]);
        let result = read(image);
        self.check()?;
        Ok(result?)
    }

    /// Waits until the names in an archive of images were read; also returns their number.
    pub(crate) fn counted(&self, folder: ImageFolder) -> Result<(ImageFolder, usize), Error> {
        self.register_handles([folder.kill_handle()]);
        let counted = folder.count();
        self.check()?;
        Ok(counted?)
    }

    fn register_handles(&self, children: impl IntoIterator<Item = KillHandle>) {
        let mut state = self.state();
        if self.is_stopped() {
            children.into_iter().for_each(|child| child.kill());
        } else {
            state.children.extend(children);
        }
    }

    /// `Err` with the reason if the cut is stopped. The reason is returned once; later calls return
    /// [`Error::Cancelled`].
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.is_stopped() { Err(self.state().reason.take().unwrap_or(Error::Cancelled)) } else { Ok(()) }
    }

    fn state(&self) -> MutexGuard<'_, StopState> {
        // Nothing panics while holding the lock, and the state is consistent at every point.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_stops_its_running_and_its_later_cuts() {
        let stop = Stop::default();
        let (first, second) = (stop.for_cut(), stop.for_cut());
        stop.clone().cancel();
        let later = stop.for_cut();
        for cut in [first, second, later] {
            assert!(cut.is_stopped() && matches!(cut.check(), Err(Error::Cancelled)));
        }
    }

    #[test]
    fn a_cut_that_fails_keeps_its_first_reason_and_stops_no_other() {
        let stop = Stop::default();
        let (failed, other) = (stop.for_cut(), stop.for_cut());
        failed.fail(Error::Stalled { secs: 1 });
        failed.fail(Error::Cancelled);
        assert!(matches!(failed.check(), Err(Error::Stalled { secs: 1 })));
        assert!(!stop.is_stopped() && other.check().is_ok() && stop.for_cut().check().is_ok());
    }
}
