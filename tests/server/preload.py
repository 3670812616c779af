"""A server that is steered from within, through the library of `faults.c`: interrupted calls, a clock that is off, no
threads, held moments.

`Steering` is the Python side of `struct control`; with a folder it also keeps the log of all that is written below
it, for `disk`.
"""

import contextlib
import mmap
import pathlib
import struct
import subprocess
import tempfile
import time

from harness import eventually

SOURCE = pathlib.Path(__file__).with_name("faults.c")
# The numbers of `struct control` in their order, before the text of `hold`.
NUMBERS = (
    "interrupt_every", "interrupted", "clock_shift", "shifted_at", "refuse_threads", "refused", "log_bytes", "held",
)
HOLD_AT = 8 * len(NUMBERS)
CONTROL_BYTES = 1 << 18


class Steering:
    """The library, built, and the file by which it is told what to do. `environment` is that of the process to be
    steered.
    """

    def __init__(self, log_of=None):
        self._folder = tempfile.TemporaryDirectory(prefix="clearcut-steering-")
        own = pathlib.Path(self._folder.name)
        library, control = own / "faults.so", own / "control"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True)
        control.write_bytes(bytes(CONTROL_BYTES))
        with open(control, "r+b") as file:
            self._control = mmap.mmap(file.fileno(), CONTROL_BYTES)
        self.environment = {"LD_PRELOAD": str(library), "CLEARCUT_FAULTS": str(control)}
        self.log_file = own / "log"
        if log_of:
            self.log_file.touch()
            log_of.mkdir(exist_ok=True)
            self.environment |= {"CLEARCUT_FAULTS_FOLDER": str(log_of), "CLEARCUT_FAULTS_LOG": str(self.log_file)}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._control.close()
        self._folder.cleanup()

    def read(self, name):
        return struct.unpack_from("q", self._control, 8 * NUMBERS.index(name))[0]

    def _write(self, name, value):
        struct.pack_into("q", self._control, 8 * NUMBERS.index(name), value)

    @contextlib.contextmanager
    def interrupted(self, every):
        """One of `every` calls that may wait is interrupted."""
        self._write("interrupt_every", every)
        try:
            yield
        finally:
            self._write("interrupt_every", 0)

    @contextlib.contextmanager
    def clock_off_by(self, seconds):
        """The clock jumps, and at the end of the block back."""
        self._write("shifted_at", int(time.time()))
        self._write("clock_shift", seconds)
        try:
            yield
        finally:
            self._write("clock_shift", 0)

    @contextlib.contextmanager
    def no_threads(self):
        """The system has no thread and no process to give."""
        self._write("refuse_threads", 1)
        try:
            yield
        finally:
            self._write("refuse_threads", 0)

    @contextlib.contextmanager
    def held_at(self, kind, text):
        """Who comes to this moment stands still until the block's end: `p` a program with the word `text` is started,
        `c` a file whose name holds it is created, `r` one was renamed to such a name. Yields what waits until
        somebody stands there.
        """
        self._write("held", 0)
        self._control[HOLD_AT + 1 : HOLD_AT + 128] = text.encode().ljust(127, b"\0")
        self._control[HOLD_AT : HOLD_AT + 1] = kind.encode()
        try:
            yield lambda: eventually(lambda: self.read("held"), 20, every=0.002)
        finally:
            self._control[HOLD_AT : HOLD_AT + 1] = b"\0"
