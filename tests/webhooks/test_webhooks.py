"""What the server sends, verified by the package from PyPI that users have, and what it never sends."""

import json
import os
import pathlib
import re
import subprocess
import sys
import unittest
import urllib.error
import urllib.request
from datetime import datetime, timezone

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "server"))
from harness import Server, eventually  # noqa: E402
from hosts import Receiver  # noqa: E402

SMALL = {"format": "webm", "size": "64", "fps": "6"}


def data(reply, expected=200):
    status, body = reply
    assert status == expected, body
    return json.loads(body)["data"]


class Webhooks(unittest.TestCase):
    def test_the_url_of_a_job_and_an_endpoint_are_told_and_verify_with_their_own_secret(self):
        with Server() as server, Receiver() as receiver:
            fields = json.dumps({"url": receiver.url, "events": ["job.completed"]})
            made = data(server.request("POST", "/api/v1/webhooks", fields, {"Content-Type": "application/json"}), 201)
            of_key = data(server.request("GET", "/api/v1/webhooks/secret"))["secret"]
            job = server.submit_job(**SMALL)
            server.wait(job)
            headers, body = eventually(lambda: receiver.received and receiver.received[0])
            self.assertEqual(Webhook(made["secret"]).verify(body, headers)["data"]["jobId"], job)
            self.assertRaises(WebhookVerificationError, Webhook(of_key).verify, body, headers)
            eventually(lambda: len(server.receiver.received) == 2)
            for headers, body in server.receiver.received:
                self.assertEqual(Webhook(of_key).verify(body, headers)["data"]["jobId"], job)
                self.assertRaises(WebhookVerificationError, Webhook(of_key).verify, body + b" ", headers)

    def test_no_form_of_a_private_address_is_connected(self):
        names = {"CLEARCUT_TEST_NAMES": "inside.example=127.0.0.1"}
        with Server(hooks=False, environment=names) as server, Receiver() as listener:
            port = listener.port
            refused = ["127.0.0.1", "127.1", "0", "0.0.0.0", "2130706433", "0x7f000001", "017700000001", "127.0.0.1."]
            refused += ["[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]"]
            refused += ["localhost", "LOCALHOST", "a.localhost", "169.254.169.254", "10.0.0.1", "192.168.0.1", "172.16.0.1", "100.64.0.1", "user@127.0.0.1"]
            for host in refused:
                status, reply = server.submit(webhookUrl=f"http://{host}:{port}/hook", **SMALL)
                self.assertEqual((status, reply["error"]["code"]), (400, "INVALID_URL"), host)
            # Another name can only be looked up; every connection does.
            job = server.submit_job(webhookUrl=f"http://inside.example:{port}/hook", **SMALL)
            server.wait(job)
            deliveries = lambda: data(server.request("GET", f"/api/v1/jobs/{job}/deliveries"))["deliveries"]
            attempts = lambda: [attempt for delivery in deliveries() for attempt in delivery["attempts"]]
            eventually(lambda: len(attempts()) >= 2)
            self.assertEqual({attempt["error"] for attempt in attempts()}, {"ADDRESS_REFUSED"})
            self.assertEqual(listener.connections, 0)

    def test_a_redirect_leads_nowhere(self):
        with Server() as server, Receiver() as target:
            server.receiver.answer = lambda hook: hook.send(307, {"Location": target.url})
            job = server.submit_job(**SMALL)
            server.wait(job)
            eventually(lambda: len(server.receiver.received) >= 2)
            self.assertEqual(target.connections, 0)

    def test_the_example_in_the_documentation_takes_what_is_signed_and_refuses_what_is_not(self):
        text = (HERE.parents[1] / "docs/guides/webhooks.md").read_text()
        example = re.search(r"```python\n(.*?)```", text, re.S).group(1)
        self.assertIn(", 3000), Hook).serve_forever()", example)
        example = example.replace('HTTPServer(("127.0.0.1", 3000), Hook).serve_forever()', LISTENING)
        secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1u"
        environment = {**os.environ, "CLEARCUT_WEBHOOK_SECRET": secret, "PYTHONUNBUFFERED": "1"}
        hook = subprocess.Popen(
            [sys.executable, "-c", example], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        try:
            url = f"http://127.0.0.1:{hook.stdout.readline().strip()}/"
            body = json.dumps({"type": "job.completed", "data": {"jobId": "jd1", "result": {"outputs": []}}})
            now = datetime.now(tz=timezone.utc)
            signature = Webhook(secret).sign("msg_1", now, body)
            headers = {"webhook-id": "msg_1", "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}
            self.assertEqual(post(url, body, headers), 204)
            self.assertEqual(hook.stdout.readline().strip(), "jd1 []")
            self.assertEqual(post(url, body + " ", headers), 401)
        finally:
            hook.kill()
            hook.wait()
            hook.stdout.close()


LISTENING = """
server = HTTPServer(("127.0.0.1", 0), Hook)
print(server.server_port)
server.serve_forever()
"""


def post(url, body, headers):
    request = urllib.request.Request(url, body.encode(), headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            return reply.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


if __name__ == "__main__":
    unittest.main()
