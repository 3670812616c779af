"""Who may do what: every route of the OpenAPI document, with no key, a bad, a revoked, another's and the owner's."""

import http.client
import json
import unittest

from harness import BROKEN_CLIP, CLIP, MULTIPART, SUBMIT, Server, form

CLIP_FORM = (MULTIPART["Content-Type"], form(BROKEN_CLIP, {"format": "webm"}))
HOOK = json.dumps({"url": "http://127.0.0.1:1/hook"})
DENIED = (401, 401, 401)
OPEN = (200, 200, 200, 200, 200)

# Method, path, then the status with no key, a bad key, a revoked key, another key, the owner's; `{jobId}` is a job of the
# owner, made anew for each request. A route that the document has and this table lacks fails the test: add it.
ROUTES = [
    ("post", SUBMIT, (*DENIED, 202, 202)),
    ("post", "/api/v1/video/remove-background", (*DENIED, 400, 400)),  # its job fails: the clip is none
    ("post", "/api/v1/video/remove-background/preview", (*DENIED, 400, 400)),  # the clip is none
    ("post", "/api/v1/image/remove-background", (*DENIED, 415, 415)),  # no form
    ("post", "/api/v1/image/detect-background-color", (*DENIED, 415, 415)),  # no form
    ("post", "/api/v1/image/resize", (*DENIED, 415, 415)),  # no form
    ("post", "/api/v1/image/thumbnail", (*DENIED, 415, 415)),  # no form
    ("post", "/api/v1/image/emoticon", (*DENIED, 415, 415)),  # no form
    ("post", "/api/v1/image/emoticon/zip", (*DENIED, 415, 415)),  # no form
    ("post", "/api/v1/jobs/image/remove-background", (*DENIED, 415, 415)),  # no form
    ("get", "/api/v1/jobs", (*DENIED, 200, 200)),
    ("get", "/api/v1/jobs/{jobId}", (*DENIED, 404, 200)),
    ("delete", "/api/v1/jobs/{jobId}", (*DENIED, 404, 200)),
    ("post", "/api/v1/jobs/{jobId}/cancel", (*DENIED, 404, 200)),
    ("post", "/api/v1/jobs/{jobId}/retry", (*DENIED, 404, 409)),  # it has not failed
    ("get", "/api/v1/jobs/{jobId}/input", (*DENIED, 404, 200)),
    ("get", "/api/v1/jobs/{jobId}/events", (*DENIED, 404, 200)),
    ("get", "/api/v1/usage", (*DENIED, 200, 200)),
    ("post", "/api/v1/uploads", (*DENIED, 201, 201)),
    # Opened by their signature, not by a key.
    ("put", "/api/v1/uploads/{storageId}", (403, 403, 403, 403, 403)),
    ("patch", "/api/v1/uploads/{storageId}", (412, 412, 412, 412, 412)),  # no tus, before it is looked at
    ("head", "/api/v1/uploads/{storageId}", (403, 403, 403, 403, 403)),
    ("delete", "/api/v1/uploads/{storageId}", (*DENIED, 404, 404)),  # there is no such upload
    ("get", "/api/v1/jobs/{jobId}/deliveries", (*DENIED, 404, 200)),
    ("post", "/api/v1/jobs/{startedId}/deliveries/{deliveryId}/redeliver", (*DENIED, 404, 202)),
    ("get", "/api/v1/webhooks", (*DENIED, 200, 200)),
    ("post", "/api/v1/webhooks", (*DENIED, 201, 201)),
    ("get", "/api/v1/webhooks/secret", (*DENIED, 200, 200)),
    ("post", "/api/v1/webhooks/secret/rotate", (*DENIED, 200, 200)),
    ("get", "/api/v1/webhooks/{webhookId}", (*DENIED, 404, 200)),
    ("patch", "/api/v1/webhooks/{webhookId}", (*DENIED, 404, 200)),
    ("get", "/api/v1/webhooks/{webhookId}/secret", (*DENIED, 404, 200)),
    ("post", "/api/v1/webhooks/{webhookId}/secret/rotate", (*DENIED, 404, 200)),
    ("post", "/api/v1/webhooks/{webhookId}/test", (*DENIED, 404, 202)),
    ("get", "/api/v1/webhooks/{webhookId}/deliveries", (*DENIED, 404, 200)),
    ("delete", "/api/v1/webhooks/{webhookId}", (*DENIED, 404, 200)),
    ("post", "/api/v1/sign-in", (403, 403, 403, 403, 403)),  # opened by the token of a link, not by a key
    ("get", "/files/{name}", (403, 403, 403, 403, 403)),  # opened by its signature, not by a key
    ("get", "/livez", OPEN),
    ("get", "/readyz", OPEN),
]

TAKES_A_CLIP = {SUBMIT, "/api/v1/video/remove-background", "/api/v1/video/remove-background/preview"}


class Access(unittest.TestCase):
    webhook = None

    def test_every_route_of_the_document_is_in_the_table(self):
        with Server() as server:
            paths = json.loads(server.request("GET", "/docs.json")[1])["paths"]
            documented = {(method, path) for path, methods in paths.items() for method in methods}
            self.assertEqual(documented, {(method, path.replace("startedId", "jobId")) for method, path, _ in ROUTES})

    def test_each_route_opens_to_those_in_the_table_alone(self):
        with Server() as server:
            revoked, other = server.create_key(), server.create_key()
            server.command("keys", "revoke", "2")
            bad = "hc_" + "0" * 32
            long = server.submit_job()  # keeps the only slot, so that the jobs below wait
            server.wait_for_stage(long, "processing-video")
            for method, path, expected in ROUTES:
                found = []
                for key in (None, bad, revoked, other, server.key):
                    if path == "/api/v1/video/remove-background" and key in (other, server.key):
                        server.wait(long)  # it waits for its job
                    found.append(self.ask(server, method, path, key))
                self.assertEqual(tuple(found), expected, f"{method} {path}")
                if path == "/api/v1/video/remove-background":
                    long = server.submit_job()
                    server.wait_for_stage(long, "processing-video")

    def ask(self, server, method, path, key):
        if "{jobId}" in path:
            status, reply = server.submit(CLIP, size="64", fps="6")
            self.assertEqual(status, 202, reply)
            path = path.replace("{jobId}", reply["data"]["jobId"])
        if "{startedId}" in path:
            started = server.rows(
                """SELECT j.id, d.id FROM webhook_deliveries d JOIN webhook_events e ON e.seq = d.event_seq
                JOIN jobs j ON j.seq = e.job_seq ORDER BY d.seq DESC LIMIT 1"""
            )
            path = path.replace("{startedId}", started[0][0]).replace("{deliveryId}", started[0][1])
        if "{webhookId}" in path:
            if not self.webhook:
                status, reply = server.request("POST", "/api/v1/webhooks", HOOK, {"Content-Type": "application/json"})
                self.assertEqual(status, 201, reply)
                self.webhook = json.loads(reply)["data"]["webhookId"]
            path = path.replace("{webhookId}", self.webhook)
        path = path.replace("{name}", "uploads/" + "0" * 32 + "?expires=9999999999&signature=" + "0" * 64)
        media, body = CLIP_FORM if path in TAKES_A_CLIP else (None, None)
        if method == "patch" or (method, path) == ("post", "/api/v1/webhooks"):
            media, body = "application/json", HOOK
        if path == "/api/v1/sign-in":
            media, body = "application/json", '{"token": "guessed"}'
        headers = {"Content-Type": media} if media else {}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        # The head is enough: a stream of events goes on.
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=90)
        connection.request(method.upper(), path, body, headers)
        status = connection.getresponse().status
        connection.close()
        return status


if __name__ == "__main__":
    unittest.main(verbosity=2)
