//! States that a recurrent model passes from frame to frame.

use crate::entry::RecurrentPair;

/// The states of one model, in the order of its registry entry.
#[derive(Debug)]
pub(crate) struct States {
    pairs: Vec<RecurrentPair>,
    initial: Vec<State>,
    current: Vec<State>,
}

/// One state tensor.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct State {
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f32>,
}

impl States {
    /// The states at the start of a shot: all zero, with size 1 along dimensions that the file
    /// leaves open.
    ///
    /// `shape` returns the shape of an input, `has_output` whether an output exists. `None` if the
    /// file lacks an input or output of a pair.
    pub(crate) fn new(
        pairs: &[RecurrentPair],
        shape: impl Fn(&str) -> Option<Vec<usize>>,
        has_output: impl Fn(&str) -> bool,
    ) -> Option<Self> {
        let zero = |pair: &RecurrentPair| {
            let shape = shape(&pair.input).filter(|_| has_output(&pair.output))?;
            Some(State { values: vec![0.0; shape.iter().product()], shape })
        };
        let initial: Vec<State> = pairs.iter().map(zero).collect::<Option<_>>()?;
        Some(Self { pairs: pairs.to_vec(), current: initial.clone(), initial })
    }

    /// Resets the states to the start of a shot.
    pub(crate) fn forget(&mut self) {
        self.current.clone_from(&self.initial);
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Names and values of the state inputs.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = (&str, &State)> {
        self.pairs.iter().map(|pair| &*pair.input).zip(&self.current)
    }

    /// Names of the state outputs.
    pub(crate) fn outputs(&self) -> impl Iterator<Item = &str> {
        self.pairs.iter().map(|pair| &*pair.output)
    }

    /// Replaces the states, given in the order of [`Self::outputs`].
    pub(crate) fn replace(&mut self, states: Vec<State>) {
        self.current = states;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_begin_at_zero_and_are_reset_by_forget() {
        let pairs = [RecurrentPair { input: "i".to_owned(), output: "o".to_owned() }];
        let mut states = States::new(&pairs, |_| Some(vec![1, 2, 1]), |_| true).unwrap();
        let zero = State { shape: vec![1, 2, 1], values: vec![0.0; 2] };
        assert_eq!(states.inputs().collect::<Vec<_>>(), [("i", &zero)]);
        let next = State { shape: vec![1, 2, 3], values: vec![0.5; 6] };
        states.replace(vec![next.clone()]);
        assert_eq!(states.inputs().collect::<Vec<_>>(), [("i", &next)]);
        states.forget();
        assert_eq!(states.inputs().collect::<Vec<_>>(), [("i", &zero)]);
        assert!(States::new(&pairs, |_| Some(vec![1]), |name| name != "o").is_none());
        assert!(States::new(&pairs, |_| None, |_| true).is_none());
    }
}
