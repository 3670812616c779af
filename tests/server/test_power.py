"""A few power cuts, and whether the disk that they are cut on does what it says."""

import pathlib
import random
import tempfile
import unittest

from disk import HEADER, SECTOR, Disk
from power import cut_again_and_again


def log_of(*changes):
    """A log as `faults.c` writes it, of (kind, inode, folder, where, bytes)."""
    packed = (HEADER.pack(kind, len(data), *numbers) + data for kind, *numbers, data in changes)
    return b"".join(packed)


ROOT, FILE = 1, 2
BEGUN = ((b"D", ROOT, 0, 0, b""), (b"C", FILE, ROOT, 0, b"old"), (b"W", FILE, 0, 0, b"x" * 2 * SECTOR))
RENAMED = (b"R", FILE, ROOT, ROOT, b"old\0new")


def synced(inode):
    return (b"S", inode, 0, 0, b"")


class DiskOfTheLog(unittest.TestCase):
    def found(self, *changes, lies=""):
        """All that is found over many cuts at the end of `changes`: the folder's files, each with a letter for each
        of its sectors.
        """
        log, found = log_of(*changes), set()
        for seed in range(80):
            with tempfile.TemporaryDirectory() as folder:
                disk, path = Disk(log, lies), pathlib.Path(folder) / "data"
                disk.play_to(len(log))
                disk.write_after_a_cut(path, random.Random(seed))
                found.add(tuple((file.name, file.read_text()[::SECTOR].replace("\0", ".")) for file in path.iterdir()))
        return found

    def test_what_is_synced_is_there_and_all_else_may_be_or_not(self):
        self.assertEqual(self.found(*BEGUN, synced(FILE), synced(ROOT)), {(("old", "xx"),)})
        no_name, kept = (), {"xx", "x", ".x", "..", ""}
        self.assertEqual(self.found(*BEGUN, synced(FILE)), {no_name, (("old", "xx"),)})
        self.assertEqual(self.found(*BEGUN, synced(ROOT)), {(("old", bytes_kept),) for bytes_kept in kept})
        self.assertEqual(self.found(*BEGUN), {no_name} | {(("old", bytes_kept),) for bytes_kept in kept})

    def test_a_file_that_is_renamed_has_one_name_at_every_moment(self):
        found = self.found(*BEGUN, synced(FILE), synced(ROOT), RENAMED)
        self.assertEqual({tuple(name for name, _ in files) for files in found}, {("old",), ("new",)})
        found = self.found(*BEGUN, synced(FILE), synced(ROOT), RENAMED, synced(ROOT))
        self.assertEqual({tuple(name for name, _ in files) for files in found}, {("new",)})

    def test_a_disk_that_lies_is_no_place_for_anything(self):
        for lies in ("files", "folders"):
            self.assertGreater(len(self.found(*BEGUN, synced(FILE), synced(ROOT), lies=lies)), 1, lies)

    def test_a_change_of_which_only_a_part_is_in_the_log_has_not_happened(self):
        log = log_of(*BEGUN, synced(FILE), synced(ROOT))
        for end in range(len(log)):
            disk = Disk(log)
            disk.play_to(end)
            self.assertLessEqual(disk._at, end)


class PowerCuts(unittest.TestCase):
    def test_nothing_that_was_acknowledged_is_lost(self):
        self.assertEqual(cut_again_and_again(3, seed=3, uploads=20), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
