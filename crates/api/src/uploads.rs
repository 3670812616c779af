//! The upload routes: in one `PUT` or resumable by tus, and how the bytes reach the store.

mod direct;
pub(crate) mod locks;
pub(crate) mod method_override;
pub(crate) mod quota;
pub(crate) mod receive;
pub(crate) mod resource;
pub(crate) mod shapes;
pub(crate) mod tus;
pub(crate) mod upload_headers;
pub(crate) mod upload_record;
