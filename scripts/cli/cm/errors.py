"""What ends a command: exit status 2 for wrong usage, 1 for what could not be done."""

import os
from collections.abc import Iterable

import click


def coloured() -> bool | None:
    """False where colour is not wanted; None: click colours what goes to a terminal."""
    return False if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" else None


class _Error(click.ClickException):
    def format_message(self) -> str:
        return "".join(c for c in self.message if c.isprintable() or c == "\n")

    def show(self, file: object = None) -> None:
        head, colon, rest = self.format_message().partition("\n")
        text = f"{click.style('error:', fg='red')} {head}{colon}{rest}"
        click.echo(text, err=True, file=file, color=coloured())


class Wrong(_Error):
    """Wrong usage: says what is wrong and what to do."""

    exit_code = 2


class Failed(_Error):
    """What was asked for could not be done."""


def lines(found: Iterable[str]) -> str:
    return "\n".join(found)
