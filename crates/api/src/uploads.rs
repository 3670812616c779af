//! The routes of uploads: whole by `PUT`, in pieces by tus, and the way of their bytes to the store.

pub(crate) mod locks;
pub(crate) mod receive;
pub(crate) mod resource;
pub(crate) mod room;
pub(crate) mod tus;
