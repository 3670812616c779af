//! The body of a submit or a preview: its fields, and the clip that is taken in while it streams.

use axum::{
    RequestExt as _,
    extract::{
        Multipart, Request,
        multipart::{Field, MultipartError},
    },
    http::{HeaderMap, header},
};
use clearcut_job::{ClipName, CutRequest, SNIFF_BYTES, UploadId, could_be_video};
use clearcut_outbound::Target;
use clearcut_queue::{JobWebhook, KeyId};
use clearcut_store::{ObjectName, Stored, Upload};

use crate::{
    Api, ApiError,
    http::{
        body_limits::{BodyFate, Verdict},
        multipart_overhead::Ledger,
    },
    jobs::form::Form,
    uploads::room::Room,
    webhooks::endpoints::read_job_webhook,
};

/// Bytes of a text field. The longest that is documented, an address, is well below.
const MAX_TEXT_BYTES: usize = 8192;

/// Parts of one request. All documented fields, and as many again that are not known.
const MAX_PARTS: usize = 64;

/// Where the clip of a request comes from.
#[derive(Debug)]
pub(crate) enum Source {
    /// It came along, and is on the disk.
    Stored(Stored),
    /// It was uploaded before, or so the client says.
    Uploaded(UploadId),
    /// It is to be fetched.
    Address(Target),
}

impl Source {
    /// What tells it from any other source: equal for equal clips that came along, uploads and addresses alone.
    pub(crate) fn identity(&self) -> String {
        match self {
            Self::Stored(stored) => format!("file {}", stored.sha256.0),
            Self::Uploaded(upload) => format!("upload {upload}"),
            Self::Address(target) => format!("url {}", target.as_str()),
        }
    }
}

/// How long the clip of a request stays, if one comes along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stay {
    /// It is kept for a job, and counts against the quota of its key.
    Kept,
    /// It goes with the request.
    ForAWhile,
}

/// What a submit request came with.
#[derive(Debug)]
pub(crate) struct TakenIn {
    /// What to make.
    pub(crate) request: CutRequest,
    /// Where the clip comes from.
    pub(crate) source: Source,
    /// What the clip is called.
    pub(crate) clip_name: Option<ClipName>,
    /// Where to tell of the job.
    pub(crate) webhook: Option<JobWebhook>,
}

/// The fields and the clip of a request, as they came.
pub(crate) struct Gathered {
    pub(crate) form: Form,
    file: Option<Upload>,
    /// What the part with the file says that it is called.
    file_name: Option<String>,
}

impl Gathered {
    /// What to show, and of which clip; when this fails, nothing is left of a file that came along.
    pub(crate) async fn finish_for_preview(mut self, api: &Api) -> Result<(CutRequest, Source), ApiError> {
        let source = read_source(api, &mut self.form, self.file.is_some())?;
        let request = self.form.finish_for_preview(&api.settings)?;
        Ok((request, settle(source, self.file).await?))
    }
}

/// Reads a submit request: streams the file into the store and gathers the fields. When this returns, the file is on the
/// disk; when it fails, nothing is left of it.
pub(crate) async fn take_in(api: &Api, owner: KeyId, request: Request) -> Result<TakenIn, ApiError> {
    let headers = request.headers().clone();
    let mut gathered = gather(api, owner, Stay::Kept, request).await?;
    let source = read_source(api, &mut gathered.form, gathered.file.is_some())?;
    let Gathered { form, file, file_name } = gathered;
    // A name that says nothing is as good as none.
    let clip_name = form.clip_name.as_deref().or(file_name.as_deref()).and_then(ClipName::of_file);
    let webhook = form.webhook_url.as_deref().map(|url| read_job_webhook(api, url, &headers)).transpose()?;
    let request = form.finish(&api.settings)?;
    // Only now is it whole, so that no earlier error leaves an object behind.
    Ok(TakenIn { request, source: settle(source, file).await?, clip_name, webhook })
}

/// Reads the body of a request: streams the file to the disk and gathers the fields. The file is no object yet.
pub(crate) async fn gather(api: &Api, owner: KeyId, stay: Stay, request: Request) -> Result<Gathered, ApiError> {
    let announced = check_head(api, request.headers())?;
    let mut room = api.make_room(announced).await?;
    if stay == Stay::Kept {
        room = room.kept_by(owner);
    }
    let _coming = api.traffic.begin_intake(owner, api.settings.max_intakes_per_key).await?;
    let fate = request.extensions().get::<BodyFate>().cloned().unwrap_or_default();
    let ledger = Ledger::default();
    let request = request.map(|body| ledger.watch(body));
    let mut multipart: Multipart = request.extract().await.map_err(|_| ApiError::Request(BOUNDARY_MISSING.into()))?;
    let max_bytes = api.settings.body.max_bytes;
    let failed = |error: MultipartError| match fate.verdict() {
        Some(Verdict::TooLarge) => ApiError::TooLarge { max_bytes },
        Some(Verdict::TooSlow) => ApiError::TooSlow,
        None if ledger.has_refused() => ApiError::Request(OUTSIDE_TOO_LARGE.to_owned()),
        None => explain(&error),
    };
    let mut gathered = Gathered { form: Form::default(), file: None, file_name: None };
    let mut parts = 0;
    while let Some(field) = multipart.next_field().await.map_err(&failed)? {
        ledger.note_part();
        parts += 1;
        if parts > MAX_PARTS {
            return Err(ApiError::Request(format!("the request has more than {MAX_PARTS} parts")));
        }
        let name = field.name().unwrap_or_default().to_owned();
        if name != "file" {
            gathered.form.take(&name, &read_text(&name, field, &ledger, &failed).await?)?;
        } else if gathered.file.is_some() {
            return Err(ApiError::Request("file is given twice; only one clip is allowed".to_owned()));
        } else {
            gathered.file_name = field.file_name().map(str::to_owned);
            gathered.file = Some(stream_file((api, &mut room), field, &ledger, &failed).await?);
        }
    }
    Ok(gathered)
}

/// The source, with the file made an object if it is that.
async fn settle(source: Option<Source>, file: Option<Upload>) -> Result<Source, ApiError> {
    match (source, file) {
        (Some(source), _) => Ok(source),
        (None, Some(upload)) => Ok(Source::Stored(upload.finish().await?)),
        (None, None) => Err(ApiError::Internal),
    }
}

const OUTSIDE_TOO_LARGE: &str = "the multipart/form-data body holds too much before and between its parts";

const BOUNDARY_MISSING: &str = "the multipart/form-data body has no boundary";

/// What can be told before a byte of the body is read; returns the length that is announced, or 0.
fn check_head(api: &Api, headers: &HeaderMap) -> Result<u64, ApiError> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let media_type = text(header::CONTENT_TYPE).unwrap_or_default().to_ascii_lowercase();
    if !media_type.starts_with("multipart/form-data") {
        return Err(ApiError::MediaType("multipart/form-data"));
    }
    let announced = text(header::CONTENT_LENGTH).and_then(|length| length.parse().ok()).unwrap_or(0);
    let max_bytes = api.settings.body.max_bytes;
    if announced > max_bytes { Err(ApiError::TooLarge { max_bytes }) } else { Ok(announced) }
}

/// The source that the fields name; `None` if it is the file.
fn read_source(api: &Api, form: &mut Form, has_file: bool) -> Result<Option<Source>, ApiError> {
    let (url, storage_id) = (form.url.take(), form.storage_id.take());
    let sources = [has_file, url.is_some(), storage_id.is_some()].into_iter().filter(|given| *given).count();
    if sources > 1 {
        let message = "more than one of file, url and inputStorageId is given; exactly one is allowed";
        return Err(ApiError::Request(message.to_owned()));
    }
    match (url, storage_id) {
        (Some(url), _) => Ok(Some(Source::Address(api.settings.address_policy.target(&url)?))),
        // What is no id was never given out: the same as one that is unknown.
        (None, Some(id)) => Ok(Some(Source::Uploaded(id.trim().parse().map_err(|_| ApiError::UploadNotFound)?))),
        (None, None) if has_file => Ok(None),
        (None, None) => {
            let message = "file is missing; send the clip as a part named file, or its address as url";
            Err(ApiError::Request(message.to_owned()))
        }
    }
}

async fn read_text(
    name: &str,
    mut field: Field<'_>,
    ledger: &Ledger,
    failed: &(impl Fn(MultipartError) -> ApiError + Sync),
) -> Result<String, ApiError> {
    let mut bytes = Vec::new();
    while let Some(piece) = field.chunk().await.map_err(failed)? {
        ledger.note_read(piece.len());
        bytes.extend_from_slice(&piece);
        if bytes.len() > MAX_TEXT_BYTES {
            let name: String = name.chars().take(64).collect();
            return Err(ApiError::Request(format!("{name:?} is longer than {MAX_TEXT_BYTES} bytes")));
        }
    }
    String::from_utf8(bytes).map_err(|_| {
        let name: String = name.chars().take(64).collect();
        ApiError::Request(format!("{name:?} is not text in UTF-8"))
    })
}

/// Streams the file into the store, and ends early if its first bytes are not those of a video. Dropping the upload, on
/// every early way out, removes what was written.
async fn stream_file(
    (api, room): (&Api, &mut Room),
    mut field: Field<'_>,
    ledger: &Ledger,
    failed: &(impl Fn(MultipartError) -> ApiError + Sync),
) -> Result<Upload, ApiError> {
    let name = ObjectName::upload(crate::random::draw_random()?);
    let mut head = Vec::with_capacity(SNIFF_BYTES);
    let mut upload = api.store.begin(name).await?;
    let mut is_video = false;
    while let Some(piece) = field.chunk().await.map_err(failed)? {
        ledger.note_read(piece.len());
        if head.len() < SNIFF_BYTES {
            let wanted = (SNIFF_BYTES - head.len()).min(piece.len());
            head.extend_from_slice(&piece[..wanted]);
        }
        if !is_video && head.len() == SNIFF_BYTES {
            is_video = refuse_other_files(&head)?;
        }
        room.take(piece.len() as u64).await?;
        upload.write(piece).await?;
    }
    if !is_video {
        refuse_other_files(&head)?;
    }
    Ok(upload)
}

pub(crate) fn refuse_other_files(head: &[u8]) -> Result<bool, ApiError> {
    match head {
        [] => Err(ApiError::NotAVideo("the file is empty")),
        head if could_be_video(head) => Ok(true),
        _ => Err(ApiError::NotAVideo(
            "the file is no video that is known here: MP4, MOV, WebM, MKV, AVI, GIF or animated PNG",
        )),
    }
}

/// The library's words are for logs; clients get ours.
fn explain(error: &MultipartError) -> ApiError {
    tracing::debug!(?error, "a multipart body could not be read");
    if error.body_text().contains("incomplete") || error.status().is_server_error() {
        return ApiError::CutOff;
    }
    ApiError::Request("the multipart/form-data body is malformed".to_owned())
}
