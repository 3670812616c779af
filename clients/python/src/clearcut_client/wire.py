"""Models from JSON."""

import dataclasses
import types
import typing
from typing import Any, Iterator, Mapping, TypeVar

Model = TypeVar("Model")


def wire_name(field: str) -> str:
    """The name of a field in JSON: `job_id` is `jobId`."""
    first, *rest = field.rstrip("_").split("_")
    return first + "".join(word.capitalize() for word in rest)


def from_json(model: type[Model], data: Mapping[str, Any]) -> Model:
    """The model whose fields `data` has."""
    given = {field: _read(hint, data[name]) for field, name, hint in _fields(model) if name in data}
    return model(**given)


def _fields(model: type) -> Iterator[tuple[str, str, Any]]:
    hints = typing.get_type_hints(model)
    for field in dataclasses.fields(model):
        yield field.name, wire_name(field.name), hints[field.name]


def _read(hint: Any, value: Any) -> Any:
    if value is None:
        return None
    if typing.get_origin(hint) is types.UnionType:
        hint = next(part for part in typing.get_args(hint) if part is not types.NoneType)
    if typing.get_origin(hint) is tuple:
        return tuple(_read(typing.get_args(hint)[0], item) for item in value)
    return from_json(hint, value) if isinstance(hint, type) and dataclasses.is_dataclass(hint) else value
