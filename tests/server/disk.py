"""What a disk may hold after a power cut, from the log of all that was written to it (`faults.c`).

As strict as POSIX: a file's bytes are there if the file was synced after they were written, a name is there if its
folder was synced after it was made. Of all else any part may be there, drawn by chance: of a write the whole,
nothing, some of its sectors, or only the length that it gave the file; of the names of a folder those up to a moment,
as a journal keeps them, or any.

With `journal` it is as kind as the file systems that one meets (ext4, XFS, Btrfs): a sync of anything brings along
all names that were made before.
"""

import os
import struct

HEADER = struct.Struct("=cIQQQ")
SECTOR = 512


class File:
    def __init__(self):
        self.durable = bytearray()
        self.pending = []  # (where, bytes), or (length, None) where it was cut

    def sync(self):
        for change in self.pending:
            apply(self.durable, *change)
        self.pending = []

    def after_a_cut(self, chance):
        content = bytearray(self.durable)
        for where, data in self.pending:
            outcome = chance.choice(("whole", "nothing", "sectors", "length"))
            if data is None:
                if outcome in ("whole", "sectors"):
                    apply(content, where, None)
            elif outcome == "whole":
                apply(content, where, data)
            elif outcome == "sectors":
                for begin, piece in sectors(where, data):
                    if chance.random() < 0.5:
                        apply(content, begin, piece)
            elif outcome == "length" and len(content) < where + len(data):
                apply(content, where + len(data), None)
        return content


class Folder:
    def __init__(self):
        self.durable = {}  # what is under each name
        self.pending = []  # changes, each a list of (name, what is under it now or None)

    def sync(self):
        for change in self.pending:
            self.durable.update(change)
        self.pending = []

    def after_a_cut(self, chance):
        names = dict(self.durable)
        kept = chance.randint(0, len(self.pending)) if chance.random() < 0.5 else None
        for number, change in enumerate(self.pending):
            if (number < kept) if kept is not None else chance.random() < 0.5:
                names.update(change)
        return {name: what for name, what in names.items() if what is not None}


def apply(content, where, data):
    if data is None:
        del content[where:]
        content.extend(bytes(where - len(content)))
    else:
        content.extend(bytes(max(0, where - len(content))))
        content[where : where + len(data)] = data


def sectors(where, data):
    """The parts of a write that a disk writes at once."""
    begin = where
    while begin < where + len(data):
        end = min((begin // SECTOR + 1) * SECTOR, where + len(data))
        yield begin, data[begin - where : end - where]
        begin = end


class Disk:
    """Plays the log. `lies` names a kind of sync that this disk takes for nothing: `files` or `folders`, to see that
    it is missed.
    """

    def __init__(self, log, lies="", journal=False):
        self._log, self._lies, self._journal = log, lies, journal
        self._at = 0
        self._by_inode = {}
        self._root = None

    def play_to(self, position):
        """Everything up to the last change that was complete at `position`."""
        while self._at + HEADER.size <= position:
            kind, size, inode, folder, where = HEADER.unpack_from(self._log, self._at)
            end = self._at + HEADER.size + size
            if end > position:
                return
            self._play(kind.decode(), inode, folder, where, bytes(self._log[self._at + HEADER.size : end]))
            self._at = end

    def _play(self, kind, inode, folder, where, data):
        known = self._by_inode
        if kind in "CD":
            known[inode] = File() if kind == "C" else Folder()
            self._root = self._root or known[inode]
        if kind in "CDL" and folder:
            known[folder].pending.append([(data.decode(), known[inode])])
        elif kind == "R":
            old, new = data.decode().split("\0")
            assert folder == where, "a name that moves between folders: this disk does not know what it makes of it"
            known[folder].pending.append([(old, None), (new, known[inode])])
        elif kind == "U":
            known[folder].pending.append([(data.decode(), None)])
        elif kind == "W":
            known[inode].pending.append((where, data))
        elif kind == "T":
            known[inode].pending.append((where, None))
        elif kind == "S":
            if self._lies != ("files" if isinstance(known[inode], File) else "folders"):
                known[inode].sync()
            if self._journal:
                for folder in known.values():
                    if isinstance(folder, Folder):
                        folder.sync()

    def sync(self):
        for each in self._by_inode.values():
            each.sync()

    def write_after_a_cut(self, path, chance):
        """Makes `path` the folder that is found when the power is back."""
        made = {}

        def write(folder, path):
            path.mkdir()
            for name, what in sorted(folder.after_a_cut(chance).items()):
                if isinstance(what, Folder):
                    write(what, path / name)
                elif what in made:
                    os.link(made[what], path / name)
                else:
                    (path / name).write_bytes(what.after_a_cut(chance))
                    made[what] = path / name

        write(self._root, path)
