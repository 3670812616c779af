use std::{
    fs::File,
    io::Write,
    path::Path,
    sync::{Arc, OnceLock},
    time::Instant,
};

use clearcut_ffmpeg::{Child, EncodePlan, Tools};
use clearcut_frame::Frame;
use clearcut_job::OutputFormat;
use crossbeam_channel::Receiver;

use crate::{
    Error, OutputReport, Stop,
    animate::animate,
    check::{MatteLog, check_output},
    layers::Layers,
    progress::Counters,
    stack::stack,
};

/// Who encodes.
pub(crate) enum Work {
    /// A process that reads raw frames.
    Child(Child),
    /// Two processes, each for one stream of a WebM.
    Layers(Layers),
    /// This process.
    Here,
}

/// One running encoder and what it needs to become a checked file.
pub(crate) struct Encoder<'a> {
    pub(crate) index: usize,
    pub(crate) plan: &'a EncodePlan,
    pub(crate) work: Work,
    pub(crate) scratch: &'a Path,
    pub(crate) tools: &'a Tools,
    pub(crate) stop: &'a Stop,
    pub(crate) counters: &'a Counters,
    /// Set once the last frame has been matted.
    pub(crate) log: &'a OnceLock<MatteLog>,
    pub(crate) began: Instant,
}

impl Encoder<'_> {
    /// Feeds `frames` to the encoder, waits for its file, and checks it. Blocks.
    ///
    /// # Errors
    /// What the encoder died of, or [`Error::CheckFailed`].
    pub(crate) fn run(self, frames: &Receiver<Arc<Frame>>) -> Result<OutputReport, Error> {
        // Counted as they are taken: an encoder takes no more than it can hold.
        let taken = frames.iter().inspect(|_| self.counters.took_one(self.index));
        let (plan, scratch) = (self.plan, self.scratch);
        match self.work {
            Work::Child(child) => feed(child, plan, taken)?,
            Work::Layers(layers) => layers.encode(plan, scratch, taken)?,
            Work::Here => animate(plan, scratch, taken.take_while(|_| !self.stop.is_stopped()))?,
        }
        let Some(log) = self.log.get() else { return Err(Error::Cancelled) };
        check_output(self.tools, plan, scratch, log, self.stop, self.counters)?;
        let path = scratch.join(plan.file_name());
        let file = File::open(&path).and_then(|file| file.sync_all().and_then(|()| file.metadata()));
        let bytes = file.map_err(|source| Error::of_writing("keeping an output", source))?.len();
        Ok(OutputReport { format: plan.format, path, bytes, took: self.began.elapsed() })
    }
}

/// Hands `frames` to `child` and waits for its end.
fn feed(mut child: Child, plan: &EncodePlan, frames: impl Iterator<Item = Arc<Frame>>) -> Result<(), Error> {
    let fed = child.take_stdin().map_or(Ok(()), |pipe| hand_over(pipe, plan, frames));
    child.wait()?;
    fed.map_err(|source| Error::Io { doing: "handing frames to an encoder", source })
}

fn hand_over(mut pipe: impl Write, plan: &EncodePlan, frames: impl Iterator<Item = Arc<Frame>>) -> std::io::Result<()> {
    let mut stacked = Vec::new();
    for frame in frames {
        if plan.format == OutputFormat::StackedAlpha {
            stack(&frame, &mut stacked);
            pipe.write_all(&stacked)?;
        } else {
            pipe.write_all(frame.bytes())?;
        }
    }
    Ok(())
}
