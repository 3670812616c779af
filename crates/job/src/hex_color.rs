//! Serialization of an optional color as `#RRGGBB`.

use clearcut_frame::Rgb8;
use serde::{Deserialize, Deserializer, Serializer, de::Error};

#[expect(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "serde requires this signature")]
pub(crate) fn serialize<S: Serializer>(color: &Option<Rgb8>, serializer: S) -> Result<S::Ok, S::Error> {
    match color {
        Some(color) => serializer.collect_str(color),
        None => serializer.serialize_none(),
    }
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Rgb8>, D::Error> {
    Option::<String>::deserialize(deserializer)?.map(|text| text.parse().map_err(D::Error::custom)).transpose()
}
