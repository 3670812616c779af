"""Presets and limits of bytes over the API, with the real binary and a real clip."""

import unittest

from harness import Server


class Presets(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Server(hooks=False))

    def test_a_preset_makes_a_file_within_the_limit_and_says_so(self):
        job = self.server.wait(self.server.submit_job(preset="discord-emoji", maxBytes="60KB", audio="drop"))
        self.assertEqual(job["status"], "completed", job)
        result = job["result"]
        self.assertEqual([output["format"] for output in result["outputs"]], ["gif"])
        self.assertEqual((result["width"], result["height"]), (128, 128))
        self.assertLessEqual(result["outputSize"], 60_000)
        self.assertEqual(len(self.server.download(job["jobId"])), result["outputSize"])
        notes = [note["message"] for note in result["notes"] if note["code"] == "LIMIT_KEPT"]
        self.assertEqual(len(notes), 1, result["notes"])
        self.assertRegex(notes[0], r"^discord-emoji: \d+ of 60 KB")

    def test_fields_that_contradict_a_preset_are_refused(self):
        for field, value in [
            ("format", "mov"),
            ("audio", "keep"),
            ("fps", "12"),
            ("size", "100"),
            ("width", "100"),
            ("quality", "90"),
            ("maxBytes", "300KB"),
        ]:
            status, reply = self.server.submit(preset="telegram-sticker", **{field: value})
            self.assertEqual(status, 400, reply)
            self.assertIn(field, str(reply["error"]), field)
        status, reply = self.server.submit(format="mov", maxBytes="300KB")
        self.assertEqual((status, reply["error"]["code"]), (400, "INVALID_REQUEST"), reply)

    def test_a_length_that_does_not_fit_and_a_limit_out_of_reach_fail_with_their_codes(self):
        unfit = self.server.submit_job(preset="line-sticker", trim=",0.5")
        small = self.server.submit_job(format="apng", size="512", maxBytes="1000")
        unfit, small = self.server.wait(unfit), self.server.wait(small)
        self.assertEqual(unfit["error"]["code"], "UNFIT_LENGTH", unfit)
        self.assertIn("at least 1 s", unfit["error"]["message"])
        self.assertEqual(small["error"]["code"], "LIMIT_NOT_MET", small)


if __name__ == "__main__":
    unittest.main()
