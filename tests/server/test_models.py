"""`method` over HTTP, with the real binary, the real model that setup installs, and without any."""

import json
import os
import tempfile
import unittest

from harness import MULTIPART, ROOT, Server, eventually, form
from invariants import check_invariants
from processes import children_of, running
from test_images import subject

MODELS = os.environ.get("CLEARCUT_MODELS", str(ROOT / "out/models"))
SMALL = {"formats": json.dumps(["webm", "stacked-alpha"]), "size": "160", "fps": "6"}
DANCER = (ROOT / "samples/dancer.mp4").read_bytes()


class Models(unittest.TestCase):
    def test_ai_makes_all_formats_from_one_matte_and_says_how(self):
        with Server("--models", MODELS, "--runtime", "rten") as server:
            job = server.submit_job(DANCER, method="ai", **SMALL)
            done = server.wait(job)
            self.assertEqual(done["status"], "completed", done)
            report = done["result"]["report"]
            self.assertEqual([report[key] for key in ("method", "reason", "model")], ["ai", "asked", "u2netp"])
            self.assertIsNone(report["confidence"])
            self.assertIsNone(done["result"]["detectedBackgroundColor"])
            self.assertEqual([output["format"] for output in done["result"]["outputs"]], ["webm", "stacked-alpha"])
            keyed = server.wait(server.submit_job(DANCER, method="chroma", **SMALL))["result"]["report"]
            self.assertEqual([keyed[key] for key in ("method", "reason", "model")], ["chromakey", "asked", None])
            self.assertAlmostEqual(report["removedShare"], keyed["removedShare"], delta=0.06)
            check_invariants(server, [job])

    def test_an_image_is_cut_by_the_model_unless_a_color_is_given(self):
        with Server("--models", MODELS, "--runtime", "rten", hooks=False) as server:
            for fields, method, model in (({}, "ai", "u2netp"), ({"chromaKey": "#00C800"}, "chroma", None)):
                status, body = server.request("POST", "/api/v1/image/remove-background", form(subject(), fields), MULTIPART)
                data = json.loads(body)["data"]
                self.assertEqual((status, data["method"], data["model"]), (200, method, model))

    def test_the_synchronous_endpoint_names_the_method(self):
        with Server("--models", MODELS, "--runtime", "rten") as server:
            fields = {"method": "ai", "format": "webp", "size": "128", "fps": "4"}
            status, body = server.request("POST", "/api/v1/video/remove-background", form(DANCER, fields), MULTIPART)
            self.assertEqual((status, json.loads(body)["data"]["processingMethod"]), (200, "ai"))

    def test_ai_is_refused_by_name_where_there_is_no_model_and_auto_still_keys(self):
        with tempfile.TemporaryDirectory() as empty, Server("--models", empty) as server:
            status, reply = server.submit(DANCER, method="ai", **SMALL)
            self.assertEqual((status, reply["error"]["code"]), (400, "INVALID_REQUEST"))
            self.assertEqual(reply["error"]["details"]["field"], "method")
            done = server.wait(server.submit_job(DANCER, **SMALL))
            self.assertEqual(done["result"]["report"]["reason"], "flat-background")

    def test_a_model_that_vanishes_fails_its_job_by_name_and_not_the_server(self):
        with tempfile.TemporaryDirectory() as models:
            copy = os.path.join(models, "u2netp.onnx")
            with open(os.path.join(MODELS, "u2netp.onnx"), "rb") as model, open(copy, "wb") as file:
                file.write(model.read())
            with Server("--models", models, "--runtime", "rten") as server:
                os.remove(copy)
                failed = server.wait(server.submit_job(DANCER, method="ai", **SMALL))
                self.assertEqual(failed["error"]["code"], "MODEL_MISSING")
                self.assertNotIn(models, failed["error"]["message"])
                self.assertEqual(server.wait(server.submit_job(DANCER, **SMALL))["status"], "completed")

    def test_killed_while_the_model_works_nothing_lives_on_and_the_job_is_done_again(self):
        with Server("--models", MODELS, "--runtime", "rten") as server:
            job = server.submit_job(DANCER, method="ai", size="320", format="webm")
            server.wait_for_stage(job, "processing-video")
            below = children_of(server.process.pid)
            server.restart()
            eventually(lambda: not any(map(running, below)), 10)
            self.assertEqual(server.wait(job)["result"]["report"]["method"], "ai")
            check_invariants(server, [job])

    def test_two_jobs_whose_models_do_not_fit_together_both_end(self):
        flags = ("--models", MODELS, "--runtime", "rten", "--slots", "2", "--model-memory-mib", "300")
        with Server(*flags) as server:
            jobs = [server.submit_job(DANCER, method="ai", size="128", fps="4", format="webm") for _ in range(2)]
            self.assertEqual([server.wait(job)["status"] for job in jobs], ["completed"] * 2)
            check_invariants(server, jobs)


if __name__ == "__main__":
    unittest.main()
