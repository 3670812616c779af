//! Webhooks: signs what happened, delivers it, and tries again.
//!
//! The queue holds what there is to tell; [`run`] is the plot: it claims deliveries that are due, sends each once, and says
//! what came of it. Every delivery may arrive twice and arrives at least once, unless its receiver never answers: whoever
//! dies between the answer and its record leaves the delivery to the next, who sends it again under the same name.
//!
//! Receivers are strangers. They are reached through [`clearcut_outbound`], which reaches no private address and follows no
//! redirect; an attempt has a deadline, of a reply only the first bytes are read, and a host that does not answer holds up no
//! other.

mod courier;
mod payload;
mod schedule;
mod send;
mod settings;
mod sign;

pub use courier::{Courier, run};
pub use payload::DescribeJob;
pub use settings::CourierSettings;
