"""Lines on a stream; on a terminal, one line below them is drawn over and over."""

import os
from collections.abc import Iterable
from typing import TextIO

RED, GREEN, YELLOW = 31, 32, 33


class Screen:
    """Where a run is shown. `moves`: it is a terminal that can draw a line again; `silent`: others speak on it."""

    def __init__(self, stream: TextIO, colour: bool) -> None:
        self.stream = stream
        self.moves = stream.isatty() and os.environ.get("TERM") != "dumb"
        self.colour = colour and self.moves and not os.environ.get("NO_COLOR")
        self.home = os.getcwd()
        self.silent = False
        self.text = ""

    @property
    def columns(self) -> int:
        return os.get_terminal_size(self.stream.fileno()).columns or 80

    def print(self, lines: Iterable[str], colour: int | None = None) -> None:
        """Lines that stay, above the moving one; the first one's words before its colon in `colour`.

        What cannot be printed (a stranger's text could hold a terminal's control sequences) is left out.
        """
        if self.silent:
            return
        first, *rest = ("".join(c for c in line if c.isprintable()) for line in lines)
        if colour and self.colour:
            head, colon, tail = first.partition(":")
            first = f"\x1b[{colour}m{head}{colon}\x1b[0m{tail}"
        self._write("".join(f"{line}\n" for line in [first, *rest]), self.text)

    def draw(self, text: str) -> None:
        """Put `text`, shorter than the terminal is wide, in the place of the moving line."""
        if text != self.text and not self.silent:
            self._write("", text)

    def path(self, path: str) -> str:
        """A path as seen from where the user started Snakemake, which `--directory` leaves."""
        here = os.path.relpath(path, self.home)
        return os.path.abspath(path) if here.startswith("..") else here

    def _write(self, lines: str, text: str) -> None:
        """One write, so that nobody sees it half done.

        A terminal that became narrower has wrapped the moving line, so all the rows that it now takes are cleared.
        """
        erase = ""
        if self.text:
            rows = (len(self.text) - 1) // self.columns
            erase = "\r" + (f"\x1b[{rows}A" if rows else "") + "\x1b[J"
        self.stream.write(erase + lines + text)
        self.stream.flush()
        self.text = text
