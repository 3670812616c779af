//! The choice between keying by color and a neural model, made once per clip or image.

use std::cell::Cell;

use clearcut_job::{CutMethod, CutRequest, ErrorCode, KeyColorChoice, MethodChoice, MethodReason};
use clearcut_matte::Background;

use crate::{BackgroundFinding, Error, ModelSource, OpenModel, Stop, error::MIN_UNASKED_SHARE};

/// The chosen method for separating subject and background of a clip, and why it was chosen.
#[derive(Debug)]
pub(crate) struct Method {
    pub(crate) source: MatteSource,
    pub(crate) reason: MethodReason,
}

/// What separates subject and background.
#[derive(Debug)]
pub(crate) enum MatteSource {
    /// The background's color.
    Color(Background),
    /// A neural model.
    Model(OpenModel),
}

impl MatteSource {
    /// The method as it is reported.
    pub(crate) const fn method(&self) -> CutMethod {
        match self {
            Self::Color(_) => CutMethod::ChromaKey,
            Self::Model(_) => CutMethod::Ai,
        }
    }
}

/// Chooses the method: the requested one, else color if the background is flat and sure, else a
/// model of `models`. `survey` measures the background; it is not called for a requested model.
///
/// `on_wait` is called repeatedly while the model waits for memory.
///
/// # Errors
/// [`Error::NoFlatBackground`] if the background is not flat and the method is color or no model is
/// installed; errors of `survey` or of loading the model.
pub(crate) fn choose_method(
    request: &CutRequest,
    models: &dyn ModelSource,
    survey: impl FnOnce() -> Result<Background, Error>,
    stop: &Stop,
    on_wait: &dyn Fn(),
) -> Result<Method, Error> {
    let model = |reason| -> Result<Method, Error> {
        // The first call precedes any waiting; every further call means that the source waits.
        let is_first = Cell::new(true);
        let keep_waiting = || {
            if !is_first.replace(false) {
                on_wait();
            }
            !stop.is_stopped()
        };
        let opened = models.open(&keep_waiting).map_err(Error::Model);
        stop.check()?;
        Ok(Method { source: MatteSource::Model(opened?), reason })
    };
    if request.method == MethodChoice::Ai {
        return model(MethodReason::Asked);
    }
    let background = match survey().and_then(|background| sure(request, background)) {
        Ok(background) => background,
        Err(Error::NoFlatBackground { finding, .. }) if request.method == MethodChoice::Auto => {
            return model(MethodReason::NoFlatBackground).map_err(|error| match error {
                Error::Model(failure) if failure.code == ErrorCode::ModelMissing => {
                    Error::NoFlatBackground { finding, could_use_model: true }
                }
                other => other,
            });
        }
        Err(error) => return Err(error),
    };
    let reason = match (request.method, request.key_color) {
        _ if background.is_transparent() => MethodReason::Transparent,
        (_, KeyColorChoice::Given(_)) => MethodReason::KeyGiven,
        (MethodChoice::Auto, KeyColorChoice::Auto) => MethodReason::FlatBackground,
        _ => MethodReason::Asked,
    };
    Ok(Method { source: MatteSource::Color(background), reason })
}

/// The background, unless the user left the choice to us and too little of the border agrees with
/// it.
///
/// # Errors
/// [`Error::NoFlatBackground`].
fn sure(request: &CutRequest, background: Background) -> Result<Background, Error> {
    let is_asked = request.method != MethodChoice::Auto || request.key_color != KeyColorChoice::Auto;
    let (color, share) = (background.color(), background.confidence());
    if is_asked || background.share_without_a_side() >= MIN_UNASKED_SHARE {
        return Ok(background);
    }
    Err(Error::NoFlatBackground { finding: BackgroundFinding::Unsure { color, share }, could_use_model: false })
}
