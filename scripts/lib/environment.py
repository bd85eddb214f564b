"""A workspace's `.env`: keys, for whoever asks servers."""

from pathlib import Path

from scripts.lib.errors import UserError


def read_env(file: Path) -> None:
    """Put what a `.env` sets into the environment, where it is not set yet. Raises UserError."""
    if not file.exists():
        return
    from dotenv import load_dotenv

    try:
        load_dotenv(file)
    except UnicodeDecodeError:
        raise UserError(f"{file}: is not UTF-8; save it as that") from None
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {error.strerror}") from None
