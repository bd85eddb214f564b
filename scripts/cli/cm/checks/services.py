"""Keys of the services that are asked, and what is left of their quotas."""

import contextlib
import stat
from collections.abc import Iterator
from pathlib import Path

from cm import invocation, naming
from cm.checks import Check
from cm.checks.projects import engine

PAGES = {"PEXELS_API_KEY": "https://www.pexels.com/api/", "PIXABAY_API_KEY": "https://pixabay.com/api/docs/"}


def environment(call: invocation.Call) -> Iterator[Check]:
    from scripts.lib.environment import read_env
    from scripts.lib.errors import UserError

    try:
        read_env(call.workspace / ".env")
    except UserError as error:
        yield Check(".env", "bad", str(error), "until then nothing can be built")


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
            "narration": engine(project) == "openai",
            "embedding": project.settings["embedding"]["engine"] == "openai",
            "llm": project.settings["selection"]["engine"] == "llm" or naming.unwritten(call.workspace, name),
        }
        for section in (section for section, uses in asks.items() if uses and not project.problems):
            own = project.settings[section]
            yield section, own["key_env"], own["base_url"].startswith("https://")


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
