//! Objects: uploads and outputs, by name.
//!
//! [`Store`] is a thin policy over `object_store`: a put has returned only when the bytes are on the disk, everything is
//! hashed on its way in, and what a crash leaves behind is swept. [`UrlSigner`] hands out links to objects that end by
//! themselves and cannot be changed.

mod disk;
mod error;
mod grow;
mod name;
mod object;
mod room;
mod sign;
mod sweep;
mod upload;

pub use disk::{empty_folder, make_folder, sync_folder, write_whole};
pub use error::StoreError;
pub use grow::Growing;
pub use name::{ObjectName, ParseObjectNameError};
pub use object::{ObjectInfo, Store};
pub use room::Reservation;
pub use sign::{SignedPath, SigningError, UrlSigner, percent_encode};
pub use upload::{Stored, Upload};
