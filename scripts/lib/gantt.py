"""A run as a picture: its jobs over time, on the slots that they held."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from xml.sax.saxutils import escape

from scripts.lib.lanes import Run, counted, heading, held, in_words, use
from scripts.lib.problems import printable

WIDTH, LEFT, RIGHT = 1200, 40, 56
"""Of the picture and its margins, which hold the numbers of the slots and how busy they were."""
INNER = WIDTH - LEFT - RIGHT
LANE, LOW, CURVE = 20, 12, 48
"""Heights of a lane, of one where there are many, and of a curve."""
MANY = 40
LETTER = 6.2
"""Width of a letter of the usual size, on average and generously."""
NARROW, BUNDLE = 2.0, 4.0
"""Jobs narrower than the one share a mark up to as wide as the other, so that thousands make no huge file."""
COLOURS = (
    *("#6aa6e8", "#f0a35e", "#7cc47f", "#e88080", "#b196e0", "#5fc4cf", "#e3c65b", "#ec9ac6", "#b9a089", "#a3b86c"),
    *("#a9c8f0", "#f6cfa8", "#b4dfb3", "#f3b8b4", "#d5c6f0", "#aee0e4", "#f1e2a6", "#f5cae0", "#d8c9ba", "#cfdcac"),
)
"""Of the rules, those that took longest first. Dark letters are read on each, and each is seen on white and black."""
ENDS = ("failed", "killed", "running")
"""How a job can end that is not `done`; each has a frame of its own."""
STYLE = """
text{font:11px system-ui,sans-serif;fill:#1c1d1f}.title{font-size:16px;font-weight:600}.name{font-weight:600}
.soft{fill:#6b6e74}.end{text-anchor:end}.middle{text-anchor:middle}.in{font-size:10px;fill:#16171a;pointer-events:none}
.back{fill:#fff}.lane{fill:#f1f1ee}.grid{stroke:#dcdcd6}.limit{stroke:#d0342c;stroke-dasharray:5 3;stroke-width:1.5}
.curve{fill:#9aa7b8}.failed,.killed{stroke:#d0342c;stroke-width:2}.killed,.running{stroke-dasharray:3 2}
.running{stroke:#1c1d1f}.wait{fill:url(#wait);pointer-events:none}
@media (prefers-color-scheme:dark){text{fill:#ececea}.soft{fill:#9a9da3}.in{fill:#16171a}.back{fill:#131416}
.lane{fill:#1e2023}.grid{stroke:#34373c}.limit{stroke:#ff7b72}.running{stroke:#ececea}.curve{fill:#5d6b7d}}
"""
HATCH = (
    '<pattern id="wait" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<path d="M1.5 0V6" stroke="#16171a" stroke-opacity=".45" stroke-width="2"/></pattern>'
)


def picture(run: Run) -> str:
    """The run as an SVG that stands alone and is light or dark as its reader's screen is.

    One lane per slot of each resource; a job that holds two fills two. What it waited for a quota is hatched; of what
    has no slots, such as memory, the amount is a curve.
    """
    rules = _rules(run)
    parts, y = _head(run, rules)
    top = y = y + 20
    wholes = use(run)
    height = LANE if sum(map(run.slots, run.resources)) <= MANY else LOW
    for name in run.resources:
        rows = wholes[wholes["resource"] == name]
        parts.append(_text(LEFT, y + 16, in_words(rows.iloc[0]), "name" if rows.iloc[0]["peak"] else "soft"))
        y += 22
        slots = run.slots(name)
        if slots:
            for slot, busy in zip(range(slots), rows["busy"].iloc[1:], strict=True):
                line = y + slot * height
                parts.append(f'<rect class="lane" x="{LEFT}" y="{line}" width="{INNER}" height="{height - 2}"/>')
                parts.append(_text(LEFT - 8, line + height / 2 + 3, str(slot + 1), "soft end"))
                parts.append(_text(WIDTH - RIGHT + 8, line + height / 2 + 3, f"{100 * busy:.0f} %", "soft"))
            parts += _marks(run, name, rules, y, height)
            limit = run.limits.get(name)
            if limit and limit <= slots:
                parts.append(_line("limit", LEFT, y + limit * height - 1, WIDTH - RIGHT, y + limit * height - 1))
            y += slots * height
        elif rows.iloc[0]["peak"]:
            parts.append(_curve(run, name, y))
            y += CURVE
        y += 8
    axis = _axis(run.seconds, top, y)
    size = f'viewBox="0 0 {WIDTH} {_n(y + 22)}" width="{WIDTH}" height="{_n(y + 22)}"'
    style = STYLE.strip() + "".join(f".r{number}{{fill:{COLOURS[number % len(COLOURS)]}}}" for number in rules.values())
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n<style>{style}</style>\n<defs>{HATCH}</defs>'
    return "\n".join([head, '<rect class="back" width="100%" height="100%"/>', *axis, *parts, "</svg>\n"])


def _rules(run: Run) -> dict[str, int]:
    """The rules that held anything, numbered, those that took longest first."""
    seconds = run.jobs[run.jobs[run.resources].any(axis=1)].groupby("rule")["seconds"].sum()
    return {rule: number for number, rule in enumerate(seconds.sort_values(ascending=False, kind="stable").index)}


def _head(run: Run, rules: dict[str, int]) -> tuple[list[str], float]:
    """Title and legend, and where they end."""
    began = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(run.began))
    seconds = run.waits["end"] - run.waits["start"]
    services = run.waits["what"].astype(str).str.replace(r":.*", "", regex=True)
    waited = [
        f"{counted(run.waits.loc[rows.index, 'row'].nunique())} waited for {service}, {rows.sum():,.1f} s in all"
        for service, rows in seconds.groupby(services)
    ]
    parts = [
        _text(LEFT, 26, heading(run), "title"),
        _text(LEFT, 44, "; ".join([f"began {began}", *waited]), "soft"),
    ]
    numbers, seconds = run.jobs["rule"].value_counts(), run.jobs.groupby("rule")["seconds"].sum()
    entries = [
        (f'<rect class="r{number}" width="10" height="10"/>', f"{rule} {numbers[rule]:,} ({seconds[rule]:,.1f} s)")
        for rule, number in rules.items()
    ]
    outcomes = [outcome for outcome in ENDS if (run.jobs["outcome"] == outcome).any()]
    entries += [(f'<rect class="lane {outcome}" width="10" height="10"/>', outcome) for outcome in outcomes]
    if len(run.waits):
        entries.append(
            ('<rect class="curve" width="10" height="10"/><rect class="wait" width="10" height="10"/>', "waits")
        )
    entries.append((_line("limit", 0, 5, 10, 5), "limit"))
    x, y = LEFT, 60
    for mark, words in entries:
        width = 16 + LETTER * len(printable(words)) + 14
        if x + width > WIDTH - RIGHT and x > LEFT:
            x, y = LEFT, y + 18
        parts.append(f'<g transform="translate({_n(x)} {y})">{mark}{_text(15, 9, words, "word")}</g>')
        x += width
    return parts, y + 18


def _axis(seconds: float, top: float, bottom: float) -> Iterator[str]:
    step = next(
        step for power in range(-2, 12) for step in (10.0**power * f for f in (1, 2, 5)) if seconds / step <= 12
    )
    for number in range(int(seconds / step) + 1):
        x = _x(number * step, seconds)
        yield _line("grid", x, top, x, bottom)
        for y in (top - 5, bottom + 14):
            yield _text(x, y, f"{number * step:,.10g} s", "soft middle")


def _marks(run: Run, name: str, rules: dict[str, int], top: float, height: float) -> Iterator[str]:
    """The jobs that held slots of a resource."""
    jobs = run.jobs[run.jobs[f"{name}_lanes"] != ""]
    many = jobs["project"].nunique() > 1
    pieces: dict[tuple[int, int], list[tuple]] = {}
    for job, lanes in zip(jobs.itertuples(), jobs[f"{name}_lanes"], strict=True):
        for first, number in _together(map(int, lanes.split())):
            pieces.setdefault((first, number), []).append(job)
    waits = dict(list(run.waits.groupby("row")))
    for (first, number), on in pieces.items():
        y, tall = top + (first - 1) * height, number * height - 2
        for x, end, bundle in _bundles(on, run.seconds):
            shown = max(bundle, key=lambda job: (job.outcome in ENDS, job.seconds))
            kind = f"r{rules[shown.rule]}" + (f" {shown.outcome}" if shown.outcome in ENDS else "")
            place = f'x="{_n(x)}" y="{_n(y)}" width="{_n(max(end - x - 0.5, 0.8))}" height="{_n(tall)}"'
            title = escape("\n".join(_title(bundle, waits)))
            yield f'<rect class="{kind}" {place}><title>{title}</title></rect>'
            if len(bundle) > 1:
                continue
            for wait in waits[shown.Index].itertuples() if shown.Index in waits else ():
                x1, x2 = _x(wait.start, run.seconds), _x(wait.end, run.seconds)
                yield f'<rect class="wait" x="{_n(x1)}" y="{_n(y)}" width="{_n(x2 - x1)}" height="{_n(tall)}"/>'
            fits = (words for words in _names(shown, many) if LETTER * len(words) < end - x - 4)
            if tall >= LANE - 2 and (words := next(fits, "")):
                yield _text(x + 4, y + tall / 2 + 3.5, words, "in")


def _together(lanes: Iterable[int]) -> list[tuple[int, int]]:
    """Lanes that lie side by side, as (first, how many): 1 2 5 are (1, 2) and (5, 1)."""
    out: list[tuple[int, int]] = []
    for lane in lanes:
        if out and sum(out[-1]) == lane:
            out[-1] = (out[-1][0], out[-1][1] + 1)
        else:
            out.append((lane, 1))
    return out


def _bundles(jobs: list, seconds: float) -> Iterator[tuple[float, float, list]]:
    """Where each job of a lane begins and ends; what is too narrow to be seen is put together."""
    bundle: list = []
    start = end = 0.0
    for job in jobs:
        x1, x2 = _x(job.start, seconds), _x(job.end, seconds)
        if bundle and end - start < BUNDLE and x2 - start < BUNDLE and x1 - end < 1 and x2 - x1 < NARROW:
            bundle.append(job)
        else:
            if bundle:
                yield start, end, bundle
            bundle, start = [job], x1
        end = x2
    if bundle:
        yield start, end, bundle


def _title(bundle: list, waits: dict) -> Iterator[str]:
    first, last = bundle[0], bundle[-1]
    if len(bundle) > 1:
        counts = Counter(job.rule for job in bundle)
        yield f"{len(bundle)} jobs: {', '.join(f'{number} {printable(rule)}' for rule, number in counts.most_common())}"
        yield f"{first.start:.2f} to {last.end:.2f} s"
        return
    yield printable(_names(first, True)[0])
    yield f"{first.start:.2f} to {first.end:.2f} s ({first.seconds:.2f} s), {first.outcome}"
    for wait in waits[first.Index].itertuples() if first.Index in waits else ():
        yield f"waited {wait.end - wait.start:.1f} s, {printable(wait.what)}"


def _names(job: tuple, with_project: bool) -> list[str]:
    """How a job may be called, longest first."""
    project, scene = (name if isinstance(name, str) else "" for name in (job.project, job.scene))
    where = "/".join(filter(None, [project if with_project or not scene else "", scene]))
    return [" ".join(filter(None, [job.rule, where])), scene or job.rule]


def _curve(run: Run, name: str, top: float) -> str:
    """How much of a resource was held, over time, under its peak; of moments too near to be told apart, the most."""
    steps = held(run.jobs, name)
    steps["x"] = _x(steps["at"], run.seconds).round()
    tops = steps.groupby("x")["held"].agg(["max", "last"])
    bottom, scale = top + CURVE - 4, (CURVE - 8) / tops["max"].max()
    path = f"M{LEFT} {_n(bottom)}"
    for x, most, last in tops.itertuples():
        path += f"H{_n(x)}V{_n(bottom - most * scale)}" + (f"h1V{_n(bottom - last * scale)}" if last != most else "")
    return f'<path class="curve" d="{path}V{_n(bottom)}Z"/>'


def _x(at: float, seconds: float) -> float:
    return LEFT + at * (INNER / seconds if seconds else 0)


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{kind}" x1="{_n(x1)}" y1="{_n(y1)}" x2="{_n(x2)}" y2="{_n(y2)}"/>'


def _text(x: float, y: float, words: str, kind: str) -> str:
    return f'<text class="{kind}" x="{_n(x)}" y="{_n(y)}">{escape(printable(words, 200))}</text>'
