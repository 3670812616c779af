"""Steps of recipes that ffmpeg does not take: they get the path of the clip, and write or change it."""

import struct
import subprocess
import zipfile


def replace(*pairs):
    """A step that replaces the first occurrence of some bytes by others."""

    def step(path):
        data = path.read_bytes()
        for old, new in pairs:
            assert old in data, old
            data = data.replace(old, new, 1)
        path.write_bytes(data)

    return step


def begin_in_first_group(path):
    """Removes the first packets of a transport stream, and so the first codec keyframe."""
    path.write_bytes(path.read_bytes()[188 * 8 :])


def edit_list_from_the_middle(path):
    """Has the edit list of an MP4 show half a second, from 0.4 s on."""
    data = bytearray(path.read_bytes())
    at = data.index(b"elst") + 12
    data[at : at + 8] = struct.pack(">II", 500, round(0.4 * 12_800))
    path.write_bytes(data)


def animated_webp(durations):
    """A step that makes an animated WebP of the frames `part*.png`, each shown for these milliseconds."""

    def step(path):
        parts = [word for index, ms in enumerate(durations) for word in ("-d", str(ms), f"part{index:02}.png")]
        command = ["img2webp", "-loop", "1", "-lossless", *parts, "-o", path.name]
        subprocess.run(command, cwd=path.parent, check=True, capture_output=True)

    return step


def damaged_sound(is_damaged):
    """A step that overwrites the packets of sound whose number `is_damaged` selects."""

    def step(path):
        entries = ["-select_streams", "a", "-show_entries", "packet=pos,size", "-of", "csv=p=0"]
        command = ["ffprobe", "-v", "error", *entries, path.name]
        found = subprocess.run(command, cwd=path.parent, check=True, capture_output=True, text=True).stdout
        data = bytearray(path.read_bytes())
        for index, line in enumerate(line for line in found.splitlines() if line[:1].isdigit()):
            size, at = (int(number) for number in line.split(",")[:2])
            if is_damaged(index):
                data[at : at + size] = b"\xff" * size
        path.write_bytes(data)

    return step


def write_subtitles(path):
    """Writes subtitles beside the clip."""
    (path.parent / "words.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nhello\n")


def dolby_vision_5(path):
    """Puts a Dolby Vision configuration in place of the bit rate of an MP4: version 1.0, profile 5, level 1."""
    data = path.read_bytes()
    at = data.index(b"btrt")
    box = b"dvcC\x01\x00\x0a\x0d" + bytes(8)
    path.write_bytes(data[:at] + box + data[at + len(box) :])


def alpha_reference(path):
    """Makes the second track of an MP4 the alpha of the first one."""
    data = path.read_bytes()
    movie, track = data.rindex(b"moov") - 4, data.rindex(b"trak") - 4
    reference = b"\0\0\0\x14tref\0\0\0\x0cauxl\0\0\0\x01"
    data = bytearray(data)
    for at in (movie, track):
        data[at : at + 4] = struct.pack(">I", struct.unpack(">I", data[at : at + 4])[0] + len(reference))
    end = data.rindex(b"tkhd") - 4 + 92
    data[end:end] = reference
    path.write_bytes(data)


def archive(pattern, numbers):
    """A step that puts numbered images into a ZIP."""

    def step(path):
        with zipfile.ZipFile(path, "w") as zipped:
            for number in numbers:
                zipped.write(path.parent / f"image{number:02}.png", pattern.format(number))

    return step


def written(content):
    """A step that writes a text."""
    return lambda path: path.write_text(content)


def shorten(share):
    """A step that keeps this share of the file."""
    return lambda path: path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])


def zip_of_text(path):
    """Makes a ZIP without images."""
    with zipfile.ZipFile(path, "w") as zipped:
        zipped.writestr("document.txt", "no image")
