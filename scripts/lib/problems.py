"""Say what is wrong with a user's data: JSON Schema finds it, this names the place and the remedy in plain words."""

import difflib
import math
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice

Fault = tuple[tuple[str | int, ...], str]
"""Where in the data (keys and positions from 0), and what is wrong."""

MOST_FAULTS = 50

_KINDS = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping of keys",
    "null": "null",
    "infinite": "an infinite or undefined one",
}
_UNSPEAKABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


def checker(schema: dict) -> object:
    """A JSON Schema 2020-12 validator, stricter than Python's: infinity and NaN are no numbers, and a pattern's `$` is
    the end of the text (to `re`, the place before a last line break is as good)."""
    import jsonschema

    def pattern(_: object, limit: str, value: object, __: dict) -> Iterator[jsonschema.ValidationError]:
        if isinstance(value, str) and not re.fullmatch(limit, value):
            yield jsonschema.ValidationError("")

    draft = jsonschema.Draft202012Validator
    finite = draft.TYPE_CHECKER.redefine("number", lambda _, value: _kind(value) in ("number", "integer"))
    return jsonschema.validators.extend(draft, {"pattern": pattern}, type_checker=finite)(schema)


def faults(validator: object, data: object) -> list[Fault]:
    """Everything that the schema, or any text's characters, make wrong with `data`."""
    found = (fault for error in validator.iter_errors(data) for fault in _worded(error))
    return list(dict.fromkeys(islice(chain(found, _characters(data)), 10 * MOST_FAULTS)))


def report(file: str, found: Iterable[Fault], place: Callable[[tuple], str]) -> list[str]:
    """One line a fault, `file: place: what`, in the order of the places; after fifty, only that there are more."""
    found = sorted(found, key=lambda fault: [(isinstance(key, str), key) for key in fault[0]])
    lines = [": ".join(filter(None, [printable(file), place(path), words])) for path, words in found[:MOST_FAULTS]]
    if len(found) > MOST_FAULTS:
        lines.append(f"{printable(file)}: there are more problems; mend these first")
    return lines


def dotted(path: tuple[str | int, ...]) -> str:
    """`selection.avoid 2` for the second of a list: people count from one."""
    return "".join(f" {key + 1}" if isinstance(key, int) else f".{printable(key)}" for key in path).strip(". ")


def printable(text: str, most: int = 80) -> str:
    """A stranger's text on one line of a terminal: nothing that moves the cursor, and not too long."""
    short = text if len(text) <= most else text[: most - 1] + "…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in short)


def nearest(word: str, known: Iterable[str]) -> str:
    """`; did you mean X?` where one of the known words is near, else the known words, as the end of a sentence."""
    plain = {name.casefold().replace("_", ""): name for name in known}
    close = difflib.get_close_matches(word[:80].casefold().replace("_", ""), plain, 1)
    if close:
        return f"; did you mean {plain[close[0]]}?"
    listed = [printable(name) for name in plain.values()]
    return f"; known here: {', '.join(listed[:20])}{', …' if len(listed) > 20 else ''}"


def _worded(error: object) -> Iterator[Fault]:
    path, value, limit, schema = tuple(error.absolute_path), error.instance, error.validator_value, error.schema
    match error.validator:
        case "required":
            for key in limit:
                if key not in value:
                    yield (*path, key), f"is missing; {schema['properties'][key]['allowed']}"
        case "additionalProperties":
            for key in value:
                if key not in schema["properties"]:
                    yield (*path, key), "is not a known key" + nearest(key, schema["properties"])
        case "type":
            kinds = [limit] if isinstance(limit, str) else limit
            yield path, f"must be {' or '.join(_KINDS[kind] for kind in kinds)}, not {_KINDS.get(_kind(value), 'that')}"
        case "enum":
            near = difflib.get_close_matches(str(value)[:80], limit, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            yield path, f"must be {'one of ' * (len(limit) > 1)}{', '.join(limit)}, not {printable(str(value))}{hint}"
        case "const":
            yield path, f"must be {limit}, not {printable(str(value))}"
        case "pattern" | "minLength" if not value.strip():
            yield path, f"is empty; {schema['allowed']}" if "allowed" in schema else "is empty"
        case "pattern":
            yield path, schema["allowed"]
        case "maxLength":
            yield path, f"is {len(value):,} characters long; at most {limit:,} are allowed"
        case "minimum":
            yield path, f"must be at least {limit}, not {_number(value)}"
        case "maximum":
            yield path, f"must be at most {limit}, not {_number(value)}"
        case "exclusiveMinimum":
            yield path, f"must be more than {limit}, not {_number(value)}"
        case "multipleOf":
            yield path, f"must be a multiple of {limit}, not {_number(value)}"
        case "minItems":
            yield path, f"needs {limit} entries, has {len(value)}" if value else "is empty; give at least one"
        case "maxItems":
            yield path, f"has {len(value):,} entries; at most {limit:,} are allowed"
        case "uniqueItems":
            yield path, "names the same thing twice"


def _number(value: float) -> str:
    return printable(str(value).removesuffix(".0"), 20)


def _kind(value: object) -> str:
    match value:
        case bool():
            return "boolean"
        case float() if not math.isfinite(value):
            return "infinite"
        case int() | float():
            return "integer" if isinstance(value, int) else "number"
        case str():
            return "string"
        case list():
            return "array"
        case dict():
            return "object"
        case None:
            return "null"
    return type(value).__name__


def _characters(value: object, path: tuple[str | int, ...] = ()) -> Iterator[Fault]:
    if isinstance(value, str) and (found := _UNSPEAKABLE.search(value)):
        yield path, f"holds the character U+{ord(found[0]):04X}, which cannot be spoken or shown; remove it"
    elif isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _characters(item, (*path, key))
