"""Whether a project has room for a script that a language model writes."""

from pathlib import Path

from scripts.lib.errors import UserError


def check_room(folder: Path) -> None:
    """Raises UserError where a project's own script is in YAML: beside it there can be no script.json."""
    for name in ("script.yaml", "script.yml"):
        if (folder / name).exists():
            raise UserError(f"{folder}/{name}: is there, beside which there can be no script.json; move it away")
