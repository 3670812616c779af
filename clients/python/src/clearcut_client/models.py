"""What a server answers, as dataclasses. Fields that a newer server adds are left out."""

import base64
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldWarning:
    """A field of a request that was not used as it may have been meant."""

    field: str
    message: str
    #: The field that was probably meant.
    did_you_mean: str | None = None


@dataclass(frozen=True, slots=True)
class Submitted:
    """An accepted job."""

    job_id: str
    status: str
    #: Fields of the request that had no effect.
    warnings: tuple[FieldWarning, ...] = ()
    #: Signed address of the job's events, which needs no API key.
    events_url: str | None = None


@dataclass(frozen=True, slots=True)
class Color:
    """A color in sRGB."""

    r: int
    g: int
    b: int
    #: `#RRGGBB`.
    hex: str


@dataclass(frozen=True, slots=True)
class Output:
    """One output of a job. The link opens the file for an hour."""

    format: str
    url: str
    #: In bytes.
    size: int


@dataclass(frozen=True, slots=True)
class FrameBox:
    """A part of the frame, in shares of its width and height."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Warning:
    """A place of the matte that a person should look at."""

    code: str
    message: str
    #: In seconds; `from` on the wire.
    from_: float
    to: float
    box: FrameBox


@dataclass(frozen=True, slots=True)
class AlphaCheck:
    """What the check of one output compared."""

    format: str
    frames_compared: int
    #: In levels of 255.
    largest_mean_difference: float


@dataclass(frozen=True, slots=True)
class Report:
    """The estimated quality of a matte. What depends on a background color is None with a model."""

    method: str
    reason: str | None
    model: str | None
    #: Share of the border that matches the background color.
    confidence: float | None
    removed_share: float
    holes_percent: float | None
    lookalike_percent: float | None
    residue_percent: float | None
    fine_percent: float | None
    soft_percent: float | None
    faint_percent: float | None
    flicker: float
    #: Probability that a person accepts the matte unchanged.
    acceptance: float | None
    #: For each hint, the number of frames to which it applies.
    hint_frames: tuple[int, ...]
    warnings: tuple[Warning, ...]
    alpha_verified: bool
    alpha_checks: tuple[AlphaCheck, ...]


@dataclass(frozen=True, slots=True)
class ImageWarning:
    """A place of the cut of an image that a person should look at."""

    code: str
    message: str
    box: FrameBox


@dataclass(frozen=True, slots=True)
class ImageReport:
    """The estimated quality of the cut of an image. What depends on a background color is None with a model."""

    #: Share of the border that matches the background color.
    confidence: float | None
    removed_share: float
    holes_percent: float | None
    lookalike_percent: float | None
    residue_percent: float | None
    fine_percent: float | None
    soft_percent: float | None
    faint_percent: float | None
    warnings: tuple[ImageWarning, ...]


@dataclass(frozen=True, slots=True)
class Note:
    """A decision about the clip besides its matte."""

    code: str
    message: str
    is_warning: bool


@dataclass(frozen=True, slots=True)
class JobError:
    """Why a job or one of its images failed."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class JobImage:
    """An image of a job: its cut, or why it has none."""

    #: Name of the file, with its folders.
    name: str
    #: `completed` or `failed`.
    status: str
    #: Path of the PNG in the ZIP; None if the image failed, or if the output is the PNG.
    file: str | None
    width: int | None
    height: int | None
    #: `chroma` or `ai`.
    method: str | None
    reason: str | None
    model: str | None
    detected_background_color: Color | None
    report: ImageReport | None
    error: JobError | None


@dataclass(frozen=True, slots=True)
class JobResult:
    """The result of a completed job. Of images, width, height and color are those of the first that was cut."""

    output_url: str
    output_format: str
    output_size: int
    width: int
    height: int
    #: In seconds; None for images, like all that only a clip has.
    duration: float | None
    frame_count: int | None
    fps: float | None
    frame_rate: float | None
    source_frame_rate: float | None
    #: The part of the frame that was cut, as X,Y,WIDTH,HEIGHT; None for all of it.
    crop: str | None
    processing_time_ms: int
    detected_background_color: Color | None
    report: Report | None
    notes: tuple[Note, ...]
    outputs: tuple[Output, ...]
    #: In the order of the input; None for a clip.
    images: tuple[JobImage, ...] | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A job. Times are in seconds since 1970."""

    job_id: str
    type: str
    #: `queued`, `submitted`, `processing`, `completed` or `failed`.
    status: str
    #: In percent.
    progress: int
    stage: str | None
    created_at: int
    started_at: int | None
    completed_at: int | None
    expires_at: int | None
    error: JobError | None
    result: JobResult | None
    #: Rises with each change.
    revision: int
    queue_position: int | None
    estimated_start_at: int | None
    retry_of: str | None
    clip_name: str | None
    #: Signed address of the job's events, which needs no API key; None once the job has ended.
    events_url: str | None = None

    @property
    def has_ended(self) -> bool:
        """Whether the job is completed or failed."""
        return self.status in ("completed", "failed")


@dataclass(frozen=True, slots=True)
class JobPage:
    """A page of jobs, newest first."""

    jobs: tuple[Job, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Preview:
    """One frame of a cut."""

    #: The frame as a data URL; `png` has its bytes.
    url: str
    format: str
    size: int
    width: int
    height: int
    #: In seconds.
    time: float
    processing_time: int
    processing_method: str
    reason: str
    model: str | None
    detected_background_color: Color | None
    confidence: float | None
    hint_frames: tuple[int, ...]
    warnings: tuple[FieldWarning, ...] = ()

    @property
    def png(self) -> bytes:
        """The frame, with straight alpha."""
        return _file_of(self.url)


@dataclass(frozen=True, slots=True)
class ImageCut:
    """An image without its background."""

    #: The cut as a data URL; `png` has its bytes.
    url: str
    format: str
    size: int
    width: int
    height: int
    #: In milliseconds.
    processing_time: int
    #: `chroma` or `ai`.
    method: str
    reason: str
    model: str | None
    detected_background_color: Color | None
    #: Share of the border that matches the background color; None with a model.
    confidence: float | None
    report: ImageReport
    warnings: tuple[FieldWarning, ...] = ()

    @property
    def png(self) -> bytes:
        """The cut, with straight alpha, as large as the image."""
        return _file_of(self.url)


@dataclass(frozen=True, slots=True)
class Rgb:
    """A color in sRGB."""

    r: int
    g: int
    b: int


@dataclass(frozen=True, slots=True)
class DetectedBackground:
    """The background color of an image."""

    background_color: Rgb
    #: `#RRGGBB`.
    hex: str
    warnings: tuple[FieldWarning, ...] = ()


@dataclass(frozen=True, slots=True)
class ScaledImage:
    """A scaled image."""

    #: The image as a data URL; `data` has its bytes.
    url: str
    #: `jpeg`, `png` or `webp`.
    format: str
    size: int
    width: int
    height: int
    #: In milliseconds.
    processing_time: int
    warnings: tuple[FieldWarning, ...] = ()

    @property
    def data(self) -> bytes:
        """The image as a file of its format."""
        return _file_of(self.url)


@dataclass(frozen=True, slots=True)
class EmoticonFile:
    """A file of an emoticon."""

    #: The file as a data URL; `data` has its bytes.
    data_url: str
    size: int

    @property
    def data(self) -> bytes:
        """The bytes of the file."""
        return _file_of(self.data_url)


@dataclass(frozen=True, slots=True)
class Emoticon:
    """An emoticon: a square in one size, as two files."""

    #: Side in pixels.
    size: int
    png: EmoticonFile
    webp: EmoticonFile


@dataclass(frozen=True, slots=True)
class EmoticonPack:
    """Emoticons, in the order of the sizes."""

    sizes: tuple[Emoticon, ...]
    #: In bytes.
    total_png_size: int
    total_webp_size: int
    #: In milliseconds.
    processing_time: int
    warnings: tuple[FieldWarning, ...] = ()


@dataclass(frozen=True, slots=True)
class Upload:
    """A clip that was sent before its jobs."""

    storage_id: str
    size: int
    sha256: str
    expires_at: int


@dataclass(frozen=True, slots=True)
class Webhook:
    """An endpoint that receives the events of jobs."""

    webhook_id: str
    url: str
    events: tuple[str, ...]
    description: str
    enabled: bool
    disabled_reason: str | None
    created_at: int


@dataclass(frozen=True, slots=True)
class NewWebhook(Webhook):
    """A new endpoint, with the secret that verifies its events."""

    secret: str


def _file_of(data_url: str) -> bytes:
    """The bytes of a base64 data URL."""
    return base64.b64decode(data_url.partition(",")[2])
