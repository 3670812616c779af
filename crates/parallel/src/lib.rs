//! Parallel work on a stream of items, with bounded memory and results in input order; and a budget
//! of memory that works share.
//!
//! [`with_workers`] starts threads once. [`Workers::map_in_order`] is a lazy iterator adapter whose
//! work runs on them, so steps of a pipeline chain like any other iterators:
//!
//! ```
//! use std::num::NonZeroUsize;
//!
//! let threads = NonZeroUsize::new(4).unwrap();
//! let total = clearcut_parallel::with_workers(threads, |workers| {
//!     let squares = workers.map_in_order(1..=10_u64, |number| number * number);
//!     let texts = workers.map_in_order(squares, |square| square.to_string());
//!     texts.collect::<Vec<_>>().join(" ")
//! });
//! assert_eq!(total, "1 4 9 16 25 36 49 64 81 100");
//! ```

mod memory_budget;
mod neighbors;
mod workers;

pub use memory_budget::{MemoryBudget, Reserved};
pub use neighbors::{Neighbors, with_neighbors};
pub use workers::{Workers, with_workers};
