"""The run's configuration, as the Snakefile reads it: the checkout's, the workspace's, the profile's, what is set."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from cm.checkout import ROOT
from cm.errors import Failed, Wrong, lines


def written(workspace: Path, profile: dict, changes: dict) -> dict:
    """What is configured, unchecked and without defaults. Raises Failed where a file cannot be read."""
    from scripts.lib.documents import read_document
    from scripts.lib.errors import UserError

    config: dict = {}
    for file in dict.fromkeys([ROOT / "config/config.yaml", (workspace / "config/config.yaml").resolve()]):
        if file.exists():
            try:
                lay(config, read_document(Path(os.path.relpath(file))))
            except UserError as error:
                raise Failed(str(error)) from None
    lay(config, profile_config(profile))
    lay(config, changes)
    return config


def complete(workspace: Path, profile: dict, changes: dict) -> dict:
    """All settings, checked, with their defaults. Raises Failed with everything that is wrong with them."""
    from scripts.lib.config import complete as checked

    settings, faults = checked(written(workspace, profile, changes), "config/config.yaml")
    if faults:
        raise Failed(lines(faults))
    return settings


def lay(config: dict, over: object) -> None:
    """Lay one configuration over another, section by section, as Snakemake does."""
    for key, value in (over if isinstance(over, Mapping) else {}).items():
        if isinstance(value, Mapping) and isinstance(config.get(key), dict):
            lay(config[key], value)
        else:
            config[key] = value


def changes(words: Sequence[str]) -> dict:
    """`--set video.crf=24` and the like as a configuration. Raises Wrong with everything that is wrong with them."""
    from scripts.lib.config import complete as checked
    from scripts.lib.config import schema, shaped
    from scripts.lib.problems import printable

    found: dict = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals or not all(key.split(".")):
            raise Wrong(f"--set {printable(word)}: write it as key=value, as in --set video.crf=24")
        value = _value(text)
        for part in reversed(key.split(".")):
            value = {part: value}
        lay(found, value)
    _, faults = checked(found, "--set")
    if faults:
        raise Wrong(lines(faults))
    return shaped(found, schema("config"), fill=False)


def _value(text: str) -> object:
    """Lists and mappings are read as YAML; all else is text, which the schema brings to its type: `no` is a voice."""
    if text.lstrip()[:1] not in ("[", "{"):
        return text
    try:
        return yaml.load(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError:
        raise Wrong(f"--set: {text} is no list: write it as [a, b]") from None


def configfile(workspace: Path, changes: dict) -> Path:
    """Write changes where Snakemake and the nodes of a cluster can read them during the run.

    The name follows from the content, so runs with other changes do not meet, the same changes give the same command,
    and a printed command can be run again later. No rule reads the file: it makes nothing stale.
    """
    text = json.dumps(changes, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    name = hashlib.sha256(text.encode()).hexdigest()[:12]
    path = workspace / f".snakemake/cm/set-{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
    return path


def profile_config(profile: dict) -> dict:
    """What a profile sets in the configuration, in either of the forms that Snakemake takes."""
    config = profile.get("config") or {}
    if isinstance(config, list):
        config = {key: yaml.safe_load(value) for key, _, value in (entry.partition("=") for entry in config)}
    return config


def find_profile(name: str) -> Path:
    """The file of a profile, by its path, or by its name: one of the checkout's or of the user's. Raises Wrong."""
    from scripts.lib.problems import nearest

    user = Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser() / "snakemake"
    for folder in (Path(name), ROOT / "profiles" / name, user / name):
        if folder.is_file():
            return folder
        if files := sorted(file for kind in ("profile", "config") for file in folder.glob(f"{kind}*.yaml")):
            return files[-1]
    known = [path.name for path in sorted((ROOT / "profiles").iterdir()) if path.name != "default"]
    raise Wrong(f"there is no profile {name}{nearest(name, known)}")


def read_profile(file: Path) -> dict:
    """What a profile holds. Raises Failed where it cannot be read."""
    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise Failed(f"{file}: is no profile: {' '.join(str(error).split())}") from None
    return found if isinstance(found, dict) else {}
