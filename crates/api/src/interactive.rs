//! Interactive work: what a client waits for without a job, on a clip or an image that is kept only
//! as long as the request.

pub(crate) mod held_input;
pub(crate) mod interactive_worker;
