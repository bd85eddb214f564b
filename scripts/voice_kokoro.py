"""Fetch a model of Kokoro and its voices."""

from pathlib import Path

from scripts.lib.errors import UserError
from scripts.lib.job import job
from scripts.lib.narration.published import KOKORO, KOKORO_URL, KOKORO_VOICES
from scripts.lib.narration.voice import write_manifest
from scripts.lib.net.download import DownloadError, download


def voice_kokoro(name: str, model: Path, voices: Path, manifest: Path, url: str, network: dict) -> None:
    """Write the model `name` of `published.KOKORO`, the voices and, last, their manifest, from `url` or its makers.

    Raises UserError where they cannot be had, or are not the very files that are known.
    """
    url = url or KOKORO_URL
    wanted = {model: (f"{name}.onnx", KOKORO[name]), voices: KOKORO_VOICES}
    try:
        for target, (file, sha256) in wanted.items():
            download(f"{url.rstrip('/')}/{file}", target, network, sha256=sha256)
    except DownloadError as error:
        files = " and ".join(file for file, _ in wanted.values())
        raise UserError(
            f"the voices of Kokoro cannot be fetched: {error}\nWithout a way there, put {files} from {KOKORO_URL} into "
            f"a folder of the workspace, such as models/, and set narration.model to models/{name}.onnx"
        ) from None
    write_manifest(manifest, name, "Apache-2.0", {path.name: sha256 for path, (_, sha256) in wanted.items()})


if __name__ == "__main__":
    with job(snakemake.log[0]):
        voice_kokoro(
            name=snakemake.wildcards.model,
            **{name: Path(path) for name, path in snakemake.output.items()},
            url=snakemake.config["network"]["voices_url"],
            network=snakemake.config["network"],
        )
