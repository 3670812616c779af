//! What a recurrent model hands itself from frame to frame.

use crate::entry::RecurrentPair;

/// The states of one model, in the order of its registry entry.
#[derive(Debug)]
pub(crate) struct States {
    pairs: Vec<RecurrentPair>,
    first: Vec<State>,
    now: Vec<State>,
}

/// One state.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct State {
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f32>,
}

impl States {
    /// At the start of a shot: all zero, with one value along dimensions that the file leaves open. `None` if the file has no
    /// input or output that a pair names; `shape` says the shape of an input, `has_output` whether there is an output.
    pub(crate) fn new(
        pairs: &[RecurrentPair],
        shape: impl Fn(&str) -> Option<Vec<usize>>,
        has_output: impl Fn(&str) -> bool,
    ) -> Option<Self> {
        let zero = |pair: &RecurrentPair| {
            let shape = shape(&pair.input).filter(|_| has_output(&pair.output))?;
            Some(State { values: vec![0.0; shape.iter().product()], shape })
        };
        let first: Vec<State> = pairs.iter().map(zero).collect::<Option<_>>()?;
        Some(Self { pairs: pairs.to_vec(), now: first.clone(), first })
    }

    /// Goes back to the start.
    pub(crate) fn forget(&mut self) {
        self.now.clone_from(&self.first);
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// What goes in beside the frame: name and state.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = (&str, &State)> {
        self.pairs.iter().map(|pair| &*pair.input).zip(&self.now)
    }

    /// The names of what comes out beside the mask.
    pub(crate) fn outputs(&self) -> impl Iterator<Item = &str> {
        self.pairs.iter().map(|pair| &*pair.output)
    }

    /// Takes what came out, in the order of [`Self::outputs`].
    pub(crate) fn take(&mut self, states: Vec<State>) {
        self.now = states;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_begin_at_zero_and_go_back_to_it() {
        let pairs = [RecurrentPair { input: "i".to_owned(), output: "o".to_owned() }];
        let mut states = States::new(&pairs, |_| Some(vec![1, 2, 1]), |_| true).unwrap();
        let zero = State { shape: vec![1, 2, 1], values: vec![0.0; 2] };
        assert_eq!(states.inputs().collect::<Vec<_>>(), [("i", &zero)]);
        let next = State { shape: vec![1, 2, 3], values: vec![0.5; 6] };
        states.take(vec![next.clone()]);
        assert_eq!(states.inputs().collect::<Vec<_>>(), [("i", &next)]);
        states.forget();
        assert_eq!(states.inputs().collect::<Vec<_>>(), [("i", &zero)]);
        assert!(States::new(&pairs, |_| Some(vec![1]), |name| name != "o").is_none());
        assert!(States::new(&pairs, |_| None, |_| true).is_none());
    }
}
