"""Write docs/configuration.md, script.md and brief.md from the schemas: python -m scripts.lib.configuration_docs"""

import json
from collections.abc import Iterable, Iterator

from scripts.lib.config import SCHEMAS, schema
from scripts.lib.files import write_text

DOCS = SCHEMAS.parents[1] / "docs"

CONFIGURATION = """# Configuration

Made from `config/schemas/config.schema.json` by `make docs`.

`config/config.yaml` holds what people change; every key left out has the default below. A workspace's own
`config/config.yaml` is laid over the one of this repository, and `--config` on the command line over both:

```
snakemake --cores 8 --config video='{crf: 18}'
```

`projects/NAME/config.yaml` sets for one video what is marked *a project may set it*, and the rest holds for the whole
run. For a landscape video with music, whose clips are no other video's:

```yaml
video: {width: 1920, height: 1080}
captions: {style: pill, position: center}
music: {path: music/calm.mp3, volume_db: -20}
selection: {avoid: [demo]}
```

`archived: true` there keeps a finished video out of the default target; it can still be asked for by its path.

An unknown key, a value of the wrong type or out of bounds, and a key given twice are refused, all of them at once.
Keys of services (secrets) stand in the environment or in the workspace's `.env`, never here.
"""

SCRIPT = """# The script

Made from `config/schemas/script.schema.json` and `config/schemas/payload.schema.json` by `make docs`.

A project is a folder with a script, `projects/NAME/script.json` or `projects/NAME/script.yaml`. NAME is small letters,
digits and hyphens. The smallest script:

```yaml
scenes:
  - id: intro
    text: The deep sea is the largest living space on Earth.
    visualDirection: Rays of light sink into dark blue water.
```

White space in a text is joined to single spaces. What is null counts as left out.
"""

BRIEF = """# The brief

Made from `config/schemas/brief.schema.json` by `make docs`.

`projects/NAME/brief.yaml` says what a video is to be about. A language model writes the script when it is asked for:

```
snakemake --cores 1 projects/NAME/script.json
```

[llm.md](llm.md) says which models, what it costs, and what becomes of a script that is there already. A brief:

```yaml
topic: Why octopuses have three hearts
audience: curious people who know no biology
tone: calm, a little amused
length: 45
points:
  - Two hearts pump blood through the gills, one through the body; that one stops while they swim.
forbidden: [amazing, incredible]
```
"""

PAYLOAD = """
## A request of short-video-maker

The body of its `POST /api/short-video` is a script as well, as it is. What has no meaning here is named in a warning.
"""


def pages() -> dict[str, str]:
    """The generated pages' text, by their names in docs/."""
    return {"configuration.md": _configuration(), "script.md": _script(), "brief.md": _brief()}


def _configuration() -> str:
    project = schema("project")["properties"]
    page = [CONFIGURATION]
    for name, part in schema("config")["properties"].items():
        about = [part["description"]] if "properties" in part else []
        about += ["*A project may set it.*"] if name in project else []
        page += [f"\n## `{name}`\n", *([" ".join(about) + "\n"] if about else [])]
        page += _table(_leaves(part) if "properties" in part else [(name, part)], default=True)
    return "\n".join(page) + "\n"


def _script() -> str:
    page = [SCRIPT]
    for name in ("script", "payload"):
        top = schema(name)["properties"]
        page += [PAYLOAD] if name == "payload" else []
        page += _table([(key, part) for key, part in _required(schema(name)) if key != "config"], default=False)
        page += ["\nEach of `scenes`:\n", *_table(_required(top["scenes"]["items"]), default=False)]
        page += ["\nIn `config`:\n", *_table(_leaves(top["config"]), default=False)] if "config" in top else []
    return "\n".join(page) + "\n"


def _brief() -> str:
    return "\n".join([BRIEF, *_table(_required(schema("brief")), default=True)]) + "\n"


def _required(part: dict) -> Iterator[tuple[str, dict]]:
    for name, field in part["properties"].items():
        must = name in part.get("required", ())
        yield name, field | {"description": field["description"] + " *Required.*" * must}


def _leaves(part: dict, prefix: str = "") -> Iterator[tuple[str, dict]]:
    for name, inner in part["properties"].items():
        if "properties" in inner:
            yield from _leaves(inner, f"{prefix}{name}.")
        else:
            yield prefix + name, inner


def _table(rows: Iterable[tuple[str, dict]], default: bool) -> list[str]:
    heads = ["Key", *["Default"] * default, "Allowed", "Meaning"]
    table = [heads, ["---"] * len(heads)]
    for name, part in rows:
        given = [f"`{json.dumps(part['default'])}`" if "default" in part else ""] if default else []
        table.append([f"`{name}`", *given, _allowed(part), part["description"]])
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in table]


def _allowed(part: dict) -> str:
    if "enum" in part:
        return ", ".join(f"`{option}`" for option in part["enum"])
    if "const" in part:
        return f"`{part['const']}`"
    if part.get("allowed", "").startswith("must be "):
        return part["allowed"].removeprefix("must be ")
    kinds = part["type"] if isinstance(part["type"], list) else [part["type"]]
    words = {
        "integer": "whole number",
        "string": "text",
        "array": "list",
        "object": "mapping",
        "boolean": "true or false",
    }
    allowed = " or ".join(words.get(kind, kind) for kind in kinds)
    if "minimum" in part:
        allowed += f", {part['minimum']:,} to {part['maximum']:,}"
    if "exclusiveMinimum" in part:
        allowed += f", over {part['exclusiveMinimum']}, up to {part['maximum']}"
    if "multipleOf" in part:
        allowed += f", a multiple of {part['multipleOf']}"
    if "maxLength" in part:
        allowed += f", up to {part['maxLength']:,} characters"
    if "maxItems" in part:
        allowed += (
            f" of {part['maxItems']}" if part["maxItems"] == part.get("minItems") else f", up to {part['maxItems']:,}"
        )
    if "items" in part and "properties" not in part["items"]:
        allowed += f": {_allowed(part['items'])}"
    return allowed


if __name__ == "__main__":
    for name, text in pages().items():
        write_text(DOCS / name, text)
