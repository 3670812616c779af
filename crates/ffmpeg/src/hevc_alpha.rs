//! Which ffmpeg writes and reads HEVC with a layer of alpha. Lists do not tell: many builds list the
//! pixel format and then refuse it. So one frame is encoded and decoded.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Mutex, PoisonError},
};

use crate::{
    Child, Error, Sandbox, argv,
    limits::ChildLimits,
    tools::{MAX_OUTPUT_BYTES, PROBE_TIMEOUT},
};

/// The search for such an ffmpeg, and its cached result.
#[derive(Debug, Default)]
pub(crate) struct HevcAlpha {
    /// An ffmpeg that is only tried if the system's cannot do it.
    installed: Option<PathBuf>,
    found: Mutex<Option<Finding>>,
}

/// The result of the trials.
#[derive(Debug)]
struct Finding {
    /// The ffmpeg that can do it, if any.
    capable: Option<PathBuf>,
}

impl HevcAlpha {
    pub(crate) fn with(installed: PathBuf) -> Self {
        Self { installed: Some(installed), found: Mutex::default() }
    }

    /// The first of the system's ffmpeg and the installed one that can do it; `None` if none can. The
    /// first call tries them, which takes a fifth of a second each.
    ///
    /// # Errors
    /// If a trial could not be made; the next call makes it again.
    pub(crate) fn find(&self, system: &Path, sandbox: &Sandbox) -> Result<Option<PathBuf>, Error> {
        // Locked while trying, so that it is tried once. No code panics while holding it.
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Finding { capable }) = &*found {
            return Ok(capable.clone());
        }
        let installed = self.installed.as_ref().and_then(|path| path.canonicalize().ok());
        let mut capable = None;
        for ffmpeg in [system].into_iter().chain(installed.as_deref()) {
            if is_capable(ffmpeg, sandbox)? {
                capable = Some(ffmpeg.to_path_buf());
                break;
            }
        }
        Ok(found.insert(Finding { capable }).capable.clone())
    }
}

/// Sides of the frame of a trial.
const SIDE: usize = 64;
/// Its color, and half of it: what is clear is on the left.
const LUMA: u8 = 100;

/// Encodes and decodes a frame with this ffmpeg.
fn is_capable(ffmpeg: &Path, sandbox: &Sandbox) -> Result<bool, Error> {
    let row: Vec<u8> = (0..SIDE).map(|x| if x < SIDE / 2 { 0 } else { 255 }).collect();
    let frame = [vec![LUMA; SIDE * SIDE], vec![128; SIDE * SIDE / 2], row.repeat(SIDE)].concat();
    let Some(file) = piped(ffmpeg, sandbox, argv::try_encoding((SIDE, SIDE)), &frame)? else { return Ok(false) };
    // A program that hands back what it was given has not encoded.
    if !file.windows(4).any(|name| name == b"hvc1") {
        return Ok(false);
    }
    let Some(decoded) = piped(ffmpeg, sandbox, argv::try_decoding(), &file)? else { return Ok(false) };
    let is_near = |(found, expected): (&u8, &u8)| found.abs_diff(*expected) <= 16;
    Ok(decoded.len() == frame.len() && decoded.iter().zip(&frame).all(is_near))
}

/// What `ffmpeg` makes of `input`, which fits into a pipe; `None` if it refuses it.
fn piped(ffmpeg: &Path, sandbox: &Sandbox, arguments: Vec<String>, input: &[u8]) -> Result<Option<Vec<u8>>, Error> {
    let mut command = sandbox.command(ffmpeg, None, ChildLimits::WORKING);
    command.args(arguments);
    let mut child = Child::spawn("trying an encoder", command, Stdio::piped())?;
    if let Some(mut pipe) = child.take_stdin() {
        let _ = pipe.write_all(input); // Its exit status tells why it does not read.
    }
    match child.output(MAX_OUTPUT_BYTES, PROBE_TIMEOUT) {
        Ok((output, _)) => Ok(Some(output)),
        Err(Error::Failed { .. } | Error::Killed { .. } | Error::Media(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
