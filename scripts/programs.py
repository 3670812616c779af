"""The programs that the other scripts run: clearcut, its examples, its models' runtimes, and ffmpeg."""
import subprocess
from pathlib import Path

CLEARCUT = "target/release/clearcut"
EXAMPLES = Path("target/release/examples")
MODELS = Path("out/models").resolve()
RUNTIMES = {"ONNX Runtime": MODELS / "libonnxruntime.so", "rten": "rten"}


def ffmpeg(*arguments, **options):
    """Runs ffmpeg until it ends; it overwrites files, and says errors alone."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, arguments)]
    return subprocess.run(command, check=True, **options)
