//! Object store for uploads and outputs.
//!
//! [`Store`] adds a policy to `object_store`: a put returns only when the bytes are on the disk,
//! every object is hashed on its way in, and a sweep removes what a crash leaves behind.
//! [`UrlSigner`] signs links to objects that expire and cannot be altered.
//!
//! ```
//! use clearcut_job::{Clock as _, ObjectName, SystemClock};
//! use clearcut_store::{Store, UrlSigner};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let store = Store::local(folder.path())?;
//!
//! let mut upload = store.begin(ObjectName::upload(1)).await?;
//! upload.write("the bytes of a clip".into()).await?;
//! let stored = upload.finish().await?; // The object is on the disk now.
//! assert_eq!(store.head(&stored.name).await?.size_bytes, 19);
//!
//! let signer = UrlSigner::new([7; 32]);
//! let expires = SystemClock.now().after(std::time::Duration::from_secs(3600));
//! let link = signer.sign(&stored.name, expires);
//! assert!(link.0.starts_with("/files/uploads/"));
//! # Ok(())
//! # }
//! ```

mod address;
mod blocking;
mod bucket;
mod check;
mod clip_upload;
mod create_only;
mod diagnosis;
mod disk;
mod disk_space;
mod error;
mod grow;
mod identity;
mod object;
mod presigned;
mod put_length;
mod s3;
mod signed_link;
mod sweep;
mod upload;
mod variables;

pub use address::{Origin, StoreAddress};
pub use check::{CheckError, Right, StoreFault};
pub use clip_upload::{ClipError, ClipQuota, ClipUpload};
pub use diagnosis::{Finding, Verdict};
pub use disk::{empty_folder, make_folder, sync_folder, write_atomically};
pub use disk_space::{DEFAULT_DISK_FLOOR_BYTES, Reservation};
pub use error::{SettingError, StoreError};
pub use grow::GrowingObject;
pub use object::{ObjectInfo, Store};
pub use presigned::{MAX_PRESIGNED_TTL, ReplyHeaders};
pub use signed_link::{SignedPath, SigningError, UrlSigner, percent_encode};
pub use upload::Upload;
