//! The API reference as Markdown text, from the OpenAPI document.

use std::fmt::Write as _;

use serde_json::Value;

/// The reference of all operations and schemas of `document`, which is an OpenAPI document.
pub(crate) fn to_markdown(document: &Value) -> String {
    let mut text = String::from("# API reference\n");
    for (path, operations) in entries(&document["paths"]) {
        for (method, operation) in entries(operations) {
            let (id, method) = (text_of(&operation["operationId"]), method.to_uppercase());
            let _ = write!(text, "\n## {id}: {method} {path}\n\n{}\n", text_of(&operation["summary"]));
            if let Some(description) = operation["description"].as_str() {
                let _ = write!(text, "\n{description}\n");
            }
            write_parameters(&mut text, operation);
            write_body(&mut text, operation);
            write_replies(&mut text, document, operation);
        }
    }
    text.push_str("\n# Schemas\n");
    for (name, schema) in entries(&document["components"]["schemas"]) {
        // An envelope is the same around all data.
        if !name.starts_with("Reply_") {
            let _ = write!(text, "\n## {name}\n\n{}\n", text_of(&schema["description"]));
            write_fields(&mut text, schema);
        }
    }
    text
}

fn write_parameters(text: &mut String, operation: &Value) {
    let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !parameters.is_empty() {
        text.push_str("\nParameters:\n\n");
    }
    for parameter in parameters {
        let need = if parameter["required"] == true { "required" } else { "optional" };
        let (name, place) = (text_of(&parameter["name"]), text_of(&parameter["in"]));
        let (kind, description) = (type_of(&parameter["schema"]), on_one_line(&parameter["description"]));
        let _ = writeln!(text, "- `{name}` ({place}, {kind}, {need}): {description}");
    }
}

fn write_body(text: &mut String, operation: &Value) {
    for (media_type, content) in entries(&operation["requestBody"]["content"]) {
        let _ = write!(text, "\nBody: {media_type}, {}\n", type_of(&content["schema"]));
    }
}

fn write_replies(text: &mut String, document: &Value, operation: &Value) {
    text.push_str("\nReplies:\n\n");
    for (status, reply) in entries(&operation["responses"]) {
        let shared = reply["$ref"].as_str().and_then(|place| place.rsplit('/').next());
        let reply = shared.map_or(reply, |name| &document["components"]["responses"][name]);
        let schema = entries(&reply["content"]).map(|(_, content)| type_of(&content["schema"])).next();
        // `data` of the envelope is what a reply is about.
        let schema = schema.map(|name| name.strip_prefix("Reply_").map(|data| format!("data: {data}")).unwrap_or(name));
        let schema = schema.map(|name| format!(" ({name})")).unwrap_or_default();
        let _ = writeln!(text, "- {status}{schema}: {}", on_one_line(&reply["description"]));
    }
}

fn write_fields(text: &mut String, schema: &Value) {
    for part in schema["allOf"].as_array().into_iter().flatten() {
        if part["$ref"].is_string() {
            let _ = write!(text, "\nAll fields of {}, and:\n", type_of(part));
        } else {
            write_fields(text, part);
        }
    }
    if schema["enum"].is_array() {
        let _ = write!(text, "\nOne of: {}.\n", type_of(schema));
        return;
    }
    let required = schema["required"].as_array();
    text.push('\n');
    for (name, field) in entries(&schema["properties"]) {
        let is_required = required.is_some_and(|names| names.iter().any(|other| other == name));
        let need = if is_required { "" } else { ", optional" };
        let described = [field, &field["oneOf"][0]].into_iter().find(|part| part["description"].is_string());
        let description = described.map(|part| on_one_line(&part["description"])).unwrap_or_default();
        let _ = writeln!(text, "- `{name}` ({}{need}): {description}", type_of(field));
    }
}

/// The type of a schema in a few words, such as `integer 0-100` or `JobStage or null`.
fn type_of(schema: &Value) -> String {
    if let Some(place) = schema["$ref"].as_str() {
        return place.rsplit('/').next().unwrap_or_default().to_owned();
    }
    if let Some(words) = schema["enum"].as_array() {
        return words.iter().map(|word| format!("`{}`", text_of(word))).collect::<Vec<_>>().join(", ");
    }
    let either = schema["oneOf"].as_array().or_else(|| schema["allOf"].as_array());
    if let Some(either) = either {
        return either.iter().map(type_of).collect::<Vec<_>>().join(" or ");
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().map(text_of).collect(),
        kind => vec![text_of(kind)],
    };
    let kind = kinds.join(" or ");
    match (&schema["minimum"], &schema["maximum"]) {
        _ if kinds.contains(&"array") => format!("list of {}", type_of(&schema["items"])),
        (Value::Number(low), Value::Number(high)) => format!("{kind} {low}-{high}"),
        _ if schema["format"] == "binary" => "file".to_owned(),
        _ => kind,
    }
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn on_one_line(value: &Value) -> String {
    text_of(value).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_operation_is_written_with_its_parameters_replies_and_schemas() {
        let text = to_markdown(&json!({
            "paths": {"/jobs/{id}": {"get": {
                "operationId": "getJob", "summary": "Read a job.",
                "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string"}, "description": "The\nid."}],
                "responses": {
                    "200": {"description": "The job.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Reply_Job"}}}},
                    "404": {"$ref": "#/components/responses/Missing"},
                },
            }}},
            "components": {
                "responses": {"Missing": {"description": "No such job."}},
                "schemas": {"Job": {"description": "A job.", "required": ["progress"], "properties": {
                    "progress": {"type": "integer", "minimum": 0, "maximum": 100, "description": "In percent."},
                    "stage": {"oneOf": [{"$ref": "#/components/schemas/Stage", "description": "Its stage."}, {"type": "null"}]},
                }}},
            },
        }));
        for line in [
            "## getJob: GET /jobs/{id}",
            "- `id` (path, string, required): The id.",
            "- 200 (data: Job): The job.",
            "- 404: No such job.",
            "- `progress` (integer 0-100): In percent.",
            "- `stage` (Stage or null, optional): Its stage.",
        ] {
            assert!(text.lines().any(|written| written == line), "{line}\n{text}");
        }
    }
}
