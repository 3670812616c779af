"""What schemathesis does not know by itself: media types, clips that can be cut, and ids of what is there.

Half of the requests get real values, so that they succeed; the others stay as they were made up. At the end, the number of successes
of every operation is printed. The server is that of BASE_URL, with API_KEY and SIGN_IN; CLIP is a small clip.
"""

import atexit
import collections
import http.client
import itertools
import json
import os
import pathlib
import urllib.parse

import schemathesis
from test_images import subject

# The pieces of tus are bytes.
schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")

CLIP = pathlib.Path(os.environ["CLIP"]).read_bytes() if "CLIP" in os.environ else b""
# Begins like a clip; a worker refuses it soon.
BROKEN_CLIP = CLIP[:28] + bytes(4068)
IMAGE = subject()
SMALL = {"format": "webm", "size": 64, "fps": "1"}
HOOK = "https://example.com/hook"
SERVER = urllib.parse.urlsplit(os.environ.get("BASE_URL", ""))
# Requests that cut a clip while the client waits take seconds.
WITH_CLIP = {"cutVideo": 2, "previewFrame": 8, "submitVideoJob": 12}
WITH_IMAGE, MAX_IMAGES = collections.Counter(), 12


def ask(method, path, body=None, **headers):
    """The JSON of a request's reply; none if it has none."""
    connection = http.client.HTTPConnection(SERVER.hostname, SERVER.port, timeout=60)
    try:
        headers = {"Authorization": f"Bearer {os.environ['API_KEY']}", **headers}
        connection.request(method, path, body, headers)
        text = connection.getresponse().read()
        return json.loads(text) if text else None
    finally:
        connection.close()


def post(path, **fields):
    return ask("POST", path, json.dumps(fields), **{"Content-Type": "application/json"})["data"]


def begin_upload():
    """The parts of the address of a new upload: its id, and the query."""
    begun = post("/api/v1/uploads")
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(begun["uploadUrl"]).query))
    return begun["storageId"], query


def upload(clip):
    """The id of a complete upload."""
    storage_id, query = begin_upload()
    ask("PUT", f"/api/v1/uploads/{storage_id}?{urllib.parse.urlencode(query)}", clip, Authorization="")
    return storage_id


def submit(storage_id, **fields):
    """The id of a new job."""
    fields = {**SMALL, "inputStorageId": storage_id, **fields}
    parts = [f'--X\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n' for name, text in fields.items()]
    headers = {"Content-Type": "multipart/form-data; boundary=X"}
    return ask("POST", "/api/v1/jobs/video/remove-background", "".join(parts) + "--X--\r\n", **headers)["data"]["jobId"]


def cancelled():
    """The id of a job that can be retried."""
    job = submit(KEPT["broken"])
    ask("POST", f"/api/v1/jobs/{job}/cancel")
    return job


def lasting():
    """What many requests can use: a completed job with a delivery, an endpoint, and the link to an output."""
    KEPT["broken"] = upload(BROKEN_CLIP)
    KEPT["job"] = submit(upload(CLIP), webhookUrl=HOOK)
    job = ask("GET", f"/api/v1/jobs/{KEPT['job']}?wait=60")["data"]
    KEPT["delivery"] = ask("GET", f"/api/v1/jobs/{KEPT['job']}/deliveries")["data"]["deliveries"][0]["deliveryId"]
    KEPT["webhook"] = post("/api/v1/webhooks", url=HOOK)["webhookId"]
    KEPT["output"] = urllib.parse.urlsplit(job["result"]["outputUrl"])


def new_webhook():
    for webhook in ask("GET", "/api/v1/webhooks")["data"]["webhooks"][8:]:
        ask("DELETE", f"/api/v1/webhooks/{webhook['webhookId']}")
    return {"webhookId": post("/api/v1/webhooks", url=HOOK)["webhookId"]}


def of_upload(case, body=None, **headers):
    storage_id, query = begin_upload()
    case.path_parameters, case.query = {"storageId": storage_id}, query
    if body is not None:
        case.body = body
    case.headers = {**(case.headers or {}), **headers}


def of_output(case):
    link = KEPT["output"]
    case.path_parameters = {"name": link.path.removeprefix("/files/")}
    case.query = dict(urllib.parse.parse_qsl(link.query))
    for header in ("Range", "If-Range", "If-None-Match"):
        case.headers.pop(header, None)


def of_form(operation, case, **fields):
    """A form with a clip; cuts that the client waits for are few."""
    given = {"file": CLIP, **SMALL} if WITH_CLIP[operation] > 0 else {"fps": "0"}
    WITH_CLIP[operation] -= 1
    case.body = {**given, **fields}
    case.headers.pop("Idempotency-Key", None)
    case.headers["Prefer"] = "wait=0"


def of_image(operation, case, **fields):
    """A form with an image, as long as few were sent."""
    if WITH_IMAGE[operation] < MAX_IMAGES:
        WITH_IMAGE[operation] += 1
        case.body = {"file": IMAGE, **fields}


def path(**ids):
    def set_path(case):
        case.path_parameters = {name: make() for name, make in ids.items()}
        # What is left of the query and the headers need not be valid.
        case.query = {}
        case.headers = {name: value for name, value in case.headers.items() if name != "Last-Event-ID"}

    return set_path


def body(**fields):
    def set_body(case):
        case.body = fields

    return set_body


def kept(name):
    return lambda: KEPT[name]


def both(*changes):
    return lambda case: [change(case) for change in changes]


KEPT = {}
OF_WEBHOOK = path(webhookId=kept("webhook"))
OF_JOB = path(jobId=kept("job"))
# Real values by operation.
REAL = {
    "listJobs": lambda case: setattr(case, "query", {"limit": 5, "status": "completed", "createdAfter": "2026-01-01"}),
    "submitVideoJob": lambda case: of_form("submitVideoJob", case),
    "cutVideo": lambda case: of_form("cutVideo", case),
    "previewFrame": lambda case: of_form("previewFrame", case, time=0),
    "removeImageBackground": lambda case: of_image("removeImageBackground", case, method="chroma"),
    "submitImageJob": lambda case: of_image("submitImageJob", case, file=[IMAGE], method="chroma"),
    "detectImageBackgroundColor": lambda case: of_image("detectImageBackgroundColor", case),
    "resizeImage": lambda case: of_image("resizeImage", case, width=16, format="png"),
    "createImageThumbnail": lambda case: of_image("createImageThumbnail", case, size="small"),
    "createEmoticons": lambda case: of_image("createEmoticons", case, sizes="[16]"),
    "createEmoticonZip": lambda case: of_image("createEmoticonZip", case, sizes="[16]"),
    "getJob": OF_JOB,
    "followJob": OF_JOB,
    "getJobInput": OF_JOB,
    "listJobDeliveries": OF_JOB,
    "deleteJob": path(jobId=cancelled),
    "cancelJob": OF_JOB,
    "retryJob": path(jobId=cancelled),
    "redeliverEvent": path(jobId=kept("job"), deliveryId=kept("delivery")),
    "createUpload": body(size=1000),
    "sendUpload": lambda case: of_upload(case, CLIP),
    "getUploadOffset": of_upload,
    "deleteUpload": of_upload,
    "continueUpload": lambda case: of_upload(
        case, CLIP[:4096], **{"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Upload-Length": str(len(CLIP))}
    ),
    "getUsage": lambda case: setattr(case, "query", {"from": "2026-11-01", "to": "2026-11-30"}),
    "createWebhook": lambda case: (new_webhook(), setattr(case, "body", {"url": HOOK, "events": ["job.failed"]})),
    "changeWebhook": both(OF_WEBHOOK, body(description="kept", enabled=True)),
    "deleteWebhook": lambda case: setattr(case, "path_parameters", new_webhook()),
    "sendTestEvent": OF_WEBHOOK,
    "downloadOutput": of_output,
    "signIn": lambda case: setattr(case, "body", {"token": os.environ.get("SIGN_IN", "")}),
}

turns = collections.defaultdict(itertools.count)
successes = collections.Counter()
requests = collections.Counter()


@schemathesis.hook
def before_call(context, case, kwargs):
    operation = case.operation.definition.raw["operationId"]
    if not KEPT:
        lasting()
    is_turn = next(turns[operation]) % 2 == 0
    # What is kept is not deleted under an id that another reply has given away.
    is_kept = operation.startswith("delete") and any(name in KEPT.values() for name in (case.path_parameters or {}).values())
    if operation in REAL and (is_turn or is_kept) and case.method == case.operation.method.upper():
        case.headers = case.headers or {}
        REAL[operation](case)


@schemathesis.hook
def after_call(context, case, response):
    operation = case.operation.definition.raw["operationId"]
    requests[operation] += 1
    successes[operation] += 200 <= response.status_code < 300


@atexit.register
def report():
    for operation, count in sorted(requests.items()):
        print(f"{operation:24} {successes[operation]:4} of {count:4} succeeded")
