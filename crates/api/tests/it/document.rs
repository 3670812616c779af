//! The OpenAPI document, the interactive page, `llms.txt` and the health checks.

use std::collections::HashSet;

use serde_json::Value;

use crate::fixture::{KEY, Server};

#[tokio::test]
async fn the_committed_openapi_document_matches_the_code() {
    let committed = include_str!("../../../../openapi.json");
    assert!(committed == clearcut_api::openapi_json(), "openapi.json is out of date: run `make openapi`");
    let served = Server::new().await.get("/docs.json", "").await;
    assert_eq!(String::from_utf8(served.bytes).unwrap(), committed);
}

#[test]
fn every_operation_has_an_id_that_reads_as_a_method() {
    let document: Value = serde_json::from_str(&clearcut_api::openapi_json()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.values().flat_map(|path| path.as_object().unwrap().values());
    let ids: Vec<&str> = operations.map(|operation| operation["operationId"].as_str().unwrap()).collect();
    for id in &ids {
        let is_camel_case = id.starts_with(char::is_lowercase) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        assert!(is_camel_case && id.contains(char::is_uppercase), "{id}");
    }
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
}

#[test]
fn errors_and_states_are_enums_without_defaults_in_forms() {
    let document: Value = serde_json::from_str(&clearcut_api::openapi_json()).unwrap();
    let schemas = &document["components"]["schemas"];
    for name in
        ["JobStatus", "JobStage", "OutputFormat", "Method", "Reason", "ErrorCode", "FailureCode", "ResultNoteCode"]
    {
        assert!(schemas[name]["enum"].as_array().is_some_and(|words| words.len() > 1), "{name}");
    }
    // A default would make generated clients require the field, and `/docs` send it.
    for form in ["SubmitForm", "PreviewForm"] {
        assert_eq!(schemas[form].get("required"), None);
        for (name, field) in schemas[form]["properties"].as_object().unwrap() {
            assert!(field.get("default").is_none() && field.get("example").is_none(), "{form}.{name}");
        }
    }
}

#[tokio::test]
async fn the_interactive_page_loads_nothing_from_other_hosts() {
    let server = Server::new().await;
    assert_eq!(server.get("/docs", KEY).await.header("location"), "/docs/");
    for file in ["", "swagger-ui.css", "swagger-ui-bundle.js", "swagger-initializer.js"] {
        let answer = server.get(&format!("/docs/{file}"), KEY).await;
        assert_eq!(answer.status, 200, "{file}");
        let text = String::from_utf8_lossy(&answer.bytes).into_owned();
        assert!(!text.contains("src=\"http") && !text.contains("href=\"http"), "{file}");
    }
    let initializer = server.get("/docs/swagger-initializer.js", KEY).await;
    assert!(String::from_utf8_lossy(&initializer.bytes).contains("/docs.json"));
}

#[tokio::test]
async fn llms_full_txt_has_all_guides_and_operations() {
    let text = String::from_utf8(Server::new().await.get("/llms-full.txt", "").await.bytes).unwrap();
    let docs = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    for entry in std::fs::read_dir(docs.join("guides")).unwrap() {
        let path = entry.unwrap().path();
        let guide = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(&guide), "{} is not in the list of docs.rs", path.display());
    }
    let document: Value = serde_json::from_str(&clearcut_api::openapi_json()).unwrap();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let head = format!("## {}: {} {path}", operation["operationId"].as_str().unwrap(), method.to_uppercase());
            assert!(text.contains(&head), "{head}");
        }
    }
    assert!(text.starts_with("# clearcut") && text.contains("- `tolerance` (integer 0-100, optional): How far"));
}

#[tokio::test]
async fn health_checks_and_llms_txt_need_no_api_key() {
    let server = Server::new().await;
    assert_eq!(server.get("/livez", "").await.json()["data"]["status"], "alive");
    let ready = server.get("/readyz", "").await.json();
    assert_eq!(ready["data"]["status"], "ready");
    let names: Vec<&str> =
        ready["data"]["checks"].as_array().unwrap().iter().map(|check| check["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["database", "store", "disk", "ffmpeg"]);
    assert!(String::from_utf8(server.get("/llms.txt", "").await.bytes).unwrap().starts_with("# clearcut"));
}
