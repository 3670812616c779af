//! The causes of an error.

use std::{error::Error, iter};

/// `error` and its causes, each followed by its own cause.
pub fn error_chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    iter::successors(Some(error), |error| (*error).source())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] std::num::ParseIntError);

    #[test]
    fn the_chain_begins_with_the_error_and_ends_with_its_first_cause() {
        let outer = Outer("x".parse::<u8>().unwrap_err());
        let messages: Vec<String> = error_chain(&outer).map(ToString::to_string).collect();
        assert_eq!(messages, ["outer", "invalid digit found in string"]);
        assert!(error_chain(&outer).any(<dyn Error>::is::<std::num::ParseIntError>));
    }
}
