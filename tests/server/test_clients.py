"""A Python client that openapi-python-client generates from the committed document, against a real server."""

import importlib
import io
import pathlib
import subprocess
import sys
import tempfile
import unittest

import httpx

from harness import CLIP, ROOT, Server

# Nothing to tidy; a piece of tus is bytes.
CONFIG = """
post_hooks: []
content_type_overrides:
  application/offset+octet-stream: application/octet-stream
"""


class Generated(unittest.TestCase):
    """What the generator makes of the document."""

    def test_a_generated_client_submits_waits_and_downloads(self):
        with tempfile.TemporaryDirectory() as folder, Server(hooks=False) as server:
            folder = pathlib.Path(folder)
            (folder / "config.yml").write_text(CONFIG)
            command = [pathlib.Path(sys.executable).with_name("openapi-python-client"), "generate", "--meta", "none"]
            command += ["--path", ROOT / "openapi.json", "--output-path", folder / "generated_clearcut"]
            subprocess.run([*command, "--config", folder / "config.yml"], check=True, capture_output=True)
            sys.path.insert(0, str(folder))
            try:
                self.use(server)
            finally:
                sys.path.remove(str(folder))

    def use(self, server):
        package = importlib.import_module("generated_clearcut")
        models = importlib.import_module("generated_clearcut.models")
        file = importlib.import_module("generated_clearcut.types").File
        submit = importlib.import_module("generated_clearcut.api.jobs.submit_video_job")
        get = importlib.import_module("generated_clearcut.api.jobs.get_job")
        with package.AuthenticatedClient(f"http://127.0.0.1:{server.port}", token=server.key) as client:
            clip = file(io.BytesIO(CLIP), "clip.mp4")
            form = models.SubmitForm(file=clip, format_=models.OutputFormat.WEBM, size=64, fps="2")
            accepted = submit.sync(client=client, body=form).data
            self.assertEqual((accepted.status, accepted.warnings), (models.JobStatus.QUEUED, []))
            job = get.sync(accepted.job_id, client=client, wait=60).data
            self.assertEqual((job.status, job.stage, job.events_url), (models.JobStatus.COMPLETED, None, None))
            self.assertEqual(httpx.get(job.result.output_url).content[:4], b"\x1a\x45\xdf\xa3")
            refused = submit.sync(client=client, body=models.SubmitForm(fps="61"))
            self.assertEqual(refused.error.code, models.ErrorCode.INVALID_FPS)


if __name__ == "__main__":
    unittest.main()
