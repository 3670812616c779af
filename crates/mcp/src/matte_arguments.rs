//! The arguments that say how subject and background are told apart, with their schema.

use clearcut_job::{CutRequest, ErrorCode, Hints, KeyColorChoice, MethodChoice, ShadowChoice, Tolerance};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{Failure, schema::Argument};

/// How subject and background are told apart: the arguments that all cuts share.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MatteArguments {
    /// How the subject is found. auto: by color if the background is flat, else by a neural model.
    /// chroma: by color. ai: by a neural model.
    #[serde(default)]
    #[schemars(with = "String", extend("enum" = ["auto", "chroma", "ai"], "default" = "auto"))]
    method: Option<Argument<MethodChoice>>,

    /// Background color: "auto" (measured), "#RRGGBB" or "R,G,B". Not with method ai.
    #[serde(default)]
    #[schemars(with = "String", extend("default" = "auto", "examples" = ["#00FF00"]))]
    chroma_key: Option<Argument<KeyColorChoice>>,

    /// How far a color may differ from the background color and still be removed. Lower it if parts
    /// of the subject are missing, raise it if rests of the background stay.
    #[serde(default)]
    #[schemars(with = "i64", extend("minimum" = 0, "maximum" = 100, "default" = 30))]
    tolerance: Option<Argument<Tolerance>>,

    /// Shadows that the subject casts on the background: keep (as translucent black) or drop.
    #[serde(default)]
    #[schemars(with = "String", extend("enum" = ["keep", "drop"], "default" = "keep"))]
    shadow: Option<Argument<ShadowChoice>>,

    /// Regions that are subject (keep) or background (remove) whatever their color; each is followed
    /// through the clip.
    #[serde(default)]
    #[schemars(with = "Vec<HintArgument>", extend("maxItems" = 32))]
    hints: Option<Argument<Hints>>,
}

/// A region of one frame. X and Y are shares of the frame from the upper left corner. Without width
/// and height it is a point, which names the region of one color around it; with them it is a box.
#[derive(JsonSchema)]
#[schemars(extend("additionalProperties" = false))]
#[expect(dead_code, reason = "only its schema is used; `Hints` reads the values")]
struct HintArgument {
    /// Time of the frame in seconds.
    #[schemars(range(min = 0))]
    time: f64,
    #[schemars(range(min = 0, max = 1))]
    x: f64,
    #[schemars(range(min = 0, max = 1))]
    y: f64,
    #[serde(default)]
    #[schemars(with = "f64", range(min = 0, max = 1))]
    width: Option<f64>,
    #[serde(default)]
    #[schemars(with = "f64", range(min = 0, max = 1))]
    height: Option<f64>,
    #[schemars(extend("enum" = ["keep", "remove"]))]
    kind: String,
}

/// Sets a field of a request if the argument was given.
pub(crate) fn set<T: Clone>(field: &mut T, argument: Option<&Argument<T>>) -> Result<(), Failure> {
    if let Some(argument) = argument {
        *field = argument.get()?;
    }
    Ok(())
}

impl MatteArguments {
    /// Sets the fields of a request that were given.
    pub(crate) fn apply(&self, request: &mut CutRequest) -> Result<(), Failure> {
        set(&mut request.method, self.method.as_ref())?;
        set(&mut request.key_color, self.chroma_key.as_ref())?;
        set(&mut request.tolerance, self.tolerance.as_ref())?;
        set(&mut request.shadow, self.shadow.as_ref())?;
        set(&mut request.hints, self.hints.as_ref())?;
        if request.method == MethodChoice::Ai && request.key_color != KeyColorChoice::Auto {
            let message = "method ai and chromaKey cannot be combined: a key color needs method chroma";
            return Err(Failure::new(ErrorCode::InvalidRequest, message).in_field("chromaKey", "auto with method ai"));
        }
        Ok(())
    }
}
