"""Every project of the workspace: its script and settings, or what is wrong with it."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from scripts.lib.config import override, schema, shaped
from scripts.lib.documents import read_document
from scripts.lib.errors import UserError
from scripts.lib.llm.needs import unnamed
from scripts.lib.narration.needs import voice_files
from scripts.lib.problems import nearest, printable
from scripts.lib.script import Script, read_script
from scripts.lib.timing.needs import timing_problems


@dataclass(frozen=True)
class Project:
    """One video: its settings, complete, and its scenes as of `Script`, each with its `voice`: the files that its
    narration is made from; `cost` as of `Script`. With problems, it is not to be built; without scenes, it has only a
    brief as yet."""

    name: str
    settings: dict
    scenes: dict[str, dict]
    title: str
    hashtags: list[str]
    cost: dict | None
    problems: list[str]
    warnings: list[str]
    archived: bool


def read_projects(folder: Path, settings: dict, only: set[str] | None = None) -> dict[str, Project]:
    """Every project under `folder`, by name, in order; plain files and folders starting with . or _ are none.

    Of `only` those, where given: they were checked when the run began, and are not held against the others again.

    To avoid an unknown project, or one that waits for this one's choice, is a problem. A faulty one is left out of
    `avoid` with a warning, since it stops only itself.
    """
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    if only is not None:
        return {path.name: read_project(path, settings) for path in paths if path.name in only and path.is_dir()}
    projects = {path.name: read_project(path, settings) for path in paths if path.is_dir() and path.name[0] not in "._"}
    avoided = {name: project.settings["selection"]["avoid"] for name, project in projects.items()}
    for name, project in projects.items():
        unknown = [other for other in avoided[name] if other not in projects]
        wrong = [f"there is no project {other}{nearest(other, projects)}" for other in unknown]
        if circle := _circle(name, avoided):
            wrong.append(f"{' avoids '.join(circle)}: none of them can choose first; take one out")
        where = printable((folder / name).as_posix())
        project.problems.extend(f"{where}/config.yaml: selection.avoid: {words}" for words in wrong)
    return {name: _without_faulty(project, projects) for name, project in projects.items()}


def read_project(folder: Path, settings: dict) -> Project:
    """The project in one folder: the run's settings, and over them its script's (a request has some) and its own."""
    where = printable(folder.as_posix())
    problems = []
    if not re.fullmatch("[a-z0-9][a-z0-9-]*", folder.name):
        allowed = "small letters, digits and hyphens, starting with a letter or a digit"
        problems.append(f"{where}: is not a name for a project; rename the folder: {allowed}")
    script, wrong = _script(folder)
    problems += wrong
    own, wrong = _own(folder)
    problems += wrong
    avoid = settings["selection"]["avoid"]
    selection = settings["selection"] | {"avoid": [] if folder.name in avoid else avoid}
    settings, wrong = override(settings | {"selection": selection}, script.settings, where)
    problems += wrong
    settings, wrong = override(settings, own, f"{where}/config.yaml")
    problems += wrong
    problems += [f"{where}: {problem}" for problem in unnamed(settings)]
    problems += [f"{where}: {problem}" for problem in timing_problems(settings)]
    voices, wrong, warnings = voice_files(settings["narration"], folder, list(script.scenes))
    return Project(
        name=folder.name,
        settings=settings | {"video": _scaled(settings["video"])},
        scenes={name: scene | {"voice": voices[name]} for name, scene in script.scenes.items()},
        title=script.title or folder.name,
        hashtags=script.hashtags,
        cost=script.cost,
        problems=problems + wrong,
        warnings=script.warnings + warnings,
        archived=isinstance(own, dict) and own.get("archived") is True,
    )


def _scaled(video: dict) -> dict:
    """The picture's settings with `scale` worked into width and height, which stay even."""
    sides = {side: 2 * round(video[side] * video["scale"] / 2) for side in ("width", "height")}
    return {key: value for key, value in (video | sides).items() if key != "scale"}


def _script(folder: Path) -> tuple[Script, list[str]]:
    none = Script(title="", hashtags=[], scenes={}, settings={}, warnings=[], cost=None)
    found = [name for name in ("script.json", "script.yaml", "script.yml") if (folder / name).exists()]
    where = printable(folder.as_posix())
    if not found and (folder / "brief.yaml").exists():
        return none, []
    if not found:
        ignored = [name for name in ("brief.yml", "brief.json") if (folder / name).exists()]
        problems = [f"{where}/{name}: is not read; name it brief.yaml" for name in ignored]
        return none, problems or [f"{where}: has no script; write {where}/script.json or {where}/script.yaml"]
    if len(found) > 1:
        return none, [f"{where}: has both {' and '.join(found)}; keep one"]
    script, problems = read_script(folder / found[0])
    return script or none, problems


def _own(folder: Path) -> tuple[object, list[str]]:
    """What a project's config.yaml holds, in the schema's types, or {}; and why it cannot be read."""
    where = printable(folder.as_posix())
    ignored = [name for name in ("config.yml", "config.json") if (folder / name).exists()]
    problems = [f"{where}/{name}: is not read; name it config.yaml" for name in ignored]
    if not (folder / "config.yaml").exists():
        return {}, problems
    try:
        return shaped(read_document(folder / "config.yaml"), schema("project"), fill=False), problems
    except UserError as error:
        return {}, [*problems, str(error)]


def _circle(start: str, avoided: dict[str, list[str]]) -> list[str] | None:
    """The shortest way from a project along `avoided` back to itself."""
    ways = [[start]]
    seen = set()
    for way in ways:
        for name in avoided.get(way[-1], []):
            if name == start:
                return [*way, name]
            if name not in seen:
                seen.add(name)
                ways.append([*way, name])
    return None


def _without_faulty(project: Project, projects: dict[str, Project]) -> Project:
    avoid = project.settings["selection"]["avoid"]
    faulty = [name for name in avoid if name in projects and (projects[name].problems or not projects[name].scenes)]
    if project.problems or not faulty:
        return project
    selection = project.settings["selection"] | {"avoid": [name for name in avoid if name not in faulty]}
    warning = f"projects/{project.name}: selection.avoid: {', '.join(faulty)} cannot be read; its clips may come again"
    return replace(project, settings=project.settings | {"selection": selection}, warnings=[*project.warnings, warning])
