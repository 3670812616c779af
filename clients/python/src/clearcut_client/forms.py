"""Clips and images, and the forms that send them."""

import contextlib
import os
import pathlib
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

from .options import StorageId, fields_of

#: A clip: the path of a file, an open file, an upload, or the address of a clip that the server fetches.
Clip = os.PathLike[str] | BinaryIO | StorageId | str

#: An image, in the same ways: JPEG, PNG, WebP, GIF, AVIF or HEIC.
ImageSource = Clip

#: Images of a job: paths and open files, the path of a folder, or one image or ZIP of images.
Images = ImageSource | Iterable[str | os.PathLike[str] | BinaryIO]


@contextlib.contextmanager
def form_of(source: Clip, options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A clip or an image and the options as the form of a request."""
    fields = fields_of(options)
    if isinstance(source, StorageId):
        yield _without_file({**fields, "inputStorageId": source.id})
    elif isinstance(source, str) and urlsplit(source).scheme in ("http", "https"):
        yield _without_file({**fields, "url": source})
    else:
        with opened(source) as file:
            yield {"data": fields, "files": {"file": (_name_of(file), file)}}


@contextlib.contextmanager
def image_form_of(images: Images, options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Images and the options as the form of a submit."""
    files: list[tuple[str, BinaryIO | _LateFile]]
    if isinstance(images, (str, os.PathLike)) and os.path.isdir(images):
        folder = pathlib.Path(images)
        names = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
        shown = [name for name in names if not any(part.startswith(".") for part in name.parts)]
        files = [(name.as_posix(), _LateFile(folder / name)) for name in shown]
    elif isinstance(images, Iterable) and not isinstance(images, str) and not hasattr(images, "read"):
        files = [_named(image) for image in images]
    else:
        with form_of(cast(Clip, images), options) as form:
            yield form
        return
    if not files:
        raise ValueError("there are no images to submit")
    with contextlib.ExitStack() as late:
        for _, file in files:
            if isinstance(file, _LateFile):
                late.callback(file.close)
        yield {"data": fields_of(options), "files": [("file", named) for named in files]}


@contextlib.contextmanager
def opened(source: str | os.PathLike[str] | BinaryIO) -> Iterator[BinaryIO]:
    """A file that is open, or opened for so long."""
    if isinstance(source, (str, os.PathLike)):
        with open(source, "rb") as file:
            yield file
    else:
        yield source


class _LateFile:
    """A file that is open only while it is read: a form may have hundreds. Has what httpx needs of a file."""

    def __init__(self, path: str | os.PathLike[str]):
        self._path = path
        self._size = os.path.getsize(path)
        self._file: BinaryIO | None = None

    def tell(self) -> int:
        return 0

    def seek(self, _: int, whence: int = os.SEEK_SET) -> int:
        """Begins again at the start; tells the size if asked for the end."""
        self.close()
        return self._size if whence == os.SEEK_END else 0

    def read(self, size: int = -1) -> bytes:
        if self._file is None:
            self._file = open(self._path, "rb")
        data = self._file.read(size)
        if not data:
            self.close()
        return data

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _named(image: str | os.PathLike[str] | BinaryIO) -> tuple[str, BinaryIO | _LateFile]:
    if isinstance(image, (str, os.PathLike)):
        return os.path.basename(image), _LateFile(image)
    return _name_of(image), image


def _name_of(file: BinaryIO) -> str:
    return os.path.basename(str(getattr(file, "name", "file")))


def _without_file(fields: dict[str, str]) -> dict[str, Any]:
    # Parts without a file name are plain fields; httpx would send a form of another type without any file.
    return {"files": {name: (None, value) for name, value in fields.items()}}
