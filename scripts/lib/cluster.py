"""What a cluster is not to learn."""

import os
from pathlib import Path


def keep_keys_here(settings: list[dict], commands: Path) -> None:
    """Have the commands in the folder `commands`, which leave keys out, submit the jobs of this process.

    A cluster stores the environment of what is submitted. `settings` are those of the run and of its projects, whose
    `key_env`s name the variables to leave out.
    """
    sections = [section for own in settings for section in (*own.values(), *own["stock"].values())]
    names = {section["key_env"] for section in sections if isinstance(section, dict) and "key_env" in section}
    os.environ["KEYS_STAY_HERE"] = " ".join(sorted(names))
    os.environ["PATH"] = f"{commands}:{os.environ['PATH']}"
