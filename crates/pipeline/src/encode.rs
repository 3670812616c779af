use std::{
    fs::File,
    io::Write,
    path::Path,
    sync::{Arc, OnceLock},
    time::Instant,
};

use clearcut_ffmpeg::{Child, EncodePlan, Tools};
use clearcut_frame::Picture;
use clearcut_job::OutputFormat;
use crossbeam_channel::Receiver;

use crate::{
    Error, OutputReport, Stop,
    check::{MatteLog, check_output},
    progress::Counters,
    stack::stack,
};

/// One running encoder and what it needs to become a checked file.
pub(crate) struct Encoder<'a> {
    pub(crate) index: usize,
    pub(crate) plan: &'a EncodePlan,
    pub(crate) child: Child,
    pub(crate) scratch: &'a Path,
    pub(crate) tools: &'a Tools,
    pub(crate) stop: &'a Stop,
    pub(crate) counters: &'a Counters,
    /// Set once the last picture has been matted.
    pub(crate) log: &'a OnceLock<MatteLog>,
    pub(crate) began: Instant,
}

impl Encoder<'_> {
    /// Feeds `pictures` to the encoder, waits for its file, and checks it. Blocks.
    ///
    /// # Errors
    /// What the encoder died of, or [`Error::CheckFailed`].
    pub(crate) fn run(mut self, pictures: &Receiver<Arc<Picture>>) -> Result<OutputReport, Error> {
        let fed = self.feed(pictures);
        self.child.wait()?;
        fed.map_err(|source| Error::Io { doing: "handing pictures to an encoder", source })?;
        let Some(log) = self.log.get() else { return Err(Error::Cancelled) };
        check_output(self.tools, self.plan, self.scratch, log, self.stop, self.counters)?;
        let path = self.scratch.join(self.plan.file_name());
        let file = File::open(&path).and_then(|file| file.sync_all().and_then(|()| file.metadata()));
        let bytes = file.map_err(|source| Error::Io { doing: "keeping an output", source })?.len();
        Ok(OutputReport { format: self.plan.format, path, bytes, took: self.began.elapsed() })
    }

    fn feed(&mut self, pictures: &Receiver<Arc<Picture>>) -> std::io::Result<()> {
        let Some(mut pipe) = self.child.take_stdin() else { return Ok(()) };
        let mut stacked = Vec::new();
        for picture in pictures {
            if self.plan.format == OutputFormat::StackedAlpha {
                stack(&picture, &mut stacked);
                pipe.write_all(&stacked)?;
            } else {
                pipe.write_all(picture.bytes())?;
            }
            self.counters.took_one(self.index);
        }
        Ok(())
    }
}
