use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use clearcut_matte::{Network, NetworkError, NetworkInput};
use ort::{
    environment::Environment,
    ep::{CUDA, ExecutionProviderDispatch, TensorRT},
    session::{Session, builder::GraphOptimizationLevel},
    value::TensorRef,
};

use crate::{
    Device, Error, ModelEntry,
    entry::{InputSpec, OutputSpec},
    rten_network::{Unanswered, failed},
    shape::{arranged, dimensions, probabilities},
};

/// The library and its environment: a process can have one of each.
static LOADED: Mutex<Option<OnnxRuntime>> = Mutex::new(None);

/// ONNX Runtime, loaded from a library.
#[derive(Clone)]
pub struct OnnxRuntime {
    path: PathBuf,
    environment: Environment,
    device: Device,
}

impl fmt::Debug for OnnxRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnnxRuntime").field("path", &self.path).finish_non_exhaustive()
    }
}

impl OnnxRuntime {
    /// Loads the library at `path`, to compute on `device`; where one is loaded already, that is handed out.
    pub(crate) fn load(path: &Path, device: Device) -> Result<Self, Error> {
        // Nothing panics while holding it.
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = &*loaded {
            return Ok(Self { device, ..runtime.clone() });
        }
        let unusable = |message: String| Error::RuntimeUnusable { message };
        let path = path.canonicalize().map_err(|error| unusable(error.to_string()))?;
        let builder = ort::init_from(&path).map_err(|error| unusable(error.to_string()))?;
        let environment = builder.with_name("clearcut").with_telemetry(false).build();
        let environment = environment.map_err(|error| unusable(error.to_string()))?;
        let runtime = Self { path, environment, device };
        *loaded = Some(runtime.clone());
        Ok(runtime)
    }

    /// Where the library lies.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What is asked to compute before the processor; that it cannot is an error, since it was asked for by name.
    fn providers(&self) -> Vec<ExecutionProviderDispatch> {
        match self.device {
            Device::Cpu => Vec::new(),
            Device::Cuda => vec![CUDA::default().build().error_on_failure()],
            Device::Tensorrt => vec![TensorRT::default().build().error_on_failure()],
        }
    }

    /// A session of its own on one thread, that does not spin while it waits and keeps no memory for shapes that never change.
    pub(crate) fn network(&self, entry: &ModelEntry, bytes: &[u8]) -> Result<OnnxNetwork, Error> {
        let build = || -> ort::Result<Session> {
            Session::builder(&self.environment)?
                .with_intra_threads(1)?
                .with_inter_threads(1)?
                .with_intra_op_spinning(false)?
                .with_inter_op_spinning(false)?
                .with_memory_pattern(false)?
                .with_optimization_level(GraphOptimizationLevel::All)?
                .with_execution_providers(self.providers())?
                .commit_from_memory(bytes)
        };
        let session = build().map_err(|error| Error::refused(&entry.id, error))?;
        let has_input = session.inputs().iter().any(|input| input.name() == entry.input.name);
        let has_output = session.outputs().iter().any(|output| output.name() == entry.output.name);
        if !has_input || !has_output {
            return Err(Error::refused(&entry.id, Unnamed));
        }
        Ok(OnnxNetwork { session, input: entry.input.clone(), output: entry.output.clone() })
    }
}

/// The file has no tensor of the name that the registry gives.
#[derive(Debug, thiserror::Error)]
#[error("the model has no input or output of the name that the registry gives")]
struct Unnamed;

/// A model in ONNX Runtime.
#[derive(Debug)]
pub(crate) struct OnnxNetwork {
    session: Session,
    input: InputSpec,
    output: OutputSpec,
}

impl Network for OnnxNetwork {
    fn input(&self) -> NetworkInput {
        self.input.network_input()
    }

    fn segment(&mut self, planes: &[f32]) -> Result<Vec<f32>, NetworkError> {
        let values = arranged(planes, self.input.layout);
        let tensor = TensorRef::from_array_view((dimensions(&self.input), &values[..])).map_err(failed)?;
        let answers = self.session.run(ort::inputs![&*self.input.name => tensor]).map_err(failed)?;
        let answer = answers.get(&self.output.name).ok_or_else(|| failed(Unanswered))?;
        let (_, values) = answer.try_extract_tensor::<f32>().map_err(failed)?;
        Ok(probabilities(values.to_vec(), self.output.meaning))
    }
}
