//! Test that the documentation matches the code: docs/reference/errors.md explains every error code.

use std::{collections::BTreeSet, fs, path::Path};

#[test]
fn docs_errors_md_explains_every_error_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let document = fs::read_to_string(root.join("docs/reference/errors.md")).unwrap();
    let sources = [
        "ffmpeg/src/error.rs",
        "model/src/error.rs",
        "outbound/src/error.rs",
        "pipeline/src/error.rs",
        "job/src/request.rs",
        "job/src/failure.rs",
        "queue/src/error.rs",
        "store/src/error.rs",
        "api/src/http/error.rs",
        "clearcut/src/failure.rs",
        "clearcut/src/outputs.rs",
        "clearcut/src/server/run.rs",
    ];
    let mut codes = BTreeSet::new();
    for source in sources {
        let text = fs::read_to_string(root.join("crates").join(source)).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        let words = code.split('"').skip(1).step_by(2);
        let is_code = |word: &&str| {
            word.contains('_')
                && word.chars().all(|c| c.is_ascii_uppercase() || c == '_')
                && !word.starts_with("CLEARCUT_")
        };
        codes.extend(words.filter(is_code).map(str::to_owned));
    }
    assert!(codes.len() > 30, "only {codes:?} were found");
    let missing: Vec<_> = codes.iter().filter(|code| !document.contains(&format!("`{code}`"))).collect();
    assert!(missing.is_empty(), "docs/reference/errors.md does not explain {missing:?}");
}
