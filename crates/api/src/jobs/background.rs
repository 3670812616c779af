//! The new background of a job: its field, and its file, which is kept as an upload of the API key.

use clearcut_job::{
    Accepted, Backdrop, BackdropFile, ErrorCode, JobRequest, ObjectName, RequestError, StoredObject, UploadId,
};
use clearcut_outbound::AddressPolicy;
use clearcut_queue::{KeyId, NewUpload};

use crate::{
    Api, ApiError, jobs::received_files::ReceivedFiles, random::draw_random, uploads::receive::delete_unless_referenced,
};

const ALLOWED: &str =
    "#RRGGBB, blur, the URL of an image or a video, the storageId of an upload, or a file as a part named background";

/// Reads the text of the field.
pub(crate) fn parse_background(text: &str) -> Result<Backdrop, RequestError> {
    let text = text.trim();
    if let Some(named) = Backdrop::named(text)? {
        return Ok(named);
    }
    let file = if text.contains("://") {
        BackdropFile::Address(text.to_owned())
    } else {
        let id = text.parse::<UploadId>();
        BackdropFile::Uploaded(id.map_err(|_| RequestError::new(Backdrop::FIELD, text, ALLOWED))?)
    };
    Ok(Backdrop::File(file))
}

/// Checks that the address of a background may be fetched.
pub(crate) fn check_address(background: Option<&Backdrop>, policy: &AddressPolicy) -> Result<(), ApiError> {
    match background.and_then(Backdrop::file) {
        Some(BackdropFile::Address(address)) => match policy.target(address) {
            Ok(_) => Ok(()),
            Err(error) => Err(refused(ErrorCode::InvalidUrl, error.to_string())),
        },
        _ => Ok(()),
    }
}

/// An error of the background's file, told apart from one of the clip.
pub(crate) fn of_background(error: ApiError) -> ApiError {
    match error {
        ApiError::NotAVideo(reason) => refused(ErrorCode::InvalidBackground, reason.to_string()),
        ApiError::NotAnImage(reason) => refused(ErrorCode::InvalidBackground, reason.to_string()),
        ApiError::UploadNotFound | ApiError::UploadUnfinished | ApiError::TooLarge { .. } => {
            refused(error.code(), error.to_string())
        }
        error => error,
    }
}

fn refused(code: ErrorCode, finding: String) -> ApiError {
    ApiError::Background(code, finding)
}

/// Gives the background of `request` its place in the store: a file that was `received`, or an upload
/// of `owner`. Returns what identifies a received file: its hash.
///
/// # Errors
/// The file is of no accepted kind, or there is no such complete upload.
pub(crate) async fn settle_background(
    api: &Api,
    owner: KeyId,
    request: &mut JobRequest,
    received: Option<ReceivedFiles>,
) -> Result<Option<String>, ApiError> {
    let JobRequest::Clip(cut) = request else { return Ok(None) };
    let (name, identity) = match (cut.background.as_ref().and_then(Backdrop::file), received) {
        (Some(BackdropFile::Uploaded(id)), _) => (find_upload(api, owner, id).await.map_err(of_background)?, None),
        (Some(BackdropFile::Local), Some(files)) => {
            let stored = files.finish().await.map_err(of_background)?.ok_or(ApiError::Internal)?;
            let identity = stored.sha256.to_string();
            (keep(api, owner, stored).await?, Some(identity))
        }
        _ => return Ok(None),
    };
    cut.background = Some(Backdrop::File(BackdropFile::Stored(name)));
    Ok(identity)
}

/// The object of an upload, which holds an image or a video.
async fn find_upload(api: &Api, owner: KeyId, id: &UploadId) -> Result<ObjectName, ApiError> {
    let upload = api.arrived_upload(id).await?.filter(|upload| upload.owner == owner);
    let object = upload.ok_or(ApiError::UploadNotFound)?.object.ok_or(ApiError::UploadUnfinished)?;
    let head = api.read_head(&object.name, Accepted::SNIFF_BYTES as u64).await?;
    Accepted::Backgrounds.check(&head)?;
    Ok(object.name)
}

/// Records the stored file as an upload of `owner`, so that it is kept and expires as one.
async fn keep(api: &Api, owner: KeyId, stored: StoredObject) -> Result<ObjectName, ApiError> {
    let name = stored.name.clone();
    let id = UploadId::from_random(draw_random()?);
    let api = api.clone();
    // Runs on its own task, so that a client that disconnects leaves no object without a record.
    let kept = tokio::spawn(async move {
        let upload = NewUpload { id: id.clone(), owner, length: Some(stored.size_bytes), metadata: String::new() };
        let name = stored.name.clone();
        let recorded = async {
            api.queue.create_upload(upload).await?;
            api.queue.finish_upload(&id, stored).await
        };
        let recorded = recorded.await;
        if recorded.is_err() {
            let _ = api.queue.drop_upload(&id).await; // What remains expires.
            delete_unless_referenced(&api, &name).await;
        }
        recorded
    });
    kept.await.map_err(|_| ApiError::Internal)??;
    Ok(name)
}
