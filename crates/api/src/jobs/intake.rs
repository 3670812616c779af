//! The body of a submit, a preview or an image request: its form fields, and its files, which are
//! stored as they arrive.

use axum::{
    RequestExt as _,
    extract::{Multipart, Request},
    http::{HeaderMap, header},
};
use clearcut_job::{Backdrop, ClipName, JobRequest, StoredObject, UploadId};
use clearcut_outbound::Target;
use clearcut_queue::{JobWebhook, KeyId};

use crate::{
    Api, ApiError,
    http::{body_limits::BodyOutcome, field_warning::FieldWarning, multipart_overhead::OverheadMeter, request_headers},
    jobs::{
        background::{of_background, settle_background},
        fields::Fields,
        form::Form,
        part::{Part, PartsBody, shortened},
        received_files::{FileRules, ReceivedFiles},
    },
    uploads::receive::delete_unless_referenced,
    webhooks::endpoints::read_job_webhook,
};

/// Maximum number of parts in a request beside its files. Leaves room for all documented fields and
/// as many unknown ones.
const MAX_FIELDS: usize = 64;

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

/// A submit request, parsed and checked.
#[derive(Debug)]
pub(crate) struct ParsedSubmit {
    /// What is requested.
    pub(crate) request: JobRequest,
    /// Source of the input.
    pub(crate) source: Source,
    /// What is requested, as idempotency compares it.
    pub(crate) identity: String,
    /// Hash of the file of a new background, for idempotency.
    pub(crate) background: Option<String>,
    /// Name of the input.
    pub(crate) clip_name: Option<ClipName>,
    /// Receiver of the job's events.
    pub(crate) webhook: Option<JobWebhook>,
    /// Fields that had no effect.
    pub(crate) warnings: Vec<FieldWarning>,
}

/// What the fields of a submit say.
pub(crate) struct JobForm {
    pub(crate) request: JobRequest,
    /// Name of the input.
    pub(crate) clip_name: Option<String>,
    /// Receiver of the job's events.
    pub(crate) webhook_url: Option<String>,
    /// Fields that have no effect.
    pub(crate) warnings: Vec<FieldWarning>,
}

/// The fields and the files of a request, as received.
pub(crate) struct ReceivedForm<F> {
    pub(crate) form: F,
    files: ReceivedFiles,
    /// The file of a new background.
    background: Option<ReceivedFiles>,
    /// Fields that are unknown, and parameters of the address.
    warnings: Vec<FieldWarning>,
}

impl<F: Fields> ReceivedForm<F> {
    /// Returns what `build` makes of the fields and of the warnings about unknown ones, and the
    /// source. On failure, nothing is left of the files.
    pub(crate) async fn finish<T>(
        mut self,
        api: &Api,
        build: impl FnOnce(F, Vec<FieldWarning>) -> Result<T, ApiError>,
    ) -> Result<(T, Source), ApiError> {
        let source = read_source(api, &mut self.form, !self.files.is_empty())?;
        let built = build(self.form, self.warnings)?;
        // The files become an object only now, so that no earlier error leaves one behind.
        let source = match source {
            Some(source) => source,
            None => Source::Stored(self.files.finish().await?.ok_or(ApiError::Internal)?),
        };
        Ok((built, source))
    }
}

/// Reads the submit of a clip.
pub(crate) async fn receive_clip(api: &Api, owner: KeyId, request: Request) -> Result<ParsedSubmit, ApiError> {
    let read = |form: Form| {
        let (clip_name, webhook_url) = (form.clip_name.clone(), form.webhook_url.clone());
        let warnings = form.without_effect_on_job();
        Ok(JobForm { request: form.finish(&api.settings)?.into(), clip_name, webhook_url, warnings })
    };
    receive_job(api, owner, (Form::default(), FileRules::clip_of_job(api)), request, read).await
}

/// Reads a submit: streams the files into the store and parses the fields, of which `read` makes the
/// job. On success the files are durable; on failure nothing is left of them.
pub(crate) async fn receive_job<F: Fields>(
    api: &Api,
    owner: KeyId,
    (form, rules): (F, FileRules),
    request: Request,
    read: impl FnOnce(F) -> Result<JobForm, ApiError>,
) -> Result<ParsedSubmit, ApiError> {
    let headers = request.headers().clone();
    let mut received = receive_form(api, owner, rules, form, request).await?;
    let (file_name, background) = (received.files.name.take(), received.background.take());
    let ((mut request, clip_name, webhook, warnings), source) = received
        .finish(api, |form, unknown| {
            let JobForm { request, clip_name, webhook_url, warnings } = read(form)?;
            // An unusable name counts as none.
            let clip_name = clip_name.as_deref().or(file_name.as_deref()).and_then(ClipName::of_file);
            let webhook = webhook_url.as_deref().map(|url| read_job_webhook(api, url, &headers)).transpose()?;
            Ok((request, clip_name, webhook, [unknown, warnings].concat()))
        })
        .await?;
    let identity = request.to_json();
    let settled = settle_background(api, owner, &mut request, background).await;
    if let (Err(_), Source::Stored(object)) = (&settled, &source) {
        delete_unless_referenced(api, &object.name).await;
    }
    Ok(ParsedSubmit { request, source, identity, background: settled?, clip_name, webhook, warnings })
}

/// Reads the body of a request: streams the files to the disk and parses the fields. The files are
/// not yet an object of the store.
pub(crate) async fn receive_form<F: Fields>(
    api: &Api,
    owner: KeyId,
    rules: FileRules,
    form: F,
    request: Request,
) -> Result<ReceivedForm<F>, ApiError> {
    let announced = check_headers(api, request.headers())?;
    let boundary_bytes = boundary_bytes(request.headers());
    let warnings = FieldWarning::in_address(request.uri(), &[&["file"], form.names()].concat());
    let files = ReceivedFiles::new(rules, api.reserve_space(announced).await?);
    let _intake = api.traffic.begin_intake(owner, api.settings.max_intakes_per_key).await?;
    let body = PartsBody {
        outcome: request.extensions().get::<BodyOutcome>().cloned().unwrap_or_default(),
        meter: OverheadMeter::default(),
        max_bytes: api.settings.body.max_bytes,
    };
    let request = request.map(|bytes| body.meter.wrap(bytes));
    let mut multipart: Multipart = request.extract().await.map_err(|_| ApiError::Request(BOUNDARY_MISSING.into()))?;
    let mut received = ReceivedForm { form, files, background: None, warnings };
    // Beside the fields, the files and that of a background.
    let (mut parts, max_parts) = (0, MAX_FIELDS + rules.max_files() + 1);
    while let Some(field) = multipart.next_field().await.map_err(|error| body.error(&error))? {
        body.meter.begin_part(part_overhead(field.headers(), boundary_bytes));
        parts += 1;
        if parts > max_parts {
            return Err(ApiError::Request(format!("the request has more than {max_parts} parts")));
        }
        let name = field.name().unwrap_or_default().to_owned();
        let file_name = field.file_name().filter(|name| !name.is_empty()).map(str::to_owned);
        let part = Part { field, body: &body };
        if name == "file" {
            received.files.take((api, owner), part, file_name).await?;
            continue;
        }
        let is_known = received.form.names().contains(&name.as_str());
        if is_known && name == Backdrop::FIELD && file_name.is_some() {
            received.form.take_background_file()?;
            let rules = FileRules::background_of_job(api);
            let mut files = ReceivedFiles::new(rules, api.reserve_space(0).await?);
            files.take((api, owner), part, file_name).await.map_err(of_background)?;
            received.background = Some(files);
            continue;
        }
        if file_name.is_some() && !is_known {
            return Err(ApiError::MisnamedFile { name: shortened(&name) });
        }
        let text = part.read_text(&name).await?;
        match text.trim() {
            // HTML forms send every field, also those that are left empty.
            "" => {}
            _ if is_known => received.form.take(&name, &text)?,
            _ => received.warnings.push(FieldWarning::unknown(&name, &[&["file"], received.form.names()].concat())),
        }
    }
    Ok(received)
}

/// Length of the boundary in bytes, or 0 if there is none.
fn boundary_bytes(headers: &HeaderMap) -> usize {
    let media_type = request_headers::text(headers, header::CONTENT_TYPE).unwrap_or_default();
    let boundary =
        media_type.split_once("boundary=").map_or("", |(_, rest)| rest.split(';').next().unwrap_or_default());
    boundary.trim().trim_matches('"').len()
}

/// Number of bytes between the data of two parts, of which the later one has these headers.
fn part_overhead(headers: &HeaderMap, boundary_bytes: usize) -> usize {
    let lines = headers.iter().map(|(name, value)| name.as_str().len() + ": ".len() + value.len() + "\r\n".len());
    "\r\n--".len() + boundary_bytes + "\r\n".len() + lines.sum::<usize>() + "\r\n".len()
}

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
