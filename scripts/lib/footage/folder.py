"""List the user's footage folder, as light as planning a run has to be."""

import os

UNFIT = set("{}<>")
"""To Snakemake they are wildcards and variables, in a file's name too."""


def listing(folder: str) -> tuple[list[str], list[str]]:
    """The files below a folder, in an order that is the same everywhere, and those that no rule could take as input.

    Hidden files and folders, broken links, pipes and devices are passed over. The second list is ASCII, with escapes:
    a name need not even be text.
    """
    fit, unfit = [], []
    for path, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            file = os.path.normpath(os.path.join(path, name))
            if not name.startswith(".") and os.path.isfile(file):
                fit.append(file) if file.isprintable() and not UNFIT & set(file) else unfit.append(ascii(file)[1:-1])
    return sorted(fit), sorted(unfit)
