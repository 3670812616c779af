//! Tests of the crates' dependencies: layers and allowed libraries as in ARCHITECTURE.md.

use std::collections::BTreeMap;

use crate::media::command;

/// Every crate with its layer. A crate may import only from lower layers.
const LAYERS: [(&str, u8); 15] = [
    ("clearcut-frame", 0),
    ("clearcut-job", 1),
    ("clearcut-animation", 2),
    ("clearcut-ffmpeg", 2),
    ("clearcut-matte", 2),
    ("clearcut-outbound", 2),
    ("clearcut-store", 2),
    ("clearcut-queue", 2),
    ("clearcut-webm", 2),
    ("clearcut-model", 3),
    ("clearcut-notify", 3),
    ("clearcut-pipeline", 3),
    ("clearcut-worker", 4),
    ("clearcut-api", 4),
    ("clearcut", 5),
];

#[test]
fn crates_import_only_from_lower_layers() {
    let output = command(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let layers: BTreeMap<&str, u8> = LAYERS.into_iter().collect();
    let packages = metadata["packages"].as_array().unwrap();
    assert_eq!(packages.len(), layers.len(), "a crate is missing from the table above and from ARCHITECTURE.md");
    for package in packages {
        let name = package["name"].as_str().unwrap();
        for dependency in package["dependencies"].as_array().unwrap() {
            let imported = dependency["name"].as_str().unwrap();
            if let Some(layer) = layers.get(imported) {
                assert!(*layer < layers[name], "{name} must not import {imported}");
                // The crate that faces the network must not decode media.
                let decodes = [
                    "clearcut-animation",
                    "clearcut-ffmpeg",
                    "clearcut-matte",
                    "clearcut-model",
                    "clearcut-pipeline",
                    "clearcut-webm",
                ]
                .contains(&imported);
                assert!(name != "clearcut-api" || !decodes, "{name} must not import {imported}");
            }
        }
    }
}

#[test]
fn crates_up_to_the_pipeline_use_no_network_and_no_database() {
    let allowed = [
        "serde",
        "serde_json",
        "thiserror",
        "crossbeam-channel",
        "webp-animation",
        "crc32fast",
        "flate2",
        "libwebp-sys2",
        "png",
        "rustix",
        "shared_child",
        "proptest",
        "tempfile",
    ];
    let manifests = ["frame", "job", "animation", "ffmpeg", "matte", "webm", "pipeline"];
    for name in manifests {
        let manifest = format!("{}/../{name}/Cargo.toml", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(manifest).unwrap();
        for line in text.lines().filter(|line| line.contains(".workspace = true") || line.contains(" = \"")) {
            let dependency = line.split(['.', ' ']).next().unwrap();
            let field =
                ["version", "edition", "rust-version", "license", "publish", "name", "description", "workspace"];
            let is_allowed =
                field.contains(&dependency) || dependency.starts_with("clearcut-") || allowed.contains(&dependency);
            assert!(
                is_allowed,
                "{name} depends on {dependency}: add it to this list only if it does no input or output"
            );
        }
    }
}
