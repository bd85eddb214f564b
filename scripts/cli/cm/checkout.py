"""The checkout that this package lies in: its Snakefile, its profiles, and `scripts`, which is no installed package."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SNAKEFILE = ROOT / "Snakefile"


def find() -> None:
    """Make `scripts.*` importable; to be called before the first import of it.

    Raises FileNotFoundError where this package was copied away from its checkout.
    """
    if not SNAKEFILE.is_file():
        raise FileNotFoundError("cm was installed without its checkout; there: pip install --no-deps --editable .")
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
