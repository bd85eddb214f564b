"""The table of all videos, for people (videos.html) and for other programs (videos.csv)."""

import json
import sys
from contextlib import suppress
from html import escape
from pathlib import Path
from urllib.parse import quote

from scripts.lib.files import read_json, replacing, write_text

RUNS_READ = 50
COLUMNS = ["project", "verdict", "length", "footage", "fallbacks", "seconds", "video"]


def write_report(projects: list[str], results: Path, logs: Path) -> None:
    """Write RESULTS/videos.csv and RESULTS/videos.html, one row a project.

    Columns: verdict (`good`, `warnings`, `bad`, or `not built`), length of the video in seconds, how many scenes show
    footage of each provider, how many of them a generated background, the seconds that the jobs of the project took
    in the latest run that made its video, and the video relative to RESULTS; empty where not known. It never fails:
    a run is not lost for its summary.
    """
    try:
        import pandas as pd

        rows = [_row(project, results) for project in projects]
        spent = seconds_spent(logs / "runs", {row["project"] for row in rows if row["video"]})
        for row in rows:
            row["seconds"] = spent.get(row["project"])
        frame = pd.DataFrame(rows, columns=COLUMNS).astype({"fallbacks": "Int64"})
        with replacing(results / "videos.csv") as part:
            frame.to_csv(part, index=False)
        write_text(results / "videos.html", _page(rows, results))
    except Exception as error:
        print(f"warning: the table of videos could not be written: {error}", file=sys.stderr)


def _row(project: str, results: Path) -> dict:
    video = f"{project}/video.mp4"
    row = {"project": project, "verdict": "not built", "video": "", "footage": "", "complaints": []}
    with suppress(FileNotFoundError):
        (results / video).stat()
        quality = read_json(results / project / "quality.json")
        row |= {
            "verdict": quality["verdict"],
            "length": quality["length"],
            "footage": ", ".join(f"{number} {provider}" for provider, number in quality["footage"].items()),
            "fallbacks": quality["fallbacks"],
            "video": video,
            "complaints": [check for check in quality["checks"] if check["verdict"] != "good"],
        }
    return row


def seconds_spent(runs: Path, projects: set[str]) -> dict[str, float]:
    """How long each project's jobs took in the latest run, of the last fifty, that made its video.

    That is the time during which at least one of them ran: jobs side by side count once, waiting for other projects
    not at all. The format of the files is told in scripts/cli/snakemake_logger_plugin_cm/runs.py.
    """
    spent: dict[str, float] = {}
    for path in sorted(runs.glob("*.jsonl"), reverse=True)[:RUNS_READ]:
        if projects <= spent.keys():
            break
        jobs: dict[str, list[tuple[float, float]]] = {}
        made = set()
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            with suppress(ValueError):  # the cut last line of a run that was killed
                event = json.loads(line)
                if event["event"] == "job" and event["project"]:
                    jobs.setdefault(event["project"], []).append((event["start"], event["end"]))
                    if event["rule"] == "video" and event["outcome"] == "done":
                        made.add(event["project"])
        spent |= {project: _covered(jobs[project]) for project in made & projects - spent.keys()}
    return spent


def _covered(intervals: list[tuple[float, float]]) -> float:
    """Seconds that lie in at least one of the intervals, rounded to tenths."""
    total = reached = 0.0
    for start, end in sorted(intervals):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return round(total, 1)


def _page(rows: list[dict], results: Path) -> str:
    built = [row for row in rows if row["video"]]
    facts = [f"{len(built)} of {len(rows)} built", f"{_clock(sum(row['length'] for row in built))} in all"]
    body = "\n".join(_table_row(row, results) for row in rows)
    return _HTML.replace("FACTS", " · ".join(facts)).replace("ROWS", body)


def _table_row(row: dict, results: Path) -> str:
    name, verdict = escape(row["project"]), escape(row["verdict"])
    picture = f"{row['project']}/thumbnail.jpg"
    thumbnail = f'<img src="{quote(picture)}" alt="" loading="lazy">' if (results / picture).exists() else ""
    if row["video"]:
        name, thumbnail = (f'<a href="{quote(row["video"])}">{inner}</a>' for inner in (name, thumbnail))
    complaints = "".join(
        f"<li>{escape(str(check['name']))}: {escape(str(check['value']))}, wanted {escape(str(check['wanted']))}</li>"
        for check in row["complaints"]
    )
    cells = [
        f'<span class="verdict {verdict.split()[0]}">{verdict}</span>',
        _clock(row["length"]) if row["video"] else "",
        escape(row["footage"]),
        str(row.get("fallbacks", "")),
        "" if row["seconds"] is None else f"{row['seconds']:.1f} s",
    ]
    return (
        f'<tr><td class="picture">{thumbnail}</td><th scope="row">{name}<ul>{complaints}</ul></th>'
        + "".join(f"<td>{cell}</td>" for cell in cells)
        + "</tr>"
    )


def _clock(seconds: float) -> str:
    return f"{round(seconds) // 60}:{round(seconds) % 60:02}"


_HTML = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Videos</title>
<style>
:root {
  color-scheme: light dark;
  --back: #f6f6f4; --card: #fff; --text: #1c1d1f; --soft: #6b6e74; --line: #e4e4e0;
  --good: #1a7f4b; --warnings: #9a6200; --bad: #c0322b; --not: #6b6e74;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #131416; --card: #1c1e21; --text: #ececea; --soft: #9a9da3; --line: #2d3034;
    --good: #5fcf96; --warnings: #e9b44c; --bad: #ff7b72; --not: #9a9da3;
  }
}
body { margin: 0; background: var(--back); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 66rem; margin: 0 auto; padding: 2.5rem 1.25rem; }
h1 { margin: 0; font-size: 1.75rem; letter-spacing: -.01em; }
p { margin: .25rem 0 1.5rem; color: var(--soft); }
div { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: .75rem; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: .75rem 1rem; text-align: left; vertical-align: middle; font-weight: 400; white-space: nowrap; }
thead th { color: var(--soft); font-size: .8125rem; }
tbody tr { border-top: 1px solid var(--line); }
tbody th { width: 100%; font-weight: 600; white-space: normal; min-width: 12rem; }
td { font-variant-numeric: tabular-nums; }
a { color: inherit; text-decoration-color: var(--line); text-underline-offset: .2em; }
a:hover { text-decoration-color: currentColor; }
.picture { padding-right: 0; }
.picture img { display: block; height: 5.25rem; max-width: 9.5rem; border-radius: .4rem; }
ul:empty { display: none; }
ul { margin: .25rem 0 0; padding: 0; list-style: none; color: var(--soft); font-size: .875rem; font-weight: 400; }
.verdict::before { content: ""; display: inline-block; width: .55em; height: .55em; margin-right: .5em;
  border-radius: 50%; background: currentColor; }
.good { color: var(--good); } .warnings { color: var(--warnings); }
.bad { color: var(--bad); } .not { color: var(--not); }
</style>
<main>
<h1>Videos</h1>
<p>FACTS</p>
<div><table>
<thead><tr><td></td><th>project</th><th>verdict</th><th>length</th><th>footage</th><th>fallbacks</th><th>took</th></tr></thead>
<tbody>
ROWS
</tbody>
</table></div>
</main>
</html>
"""
