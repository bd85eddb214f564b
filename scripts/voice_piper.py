"""Fetch a voice of Piper."""

import difflib
import hashlib
import json
import tempfile
from functools import partial
from pathlib import Path
from urllib.parse import quote

from scripts.lib.errors import UserError
from scripts.lib.job import job
from scripts.lib.narration.published import PIPER_URL
from scripts.lib.narration.voice import write_manifest
from scripts.lib.net.download import DownloadError, digest, download


def voice_piper(name: str, model: Path, config: Path, card: Path, manifest: Path, url: str, network: dict) -> None:
    """Write the voice `name`, its description, its card (where its licence stands) and, last, its manifest, from `url`
    or its makers.

    Raises UserError for a voice that is not in their list, and where it cannot be had whole.
    """
    url = (url or PIPER_URL).rstrip("/")
    try:
        for target, (path, size, md5) in zip((model, config, card), _listed(name, url, network), strict=True):
            download(f"{url}/{quote(path)}", target, network, check=partial(_check, size, md5))
    except DownloadError as error:
        raise UserError(
            f"the voice {name} cannot be fetched: {error}\nWithout a way there, put {name}.onnx and {name}.onnx.json, "
            f"from {PIPER_URL}, into a folder of the workspace, such as models/, and set narration.model to "
            f"models/{name}.onnx"
        ) from None
    write_manifest(manifest, name, f"see {card.name}", {path.name: digest(path) for path in (model, config)})


def _listed(name: str, url: str, network: dict) -> list[tuple[str, int, str]]:
    """The path, size and MD5 digest of a voice's model, description and card, by its makers' list."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "voices.json"
        download(f"{url}/voices.json", target, network, max_mb=20)
        try:
            voices = json.loads(target.read_bytes())
            known = {str(voice): voice for voice in voices}
            if name in known:
                files = voices[name]["files"].items()
                found = [(str(path), int(file["size_bytes"]), str(file["md5_digest"])) for path, file in files]
                return [
                    next(file for file in found if file[0].endswith(ending))
                    for ending in (".onnx", ".onnx.json", "MODEL_CARD")
                ]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, StopIteration):
            raise UserError(f"{url}/voices.json: is no list of Piper's voices; see network.voices_url") from None
    near = difflib.get_close_matches(name, known, n=5, cutoff=0.5)
    near += [other for other in sorted(known) if other[:2] == name[:2] and other not in near][: 10 - len(near)]
    named = f"near it: {', '.join(near)}" if near else "nor one of its language"
    raise UserError(f"narration.voice: Piper has no voice {name}; {named}")


def _check(size: int, md5: str, path: Path) -> None:
    """Raises UserError where a file is not the one of this size and MD5 digest."""
    with path.open("rb") as file:
        if path.stat().st_size != size or hashlib.file_digest(file, "md5").hexdigest() != md5:
            raise UserError("is not the file that the list of voices names")


if __name__ == "__main__":
    with job(snakemake.log[0]):
        voice_piper(
            name=snakemake.wildcards.voice,
            **{name: Path(path) for name, path in snakemake.output.items()},
            url=snakemake.config["network"]["voices_url"],
            network=snakemake.config["network"],
        )
