//! Encoding of a WebM: color and matte are encoded in parallel as two streams, then muxed.

use std::{
    fs::File,
    io::{BufReader, BufWriter, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use clearcut_ffmpeg::{Child, EncodePlan, Layer, Tools};
use clearcut_frame::{Frame, FrameFormat, Subsampling};
use clearcut_job::OutputFormat;
use clearcut_webm::{CodePoints, Error as WebmError, WebmSettings, join_webm};

use crate::{Error, Stop};

/// The encoders of both streams.
pub(crate) struct Layers {
    color: Child,
    alpha: Child,
}

impl Layers {
    /// Starts both encoders.
    ///
    /// # Errors
    /// [`clearcut_ffmpeg::Error::Spawn`].
    pub(crate) fn start(tools: &Tools, plan: &EncodePlan, scratch: &Path, stop: &Stop) -> Result<Self, Error> {
        let start = |layer| Ok::<_, Error>(stop.register(tools.encode_layer(plan, layer, scratch)?));
        Ok(Self { color: start(Layer::Color)?, alpha: start(Layer::Alpha)? })
    }

    /// Writes `frames` to both encoders and waits until they exit. Blocks.
    ///
    /// # Errors
    /// The failure of an encoder, or a full disk.
    pub(crate) fn encode(mut self, frames: impl Iterator<Item = Arc<Frame>>) -> Result<(), Error> {
        let pipes = self.color.take_stdin().zip(self.alpha.take_stdin());
        let written = pipes.map_or(Ok(()), |(color, alpha)| write_frames(color, alpha, frames));
        self.color.wait()?;
        self.alpha.wait()?;
        written.map_err(|source| Error::Io { doing: "writing frames to an encoder", source })
    }
}

/// Chroma of a matte: no color.
const NO_COLOR: u8 = 128;

/// Writes the color and the alpha of each frame in lockstep, so that both encoders work on the same
/// frame. The alpha is written as 4:2:0 without color.
fn write_frames(
    mut color: impl Write,
    mut alpha: impl Write,
    frames: impl Iterator<Item = Arc<Frame>>,
) -> std::io::Result<()> {
    let mut chroma = Vec::new();
    for frame in frames {
        let matte = frame.alpha().unwrap_or_default();
        color.write_all(&frame.bytes()[..frame.bytes().len() - matte.len()])?;
        if frame.alpha().is_some() {
            alpha.write_all(matte)?;
        } else {
            alpha.write_all(&vec![255; frame.y().len()])?;
        }
        let (width, height) = FrameFormat { subsampling: Subsampling::Half, ..frame.format() }.chroma_size();
        chroma.resize(2 * width * height, NO_COLOR);
        alpha.write_all(&chroma)?;
    }
    Ok(())
}

/// Muxes the streams in `folders`, of consecutive frames, to [`EncodePlan::file_name`] in `scratch`,
/// with the sound in `scratch`.
///
/// # Errors
/// A full disk, [`Error::Io`], or [`Error::Layers`].
pub(crate) fn mux_streams(plan: &EncodePlan, folders: &[impl AsRef<Path>], scratch: &Path) -> Result<(), Error> {
    let io = |source| Error::from_write("writing an output", source);
    let open = |path: PathBuf| File::open(path).map(BufReader::new);
    let [primaries, transfer, matrix] = plan.color.code_points;
    let color = CodePoints { primaries, transfer, matrix };
    let settings = WebmSettings { size: plan.size, frame_rate: plan.frame_rate, color };
    let sound = plan.has_audio.then(|| open(scratch.join(EncodePlan::LAYER_SOUND))).transpose().map_err(io)?;
    let out = BufWriter::new(File::create_new(scratch.join(plan.file_name())).map_err(io)?);
    let paths = |layer| folders.iter().map(move |folder| folder.as_ref().join(EncodePlan::layer_name(layer)));
    let stream = |layer| paths(layer).map(open);
    join_webm(&settings, stream(Layer::Color), stream(Layer::Alpha), sound, out).map_err(|error| match error {
        WebmError::Write(source) | WebmError::Read(source) => io(source),
        source => Error::Layers { source },
    })?;
    Ok(())
}

/// Removes the streams in `folders` of a muxed WebM and of its sound, to free disk space early. Of other
/// formats there are none.
pub(crate) fn remove_streams(plan: &EncodePlan, folders: &[impl AsRef<Path>]) {
    if plan.format != OutputFormat::Webm {
        return;
    }
    let [color, alpha] = [Layer::Color, Layer::Alpha].map(EncodePlan::layer_name);
    let names = [color, alpha, EncodePlan::LAYER_SOUND];
    for (folder, name) in folders.iter().flat_map(|folder| names.map(|name| (folder, name))) {
        let _ = std::fs::remove_file(folder.as_ref().join(name)); // What remains is removed with the folder.
    }
}
