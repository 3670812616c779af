//! Fail points of debug builds: moments at which the queue stands still, so that a test can kill
//! the process there. Release builds do not contain them.

/// Moment at which the queue halts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HaltAt {
    /// The outputs of a job are stored, and the queue has no record of them.
    Stored,
    /// The queue has committed the end of a job, and the worker has not received the answer.
    Committed,
    /// The receiver of a webhook has answered 2xx, and the queue has no record of it.
    Delivered,
}

impl HaltAt {
    /// Parses the name of a moment: `stored`, `committed` or `delivered`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "stored" => Some(Self::Stored),
            "committed" => Some(Self::Committed),
            "delivered" => Some(Self::Delivered),
            _ => None,
        }
    }
}
