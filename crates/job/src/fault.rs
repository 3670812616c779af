/// Who has to act on a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The one who asked: the clip or a field is wrong. Never retried.
    Input,
    /// The one who runs this machine: a tool is missing, a disk is full.
    Host,
    /// Another machine: worth another attempt.
    Upstream,
}
