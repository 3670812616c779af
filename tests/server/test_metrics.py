"""The metrics of a real server, read by the parser of the Prometheus client for Python."""

import http.client
import re
import unittest

from harness import BROKEN_CLIP, ROOT, SMALL, Server, eventually, free_port
from prometheus_client.parser import text_string_to_metric_families

# What a server has from its start on.
GAUGES = {
    "clearcut_jobs_waiting",
    "clearcut_jobs_running",
    "clearcut_queue_longest_wait_seconds",
    "clearcut_leases_expired",
    "clearcut_webhook_deliveries_pending",
    "clearcut_disk_free_bytes",
    "clearcut_disk_floor_bytes",
    "clearcut_queue_up",
    "clearcut_build_info",
    "process_open_fds",
}
UNITS = ("_seconds", "_bytes", "_info", "_up", "_waiting", "_running", "_expired", "_pending")


class Metrics(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.port = free_port()
        cls.server = cls.enterClassContext(Server("--metrics-listen", f"127.0.0.1:{cls.port}"))

    def get(self, path="/metrics", port=None):
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=20)
        try:
            connection.request("GET", path)
            reply = connection.getresponse()
            return reply.status, reply.read().decode()
        finally:
            connection.close()

    def samples(self):
        status, text = self.get()
        self.assertEqual(status, 200)
        return {(sample.name, *sorted(sample.labels.items())): sample.value for family in text_string_to_metric_families(text) for sample in family.samples}

    def value(self, name, **labels):
        return self.samples().get((name, *sorted(labels.items())), 0)

    def test_names_help_and_types_follow_the_conventions(self):
        self.server.wait(self.server.submit_job(**SMALL))
        families = eventually(lambda: self.read_gauges())
        for family in families.values():
            self.assertTrue(family.documentation, family.name)
            self.assertIn(family.type, ("counter", "gauge", "histogram"), family.name)
            if family.name.startswith("clearcut_") and family.type == "gauge":
                self.assertTrue(family.name.endswith(UNITS), family.name)
            if family.name.startswith("clearcut_") and family.type == "histogram":
                self.assertTrue(family.name.endswith("_seconds"), family.name)

    def read_gauges(self):
        families = {family.name: family for family in text_string_to_metric_families(self.get()[1])}
        return families if families.keys() >= GAUGES else None

    def test_a_job_is_counted_in_all_its_steps(self):
        done = {"part": "whole", "result": "completed", "code": ""}
        before = self.value("clearcut_claims_ended_total", **done)
        frames, stored = self.value("clearcut_frames_total"), self.value("clearcut_output_bytes_total", format="webm")
        job = self.server.wait(self.server.submit_job(**SMALL))
        self.assertEqual(job["status"], "completed", job)
        eventually(lambda: self.value("clearcut_claims_ended_total", **done) == before + 1)
        self.assertEqual(self.value("clearcut_frames_total") - frames, job["result"]["frameCount"])
        self.assertEqual(self.value("clearcut_output_bytes_total", format="webm") - stored, job["result"]["outputSize"])
        for stage in ("loading", "cutting", "storing"):
            self.assertGreaterEqual(self.value("clearcut_stage_duration_seconds_count", stage=stage), 1, stage)
        self.assertGreaterEqual(self.value("clearcut_queue_wait_seconds_count"), 1)
        eventually(lambda: self.value("clearcut_webhook_attempts_total", event="job.completed", result="delivered") >= 1)
        route = {"route": "/api/v1/jobs/video/remove-background", "method": "POST", "status": "202"}
        self.assertGreaterEqual(self.value("clearcut_http_requests_total", **route), 1)
        self.assertGreater(self.value("clearcut_upload_bytes_total"), 100_000)

    def test_a_failure_is_counted_by_its_code(self):
        failed = {"part": "whole", "result": "failed", "code": "INVALID_VIDEO"}
        before = self.value("clearcut_claims_ended_total", **failed)
        job = self.server.wait(self.server.submit_job(BROKEN_CLIP, **SMALL))
        self.assertEqual(job["error"]["code"], "INVALID_VIDEO", job)
        eventually(lambda: self.value("clearcut_claims_ended_total", **failed) == before + 1)

    def test_what_clients_make_up_adds_no_series_and_shows_nowhere(self):
        for number in range(30):
            self.get(f"/no-such-page-{number}", port=self.server.port)
            self.get(f"/api/v1/jobs/{number:032x}", port=self.server.port)
        status, text = self.get()
        self.assertEqual(status, 200)
        self.assertNotIn("no-such-page", text)
        self.assertNotIn(self.server.key, text)
        routes = {labels for labels in self.samples() if labels[0] == "clearcut_http_requests_total" and ("status", "404") in labels}
        self.assertEqual(len(routes), 1, routes)

    def test_alerts_and_dashboard_name_only_metrics_that_the_guide_lists(self):
        guide = (ROOT / "docs/guides/server.md").read_text()
        listed = set(re.findall(r"clearcut_[a-z_]+", guide.split("## Metrics")[1].split("\n## ")[0]))
        described = set(re.findall(r'"(clearcut_[a-z_]+)"', "".join(path.read_text() for path in ROOT.glob("crates/*/src/**/metrics.rs"))))
        self.assertEqual(listed, described)
        for name in ("alerts.yaml", "dashboard.json"):
            used = set(re.findall(r"clearcut_[a-z_]+", (ROOT / "deploy/prometheus" / name).read_text()))
            self.assertGreater(len(used), 5, name)
            self.assertLessEqual({re.sub("_(bucket|sum|count)$", "", metric) for metric in used}, listed, name)

    def test_the_metrics_have_a_listener_of_their_own(self):
        self.assertEqual(self.get("/metrics", port=self.server.port)[0], 404)
        self.assertEqual(self.get("/api/v1/jobs")[0], 404)


if __name__ == "__main__":
    unittest.main()
