"""The same inputs give the same bytes: in any folder, on any number of cores, after any kill."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from conftest import ROOT, SCENES, copy_workspace, kill_tree, snakemake, write_config, write_footage, write_project

KILLS = 10


def artifacts(workspace: Path) -> dict[str, bytes]:
    """The bytes of everything under results/ that is a file of its own; not the table, which holds times."""
    files = (path for path in (workspace / "results/tiny").rglob("*") if path.is_file())
    return {str(path.relative_to(workspace)): path.read_bytes() for path in files if not path.name.startswith(".")}


def unbuilt(model: Path) -> Path:
    workspace = copy_workspace(model, Path(tempfile.mkdtemp(dir=model.parent)))
    write_config(workspace)
    write_project(workspace, "tiny", SCENES)
    write_footage(workspace)
    return workspace


def test_another_folder_and_other_cores_give_the_same_bytes(built, model, tmp_path):
    elsewhere = copy_workspace(unbuilt(model), tmp_path / "quite another/place")
    run = snakemake(elsewhere, cores=5)
    assert run.code == 0, run.output
    expected, made = artifacts(built), artifacts(elsewhere)
    assert len(made) > 30
    assert [name for name in expected | made if expected.get(name) != made.get(name)] == []


@pytest.mark.slow
def test_a_build_killed_at_ten_moments_ends_with_the_same_bytes(built, model):
    """Killed again and again, each time a little later, and resumed; what a kill leaves is never taken for whole."""
    workspace = unbuilt(model)
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--cores", "2"]
    expected = artifacts(built)
    for kill in range(KILLS):
        process = subprocess.Popen(command, cwd=workspace, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(1.5 + 0.37 * kill)
        kill_tree(process.pid)
        process.wait()
        wrong = [name for name, data in artifacts(workspace).items() if name in expected and expected[name] != data]
        assert wrong == []  # renamed into place whole, or not there
        snakemake(workspace, "--unlock")
    run = snakemake(workspace)
    assert run.code == 0, run.output
    made = artifacts(workspace)
    assert [name for name in expected | made if expected.get(name) != made.get(name)] == []
    assert snakemake(workspace).jobs == []
