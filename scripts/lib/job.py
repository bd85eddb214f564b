"""The main guard that every rule's script shares."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.lib.errors import UserError
from scripts.lib.net.secrets import redact


class Redacting(logging.Formatter):
    """Messages and tracebacks, without the keys that the job has used."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


@contextmanager
def job(log: str) -> Iterator[None]:
    """Run the block as the body of a Snakemake job.

    Everything the block prints or logs, and what its child processes write, goes to the file `log`. A `UserError`
    ends the log with one line `error: ...` and the process with status 1; any other exception is our fault and
    leaves its traceback there. The run's progress shows the log's `error:` and `warning:` lines, so that they reach
    the terminal from a cluster node too.
    """
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    with Path(log).open("w", encoding="utf-8", buffering=1) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        handler = logging.StreamHandler(file)
        handler.setFormatter(Redacting("%(message)s"))
        logging.basicConfig(handlers=[handler], level=logging.INFO)
        logging.addLevelName(logging.WARNING, "warning")
        try:
            yield
        except UserError as error:
            logging.error("error: %s", error)
            sys.exit(1)
        except Exception:
            logging.exception("error: a fault of content-machine itself, please report it:")
            sys.exit(1)


def warn(message: str) -> None:
    """Tell the user something about this job that does not stop it; shown when the job ends."""
    logging.warning("warning: %s", message)
