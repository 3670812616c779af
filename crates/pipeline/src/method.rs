use std::{any::Any, cell::Cell, fmt};

use clearcut_ffmpeg::MediaInfo;
use clearcut_frame::FrameFormat;
use clearcut_job::{CutMethod, Fault, KeyChoice, MethodChoice, MethodReason};
use clearcut_matte::{Background, SegmentationModel};

use crate::{CutJob, Error, Stop, survey::survey};

/// Where cuts get their neural model from.
pub trait ModelSource: fmt::Debug + Sync {
    /// Loads the model for one cut. Blocks, and waits for memory that others use while `goes_on` says so.
    ///
    /// # Errors
    /// Why there is none.
    fn open(&self, goes_on: &dyn Fn() -> bool) -> Result<OpenModel, ModelFailure>;
}

/// A model for one cut.
pub struct OpenModel {
    /// The model.
    pub model: Box<dyn SegmentationModel>,
    /// Its name in the registry.
    pub id: String,
    /// What is held as long as the model is: a share of the memory.
    pub held: Box<dyn Any + Send>,
}

impl fmt::Debug for OpenModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenModel").field("id", &self.id).finish_non_exhaustive()
    }
}

/// There is no model for a cut.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct ModelFailure {
    /// The stable word for it.
    pub code: &'static str,
    /// Who has to act.
    pub fault: Fault,
    /// What is wrong, for people; nothing of the machine.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl ModelFailure {
    /// The word for a model that is known but not installed.
    pub const MISSING: &'static str = "MODEL_MISSING";
}

/// How subject and background of a clip are told apart.
#[derive(Debug)]
pub(crate) struct Method {
    pub(crate) source: MatteSource,
    pub(crate) reason: MethodReason,
}

/// What tells them apart.
#[derive(Debug)]
pub(crate) enum MatteSource {
    /// The background's color.
    Color(Background),
    /// A neural model.
    Model(OpenModel),
}

impl MatteSource {
    /// The word for it.
    pub(crate) const fn method(&self) -> CutMethod {
        match self {
            Self::Color(_) => CutMethod::ChromaKey,
            Self::Model(_) => CutMethod::Ai,
        }
    }
}

/// Decides how the clip is cut: as was asked, else by color where the background is flat, else by a model.
///
/// # Errors
/// [`Error::NoFlatBackground`] where only a color would do or no model is installed, or what decoding or loading complains
/// of.
pub(crate) fn choose(
    job: &CutJob,
    info: &MediaInfo,
    format: FrameFormat,
    stop: &Stop,
    waits: &dyn Fn(),
) -> Result<Method, Error> {
    let model = |reason| -> Result<Method, Error> {
        // Asked again only by one who has to wait.
        let is_first = Cell::new(true);
        let goes_on = || {
            if !is_first.replace(false) {
                waits();
            }
            !stop.is_stopped()
        };
        let opened = job.models.open(&goes_on).map_err(Error::Model);
        stop.check()?;
        Ok(Method { source: MatteSource::Model(opened?), reason })
    };
    if job.request.method == MethodChoice::Ai {
        return model(MethodReason::Asked);
    }
    let background = match survey(job, info, format, stop) {
        Ok(background) => background,
        Err(Error::NoFlatBackground { .. }) if job.request.method == MethodChoice::Auto => {
            return model(MethodReason::NoFlatBackground).map_err(|error| match error {
                Error::Model(failure) if failure.code == ModelFailure::MISSING => {
                    Error::NoFlatBackground { could_use_model: true }
                }
                other => other,
            });
        }
        Err(error) => return Err(error),
    };
    let reason = match (job.request.method, job.request.key) {
        _ if background.is_absent() => MethodReason::Transparent,
        (_, KeyChoice::Given(_)) => MethodReason::KeyGiven,
        (MethodChoice::Auto, KeyChoice::Auto) => MethodReason::FlatBackground,
        _ => MethodReason::Asked,
    };
    Ok(Method { source: MatteSource::Color(background), reason })
}
