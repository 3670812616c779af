//! Object store for uploads and outputs.
//!
//! [`Store`] adds a policy to `object_store`: a put returns only when the bytes are on the disk,
//! every object is hashed on its way in, and a sweep removes what a crash leaves behind.
//! [`UrlSigner`] signs links to objects that expire and cannot be altered.

mod blocking;
mod clip_upload;
mod disk;
mod disk_space;
mod error;
mod grow;
mod object;
mod signed_link;
mod sweep;
mod upload;

pub use clip_upload::{ClipError, ClipQuota, ClipUpload};
pub use disk::{empty_folder, make_folder, sync_folder, write_atomically};
pub use disk_space::{DEFAULT_DISK_FLOOR_BYTES, Reservation};
pub use error::StoreError;
pub use grow::GrowingObject;
pub use object::{ObjectInfo, Store};
pub use signed_link::{SignedPath, SigningError, UrlSigner, percent_encode};
pub use upload::Upload;
