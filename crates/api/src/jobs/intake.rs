//! The body of a submit, a preview or an image request: its form fields, and its file, which is
//! stored as it arrives.

use axum::{
    RequestExt as _,
    extract::{
        Multipart, Request,
        multipart::{Field, MultipartError},
    },
    http::{HeaderMap, header},
};
use bytes::Bytes;
use clearcut_job::{Accepted, ClipName, CutRequest, ObjectName, StoredObject, UploadId};
use clearcut_outbound::Target;
use clearcut_queue::{JobWebhook, KeyId};

use crate::{
    Api, ApiError,
    http::{body_limits::BodyOutcome, field_warning::FieldWarning, multipart_overhead::OverheadMeter, request_headers},
    jobs::{fields::Fields, form::Form},
    random::draw_random,
    uploads::quota::ClipUpload,
    webhooks::endpoints::read_job_webhook,
};

/// Maximum size of a text field in bytes. The longest documented one, a URL, is well below.
const MAX_TEXT_BYTES: usize = 8192;

/// Maximum number of parts in a request. Leaves room for all documented fields and as many unknown
/// ones.
const MAX_PARTS: usize = 64;

/// Source of the clip or image of a request.
#[derive(Debug)]
pub(crate) enum Source {
    /// A file in the request, now in the store.
    Stored(StoredObject),
    /// An earlier upload. Not yet checked to exist.
    Uploaded(UploadId),
    /// A URL to fetch.
    Address(Target),
}

impl Source {
    /// Identity of the source, for idempotency: equal only for equal files, uploads or URLs.
    pub(crate) fn identity(&self) -> String {
        match self {
            Self::Stored(stored) => format!("file {}", stored.sha256),
            Self::Uploaded(upload) => format!("upload {upload}"),
            Self::Address(target) => format!("url {}", target.as_str()),
        }
    }
}

/// What the file of a request may be, and how long it is stored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FileRules {
    accepted: Accepted,
    max_bytes: u64,
    /// The file is stored as long as its job, and counts against the quota of its API key. Otherwise
    /// it is stored until the end of the request.
    belongs_to_job: bool,
}

impl FileRules {
    fn clip_of_job(api: &Api) -> Self {
        Self { belongs_to_job: true, ..Self::clip_of_request(api) }
    }

    pub(crate) fn clip_of_request(api: &Api) -> Self {
        Self { accepted: Accepted::Videos, max_bytes: api.settings.body.max_bytes, belongs_to_job: false }
    }

    pub(crate) fn image_of_request(api: &Api) -> Self {
        let max_bytes = api.settings.max_image_bytes.min(api.settings.body.max_bytes);
        Self { accepted: Accepted::Images, max_bytes, belongs_to_job: false }
    }
}

/// A submit request, parsed and checked.
#[derive(Debug)]
pub(crate) struct ParsedSubmit {
    /// The cut to make.
    pub(crate) request: CutRequest,
    /// Source of the clip.
    pub(crate) source: Source,
    /// Name of the clip.
    pub(crate) clip_name: Option<ClipName>,
    /// Receiver of the job's events.
    pub(crate) webhook: Option<JobWebhook>,
    /// Fields that had no effect.
    pub(crate) warnings: Vec<FieldWarning>,
}

/// The fields and the file of a request, as received.
pub(crate) struct ReceivedForm<F> {
    pub(crate) form: F,
    file: Option<ClipUpload>,
    /// File name of the part with the file.
    file_name: Option<String>,
    /// Fields that are unknown.
    warnings: Vec<FieldWarning>,
}

impl<F: Fields> ReceivedForm<F> {
    /// Returns what `build` makes of the fields and of the warnings about unknown ones, and the
    /// source. On failure, nothing is left of the file.
    pub(crate) async fn finish<T>(
        mut self,
        api: &Api,
        build: impl FnOnce(F, Vec<FieldWarning>) -> Result<T, ApiError>,
    ) -> Result<(T, Source), ApiError> {
        let source = read_source(api, &mut self.form, self.file.is_some())?;
        let built = build(self.form, self.warnings)?;
        // The file becomes an object only now, so that no earlier error leaves one behind.
        Ok((built, finish_source(source, self.file).await?))
    }
}

/// Reads a submit request: streams the file into the store and parses the fields. On success the
/// file is durable; on failure nothing is left of it.
pub(crate) async fn receive_submit(api: &Api, owner: KeyId, request: Request) -> Result<ParsedSubmit, ApiError> {
    let headers = request.headers().clone();
    let mut received = receive_form(api, owner, FileRules::clip_of_job(api), Form::default(), request).await?;
    let file_name = received.file_name.take();
    let ((request, clip_name, webhook, warnings), source) = received
        .finish(api, |form, unknown| {
            let warnings = [unknown, form.without_effect_on_job()].concat();
            // An unusable name counts as none.
            let clip_name = form.clip_name.as_deref().or(file_name.as_deref()).and_then(ClipName::of_file);
            let webhook = form.webhook_url.as_deref().map(|url| read_job_webhook(api, url, &headers)).transpose()?;
            Ok((form.finish(&api.settings)?, clip_name, webhook, warnings))
        })
        .await?;
    Ok(ParsedSubmit { request, source, clip_name, webhook, warnings })
}

/// Reads the body of a request: streams the file to the disk and parses the fields. The file is not
/// yet an object of the store.
pub(crate) async fn receive_form<F: Fields>(
    api: &Api,
    owner: KeyId,
    rules: FileRules,
    form: F,
    request: Request,
) -> Result<ReceivedForm<F>, ApiError> {
    let announced = check_headers(api, request.headers())?;
    // The file takes the space, once.
    let mut space = Some(api.reserve_space(announced).await?);
    let _intake = api.traffic.begin_intake(owner, api.settings.max_intakes_per_key).await?;
    let outcome = request.extensions().get::<BodyOutcome>().cloned().unwrap_or_default();
    let meter = OverheadMeter::default();
    let request = request.map(|body| meter.wrap(body));
    let mut multipart: Multipart = request.extract().await.map_err(|_| ApiError::Request(BOUNDARY_MISSING.into()))?;
    let max_bytes = api.settings.body.max_bytes;
    let map_error = |error: MultipartError| match outcome.error(max_bytes) {
        Some(refused) => refused,
        None if meter.is_exceeded() => ApiError::Request(OVERHEAD_TOO_LARGE.to_owned()),
        None => multipart_error(&error),
    };
    let mut received = ReceivedForm { form, file: None, file_name: None, warnings: Vec::new() };
    let mut parts = 0;
    while let Some(mut field) = multipart.next_field().await.map_err(&map_error)? {
        meter.begin_part();
        parts += 1;
        if parts > MAX_PARTS {
            return Err(ApiError::Request(format!("the request has more than {MAX_PARTS} parts")));
        }
        let name = field.name().unwrap_or_default().to_owned();
        let file_name = field.file_name().filter(|name| !name.is_empty()).map(str::to_owned);
        if name != "file" {
            let is_known = received.form.names().contains(&name.as_str());
            if file_name.is_some() && !is_known {
                return Err(ApiError::MisnamedFile { name: shortened(&name) });
            }
            let text = read_text(&name, field, &meter, &map_error).await?;
            match text.trim() {
                // HTML forms send every field, also those that are left empty.
                "" => {}
                _ if is_known => received.form.take(&name, &text)?,
                _ => received.warnings.push(FieldWarning::unknown(&name, &[&["file"], received.form.names()].concat())),
            }
            continue;
        }
        let first = next_piece(&mut field, &meter, &map_error).await?;
        if first.is_none() && file_name.is_none() {
            // So does a form in which no file is chosen.
            continue;
        }
        let Some(space) = space.take() else {
            return Err(ApiError::Request("file is given twice; only one file is allowed".to_owned()));
        };
        received.file_name = file_name;
        let quota = rules.belongs_to_job.then(|| api.quota_of(owner));
        let file = api.store.begin_clip(ObjectName::upload(draw_random()?), rules.accepted, space, quota).await?;
        received.file = Some(stream_file((file, rules.max_bytes), (first, field), &meter, &map_error).await?);
    }
    Ok(received)
}

/// Completes the source: makes the file an object of the store, if the file is the source.
async fn finish_source(source: Option<Source>, file: Option<ClipUpload>) -> Result<Source, ApiError> {
    match (source, file) {
        (Some(source), _) => Ok(source),
        (None, Some(file)) => Ok(Source::Stored(file.finish().await?)),
        (None, None) => Err(ApiError::Internal),
    }
}

const OVERHEAD_TOO_LARGE: &str = "the multipart/form-data body holds too much before and between its parts";

const BOUNDARY_MISSING: &str = "the multipart/form-data body has no boundary";

/// Checks the headers before the body is read. Returns the announced length, or 0.
fn check_headers(api: &Api, headers: &HeaderMap) -> Result<u64, ApiError> {
    let media_type = request_headers::text(headers, header::CONTENT_TYPE).unwrap_or_default().to_ascii_lowercase();
    if !media_type.starts_with("multipart/form-data") {
        return Err(ApiError::MediaType("multipart/form-data"));
    }
    let announced = request_headers::content_length(headers).unwrap_or(0);
    let max_bytes = api.settings.body.max_bytes;
    if announced > max_bytes { Err(ApiError::TooLarge { max_bytes }) } else { Ok(announced) }
}

/// Returns the source that the fields name, or `None` if it is the file.
fn read_source(api: &Api, form: &mut impl Fields, has_file: bool) -> Result<Option<Source>, ApiError> {
    let (url, storage_id) = form.take_source();
    let sources = [has_file, url.is_some(), storage_id.is_some()].into_iter().filter(|is_given| *is_given).count();
    if sources > 1 {
        let message = "more than one of file, url and inputStorageId is given; exactly one is allowed";
        return Err(ApiError::Request(message.to_owned()));
    }
    match (url, storage_id) {
        (Some(url), _) => Ok(Some(Source::Address(api.settings.address_policy.target(&url)?))),
        // A malformed id was never issued, so it is reported like an unknown one.
        (None, Some(id)) => Ok(Some(Source::Uploaded(id.trim().parse().map_err(|_| ApiError::UploadNotFound)?))),
        (None, None) if has_file => Ok(None),
        (None, None) => {
            let message = "file is missing; send it as a part named file, or its address as url";
            Err(ApiError::Request(message.to_owned()))
        }
    }
}

async fn read_text(
    name: &str,
    mut field: Field<'_>,
    meter: &OverheadMeter,
    map_error: &(impl Fn(MultipartError) -> ApiError + Sync),
) -> Result<String, ApiError> {
    let mut bytes = Vec::new();
    while let Some(piece) = next_piece(&mut field, meter, map_error).await? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > MAX_TEXT_BYTES {
            let name = shortened(name);
            return Err(ApiError::Request(format!("{name:?} is longer than {MAX_TEXT_BYTES} bytes")));
        }
    }
    String::from_utf8(bytes).map_err(|_| ApiError::Request(format!("{:?} is not UTF-8 text", shortened(name))))
}

/// The next bytes of a part; `None` at its end.
async fn next_piece(
    field: &mut Field<'_>,
    meter: &OverheadMeter,
    map_error: &(impl Fn(MultipartError) -> ApiError + Sync),
) -> Result<Option<Bytes>, ApiError> {
    while let Some(piece) = field.chunk().await.map_err(map_error)? {
        meter.record_read(piece.len());
        if !piece.is_empty() {
            return Ok(Some(piece));
        }
    }
    Ok(None)
}

/// The name of a part, as long as messages show it.
fn shortened(name: &str) -> String {
    name.chars().take(64).collect()
}

/// Streams the first piece of the file and the others to the disk, and fails early if the file is of
/// no accepted kind or larger than `max_bytes`. Every early return drops it, which deletes the bytes
/// written.
async fn stream_file(
    (mut file, max_bytes): (ClipUpload, u64),
    (mut piece, mut field): (Option<Bytes>, Field<'_>),
    meter: &OverheadMeter,
    map_error: &(impl Fn(MultipartError) -> ApiError + Sync),
) -> Result<ClipUpload, ApiError> {
    while let Some(bytes) = piece {
        if file.size_bytes() + bytes.len() as u64 > max_bytes {
            return Err(ApiError::TooLarge { max_bytes });
        }
        file.write(bytes).await?;
        piece = next_piece(&mut field, meter, map_error).await?;
    }
    file.check_type()?;
    Ok(file)
}

/// Maps an error of the multipart parser. Its own text is only logged; clients get a message of the
/// API.
fn multipart_error(error: &MultipartError) -> ApiError {
    tracing::debug!(?error, "a multipart body could not be read");
    if error.body_text().contains("incomplete") || error.status().is_server_error() {
        return ApiError::BodyIncomplete;
    }
    ApiError::Request("the multipart/form-data body is malformed".to_owned())
}
