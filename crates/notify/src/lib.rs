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
//!
//! ```
//! use std::sync::Arc;
//!
//! use clearcut_job::SystemClock;
//! use clearcut_notify::{Courier, CourierSettings, DescribeJob};
//! use clearcut_outbound::{AddressPolicy, Outbound, Timeouts};
//! use clearcut_queue::{JobRecord, MemoryQueue, Policy};
//! use serde_json::{Value, json};
//! use tokio_util::sync::CancellationToken;
//!
//! /// The JSON of a job in a payload.
//! #[derive(Debug)]
//! struct Describe;
//!
//! #[async_trait::async_trait]
//! impl DescribeJob for Describe {
//!     async fn describe(&self, job: &JobRecord, _link_base: &str) -> Value {
//!         json!({ "jobId": job.id, "status": job.state.name() })
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let clock = Arc::new(SystemClock);
//! let courier = Courier {
//!     queue: Arc::new(MemoryQueue::new(clock.clone(), Policy::default())),
//!     outbound: Outbound::new(AddressPolicy::default(), Timeouts::default())?,
//!     describe: Arc::new(Describe),
//!     clock,
//!     settings: CourierSettings::default(),
//! };
//! let stop = CancellationToken::new();
//! let running = tokio::spawn(clearcut_notify::run(courier, stop.clone()));
//! stop.cancel(); // Sends what is due, and ends.
//! running.await?;
//! # Ok(())
//! # }
//! ```

mod courier;
mod metrics;
mod payload;
mod retry_schedule;
mod send;
mod settings;
mod sign;

pub use crate::metrics::describe_metrics;
pub use courier::{Courier, run};
pub use payload::DescribeJob;
pub use settings::CourierSettings;
