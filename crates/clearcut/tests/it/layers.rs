//! Tests of the crates' dependencies: layers and allowed libraries as in ARCHITECTURE.md.

use std::collections::BTreeMap;

use crate::media::command;

/// Layers of the crates by package, from the table of crates in ARCHITECTURE.md.
fn documented_layers() -> BTreeMap<String, u8> {
    let document = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../ARCHITECTURE.md")).unwrap();
    let layer = |line: &str| {
        let mut cells = line.strip_prefix("| ")?.split(" | ");
        let layer = cells.next()?.parse().ok()?;
        let name = cells.next()?.trim_matches('`');
        Some((if name == "clearcut" { name.to_owned() } else { format!("clearcut-{name}") }, layer))
    };
    document.lines().filter_map(layer).collect()
}

#[test]
fn crates_import_only_from_lower_layers() {
    let output = command(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let layers = documented_layers();
    let packages = metadata["packages"].as_array().unwrap();
    assert_eq!(packages.len(), layers.len(), "a crate is missing from the table in ARCHITECTURE.md");
    for package in packages {
        let name = package["name"].as_str().unwrap();
        for dependency in package["dependencies"].as_array().unwrap() {
            let imported = dependency["name"].as_str().unwrap();
            // The tests of a crate import it with the features that only tests use.
            if let Some(layer) = layers.get(imported).filter(|_| imported != name) {
                assert!(*layer < layers[name], "{name} must not import {imported}");
                // The crate that faces the network must not decode media.
                let decodes = [
                    "clearcut-animation",
                    "clearcut-ffmpeg",
                    "clearcut-image",
                    "clearcut-matte",
                    "clearcut-model",
                    "clearcut-pipeline",
                    "clearcut-unpack",
                    "clearcut-webm",
                ]
                .contains(&imported);
                assert!(name != "clearcut-api" || !decodes, "{name} must not import {imported}");
                // They decode untrusted files, so they must run in the sandbox.
                let is_sandboxed = ["clearcut-image", "clearcut-unpack"].contains(&imported);
                assert!(name == "clearcut" || !is_sandboxed, "{name} must not import {imported}");
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
        "hex",
        "webp-animation",
        "crc32fast",
        "flate2",
        "gif",
        "quantette",
        "sha2",
        "libwebp-sys2",
        "fast_image_resize",
        "image",
        "jpeg-encoder",
        "moxcms",
        "png",
        "zip",
        "zune-core",
        "zune-jpeg",
        "rustix",
        "shared_child",
        "proptest",
        "tempfile",
    ];
    let manifests = ["frame", "parallel", "job", "animation", "ffmpeg", "image", "matte", "unpack", "webm", "pipeline"];
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
