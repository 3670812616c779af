//! Models in ONNX Runtime, whose library is loaded at run time.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use clearcut_matte::{ModelError, ModelInput, SegmentationModel};
use ort::{
    environment::Environment,
    ep::{CUDA, ExecutionProviderDispatch, TensorRT},
    session::{Session, SessionInputValue, builder::GraphOptimizationLevel},
    value::TensorRef,
};

use crate::{
    Error, ModelEntry,
    device::Device,
    entry::{InputSpec, OutputSpec},
    shape::{dimensions, probabilities, to_layout},
    states::{State, States},
    tensor_error::{InvalidOutput, MissingTensor, failed},
};

/// The loaded library and its environment. A process can have only one of each.
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
    /// Loads the library at `path`, to compute on `device`. If a library is already loaded, returns
    /// that one.
    pub(crate) fn load(path: &Path, device: Device) -> Result<Self, Error> {
        // The lock is never poisoned: nothing panics while holding it.
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

    /// Path of the library.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Execution providers that come before the processor. If one is unavailable, that is an error,
    /// since the user named it.
    fn providers(&self) -> Vec<ExecutionProviderDispatch> {
        match self.device {
            Device::Cpu => Vec::new(),
            Device::Cuda => vec![CUDA::default().build().error_on_failure()],
            Device::Tensorrt => vec![TensorRT::default().build().error_on_failure()],
        }
    }

    /// A new session on one thread that does not spin while it waits.
    ///
    /// It uses a memory arena but no memory pattern. With the default model this takes 350 MB at
    /// its peak; without the arena 360 MB and a quarter more time; with both 550 MB.
    pub(crate) fn model(&self, entry: &ModelEntry, bytes: &[u8]) -> Result<OnnxModel, Error> {
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
            return Err(Error::refused(&entry.id, MissingTensor));
        }
        let shape = |name: &str| {
            let input = session.inputs().iter().find(|input| input.name() == name)?;
            Some(input.dtype().tensor_shape()?.iter().map(|side| usize::try_from(*side).unwrap_or(1)).collect())
        };
        let has_output = |name: &str| session.outputs().iter().any(|output| output.name() == name);
        let states =
            States::new(&entry.recurrent, shape, has_output).ok_or_else(|| Error::refused(&entry.id, MissingTensor))?;
        Ok(OnnxModel { session, input: entry.input.clone(), output: entry.output.clone(), states })
    }
}

/// A model in ONNX Runtime.
#[derive(Debug)]
pub(crate) struct OnnxModel {
    session: Session,
    input: InputSpec,
    output: OutputSpec,
    states: States,
}

impl SegmentationModel for OnnxModel {
    fn input(&self) -> ModelInput {
        self.input.model_input()
    }

    fn segment(&mut self, planes: &[f32]) -> Result<Vec<f32>, ModelError> {
        let values = to_layout(planes, self.input.layout);
        let tensor = TensorRef::from_array_view((dimensions(&self.input), &values[..])).map_err(failed)?;
        let mut inputs: Vec<(&str, SessionInputValue<'_>)> = vec![(&*self.input.name, tensor.into())];
        for (name, state) in self.states.inputs() {
            let tensor = TensorRef::from_array_view((state.shape.clone(), &state.values[..])).map_err(failed)?;
            inputs.push((name, tensor.into()));
        }
        let answers = self.session.run(inputs).map_err(failed)?;
        let answer = |name: &str| {
            let answer = answers.get(name).ok_or_else(|| failed(InvalidOutput))?;
            answer.try_extract_tensor::<f32>().map_err(failed)
        };
        let state = |name: &str| -> Result<State, ModelError> {
            let (shape, values) = answer(name)?;
            let shape = shape.iter().map(|side| usize::try_from(*side).unwrap_or_default()).collect();
            Ok(State { shape, values: values.to_vec() })
        };
        let states = self.states.outputs().map(state).collect::<Result<Vec<State>, _>>()?;
        let (_, values) = answer(&self.output.name)?;
        let probabilities = probabilities(values.to_vec(), self.output.meaning);
        self.states.replace(states);
        Ok(probabilities)
    }

    fn has_states(&self) -> bool {
        !self.states.is_empty()
    }

    fn forget(&mut self) {
        self.states.forget();
    }
}
