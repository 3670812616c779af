//! The registry of models, runtimes and ffmpeg: parsing, validation and merging of its TOML form.

use serde::Deserialize;

use crate::{Error, ModelEntry, NativeEntry, PackageRegistry, Source};

/// The entries that come with the program.
const BUILT_IN: &str = include_str!("registry.toml");

/// Largest side of a model's frame, in pixels. Without it, a registry could make the program
/// allocate all memory.
const MAX_SIDE: usize = 4096;

/// A registry of models, runtime libraries and builds of ffmpeg.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Registry {
    /// All models, the default first.
    #[serde(default, rename = "model")]
    pub models: Vec<ModelEntry>,
    /// Runtime libraries, one per operating system and architecture.
    #[serde(default, rename = "runtime")]
    pub runtimes: Vec<NativeEntry>,
    /// Builds of ffmpeg that write hevc-alpha, one per operating system and architecture.
    #[serde(default, rename = "ffmpeg")]
    pub ffmpegs: Vec<NativeEntry>,
}

impl Registry {
    /// The registry that comes with the program.
    ///
    /// # Errors
    /// None in practice; a test parses it.
    pub fn built_in() -> Result<Self, Error> {
        Self::parse(BUILT_IN)
    }

    /// Parses a registry.
    ///
    /// # Errors
    /// An unknown key, with its path, or an invalid value.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let invalid = |message: String| Error::Registry { message };
        let document = toml::Deserializer::parse(text).map_err(|error| invalid(error.message().to_owned()))?;
        let mut unknown = None;
        let registry: Self = serde_ignored::deserialize(document, |path| {
            unknown.get_or_insert_with(|| path.to_string());
        })
        .map_err(|error| invalid(error.message().to_owned()))?;
        if let Some(key) = unknown {
            return Err(Error::UnknownKey { key });
        }
        registry.models.iter().try_for_each(check_model)?;
        registry.runtimes.iter().chain(&registry.ffmpegs).try_for_each(|entry| {
            check_file(&entry.file, &entry.sha256, entry.bytes, &entry.sources).map_err(invalid)
        })?;
        Ok(registry)
    }

    /// This registry extended by the entries of `other`, which replace those with the same id or
    /// machine.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        self.models.retain(|old| !other.models.iter().any(|new| new.id == old.id));
        self.models.extend(other.models);
        for (all, new) in [(&mut self.runtimes, other.runtimes), (&mut self.ffmpegs, other.ffmpegs)] {
            all.retain(|old| !new.iter().any(|new| new.os == old.os && new.arch == old.arch));
            all.extend(new);
        }
        self
    }

    /// The model with this id.
    ///
    /// # Errors
    /// [`Error::Unknown`].
    pub fn model(&self, id: &str) -> Result<&ModelEntry, Error> {
        self.models.iter().find(|model| model.id == id).ok_or_else(|| Error::Unknown { id: id.to_owned() })
    }

    /// The runtime library for the machine that this program was built for.
    #[must_use]
    pub fn runtime(&self) -> Option<&NativeEntry> {
        for_this_machine(&self.runtimes)
    }

    /// The ffmpeg for the machine that this program was built for.
    #[must_use]
    pub fn ffmpeg(&self) -> Option<&NativeEntry> {
        for_this_machine(&self.ffmpegs)
    }
}

fn for_this_machine(entries: &[NativeEntry]) -> Option<&NativeEntry> {
    entries.iter().find(|entry| entry.os == std::env::consts::OS && entry.arch == std::env::consts::ARCH)
}

fn check_model(model: &ModelEntry) -> Result<(), Error> {
    let invalid = |problem: &str| Error::Registry { message: format!("{}: {problem}", model.id.escape_debug()) };
    check_file(&model.id, &model.sha256, model.bytes, &model.sources).map_err(|problem| invalid(&problem))?;
    if ["runtime", "ffmpeg"].contains(&model.id.as_str()) {
        return Err(invalid("the id is reserved"));
    }
    let sides = [model.input.width, model.input.height];
    if sides.iter().any(|side| !(8..=MAX_SIDE).contains(side)) {
        return Err(invalid("the sides of the input must be from 8 to 4096"));
    }
    let values = model.input.mean.iter().chain(&model.input.deviation);
    if !values.clone().all(|value| value.is_finite()) || model.input.deviation.contains(&0.0) {
        return Err(invalid("mean and deviation must be finite, and no deviation 0"));
    }
    if model.backends.is_empty() {
        return Err(invalid("backends must name at least one"));
    }
    Ok(())
}

fn check_file(name: &str, sha256: &str, bytes: u64, sources: &[Source]) -> Result<(), String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if name.is_empty() || name.len() > 64 || name.starts_with('.') || !name.bytes().all(is_plain) {
        return Err("the id must be letters, digits, - _ and . only, since it names a file".to_owned());
    }
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if sha256.len() != 64 || !sha256.bytes().all(is_digit) {
        return Err("sha256 must be 64 lower-case hexadecimal digits".to_owned());
    }
    if bytes == 0 {
        return Err("bytes must be the size of the file".to_owned());
    }
    for source in sources {
        let in_package = source.registry.is_some() && source.package.is_some() && source.version.is_some();
        if source.url.is_some() == in_package {
            return Err("a source is either a url, or a registry with package and version".to_owned());
        }
        check_arguments(source)?;
    }
    Ok(())
}

/// Checks the parts of a source that become command-line arguments. They must not be options, URLs
/// or paths, which would fetch something other than the named package, or run it.
fn check_arguments(source: &Source) -> Result<(), String> {
    let is_word = |word: &str, more: &[u8]| {
        let starts_well = word.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        starts_well && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte))
    };
    if let Some(package) = &source.package {
        let scoped = package.strip_prefix('@').and_then(|scoped| scoped.split_once('/'));
        let is_plain = match (source.registry, scoped) {
            (Some(PackageRegistry::Npm), Some((scope, name))) => is_word(scope, b"-_.") && is_word(name, b"-_."),
            _ => is_word(package, b"-_."),
        };
        if !is_plain {
            return Err("the package must be a plain package name".to_owned());
        }
    }
    if source.version.as_ref().is_some_and(|version| !is_word(version, b"-_.+")) {
        return Err("the version must be a plain version".to_owned());
    }
    let allowed = ["--python-version=", "--implementation=", "--abi=", "--platform="];
    let is_allowed = |option: &String| allowed.iter().any(|start| option.starts_with(start));
    if !source.options.iter().all(is_allowed) {
        return Err(
            "options may only select the platform of the package: --python-version=, --implementation=, --abi=, --platform="
                .to_owned(),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: &str = r#"
        [[model]]
        id = "toy"
        title = "Toy"
        kind = "general"
        licence = "MIT"
        commercial = true
        bytes = 5
        sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
        memory_mib = 10
        backends = ["rten"]
        source = [{ url = "https://example.com/toy.onnx" }]
        input = { name = "x", width = 16, height = 8, layout = "nchw", mean = [0.5, 0.5, 0.5], deviation = [1.0, 1.0, 1.0] }
        output = { name = "y", meaning = "probability" }
        recurrent = [{ input = "r1i", output = "r1o" }]
    "#;

    #[test]
    fn the_built_in_registry_parses_and_its_default_allows_commercial_use() {
        let registry = Registry::built_in().unwrap();
        assert_eq!(registry.models[0].id, "u2netp");
        assert!(registry.models[0].commercial && !registry.models[0].sources.is_empty());
    }

    #[test]
    fn an_unknown_key_is_rejected_with_its_path_at_every_depth() {
        let cases = [
            ("title = \"Toy\"", "titel = \"T\"\ntitle = \"Toy\"", "model.0.titel"),
            ("width = 16", "widht = 1, width = 16", "model.0.input.widht"),
            ("url = ", "uri = \"x\", url = ", "model.0.source.0.uri"),
            ("[[model]]", "modle = 1\n[[model]]", "modle"),
        ];
        for (from, to, expected) in cases {
            match Registry::parse(&ENTRY.replacen(from, to, 1)) {
                Err(Error::UnknownKey { key }) => assert_eq!(key, expected),
                other => panic!("{to}: {other:?}"),
            }
        }
    }

    #[test]
    fn invalid_values_are_rejected() {
        let cases = [
            ("\"toy\"", "\"../toy\""),
            ("\"toy\"", "\"runtime\""),
            ("\"toy\"", "\"ffmpeg\""),
            ("sha256 = \"00", "sha256 = \"0"),
            ("sha256 = \"00", "sha256 = \"AA"),
            ("bytes = 5", "bytes = 0"),
            ("width = 16", "width = 100000"),
            ("[1.0, 1.0, 1.0]", "[1.0, 0.0, 1.0]"),
            ("[1.0, 1.0, 1.0]", "[1.0, nan, 1.0]"),
            ("[\"rten\"]", "[]"),
            ("[\"rten\"]", "[\"cuda\"]"),
            ("url = \"https://example.com/toy.onnx\"", "package = \"x\""),
            ("url = \"https://example.com/toy.onnx\"", "registry = \"pypi\", package = \"-x\", version = \"1\""),
            (
                "url = \"https://example.com/toy.onnx\"",
                "registry = \"pypi\", package = \"x@https://h/y\", version = \"1\"",
            ),
            (
                "url = \"https://example.com/toy.onnx\"",
                "registry = \"npm\", package = \"owner/repository\", version = \"1\"",
            ),
            ("url = \"https://example.com/toy.onnx\"", "registry = \"npm\", package = \"x\", version = \"file:../y\""),
            (
                "url = \"https://example.com/toy.onnx\"",
                "registry = \"pypi\", package = \"x\", version = \"1\", options = [\"--no-binary=:all:\"]",
            ),
        ];
        assert_eq!(Registry::parse(ENTRY).unwrap().models[0].recurrent[0].output, "r1o");
        for (from, to) in cases {
            let found = Registry::parse(&ENTRY.replacen(from, to, 1));
            assert!(matches!(found, Err(Error::Registry { .. })), "{to}: {found:?}");
        }
    }

    #[test]
    fn a_user_entry_replaces_the_built_in_one_with_the_same_id() {
        let user = Registry::parse(&ENTRY.replace("\"toy\"", "\"u2netp\"")).unwrap();
        let merged = Registry::built_in().unwrap().with(user);
        assert_eq!(merged.model("u2netp").unwrap().title, "Toy");
        assert_eq!(merged.models.iter().filter(|model| model.id == "u2netp").count(), 1);
    }
}
