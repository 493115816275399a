"""Values as JSON and arrays, and back: numbers, containers, arrays, and objects of classes that are known by name.

In JSON, an object has one key, which says what it stands for: ``{"tuple": [...]}``, ``{"GIF": {"C_m": 250.0, ...}}``,
``{"array": "groups.E.V_m"}``. Arrays stand beside, under names that tell where they were found. What was one object in
several places is one again: it carries an ``id`` where it comes first, and is ``{"same": id}`` after. Nothing but
constructors of known classes is ever called, whatever the JSON says, and nothing made that is much larger than it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from gifpop.common.typing import Arrays

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

MOST_JSON_FLOATS = 8  # in a tuple; longer ones become arrays
MOST_FREE = 1_000_000  # numbers that may be used besides those of arrays,
MOST_USES = 2  # and how often these may be, on average
NUMBERS = re.compile(r"[<>|=]?(b1|[iu][1248]|f[248])")  # types of numpy's scalars
LARGEST_JSON_INTEGER = 2**63
LONGEST_NAME = 40  # of a part of an array's name


class Kind(NamedTuple):
    """How to encode and decode objects of a class.

    Attributes
    ----------
    cls : type
    take : callable
        Returns a dict of str to values that the object can be made of.
    make : callable
        Makes it of these, given by name; may copy arrays.
    """

    cls: type
    take: Callable[[Any], dict[str, Any]]
    make: Callable[..., Any]


def encode(value: object, kinds: Iterable[Kind], where: str) -> tuple[Json, Arrays]:
    """Return a value as JSON types, and a dict of str to array.

    Parameters
    ----------
    value : object
    kinds : sequence of Kind
        Of the objects that there may be besides None, bool, int, float, str, list, tuple, dict, range, numpy scalars
        and arrays.
    where : str
        For messages.

    Raises
    ------
    TypeError
        For any other object; names its place and class.
    """
    encoder = _Encoder(kinds, where)
    return encoder.encode(value, ""), encoder.arrays


def decode(document: Any, arrays: Arrays, kinds: Iterable[Kind]) -> Any:
    """Return the value encoded by `encode`; raise errors of any class for other input."""
    return _Decoder(kinds, arrays).decode(document)


class _Encoder:
    def __init__(self, kinds: Iterable[Kind], where: str) -> None:
        self.arrays: Arrays = {}
        self._where = where
        self._kinds = {kind.cls: kind for kind in kinds}
        # by identity; with the objects, which keeps these from being used again
        self._seen: dict[int, tuple[object, dict[str, Json]]] = {}
        self._names: dict[int, tuple[npt.NDArray[Any], str]] = {}
        self._numbered = 0

    def encode(self, value: object, path: str) -> Json:
        if type(value) in self._kinds:
            return self._object(value, path)
        if isinstance(value, np.ndarray):
            return {"array": self._array(value, path)}
        if value is None or isinstance(value, bool | str):
            return value
        if isinstance(value, np.generic) and value.dtype.kind in "biuf" and value.dtype.itemsize <= 8:
            return {"scalar": [value.dtype.str, self.encode(value.item(), path)]}
        if isinstance(value, int):
            return value if abs(value) < LARGEST_JSON_INTEGER else {"int": hex(value)}
        if isinstance(value, float):
            return value if math.isfinite(value) else {"float": repr(value)}
        return self._container(value, path)

    def _container(self, value: object, path: str) -> Json:
        if type(value) is list:
            return self._entries(value, path)
        if type(value) is tuple:
            if len(value) > MOST_JSON_FLOATS and all(type(entry) is float for entry in value):
                return {"floats": self._array(np.array(value), path)}
            return {"tuple": self._entries(value, path)}
        if type(value) is range:
            return {"range": [value.start, value.stop, value.step]}
        if type(value) is dict:
            return {
                "dict": [
                    [self.encode(key, path), self.encode(entry, _below(path, key))] for key, entry in value.items()
                ]
            }
        cls = type(value)
        raise TypeError(
            f"{self._where}: {path} must be of a class that gifpop can write to a file, got "
            f"{cls.__module__}.{cls.__qualname__}"
        )

    def _entries(self, values: Iterable[object], path: str) -> list[Json]:
        return [self.encode(value, _below(path, i)) for i, value in enumerate(values)]

    def _object(self, value: object, path: str) -> Json:
        if id(value) in self._seen:
            first = self._seen[id(value)][1]
            if "id" not in first:
                self._numbered += 1
                first["id"] = self._numbered
            return {"same": first["id"]}
        kind = self._kinds[type(value)]
        document: dict[str, Json] = {}
        self._seen[id(value)] = value, document
        document[kind.cls.__name__] = {
            name: self.encode(part, _below(path, name)) for name, part in kind.take(value).items()
        }
        return document

    def _array(self, array: npt.NDArray[Any], path: str) -> str:
        if array.dtype.hasobject:
            raise TypeError(f"{self._where}: {path} must not be an array of Python objects")
        if id(array) not in self._names:
            name, n = path, 1
            while name in self.arrays:
                n += 1
                name = f"{path}~{n}"
            self.arrays[name] = array
            self._names[id(array)] = array, name
        return self._names[id(array)][1]


class _Decoder:
    def __init__(self, kinds: Iterable[Kind], arrays: Arrays) -> None:
        self._kinds, self._arrays = {kind.cls.__name__: kind for kind in kinds}, arrays
        self._numbered: dict[int | None, object] = {}
        self._left = MOST_FREE + MOST_USES * sum(array.size for array in arrays.values())

    def decode(self, document: Any) -> Any:
        if isinstance(document, list):
            return [self.decode(entry) for entry in document]
        if not isinstance(document, dict):
            return document
        [(what, content)] = ((key, value) for key, value in document.items() if key != "id")
        if what in self._kinds:
            made = self._kinds[what].make(**{name: self.decode(part) for name, part in content.items()})
            self._numbered[document.get("id")] = made
            return made
        return self._plain(what, content)

    def _plain(self, what: str, content: Any) -> Any:
        match what:
            case "array":
                return self._array(content)
            case "same":
                return self._numbered[content]
            case "tuple":
                return tuple(map(self.decode, content))
            case "floats":
                return tuple(self._array(content).tolist())
            case "dict":
                return {self.decode(key): self.decode(value) for key, value in content}
            case "range":
                return self._range(*content)
            case "scalar":
                return self._scalar(*content)
            case "int":
                return int(content, 16)
            case "float":
                return float(content)
        raise ValueError(f"a {what!r} is not known")

    def _array(self, name: str) -> npt.NDArray[Any]:
        self._use(self._arrays[name].size)
        return self._arrays[name]

    def _range(self, *limits: int) -> range:
        self._use(len(range(*limits)))
        return range(*limits)

    def _use(self, n: int) -> None:
        """Count numbers that may be copied, whose total is limited: a file could name the same ones over and over."""
        self._left -= n
        if self._left < 0:
            raise ValueError("it stands for far more numbers than it holds")

    def _scalar(self, kind: str, value: Any) -> Any:
        if not NUMBERS.fullmatch(kind):
            raise ValueError(f"a scalar of type {kind!r} is not known")
        return np.dtype(kind).type(self.decode(value))


def _below(path: str, part: object) -> str:
    """Return the name of a part, of characters that any tool takes in a file's name."""
    name = re.sub(r"[^A-Za-z0-9_.]", "-", str(part))[:LONGEST_NAME]
    return f"{path}.{name}" if path else name
