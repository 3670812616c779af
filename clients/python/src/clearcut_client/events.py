"""Server-sent events from the lines of a reply."""

from typing import Iterable, Iterator


def event_data(lines: Iterable[str]) -> Iterator[str]:
    """The data of each event. Comments, such as heartbeats, are left out."""
    data: list[str] = []
    for line in lines:
        if line:
            field, _, value = line.partition(":")
            if field == "data":
                data.append(value.removeprefix(" "))
        elif data:
            yield "\n".join(data)
            data = []
