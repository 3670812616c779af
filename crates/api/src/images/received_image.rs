//! An image that was received, and the work on it.

use std::time::{Duration, Instant};

use axum::{body::Body, extract::Request, response::Response};
use clearcut_job::{ImageOutcome, ImageRequest, ImageTask, StillFormat};
use clearcut_queue::KeyId;
use futures_util::StreamExt as _;

use crate::{
    Api, ApiError,
    http::field_warning::FieldWarning,
    images::image_fields::ImageFields,
    interactive::held_input::HeldInput,
    jobs::{intake::receive_form, received_files::FileRules},
    traffic::CountGuard,
};

/// An image that was received, until it is dropped.
#[derive(Debug)]
pub(crate) struct ReceivedImage {
    owner: KeyId,
    input: HeldInput,
    /// Format of the image, by its first bytes.
    pub(crate) format: StillFormat,
    /// Warnings about the fields of the request.
    pub(crate) warnings: Vec<FieldWarning>,
    /// When the image had arrived.
    arrived: Instant,
    counted: CountGuard,
}

/// Receives an image and what `read` makes of the fields, of which the route knows `names`. On
/// failure, nothing is left of the image.
pub(crate) async fn receive_image<T>(
    api: &Api,
    owner: KeyId,
    (names, request): (&'static [&'static str], Request),
    read: impl FnOnce(&mut ImageFields) -> Result<T, ApiError>,
) -> Result<(T, ReceivedImage), ApiError> {
    // Counted before the body is read, to limit the temporary images of an API key on the disk.
    let counted = api.traffic.begin_image(owner, api.settings.max_images)?;
    let fields = ImageFields::named(names);
    let received = receive_form(api, owner, FileRules::image_of_request(api), fields, request).await?;
    let build = |mut fields: ImageFields, unknown| {
        let read = read(&mut fields)?;
        Ok((read, [unknown, fields.into_warnings()].concat()))
    };
    let ((read, warnings), source) = received.finish(api, build).await?;
    let input = HeldInput::of(api, owner, source).await?;
    let format = StillFormat::sniff(&api.read_head(&input.name, StillFormat::SNIFF_BYTES as u64).await?)?;
    let max_bytes = api.settings.max_image_bytes;
    if api.store.head(&input.name).await?.size_bytes > max_bytes {
        return Err(ApiError::TooLarge { max_bytes });
    }
    Ok((read, ReceivedImage { owner, input, format, warnings, arrived: Instant::now(), counted }))
}

impl ReceivedImage {
    /// Does `task` on the image.
    pub(crate) async fn process(&self, api: &Api, task: ImageTask) -> Result<ImageOutcome, ApiError> {
        let is_cut = matches!(task, ImageTask::Cut { .. });
        let request = ImageRequest { input: self.input.name.clone(), task };
        let processed = api.interactive.process_image(self.owner, request).await;
        processed.map_err(|reason| ApiError::from(reason).with_way_out(is_cut, api.settings.has_model))
    }

    /// The reply, which counts among the images of the API key until it was sent: its files are in
    /// memory until then.
    pub(crate) fn counted_until_sent(self, reply: Response) -> Response {
        let counted = self.counted;
        reply.map(|body| {
            Body::from_stream(body.into_data_stream().inspect(move |_| {
                let _ = &counted;
            }))
        })
    }

    /// Time since the image had arrived, in milliseconds.
    pub(crate) fn elapsed_ms(&self) -> u64 {
        let elapsed: Duration = self.arrived.elapsed();
        elapsed.as_millis() as u64
    }
}
