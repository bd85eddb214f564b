"""Workspaces that ask the test servers, and what their runs left behind."""

import json
import shutil
import tempfile
from pathlib import Path

from conftest import SMALL, copy_workspace, write_project

from tests.servers.catalogue import SUBJECTS
from tests.servers.stock import Stock

KEY = "s3ntinel/key+of=the&tests-0123456789"
KEYS = {"PEXELS_API_KEY": KEY, "PIXABAY_API_KEY": KEY}


def scenes(number: int, first: int = 0) -> dict[str, tuple[str, str]]:
    """Scenes for `write_project`, each of a subject of its own that the sites have clips of."""
    return {f"s{nth:02}": (f"This shows {SUBJECTS[nth]}.", SUBJECTS[nth]) for nth in range(first, first + number)}


def stock_workspace(
    model: Path,
    stock: Stock,
    videos: dict[str, dict[str, tuple[str, str]]],
    providers: list[str],
    sites: dict[str, dict] | None = None,
    **sections: object,
) -> Path:
    """A workspace whose projects are to be made of clips from the test servers. `sites` and `sections` of the
    configuration are laid over `Stock.config()` key by key; the cache folder is `cache`, unless they say."""
    workspace = copy_workspace(model, Path(tempfile.mkdtemp(dir=model.parent)))
    config = {**SMALL, "cache_dir": "cache", **stock.config(**sites or {})}
    config["stock"]["providers"] = providers
    for name, section in sections.items():
        config[name] = config.get(name, {}) | section if isinstance(section, dict) else section
    (workspace / "config").mkdir(exist_ok=True)
    (workspace / "config/config.yaml").write_text(json.dumps(config))
    for name, found in videos.items():
        write_project(workspace, name, found)
    return workspace


def searches(project: str, ids: list[str], sites: tuple[str, ...] = ("pexels",)) -> list[str]:
    """Targets: the answers of stock sites for scenes."""
    return [f"results/{project}/scenes/{id_}/search/{site}.json" for id_ in ids for site in sites]


def events(workspace: Path) -> list[dict]:
    """The jobs of the latest run that had any, as its event file has them: with start, end and outcome."""
    latest = max(workspace.glob("logs/runs/*.jsonl"))
    return [event for event in map(json.loads, latest.read_text().splitlines()) if event["event"] == "job"]


def at_once(jobs: list[dict], others: list[dict]) -> bool:
    """Whether any of the jobs ran while any of the others did."""
    return any(job["start"] < other["end"] and other["start"] < job["end"] for job in jobs for other in others)


def forget_results(workspace: Path) -> None:
    shutil.rmtree(workspace / "results")
