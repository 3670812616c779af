//! The fields of a request to cut images, at once or by a job.

use clearcut_job::{ImageCutRequest, KeyColorChoice, MethodChoice, RequestError};

use crate::{
    ApiError, ApiSettings,
    images::image_fields::{ImageFields, whole_number},
    jobs::form_values::parse_key_color,
};

/// Default of the tolerance for images. Clips have another one.
const DEFAULT_TOLERANCE: u16 = 20;

/// Reads the fields of a cut: `method`, `chromaKey`, `tolerance`, `shadow`, `smoothEdges` and
/// `edgeSampleSize`.
pub(crate) fn read_cut(fields: &mut ImageFields, settings: &ApiSettings) -> Result<ImageCutRequest, ApiError> {
    let method = fields.read("method", str::parse)?;
    let key_color = fields.read("chromaKey", parse_key_color)?.unwrap_or(KeyColorChoice::Auto);
    let tolerance = fields.read("tolerance", str::parse)?;
    let shadow = fields.read("shadow", str::parse)?;
    let has_soft_edges = fields.read("smoothEdges", |text| {
        text.trim().parse().map_err(|_| RequestError::new("smoothEdges", text, "true or false"))
    })?;
    let side = |text: &str| whole_number("edgeSampleSize", text, 1..=u32::MAX, "a whole number from 1");
    if fields.read("edgeSampleSize", side)?.is_some() {
        fields.warn("edgeSampleSize", "it has no effect: the whole border of the image is measured");
    }
    let method = match (method, key_color) {
        (Some(MethodChoice::Ai), KeyColorChoice::Given(_)) => {
            fields.warn("method", "it has no effect beside chromaKey, which implies chroma");
            MethodChoice::Chroma
        }
        (_, KeyColorChoice::Given(_)) => MethodChoice::Chroma,
        (Some(MethodChoice::Ai), _) if !settings.has_model => {
            return Err(RequestError::new("method", "ai", "auto or chroma on this server, which has no model").into());
        }
        (Some(method), _) => method,
        (None, _) if settings.has_model => MethodChoice::Ai,
        (None, _) => MethodChoice::Auto,
    };
    Ok(ImageCutRequest {
        method,
        key_color,
        tolerance: tolerance.map_or_else(|| DEFAULT_TOLERANCE.try_into(), Ok)?,
        shadow: shadow.unwrap_or_default(),
        has_soft_edges: has_soft_edges.unwrap_or(true),
    })
}
