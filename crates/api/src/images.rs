//! The image routes: one image is cut, measured or scaled while the client waits, or many are cut
//! by a job.

mod cut_fields;
pub(crate) mod cut_report;
pub(crate) mod emoticon;
pub(crate) mod forms;
pub(crate) mod image_fields;
pub(crate) mod received_image;
pub(crate) mod remove_background;
pub(crate) mod resize;
pub(crate) mod submit;
