"""Schemathesis against a server of its own: no 5xx, no status that is not documented, no reply outside its schema.

Half of its requests get clips and ids that are valid (schema_hooks.py), so that successes are checked too.

EXAMPLES (50) a route, drawn by SEED (1); arguments go to schemathesis.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

from harness import ROOT, Server

CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
    "unsupported_method",
)


def small_clip(folder):
    """The name of a clip that is cut in a moment, and short enough to be shown in a report."""
    name = os.path.join(folder, "clip.mp4")
    filters = ["-vf", "scale=64:64", "-frames:v", "5", "-an"]
    subprocess.run(["ffmpeg", "-v", "error", "-i", ROOT / "samples/mascot.mp4", *filters, name], check=True)
    return name


def main():
    program = pathlib.Path(sys.executable).with_name("schemathesis")
    environment = {**os.environ, "PYTHONPATH": str(pathlib.Path(__file__).parent), "SCHEMATHESIS_HOOKS": "schema_hooks"}
    with Server("--log", "warn", "--sync-wait-secs", "60", hooks=False) as server, tempfile.TemporaryDirectory() as folder:
        environment |= {"BASE_URL": f"http://127.0.0.1:{server.port}", "API_KEY": server.key, "SIGN_IN": server.sign_in}
        environment |= {"CLIP": small_clip(folder)}
        options = {
            "--header": f"Authorization: Bearer {server.key}",
            "--checks": ",".join(CHECKS),
            "--max-examples": os.environ.get("EXAMPLES", "50"),
            "--request-timeout": "70",
            # Of the names that are drawn for a file, many are no path: how many is chance.
            "--suppress-health-check": "filter_too_much",
            "--seed": os.environ.get("SEED", "1"),
        }
        command = [program, "run", f"http://127.0.0.1:{server.port}/docs.json"]
        command += [word for option in options.items() for word in option]
        status = subprocess.run([*command, *sys.argv[1:]], cwd=folder, env=environment).returncode
        if status:
            print(server.log()[-5000:], file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
