"""Schemathesis against a server of its own: no 5xx, no status that is not documented, no reply outside its schema.

EXAMPLES (50) a route, drawn by SEED (1); arguments go to schemathesis.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

from harness import Server

CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
    "unsupported_method",
)


def main():
    program = pathlib.Path(sys.executable).with_name("schemathesis")
    environment = {**os.environ, "PYTHONPATH": str(pathlib.Path(__file__).parent), "SCHEMATHESIS_HOOKS": "schema_hooks"}
    with Server("--log", "warn", "--sync-wait-secs", "1", hooks=False) as server, tempfile.TemporaryDirectory() as folder:
        options = {
            "--header": f"Authorization: Bearer {server.key}",
            "--checks": ",".join(CHECKS),
            "--max-examples": os.environ.get("EXAMPLES", "50"),
            "--request-timeout": "30",
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
