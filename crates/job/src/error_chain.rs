//! The causes of an error.

use std::{error::Error, iter};

/// `error` and its causes, each followed by its own cause.
pub fn error_chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    iter::successors(Some(error), |error| (*error).source())
}

/// `error` and its causes as one line of a log: `the database failed: connection refused`. A cause
/// that the text before it ends with is not said again.
#[must_use]
pub fn error_line(error: &(dyn Error + 'static)) -> String {
    error_chain(error).map(ToString::to_string).fold(String::new(), |line, cause| match line.as_str() {
        "" => cause,
        told if told.ends_with(&cause) => line,
        told => format!("{told}: {cause}"),
    })
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

    #[derive(Debug, thiserror::Error)]
    #[error("whole: {0}")]
    struct Whole(#[source] Outer);

    #[test]
    fn a_line_tells_each_cause_once() {
        let whole = Whole(Outer("x".parse::<u8>().unwrap_err()));
        assert_eq!(error_line(&whole), "whole: outer: invalid digit found in string");
    }
}
