"""The run's settings: what the user wrote, checked, brought to the schema's types and filled in with its defaults."""

import functools
import json
import re
from pathlib import Path

from scripts.lib.problems import checker, dotted, faults, report

SCHEMAS = Path(__file__).resolve().parents[2] / "config" / "schemas"


def complete(config: dict, where: str) -> tuple[dict, list[str]]:
    """Settings with every default filled in, of the schema's types, keys in the schema's order; and all problems.

    Equal configurations give equal settings, however they were written. With problems, the settings are not for use.
    """
    settings = shaped(config, schema("config"), fill=True)
    return settings, report(where, faults(validator("config"), settings), dotted)


def override(settings: dict, config: dict, where: str) -> tuple[dict, list[str]]:
    """`settings` with a project's own laid over them, section by section; the settings as they were, with problems.

    A project sets only what its schema lists, because the rest holds for the whole run. `archived` is checked here
    but is no setting.
    """
    config = shaped(config, schema("project"), fill=False)
    found = [(path, _run_wide(path, words)) for path, words in faults(validator("project"), config)]
    if found:
        return settings, report(where, found, dotted)
    return settings | {key: settings[key] | own for key, own in config.items() if key != "archived"}, []


def _run_wide(path: tuple, words: str) -> str:
    if len(path) == 1 and path[0] in schema("config")["properties"] and path[0] not in schema("project")["properties"]:
        may = ", ".join(schema("project")["properties"])
        return f"holds for the whole run; set it in config/config.yaml (a project may set {may})"
    return words


@functools.cache
def schema(name: str) -> dict:
    """One of config/schemas, with what its references lead to in their place."""
    root = json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))

    def whole(part: object) -> object:
        if isinstance(part, list):
            return [whole(item) for item in part]
        if not isinstance(part, dict):
            return part
        found = {key: whole(item) for key, item in part.items() if key != "$ref"}
        if "$ref" in part:
            file, _, pointer = part["$ref"].partition("#/")
            target = schema(file.removesuffix(".schema.json")) if file else root
            found = whole(functools.reduce(lambda at, key: at[key], pointer.split("/"), target)) | found
        return found

    return whole(root)


@functools.cache
def validator(name: str) -> object:
    return checker(schema(name))


def shaped(value: object, schema: dict, fill: bool) -> object:
    """`value` in the schema's types and key order, defaults put in if `fill`; what does not fit stays, to be reported.

    What comes from the command line is text, and a section with nothing under it is null.
    """
    if properties := schema.get("properties"):
        given = {} if value is None else value
        if not isinstance(given, dict):
            return value
        known = {}
        for key, part in properties.items():
            if key in given:
                known[key] = shaped(given[key], part, fill)
            elif fill:
                known[key] = shaped({} if "properties" in part else part["default"], part, fill)
        return known | {str(key): item for key, item in given.items() if key not in properties}
    if isinstance(value, list) and "items" in schema:
        return [shaped(item, schema["items"], fill) for item in value]
    return _typed(value, schema.get("type", ()))


def _typed(value: object, kinds: str | list[str]) -> object:
    if isinstance(value, str) and "string" not in kinds:
        plain = value.strip().lower()
        if plain in _WORDS and ("null" if _WORDS[plain] is None else "boolean") in kinds:
            return _WORDS[plain]
        if re.fullmatch(r"[-+]?(\d{1,15}(\.\d*)?|\.\d+)(e[-+]?\d{1,2})?", plain, re.ASCII):
            value = float(plain)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if "integer" in kinds and isinstance(value, float) and value.is_integer():
        return int(value)
    if "number" in kinds and isinstance(value, int) and abs(value) < 1e15:
        return float(value)
    if "string" in kinds and isinstance(value, int):
        return str(value)
    return value


_WORDS = {"null": None, "": None, "true": True, "false": False}
