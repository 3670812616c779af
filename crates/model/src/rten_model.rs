//! Models in rten, the runtime that is compiled in.

use std::{fmt, sync::Arc};

use clearcut_matte::{ModelError, ModelInput, SegmentationModel};
use rten::{Dimension, Model, ModelOptions, NodeId, RunOptions, ThreadPool, ValueOrView};
use rten_tensor::{NdTensorView, Tensor, TensorView, prelude::*};

use crate::{
    Error, ModelEntry,
    entry::{InputSpec, Meaning},
    shape::{dimensions, probabilities, to_layout},
    states::{State, States},
    tensor_error::{InvalidOutput, MissingTensor, failed},
};

/// A model in rten, on one thread.
pub(crate) struct RtenModel {
    model: Model,
    input: (NodeId, InputSpec),
    output: (NodeId, Meaning),
    states: States,
    pool: Arc<ThreadPool>,
}

impl fmt::Debug for RtenModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RtenModel").field("input", &self.input.1).finish_non_exhaustive()
    }
}

impl RtenModel {
    pub(crate) fn load(entry: &ModelEntry, bytes: Vec<u8>) -> Result<Self, Error> {
        let mut options = ModelOptions::with_all_ops();
        options.prepack_weights(true);
        let model = options.load(bytes).map_err(|error| Error::refused(&entry.id, error))?;
        let node = |name: &str| model.node_id(name).map_err(|error| Error::refused(&entry.id, error));
        let input = (node(&entry.input.name)?, entry.input.clone());
        let output = (node(&entry.output.name)?, entry.output.meaning);
        let shape = |name: &str| {
            let shape = model.node_info(model.find_node(name)?)?.shape()?;
            let side = |side: &Dimension| if let Dimension::Fixed(side) = side { *side } else { 1 };
            Some(shape.iter().map(side).collect())
        };
        let states = States::new(&entry.recurrent, shape, |name| model.find_node(name).is_some());
        let states = states.ok_or_else(|| Error::refused(&entry.id, MissingTensor))?;
        Ok(Self { model, input, output, states, pool: Arc::new(ThreadPool::with_num_threads(1)) })
    }
}

impl SegmentationModel for RtenModel {
    fn input(&self) -> ModelInput {
        self.input.1.model_input()
    }

    fn segment(&mut self, planes: &[f32]) -> Result<Vec<f32>, ModelError> {
        let (id, spec) = &self.input;
        let values = to_layout(planes, spec.layout);
        let tensor = NdTensorView::try_from_data(dimensions(spec), &values[..]).map_err(failed)?;
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(&self.pool)));
        let node = |name: &str| self.model.node_id(name).map_err(failed);
        let mut inputs: Vec<(NodeId, ValueOrView<'_>)> = vec![(*id, tensor.into())];
        for (name, State { shape, values }) in self.states.inputs() {
            let tensor = TensorView::try_from_data(&shape[..], &values[..]).map_err(failed)?;
            inputs.push((node(name)?, tensor.into()));
        }
        let mut outputs = vec![self.output.0];
        for name in self.states.outputs() {
            outputs.push(node(name)?);
        }
        let answers = self.model.run(inputs, &outputs, Some(options)).map_err(failed)?;
        let mut tensors =
            answers.into_iter().map(|answer| Tensor::<f32>::try_from(answer).map_err(|_| failed(InvalidOutput)));
        let mask = tensors.next().ok_or_else(|| failed(InvalidOutput))??;
        let state = |tensor: Tensor<f32>| State { shape: tensor.shape().to_vec(), values: tensor.to_vec() };
        let states = tensors.map(|tensor| tensor.map(state)).collect::<Result<Vec<State>, _>>()?;
        self.states.replace(states);
        Ok(probabilities(mask.to_vec(), self.output.1))
    }

    fn has_states(&self) -> bool {
        !self.states.is_empty()
    }

    fn forget(&mut self) {
        self.states.forget();
    }
}
