"""`cm cache`: what the shared cache holds and takes, and how it is made smaller."""

import os
import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cm_process import cm, configure

from scripts.lib.files import write_json
from scripts.lib.net.ledger import Ledger


@pytest.fixture
def place(tmp_path) -> Path:
    """A workspace whose cache holds three clips of 1 MB, older ones first, and a ledger."""
    configure(tmp_path, cache_dir=str(tmp_path / "cache"), cache_max_gb=0.0025)
    clips = tmp_path / "cache/clips/pexels"
    clips.mkdir(parents=True)
    for age, name in enumerate(("new", "middle", "old")):
        (clips / f"{name}.mp4").write_bytes(bytes(1_000_000))
        write_json(clips / f"{name}.json", {"size": 1_000_000, "sha256": ""})
        for suffix in (".mp4", ".json"):
            os.utime((clips / name).with_suffix(suffix), (time.time() - 3600 * age,) * 2)
    Ledger(tmp_path / "cache", "pexels", "key", {"per_hour": 3}, 1).close()
    return tmp_path


def clips(place: Path) -> list[str]:
    return sorted(path.stem for path in (place / "cache/clips/pexels").glob("*.mp4"))


def test_it_says_where_it_is_and_what_each_part_takes(place):
    run = cm(place, "cache")
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[0] == str(place / "cache")
    assert re.search(r"clips +3\.0 MB +3 clips, at most 0\.0025 GB", run.stdout)
    assert re.search(r"ledger +\d", run.stdout)


def test_what_was_used_longest_ago_goes_first_and_the_ledger_stays(place):
    ledger = sorted((place / "cache/ledger").iterdir())
    run = cm(place, "cache", "prune")
    assert run.returncode == 0 and run.stdout.startswith("1.0 MB of clips removed"), run.stdout + run.stderr
    assert clips(place) == ["middle", "new"]
    assert cm(place, "cache", "prune", "--to", "1.2MB").returncode == 0 and clips(place) == ["new"]
    assert cm(place, "cache", "prune", "--to", "0").returncode == 0 and clips(place) == []
    assert sorted((place / "cache/ledger").iterdir()) == ledger


@pytest.mark.parametrize("size", ["much", "-1", "1XB", "1e3", ""])
def test_a_size_that_is_none_is_refused(place, size):
    run = cm(place, "cache", "prune", f"--to={size}")
    assert run.returncode == 2 and "500MB or 2GB" in run.stderr and len(clips(place)) == 3


def test_answers_whose_time_is_over_go_and_others_stay(place):
    from requests_cache import CachedResponse, SQLiteCache

    kept = SQLiteCache(place / "cache/http.sqlite", serializer="json", wal=True)
    for key, seconds in (("stale", -60), ("fresh", 3600)):
        answer = CachedResponse(url="http://localhost/", status_code=200)
        answer._content = b"{}"
        answer.expires = datetime.now(UTC) + timedelta(seconds=seconds)
        kept.responses[key] = answer
    kept.close()
    run = cm(place, "cache", "prune", "--to", "1GB")
    assert run.returncode == 0 and "1 old answer removed" in run.stdout, run.stdout + run.stderr
    kept = SQLiteCache(place / "cache/http.sqlite", serializer="json", wal=True)
    assert list(kept.responses) == ["fresh"]
    kept.close()
