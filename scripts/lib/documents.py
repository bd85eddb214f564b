"""Read a JSON or YAML file that a user wrote, or a stranger: one clear sentence where it cannot be read."""

import json
import re
from pathlib import Path
from typing import ClassVar

import yaml

from scripts.lib.errors import UserError
from scripts.lib.problems import printable

MOST_BYTES = 2_000_000
MOST_LEVELS = 32

_BYTE_ORDER_MARKS = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
_TAGS = [f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float", "str", "seq", "map")]


class _Unreadable(Exception):
    """Why, in one line; `read_document` adds the file's name."""


def read_document(path: Path) -> object:
    """The plain data (dict, list, str, int, float, bool, None) of a file, as YAML where its name ends so, else as JSON.

    Stricter than the formats: UTF-8 alone, at most 2 MB and 32 levels, no key twice, no NaN, no YAML aliases (a few
    lines of them expand to gigabytes) and YAML 1.2's reading of plain scalars, so that `no` and `12:30` stay text.

    Raises UserError, in one line.
    """
    try:
        document = _yaml(_text(path)) if path.suffix in (".yaml", ".yml") else _json(_text(path))
    except _Unreadable as error:
        why = str(error)
    except RecursionError:
        why = f"is nested too deeply: at most {MOST_LEVELS} levels are allowed"
    except OSError as error:
        why = f"cannot be read: {error.strerror}"
    except ValueError:
        why = "holds a number of thousands of digits"
    else:
        return document
    raise UserError(f"{printable(path.as_posix())}: {why}")


def _text(path: Path) -> str:
    if not path.is_file():
        raise _Unreadable("is not a file" if path.exists() else "is missing")
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise _Unreadable(f"is too large: at most {MOST_BYTES // 1_000_000} MB are allowed")
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if data.startswith(mark):
            raise _Unreadable(f"is {encoding}; save it as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _Unreadable(f"is not UTF-8 (line {line}); save it as UTF-8") from None


def _json(text: str) -> object:
    try:
        document = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        what = error.msg[0].lower() + error.msg[1:].removesuffix(" at") if text.strip() else "the file is empty"
        raise _Unreadable(f"line {error.lineno}, column {error.colno}: is not valid JSON: {what}") from None
    if _deeper(document, MOST_LEVELS):
        raise RecursionError
    return document


def _object(pairs: list[tuple[str, object]]) -> dict:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in found if keys.count(key) > 1)
        inside = f" (in the one with the id {json.dumps(found['id'])})" if isinstance(found.get("id"), str) else ""
        raise _Unreadable(f"the key {json.dumps(twice)} stands twice in one object{inside}; keep one")
    return found


def _no_constant(name: str) -> None:
    raise _Unreadable(f"{name} is no number that JSON knows")


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    yaml_implicit_resolvers: ClassVar[dict] = {}
    yaml_constructors: ClassVar[dict] = {tag: yaml.SafeLoader.yaml_constructors[tag] for tag in _TAGS} | {
        None: yaml.SafeLoader.construct_undefined
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen = set()
        for key, _ in node.value:
            if key.tag != "tag:yaml.org,2002:str":
                raise _marked("a key must be text", key)
            if key.value in seen:
                raise _marked(f"the key {json.dumps(key.value)} stands twice in one mapping; keep one", key)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


# The core schema of YAML 1.2, less octal, hexadecimal and infinities, which nothing here is written in.
for _tag, _pattern, _first in (
    ("null", r"^(~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^[-+]?(0|[1-9][0-9]*)$", list("-+0123456789")),
    ("float", r"^[-+]?(?=[0-9]*[.eE])(\.[0-9]+|[0-9]+\.?[0-9]*)([eE][-+]?[0-9]+)?$", list("-+.0123456789")),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), _first)


def _marked(problem: str, place: yaml.Node | yaml.Event) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=place.start_mark)


def _yaml(text: str) -> object:
    try:
        level = 0
        for event in yaml.parse(text, Loader=_Loader):
            if getattr(event, "anchor", None):
                raise _marked("anchors and aliases (&, *) are not read", event)
            level += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if level > MOST_LEVELS:  # at once: the time that nesting takes grows with its square
                raise RecursionError
        return yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise _Unreadable(f"{place}is not valid YAML: {' '.join((error.problem or error.context).split())}") from None
    except yaml.YAMLError as error:
        raise _Unreadable(f"is not valid YAML: {' '.join(str(error).split())}") from None


def _deeper(value: object, levels: int) -> bool:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return items is not None and (not levels or any(_deeper(item, levels - 1) for item in items))
