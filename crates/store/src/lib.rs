//! Object store for uploads and outputs.
//!
//! [`Store`] adds a policy to `object_store`: a put returns only when the bytes are on the disk,
//! every object is hashed on its way in, and a sweep removes what a crash leaves behind.
//! [`UrlSigner`] signs links to objects that expire and cannot be altered.

mod disk;
mod error;
mod grow;
mod object;
mod room;
mod sign;
mod sweep;
mod upload;

pub use disk::{empty_folder, make_folder, sync_folder, write_atomically};
pub use error::StoreError;
pub use grow::GrowingObject;
pub use object::{ObjectInfo, Store};
pub use room::Reservation;
pub use sign::{SignedPath, SigningError, UrlSigner, percent_encode};
pub use upload::Upload;
