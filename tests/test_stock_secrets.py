"""Keys are sent to the sites that they are for, and are found nowhere else: no file, no output, whatever fails."""

import base64
from pathlib import Path
from urllib.parse import quote

import pytest
from conftest import edit_script, snakemake

from tests.servers.builds import forget_results, scenes, stock_workspace
from tests.servers.faults import Fault
from tests.servers.stock import SITES, Stock

pytestmark = pytest.mark.slow

CORES = {"pexels": "9f8e7d6c5b4a3921", "pixabay": "0a1b2c3d4e5f6172"}
SECRETS = {site: f"A/{core}+=&z" for site, core in CORES.items()}
"""Keys that look different once they are quoted; their cores stay the same."""


def spellings(text: str) -> set[bytes]:
    """A text as it may be written: plain, quoted, in hexadecimal, and within base64 at any place."""
    found = {text.encode(), quote(text, safe="").encode(), text.encode().hex().encode()}
    for shift in range(3):
        coded = base64.b64encode(bytes(shift) + text.encode() + bytes(2))
        inner = coded[4 if shift else 0 : -4]  # without what its neighbours would change
        found |= {inner, inner.replace(b"+", b"-").replace(b"/", b"_")}
    return found


NEEDLES = {needle for secret in (*CORES.values(), *SECRETS.values()) for needle in spellings(secret)}


def holding(folder: Path) -> list[str]:
    """The files under a folder that hold a key, in their name or content."""
    return [
        str(path)
        for path in folder.rglob("*")
        if path.is_file() and any(needle in str(path).encode() + path.read_bytes() for needle in NEEDLES)
    ]


def test_a_key_is_found_however_it_is_written(tmp_path):
    secret = SECRETS["pexels"]
    for nth, text in enumerate((f"key={quote(secret)}", secret.encode().hex(), f"?{secret}&x", CORES["pixabay"])):
        (tmp_path / f"{nth}.txt").write_text(text)
    for nth, before in enumerate((b"", b"a", b"ab", b"abc")):
        (tmp_path / f"{nth}.b64").write_bytes(base64.b64encode(before + secret.encode() + b"more"))
    (tmp_path / "clean.txt").write_text("nothing")
    assert len(holding(tmp_path)) == 8


FAULTY = [
    Fault(("echo",), "query=ocean"),
    Fault(("elsewhere",), "query=forest"),
    Fault(("echo-json",), "query=city"),
    Fault(("timeout",), "query=desert"),
    Fault(("429",), "q=ocean"),
    Fault(("echo",), "q=forest"),
    Fault(("echo-json",), "q=city"),
    Fault(("challenge-403",), "q=desert"),
    Fault(("404", "html"), "files", rate=0.3),
]


def test_keys_are_nowhere_but_in_requests(model, stock_media, tmp_path):
    """One key comes from the environment, the other from the workspace's .env; runs fail, with --verbose and without,
    and end well; a key that is refused is tried too."""
    home = tmp_path / "home"
    (home / "tmp").mkdir(parents=True)
    env = {"PEXELS_API_KEY": SECRETS["pexels"], "HOME": str(home), "TMPDIR": str(home / "tmp")}
    slots = {"concurrency": {"api": 20, "stock": 20}}
    with Stock(stock_media, set(SECRETS.values()), faults=FAULTY) as stock:
        slots["network"] = {"max_wait": 10}  # what is refused without a time is given up soon
        workspace = stock_workspace(model, stock, {"tiny": scenes(5)}, [*SITES, "procedural"], cache_dir="", **slots)
        (workspace / ".env").write_text(f"PIXABAY_API_KEY='{SECRETS['pixabay']}'\n")

        def run(*args, **other):
            """A run, after which no file holds a key: the next one writes the logs of what failed anew."""
            done = snakemake(workspace, *args, env=env | other)
            assert holding(workspace) == [str(workspace / ".env")] and holding(home) == []
            return done

        failed = run()
        stock.faults.faults = [fault for fault in FAULTY if fault.names not in (("timeout",), ("429",))]
        loud = run("--verbose", "--printshellcmds", "--show-failed-logs")
        assert failed.code != 0 and loud.code != 0
        assert "answered 400" in failed.output and "***" in failed.output
        keys, stock.keys = stock.keys, set()
        refused = run()
        assert refused.code != 0 and "PEXELS_API_KEY" in refused.output and "missing API key" in refused.output
        stock.keys, stock.faults.faults = keys, FAULTY[-1:]
        good = run("--verbose")
        assert good.code == 0, good.output
        edit_script(workspace, "tiny", lambda scenes: scenes[0].update(footage="pixabay:27907"))
        edit_script(workspace, "tiny", lambda scenes: scenes[1].update(visualDirection="volcano lava"))
        keyless = run(PEXELS_API_KEY="")
        assert keyless.code != 0 and "PEXELS_API_KEY" in keyless.output
        forget_results(workspace)
        again = run()
        assert again.code == 0, again.output
        assert {request.headers.get("authorization") for request in stock.of("pexels")} == {SECRETS["pexels"]}
        assert {request.params["key"] for request in stock.of("pixabay")} == {SECRETS["pixabay"]}
        assert stock.leaks() == []
    for done in (failed, loud, refused, good, again, keyless):
        assert [needle for needle in NEEDLES if needle in done.output.encode()] == []
        assert "Traceback" not in done.output or done in (loud, good), "Snakemake's own, of --verbose"
    assert list(home.rglob("http.sqlite")), "the cache was in this home"
