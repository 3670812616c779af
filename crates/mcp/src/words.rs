//! Parts that several results have: notes, and the names of methods and reasons.

use clearcut_job::{CutMethod, MethodReason, Note};
use schemars::JsonSchema;
use serde::Serialize;

/// A decision about the clip.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CutNote {
    /// Such as `SOUND_LEFT_OUT`.
    code: String,
    /// What was found and what was done about it.
    message: String,
    /// Whether something of the clip is missing in the files or may be wrong there.
    is_warning: bool,
}

/// `chromakey` (by color) or `ai` (by a neural model).
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(transparent)]
pub(crate) struct CutMethodName(pub(crate) CutMethod);

/// `asked`, `key-given`, `flat-background`, `no-flat-background` or `transparent`.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(transparent)]
pub(crate) struct ReasonName(pub(crate) MethodReason);

/// Implements the schema of a text with a few values.
macro_rules! words {
    ($name:ident: $($word:literal),+) => {
        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "enum": [$($word),+] })
            }
        }
    };
}

words!(CutMethodName: "chromakey", "ai");
words!(ReasonName: "asked", "key-given", "flat-background", "no-flat-background", "transparent");

impl From<&Note> for CutNote {
    fn from(note: &Note) -> Self {
        let code = note.code.name().to_owned();
        Self { code, message: note.message.clone(), is_warning: note.code.is_warning() }
    }
}
