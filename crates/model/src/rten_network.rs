use std::{fmt, sync::Arc};

use clearcut_matte::{Network, NetworkError, NetworkInput};
use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool};
use rten_tensor::{NdTensorView, Tensor, prelude::*};

use crate::{
    Error, ModelEntry,
    entry::{InputSpec, Meaning},
    shape::{arranged, dimensions, probabilities},
};

/// A model in the runtime that is compiled in, on one thread.
pub(crate) struct RtenNetwork {
    model: Model,
    input: (NodeId, InputSpec),
    output: (NodeId, Meaning),
    pool: Arc<ThreadPool>,
}

impl fmt::Debug for RtenNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RtenNetwork").field("input", &self.input.1).finish_non_exhaustive()
    }
}

impl RtenNetwork {
    pub(crate) fn load(entry: &ModelEntry, bytes: Vec<u8>) -> Result<Self, Error> {
        let mut options = ModelOptions::with_all_ops();
        options.prepack_weights(true);
        let model = options.load(bytes).map_err(|error| Error::refused(&entry.id, error))?;
        let node = |name: &str| model.node_id(name).map_err(|error| Error::refused(&entry.id, error));
        let input = (node(&entry.input.name)?, entry.input.clone());
        let output = (node(&entry.output.name)?, entry.output.meaning);
        Ok(Self { model, input, output, pool: Arc::new(ThreadPool::with_num_threads(1)) })
    }
}

impl Network for RtenNetwork {
    fn input(&self) -> NetworkInput {
        self.input.1.network_input()
    }

    fn segment(&mut self, planes: &[f32]) -> Result<Vec<f32>, NetworkError> {
        let (id, spec) = &self.input;
        let values = arranged(planes, spec.layout);
        let tensor = NdTensorView::try_from_data(dimensions(spec), &values[..]).map_err(failed)?;
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(&self.pool)));
        let answers = self.model.run(vec![(*id, tensor.into())], &[self.output.0], Some(options)).map_err(failed)?;
        let answer = answers.into_iter().next().ok_or_else(|| failed(Unanswered))?;
        let tensor: Tensor<f32> = answer.try_into().map_err(|_| failed(Unanswered))?;
        Ok(probabilities(tensor.to_vec(), self.output.1))
    }
}

/// The answer is missing or holds no numbers of the right kind.
#[derive(Debug, thiserror::Error)]
#[error("the answer is no tensor of 32-bit numbers")]
pub(crate) struct Unanswered;

pub(crate) fn failed(error: impl std::error::Error + Send + Sync + 'static) -> NetworkError {
    NetworkError::Failed(Box::new(error))
}
