//! Neural models for cuts: command-line options, the installed files, and the runtime that runs
//! them.

use std::{path::PathBuf, sync::OnceLock};

use clap::{Args, ValueEnum};
use clearcut_model::{Device, Error, ModelEntry, Models, Runtime, RuntimeChoice, RuntimeSearch, State};
use clearcut_parallel::MemoryBudget;
use clearcut_pipeline::{ModelFailure, ModelSource, OpenModel};

use crate::{environment, failure::Failure};

/// Options that choose models and runtime; the same for all commands.
#[derive(Debug, Args)]
pub(crate) struct ModelOptions {
    /// Folder of the installed models [default: clearcut/models in the user's data folder]
    #[arg(long, global = true, value_name = "DIR", env = "CLEARCUT_MODELS", help_heading = "Neural models")]
    models: Option<PathBuf>,

    /// Model that finds the subject [default: the first that is installed]
    #[arg(long, global = true, value_name = "ID", env = "CLEARCUT_MODEL", help_heading = "Neural models")]
    model: Option<String>,

    /// Runtime of the model: auto (ONNX Runtime if it is found, else rten), rten, or the file of an
    /// ONNX Runtime library
    #[arg(
        long,
        global = true,
        value_name = "RUNTIME",
        env = "CLEARCUT_RUNTIME",
        default_value = "auto",
        help_heading = "Neural models"
    )]
    runtime: PathBuf,

    /// Device for ONNX Runtime; cuda and tensorrt need a library built for them, and are not tested
    #[arg(long, global = true, value_enum, env = "CLEARCUT_DEVICE", default_value_t = DeviceChoice::Cpu, help_heading = "Neural models")]
    device: DeviceChoice,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum DeviceChoice {
    /// The processor
    Cpu,
    /// An Nvidia card with CUDA
    Cuda,
    /// An Nvidia card with TensorRT
    Tensorrt,
}

impl From<DeviceChoice> for Device {
    fn from(choice: DeviceChoice) -> Self {
        match choice {
            DeviceChoice::Cpu => Self::Cpu,
            DeviceChoice::Cuda => Self::Cuda,
            DeviceChoice::Tensorrt => Self::Tensorrt,
        }
    }
}

impl ModelOptions {
    /// Opens the folder of models with its registry.
    pub(crate) fn models(&self) -> Result<Models, Failure> {
        Ok(Models::open(self.models.clone().unwrap_or_else(environment::models_folder))?)
    }

    /// Installed models, for cuts that share the memory of `budget`.
    pub(crate) fn installed(&self, budget: MemoryBudget) -> Result<InstalledModels, Failure> {
        let models = self.models()?;
        if let Some(id) = &self.model {
            models.registry().model(id)?;
        }
        let choice = match self.runtime.to_str() {
            Some("auto") => RuntimeChoice::Auto,
            Some("rten") => RuntimeChoice::Rten,
            _ => RuntimeChoice::Library(self.runtime.clone()),
        };
        let search = RuntimeSearch {
            choice,
            device: self.device.into(),
            folders: environment::library_folders(models.folder()),
        };
        Ok(InstalledModels { models, model: self.model.clone(), search, runtime: OnceLock::new(), budget })
    }
}

/// Model source backed by the folder of installed models. The runtime is searched for when a model
/// is first needed, so cutting by color never depends on it.
#[derive(Debug)]
pub(crate) struct InstalledModels {
    models: Models,
    model: Option<String>,
    search: RuntimeSearch,
    runtime: OnceLock<Runtime>,
    budget: MemoryBudget,
}

impl InstalledModels {
    /// Model that cuts use: the chosen one, else the default.
    pub(crate) fn model(&self) -> Result<&ModelEntry, Error> {
        match &self.model {
            Some(id) => self.models.registry().model(id),
            None => self.models.default_model().ok_or_else(|| Error::Unknown { id: "default".to_owned() }),
        }
    }

    /// Runtime of the model. It is searched for on the first call.
    pub(crate) fn runtime(&self) -> Result<&Runtime, Error> {
        if let Some(runtime) = self.runtime.get() {
            return Ok(runtime);
        }
        let found = Runtime::find(&self.search)?;
        Ok(self.runtime.get_or_init(|| found))
    }

    /// Checks that a model and a runtime are usable.
    pub(crate) fn check(&self) -> Result<(&ModelEntry, &Runtime), Error> {
        let model = self.model()?;
        match self.models.state(model) {
            State::Installed => {}
            State::Missing => return Err(Error::Missing { id: model.id.clone() }),
            State::Damaged => return Err(Error::Damaged { id: model.id.clone() }),
        }
        let runtime = self.runtime()?;
        runtime.backend(model)?;
        Ok((model, runtime))
    }
}

impl ModelSource for InstalledModels {
    fn open(&self, should_wait: &dyn Fn() -> bool) -> Result<OpenModel, ModelFailure> {
        let (model, runtime) = self.check().map_err(|error| model_failure(&error))?;
        let Some(reservation) = self.budget.reserve(model.memory_mib, should_wait) else {
            let message = "the cut was cancelled".to_owned();
            return Err(ModelFailure { code: clearcut_job::ErrorCode::Cancelled, message, hint: None });
        };
        let loaded = self.models.load(model, runtime).map_err(|error| model_failure(&error))?;
        Ok(OpenModel { model: loaded, id: model.id.clone(), held: Box::new(reservation) })
    }
}

fn model_failure(error: &Error) -> ModelFailure {
    ModelFailure { code: error.code(), message: error.to_string(), hint: error.hint() }
}
