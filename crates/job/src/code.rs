//! The table of error codes: every code of the API, the command line and the log, with its fault
//! and what to do about it. `docs/reference/errors.md` is generated from it.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::Fault;

macro_rules! error_codes {
    ($($(#[$comment:meta])* $variant:ident = $name:literal, $fault:ident, $statuses:expr, $exit:expr, $meaning:literal, $action:literal;)*) => {
        /// A stable error code. Its meaning never changes; its messages may be reworded.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum ErrorCode {
            $(#[doc = $meaning] $variant,)*
        }

        impl ErrorCode {
            /// All codes, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            const fn entry(self) -> Entry {
                match self {
                    $(Self::$variant => Entry {
                        name: $name,
                        fault: Fault::$fault,
                        statuses: &$statuses,
                        exit: $exit,
                        meaning: $meaning,
                        action: $action,
                    },)*
                }
            }
        }
    };
}

/// One row of the table.
struct Entry {
    name: &'static str,
    fault: Fault,
    statuses: &'static [u16],
    exit: u8,
    meaning: &'static str,
    action: &'static str,
}

// Columns: code; fault; HTTP statuses, the usual one first, none where no reply carries the code;
// exit code of the program, 0 where it never ends with it; meaning; what to do.
error_codes! {
    // The request.
    InvalidRequest = "INVALID_REQUEST", Input, [400, 415, 416], 2, "The request or the command line is malformed, ended early, or contradicts itself.", "`details` and the message name the field and what is allowed.";
    InvalidFormats = "INVALID_FORMATS", Input, [400], 2, "`format` or `formats` names no format, an unknown one, or one twice.", "Give formats of the list in `details.allowed`.";
    InvalidTolerance = "INVALID_TOLERANCE", Input, [400], 2, "`tolerance` is no number or out of range.", "Give a value that `details.allowed` names.";
    InvalidFps = "INVALID_FPS", Input, [400], 2, "`fps` is no number or out of range.", "Give a value that `details.allowed` names.";
    InvalidQuality = "INVALID_QUALITY", Input, [400], 2, "`quality` is no number or out of range.", "Give a value that `details.allowed` names.";
    InvalidSize = "INVALID_SIZE", Input, [400], 2, "`size`, `sizes`, `width` or `height` is out of range, or no number where one is needed.", "Give a value that `details.allowed` names.";
    InvalidChromaKey = "INVALID_CHROMA_KEY", Input, [400], 2, "The key color is no color.", "Give `#RRGGBB`, `R,G,B`, or `auto`.";
    InvalidUrl = "INVALID_URL", Input, [400], 2, "The address of the clip or of a webhook is malformed, is not allowed, redirects too often, or its host refused it (4xx).", "Open the address from the public Internet, without a login.";
    Unauthorized = "UNAUTHORIZED", Input, [401], 0, "The request has no API key.", "Send `Authorization: Bearer hc_…`.";
    InvalidApiKey = "INVALID_API_KEY", Input, [401], 0, "The API key is malformed, unknown or revoked.", "Create one with `clearcut keys create`.";
    SignInLink = "SIGN_IN_LINK", Input, [403], 0, "The one-time sign-in link was used, has expired, or belongs to an earlier start.", "Create an API key with `clearcut keys create` and paste it.";
    InvalidSignature = "INVALID_SIGNATURE", Input, [403], 0, "A signed link was changed.", "Read the job again for a fresh link.";
    UrlExpired = "URL_EXPIRED", Input, [403], 0, "A signed link has expired.", "Read the job again for a fresh link.";
    NotFound = "NOT_FOUND", Input, [404], 0, "No route has this address.", "`/docs` lists the routes.";
    MethodNotAllowed = "METHOD_NOT_ALLOWED", Input, [405], 0, "The route does not accept this method.", "`/docs` lists the methods.";
    RateLimited = "RATE_LIMITED", Input, [429], 0, "The API key made more requests in a minute than it may.", "Wait for `Retry-After` seconds.";
    QuotaExceeded = "QUOTA_EXCEEDED", Input, [429], 0, "The API key is at its quota of bytes, waiting jobs, open requests, uploads, previews or images; `details` names the limit.", "Delete jobs, or wait until some have ended or expired.";
    IdempotencyConflict = "IDEMPOTENCY_CONFLICT", Input, [422, 409], 0, "The `Idempotency-Key` was used for another request (422), or its first request is still being received (409).", "Use a new key for each request; after 409, repeat the request after `Retry-After` seconds.";
    TusVersion = "TUS_VERSION", Input, [412], 0, "`Tus-Resumable` is missing or names another version than 1.0.0.", "Send `Tus-Resumable: 1.0.0`.";

    // What the request names.
    JobNotFound = "JOB_NOT_FOUND", Input, [404], 0, "The API key has no job of this id.", "Check the id and the API key.";
    JobNotFailed = "JOB_NOT_FAILED", Input, [409], 0, "The job neither failed nor was cancelled, so it cannot be retried; `details.status` is its status.", "Submit a new job.";
    InputGone = "INPUT_GONE", Input, [410], 0, "The clip of the job has expired, so the job cannot be retried.", "Submit the clip again.";
    FileGone = "FILE_GONE", Input, [404], 0, "The output has expired (`expiresAt`).", "Submit the clip again.";
    UploadNotFound = "UPLOAD_NOT_FOUND", Input, [404], 0, "The API key has no upload of this id, or it has expired.", "Create a new upload.";
    UploadUnfinished = "UPLOAD_UNFINISHED", Input, [409], 0, "The upload is incomplete.", "Send the remaining bytes first.";
    UploadFinished = "UPLOAD_FINISHED", Input, [409], 0, "The upload is complete and takes no more bytes.", "Submit jobs with its `storageId`.";
    UploadOffset = "UPLOAD_OFFSET", Input, [409], 0, "The bytes do not follow those received.", "Continue at `details.uploadOffset`.";
    UploadBusy = "UPLOAD_BUSY", Input, [423], 0, "Another request is writing to the upload.", "Try again after a second.";
    WebhookNotFound = "WEBHOOK_NOT_FOUND", Input, [404], 0, "The API key has no webhook of this id.", "List the webhooks.";
    DeliveryNotFound = "DELIVERY_NOT_FOUND", Input, [404], 0, "The job has no delivery of this id.", "List the deliveries of the job.";
    TooManyWebhooks = "TOO_MANY_WEBHOOKS", Input, [409], 0, "The API key has as many webhooks as it may.", "Delete one.";
    WebhookDisabled = "WEBHOOK_DISABLED", Input, [409], 0, "The webhook is disabled.", "Enable it first.";

    // The clip.
    InputUnreadable = "INPUT_UNREADABLE", Input, [], 3, "The clip does not exist, may not be read, or is not a file.", "Check its name and permissions.";
    InvalidVideo = "INVALID_VIDEO", Input, [400], 3, "The clip is empty, damaged, encrypted, a still image or a playlist, has no video track or an unsupported codec, or exceeds a limit.", "The message names the reason; convert the clip, or make it smaller.";
    InvalidImage = "INVALID_IMAGE", Input, [400], 3, "The image, or the ZIP archive of images, is empty, damaged, a video, of a kind or variant that is not read, or exceeds a limit.", "Give a JPEG, PNG, WebP, GIF, AVIF or HEIC image; the message names the reason.";
    FileTooLarge = "FILE_TOO_LARGE", Input, [413], 2, "The request, the clip or the image has more bytes than the server accepts.", "Send a smaller file.";
    InvalidBackground = "INVALID_BACKGROUND", Input, [400], 3, "The file of the new background (`background`) is empty, damaged, neither an image nor a video, or exceeds a limit, or it has expired.", "Give an image or a video that plays; the message names the reason.";
    LimitNotMet = "LIMIT_NOT_MET", Input, [400], 3, "No quality, rate and size that is tried keeps the limit of bytes; the message has the bytes of the closest result.", "Cut a shorter part with `trim`, a smaller one with `crop`, or give a larger limit.";
    UnfitLength = "UNFIT_LENGTH", Input, [400], 3, "The part of the clip that is cut has a length that the preset does not take.", "Cut a part of a length that fits with `trim`; the message names one.";
    NoFlatBackground = "NO_FLAT_BACKGROUND", Input, [400], 3, "No color has enough of the border of the clip, or a checkerboard is painted there, and no neural model is installed or allowed.", "Name the background color, or install a model.";

    // Models.
    ModelMissing = "MODEL_MISSING", Host, [500], 1, "A neural model is needed and not installed.", "Run `clearcut models install`.";
    ModelUnknown = "MODEL_UNKNOWN", Input, [], 2, "The registry has no model of this name.", "`clearcut models list` lists them.";
    ModelDamaged = "MODEL_DAMAGED", Host, [], 1, "The file of a model does not have the hash that the registry names.", "Install the model again.";
    ModelUnusable = "MODEL_UNUSABLE", Host, [], 1, "The runtime refused the model, or the model's output is invalid.", "Try another `--runtime`, or another model.";
    ModelRegistry = "MODEL_REGISTRY", Host, [], 1, "`models.toml` cannot be read, or holds an unknown entry.", "Correct `models.toml`.";
    ModelSourceFailed = "MODEL_SOURCE_FAILED", Temporary, [], 1, "No source of the model delivered its file.", "Try again, or install it from a file.";
    ModelFolder = "MODEL_FOLDER", Host, [], 1, "A file of a model cannot be read or written.", "Check the folder of models and its permissions.";
    LicenceNotAccepted = "LICENCE_NOT_ACCEPTED", Input, [], 2, "The licence of the model forbids commercial use and was not accepted.", "Give `--accept-license`, or choose another model.";
    RuntimeUnavailable = "RUNTIME_UNAVAILABLE", Host, [], 1, "ONNX Runtime is needed and was not found, or the given library is unusable.", "Run `clearcut models install runtime`.";

    // The work.
    FormatUnavailable = "FORMAT_UNAVAILABLE", Input, [400], 3, "No ffmpeg of this machine has an encoder that the format needs.", "Choose another format, or install what is missing; `clearcut doctor` lists it. For `hevc-alpha`: `clearcut ffmpeg install`.";
    Cancelled = "JOB_CANCELLED", Input, [400], 130, "The job was cancelled, or the program was interrupted.", "";
    Timeout = "TIMEOUT", Host, [504, 408], 1, "The work ran past its deadline or made no progress; with 408 the request came too slowly; with 504 the job goes on under `details.jobId`.", "Read the job, or try again with a shorter clip.";
    Expired = "JOB_EXPIRED", Host, [500], 0, "The job waited longer than jobs are kept.", "Submit it again; the server needs more workers.";
    WorkerLost = "WORKER_LOST", Host, [500], 0, "The worker of the job died twice, or the server was killed three times while it ran.", "Read the server's log; the clip may exceed its memory.";
    OutputCheckFailed = "OUTPUT_CHECK_FAILED", Host, [500], 1, "An output was written and does not hold what it should; it was removed.", "Report the clip and the version of ffmpeg.";
    ProcessingFailed = "PROCESSING_FAILED", Host, [500], 1, "ffmpeg or a step of the cut failed in another way.", "Read the log.";
    UrlUnavailable = "URL_UNAVAILABLE", Temporary, [502], 1, "The host of an address could not be reached, failed, was too slow, or broke off, three times.", "Try again later.";
    OutboundClient = "OUTBOUND_CLIENT", Host, [], 1, "The client for downloads could not be created.", "Check the certificates of the machine.";

    // The machine.
    FfmpegMissing = "FFMPEG_MISSING", Host, [500], 1, "ffmpeg or ffprobe was not found.", "Install ffmpeg 5.1 or newer.";
    FfmpegTooOld = "FFMPEG_TOO_OLD", Host, [], 1, "ffmpeg is older than 5.1.", "Install ffmpeg 5.1 or newer.";
    SandboxUnavailable = "SANDBOX_UNAVAILABLE", Host, [], 1, "`--sandbox required` was given, and bubblewrap does not work.", "Install bubblewrap, and allow user namespaces.";
    ShortOfResources = "SHORT_OF_RESOURCES", Temporary, [503], 1, "The machine had no file, process or memory to give; a job goes back into the queue.", "Try again later, or raise the limits.";
    OutOfMemory = "OUT_OF_MEMORY", Temporary, [503], 1, "The system ended a process of the cut for lack of memory; a job is tried three times.", "Give the machine more memory, or the server fewer slots.";
    InsufficientStorage = "INSUFFICIENT_STORAGE", Host, [507], 1, "The disk is full.", "Free space, or use a shorter retention.";
    ReadOnlyStorage = "READ_ONLY_STORAGE", Host, [503], 1, "The disk is read-only.", "Remount it; no restart is needed.";
    StorageUnavailable = "STORAGE_UNAVAILABLE", Temporary, [503], 1, "Files could not be read or written, or the store cannot be reached; a job is tried three times.", "Check the disk of the data folder, or the object store.";
    OutputExists = "OUTPUT_EXISTS", Input, [], 4, "A file of the output's name exists.", "Give `--force`, or another name with `-o`.";
    OutputUnwritable = "OUTPUT_UNWRITABLE", Input, [], 4, "The folder of the output does not exist or may not be written.", "Create it, or choose another with `-o`.";

    // The server.
    ServerBusy = "SERVER_BUSY", Host, [503], 0, "The server has as many connections, uploads or images in work as it accepts, or is short of files.", "Try again after `Retry-After` seconds.";
    PreviewsBusy = "PREVIEWS_BUSY", Host, [503], 0, "The server makes as many previews as it can.", "Try again after `Retry-After` seconds.";
    Unavailable = "UNAVAILABLE", Host, [503], 0, "The database or the store cannot be reached.", "Try again later; read the server's log.";
    InternalError = "INTERNAL_ERROR", Host, [500], 0, "The server has a bug; its log has more under the id of the request.", "Report it.";
    DataDirectory = "DATA_DIRECTORY", Host, [], 1, "The data folder cannot be used, or another server uses it.", "Give another folder with `--data`, or stop the other server.";
    ListenFailed = "LISTEN_FAILED", Host, [], 1, "The address to listen on is taken or not allowed.", "Give another address with `--listen`.";
    RuntimeFailed = "RUNTIME_FAILED", Host, [], 1, "The threads of the server could not be started.", "Check the limits of the system.";
    NewerSchema = "NEWER_SCHEMA", Host, [], 1, "The database was written by a newer version.", "Start the newer version.";
    OldSchema = "OLD_SCHEMA", Host, [], 1, "The database has an older schema than this program needs, or none yet.", "Run `clearcut db migrate`, or start a server.";
    OldSqlite = "OLD_SQLITE", Host, [], 1, "The SQLite library is too old.", "Use a current build.";
    MigrationFailed = "MIGRATION_FAILED", Host, [], 1, "The database could not be brought to this version.", "Restore a backup, and read the log.";
    DatabaseDamaged = "DATABASE_DAMAGED", Host, [], 1, "The database or its log is damaged or missing; nothing was changed.", "Restore a backup.";
    DatabaseUnavailable = "DATABASE_UNAVAILABLE", Temporary, [], 1, "The database cannot be opened, or its server cannot be reached.", "Check the data folder and its permissions, or the address of the server.";
    DatabaseRefused = "DATABASE_REFUSED", Host, [], 1, "The database server refuses the password, the user, a right, the database or TLS, or is too old; or the database belongs to another program.", "The message names the reason, and what to do about it.";
    StoreRefused = "STORE_REFUSED", Host, [], 1, "The object store has no such bucket, or refuses the key, a right, the time of the request or TLS.", "The message names the reason, and what to do about it.";
    StoreMismatch = "STORE_MISMATCH", Host, [], 1, "The database belongs to another store, or the store to another database; nothing was changed.", "Give the database and the store that belong together.";

    // The log alone.
    LeaseLost = "LEASE_LOST", Temporary, [], 0, "A worker lost the lease of its job; another worker has it.", "";
    Taken = "TAKEN", Temporary, [], 0, "An id or a hash is already in use.", "";
    ObjectMissing = "OBJECT_MISSING", Host, [], 0, "An object that a row points to is not in the store.", "Check the disk of the data folder.";
    LocalFileFailed = "LOCAL_FILE_FAILED", Host, [], 0, "A file in the scratch folder could not be read or written.", "Check the disk of the scratch folder.";
}

impl ErrorCode {
    /// The code as it is written, such as `INVALID_VIDEO`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.entry().name
    }

    /// Who has to act.
    #[must_use]
    pub const fn fault(self) -> Fault {
        self.entry().fault
    }

    /// HTTP statuses of replies with this code, the usual one first; empty where no reply has it.
    #[must_use]
    pub const fn statuses(self) -> &'static [u16] {
        self.entry().statuses
    }

    /// Whether replies of the API carry this code.
    #[must_use]
    pub const fn is_in_replies(self) -> bool {
        !self.statuses().is_empty()
    }

    /// Exit code of the program; 0 where it never ends with this code.
    #[must_use]
    pub const fn exit(self) -> u8 {
        self.entry().exit
    }

    /// What happened, in one sentence.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        self.entry().meaning
    }

    /// What to do about it; empty where there is nothing to do.
    #[must_use]
    pub const fn action(self) -> &'static str {
        self.entry().action
    }

    /// All codes as a table in Markdown, for the reference.
    #[must_use]
    pub fn markdown() -> String {
        let mut table =
            "| code | meaning | what to do | at fault | HTTP | exit |\n|---|---|---|---|---|---|\n".to_owned();
        for code in Self::ALL {
            let statuses: Vec<String> = code.statuses().iter().map(u16::to_string).collect();
            let fault = match code.fault() {
                Fault::Input => "caller",
                Fault::Host => "machine",
                Fault::Temporary => "moment",
            };
            let exit = if code.exit() == 0 { String::new() } else { code.exit().to_string() };
            let (meaning, action, statuses) = (code.meaning(), code.action(), statuses.join(", "));
            table += &format!("| `{code}` | {meaning} | {action} | {fault} | {statuses} | {exit} |\n");
        }
        table
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl PartialEq<&str> for ErrorCode {
    fn eq(&self, other: &&str) -> bool {
        self.name() == *other
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_has_a_name_of_its_own_and_a_meaning() {
        let names: BTreeSet<_> = ErrorCode::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), ErrorCode::ALL.len());
        for code in ErrorCode::ALL {
            assert!(code.name().bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'), "{code}");
            assert!(
                code.meaning().ends_with('.') && (code.action().is_empty() || code.action().ends_with('.')),
                "{code}"
            );
        }
    }

    #[test]
    fn statuses_and_exit_codes_agree_with_the_fault() {
        for code in ErrorCode::ALL {
            let is_input = code.fault() == Fault::Input;
            let statuses = code.statuses();
            assert!(statuses.iter().all(|status| (400..500).contains(status) == is_input || *status == 408), "{code}");
            assert!(matches!((is_input, code.exit()), (_, 0) | (true, 2..=4 | 130) | (false, 1)), "{code}");
        }
    }
}
