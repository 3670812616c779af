//! Tests of the format hevc-alpha and of `clearcut ffmpeg`: what is said without an ffmpeg for it, and
//! what is installed.

use std::{fs, os::unix::fs::PermissionsExt as _};

use serde_json::Value;

use crate::{
    media::sample,
    models::sha256,
    run::{Workspace, clearcut_ok},
};

/// A program that claims to encode, and returns what it was given.
const IMPOSTOR: &str = "#!/bin/sh\ncat\n";

/// A workspace with a folder of models, `models`, whose registry has an ffmpeg for this machine.
fn workspace() -> Workspace {
    let workspace = Workspace::new();
    fs::create_dir(workspace.join("models")).unwrap();
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    let (bytes, sha256) = (IMPOSTOR.len(), sha256(IMPOSTOR.as_bytes()));
    let entry = format!(
        "[[ffmpeg]]\nfile = \"ffmpeg\"\nversion = \"0\"\nlicence = \"MIT\"\nos = \"{os}\"\narch = \"{arch}\"\n\
         bytes = {bytes}\nsha256 = \"{sha256}\"\n"
    );
    workspace.write("models/models.toml", entry);
    workspace
}

/// Whether the ffmpeg of this machine writes the format by itself, as no usual one does.
fn system_can(workspace: &Workspace) -> bool {
    let models = workspace.join("models");
    let found = clearcut_ok(&["doctor", "--json", "--models", models.to_str().unwrap()]);
    serde_json::from_str::<Value>(&found).unwrap()["formats"]["hevc-alpha"].as_bool().unwrap()
}

#[test]
fn without_an_ffmpeg_for_it_the_format_is_refused_with_what_to_install() {
    let workspace = workspace();
    if system_can(&workspace) {
        return;
    }
    let clip = sample("mascot.mp4");
    let refused = workspace.run(&["cut", &clip, "-f", "webm,hevc-alpha", "-o", "out/", "--models", "models"]);
    assert_eq!(refused.exit, Some(3), "{}", refused.stderr);
    for word in ["FORMAT_UNAVAILABLE", "hevc-alpha", "clearcut ffmpeg install"] {
        assert!(refused.stderr.contains(word), "{}", refused.stderr);
    }
    assert_eq!(workspace.names(), ["models"]);
    let doctor = workspace.run(&["doctor", "--models", "models"]);
    assert!(doctor.stdout.contains("hevc-alpha: no, needs"), "{}", doctor.stdout);
    assert!(doctor.stdout.contains("clearcut ffmpeg install"), "{}", doctor.stdout);
}

#[test]
fn an_ffmpeg_with_another_hash_is_refused_and_leaves_no_file() {
    let workspace = workspace();
    workspace.write("other", "#!/bin/sh\ntac\n");
    let refused = workspace.run(&["ffmpeg", "install", "--from", "other", "--models", "models"]);
    assert_eq!(refused.exit, Some(1), "{}", refused.stderr);
    assert!(refused.stderr.contains("MODEL_DAMAGED"), "{}", refused.stderr);
    assert!(refused.stderr.contains("Install it again: clearcut ffmpeg install"), "{}", refused.stderr);
    assert_eq!(fs::read_dir(workspace.join("models/ffmpeg")).unwrap().count(), 0);
    let removed = workspace.run(&["ffmpeg", "remove", "--models", "models"]);
    assert_eq!((removed.exit, removed.stdout.trim()), (Some(0), "ffmpeg was not installed"));
}

#[test]
fn an_ffmpeg_is_tried_when_it_is_installed() {
    let workspace = workspace();
    if system_can(&workspace) {
        return;
    }
    workspace.write("impostor", IMPOSTOR);
    let installed = workspace.run(&["ffmpeg", "install", "--from", "impostor", "--models", "models"]);
    assert_eq!(installed.exit, Some(3), "{}", installed.stderr);
    assert!(installed.stderr.contains("does not write hevc-alpha on this machine"), "{}", installed.stderr);
    let mode = fs::metadata(workspace.join("models/ffmpeg/ffmpeg")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o755);
    let removed = workspace.run(&["ffmpeg", "remove", "--models", "models"]);
    assert_eq!(removed.stdout.trim(), "ffmpeg is removed");
    assert!(!workspace.join("models/ffmpeg/ffmpeg").exists());
}
