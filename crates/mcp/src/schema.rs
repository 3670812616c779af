//! Arguments of tools: read from JSON with the parsers of the command line, described by a schema.

use std::{any::Any, str::FromStr, sync::Arc, time::Duration};

use clearcut_job::{ErrorCode, RequestError};
use rmcp::{
    ErrorData,
    handler::server::{
        common::FromContextPart,
        tool::{ToolCallContext, schema_for_input, schema_for_output},
    },
    model::JsonObject,
};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

use crate::Failure;

/// Schema of the arguments `T`.
pub(crate) fn input_schema<T: JsonSchema + Any>() -> Arc<JsonObject> {
    // Arguments are objects, so there is always a schema.
    in_plain_json(schema_for_input::<T>().unwrap_or_default())
}

/// Schema of the result `T`.
pub(crate) fn output_schema<T: JsonSchema + Any>() -> Arc<JsonObject> {
    in_plain_json(schema_for_output::<T>())
}

/// The schema without what only Rust means: widths of numbers, such as `uint32`, of which validators
/// warn, and null as the default of what may be absent.
fn in_plain_json(schema: Arc<JsonObject>) -> Arc<JsonObject> {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                // A field of one of these names would be an object.
                fields.retain(|name, value| match name.as_str() {
                    "format" => !value.is_string(),
                    "default" => !value.is_null(),
                    _ => true,
                });
                fields.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut schema = Arc::unwrap_or_clone(schema);
    schema.values_mut().for_each(strip);
    Arc::new(schema)
}

/// The arguments of a call, or why they are refused. Refused arguments are a failure of the tool,
/// which a model reads, not one of the protocol, which it may not.
pub(crate) struct Arguments<T>(pub(crate) Result<T, Failure>);

impl<T: DeserializeOwned + JsonSchema + Any> Arguments<T> {
    fn read(arguments: JsonObject) -> Result<T, Failure> {
        let known = schema_for_input::<T>().ok().and_then(|schema| schema.get("properties").cloned());
        let known = known.as_ref().and_then(Value::as_object);
        for (name, value) in &arguments {
            if let Some(known) = known.filter(|known| !known.contains_key(name)) {
                let allowed = known.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
                let message = format!("there is no argument {name:?}");
                return Err(Failure::new(ErrorCode::InvalidRequest, message).in_field(name, allowed));
            }
            let is_switch = known.is_some_and(|known| known[name.as_str()]["type"] == "boolean");
            if is_switch && !value.is_boolean() {
                let message = format!("{name} is {value}; allowed: {BOOLEANS}");
                return Err(Failure::new(ErrorCode::InvalidRequest, message).in_field(name, BOOLEANS));
            }
        }
        serde_json::from_value(Value::Object(arguments))
            .map_err(|error| Failure::new(ErrorCode::InvalidRequest, error.to_string()))
    }
}

impl<S, T: DeserializeOwned + JsonSchema + Any> FromContextPart<ToolCallContext<'_, S>> for Arguments<T> {
    fn from_context_part(context: &mut ToolCallContext<S>) -> Result<Self, ErrorData> {
        Ok(Self(Self::read(context.arguments.take().unwrap_or_default())))
    }
}

/// The values of a switch.
const BOOLEANS: &str = "true or false";

/// One argument that is read by the parser of the command line, from a text, a number, or a list of
/// texts.
#[derive(Debug, Clone)]
pub(crate) struct Argument<T>(Result<T, RequestError>);

impl<T: Clone> Argument<T> {
    pub(crate) fn get(&self) -> Result<T, RequestError> {
        self.0.clone()
    }
}

impl<'de, T: FromStr<Err = RequestError>> Deserialize<'de> for Argument<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(text_of(&Value::deserialize(deserializer)?).parse()))
    }
}

/// The value as it would be written on the command line.
fn text_of(value: &Value) -> String {
    let words = |items: &[Value]| items.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>();
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) if !items.is_empty() => {
            words(items).map_or_else(|| value.to_string(), |words| words.join(","))
        }
        // 30.0 is a whole number to a model.
        Value::Number(number) => match number.as_f64() {
            Some(float) if float.fract() == 0.0 && float.abs() < 1e15 => (float as i64).to_string(),
            _ => number.to_string(),
        },
        _ => value.to_string(),
    }
}
/// `value` seconds of the argument `field`, 0 without one.
///
/// # Errors
/// A value that is negative or above `max`.
pub(crate) fn seconds(field: &str, value: Option<f64>, max: f64, allowed: &str) -> Result<Duration, Failure> {
    let value = value.unwrap_or(0.0);
    let duration = Duration::try_from_secs_f64(value).ok().filter(|_| value <= max);
    duration.ok_or_else(|| {
        Failure::new(ErrorCode::InvalidRequest, format!("{field} is {value}; allowed: {allowed}"))
            .in_field(field, allowed)
    })
}
/// The default of an argument that is true unless it is given.
pub(crate) const fn yes() -> bool {
    true
}
