//! Failures of tools: the codes of the command line, with what is allowed.

use clearcut_job::{ErrorCode, RequestError};
use rmcp::{
    ErrorData,
    handler::server::tool::IntoCallToolResult,
    model::{CallToolResponse, CallToolResult, ContentBlock},
};
use serde::Serialize;
use serde_json::json;

/// Reason why a tool has no result. The model reads it as the text of a failed call:
/// `{"error": {"code", "message", "hint", "field", "allowed"}}`.
#[derive(Debug, Clone, Serialize, thiserror::Error, schemars::JsonSchema)]
#[error("{message}")]
pub struct Failure {
    /// Stable code, such as `INVALID_VIDEO`; docs/reference/errors.md lists all.
    #[schemars(with = "String")]
    pub code: ErrorCode,
    /// What happened.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Argument that is at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Values that the argument may have, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed: Option<String>,
}

impl Failure {
    /// Failure with a message.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None, field: None, allowed: None }
    }

    /// The same failure with advice.
    #[must_use]
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// The same failure, caused by an argument.
    #[must_use]
    pub fn in_field(self, field: &str, allowed: impl Into<String>) -> Self {
        Self { field: Some(field.to_owned()), allowed: Some(allowed.into()), ..self }
    }
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        Self::new(error.code(), error.to_string()).in_field(error.field(), error.allowed())
    }
}

impl IntoCallToolResult for Failure {
    /// Only text: clients compare structured content with the schema of a success.
    fn into_call_tool_result(self) -> Result<CallToolResponse, ErrorData> {
        Ok(CallToolResult::error(vec![ContentBlock::text(json!({ "error": self }).to_string())]).into())
    }
}
