//! The job routes (submit, read, wait, list, follow, cancel, retry, delete, get the input) and their JSON.

mod background;
pub(crate) mod color;
pub(crate) mod control;
pub(crate) mod data_url;
pub(crate) mod describe;
pub(crate) mod event_stream;
pub(crate) mod fields;
pub(crate) mod form;
pub(crate) mod form_values;
pub(crate) mod idempotency;
mod image_bundle;
pub(crate) mod image_shapes;
pub(crate) mod input;
pub(crate) mod intake;
pub(crate) mod links;
pub(crate) mod list;
pub(crate) mod media_type;
mod part;
mod preset_fields;
pub(crate) mod received_files;
pub(crate) mod report;
pub(crate) mod shapes;
pub(crate) mod submit;
pub(crate) mod synchronous;
pub(crate) mod usage;
pub(crate) mod view;
pub(crate) mod waiting;
