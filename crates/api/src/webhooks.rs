//! The routes of webhook endpoints and their deliveries.

pub(crate) mod deliveries;
pub(crate) mod destination;
pub(crate) mod endpoints;
pub(crate) mod shapes;
