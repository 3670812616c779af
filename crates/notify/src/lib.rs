//! Webhook delivery: signs events, delivers them, and retries failed deliveries.
//!
//! The queue holds the deliveries. [`run`] is the entry point: it claims deliveries that are due,
//! makes one attempt for each, and records the result. Delivery is at least once, unless the
//! receiver never answers. If a courier dies between the answer and its record, the next courier
//! sends the delivery again under the same ID.
//!
//! Receivers are untrusted. They are reached through [`clearcut_outbound`], which connects to no
//! private address and follows no redirect. An attempt has a deadline, only the first bytes of a
//! reply are read, and a host that does not answer does not delay other hosts.

mod courier;
mod payload;
mod schedule;
mod send;
mod settings;
mod sign;

pub use courier::{Courier, run};
pub use payload::DescribeJob;
pub use settings::CourierSettings;
