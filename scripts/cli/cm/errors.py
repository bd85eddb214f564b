"""What ends a command: exit status 2 for wrong usage, 1 for what could not be done."""

from collections.abc import Iterable

import click


class _Error(click.ClickException):
    def format_message(self) -> str:
        return "".join(c for c in self.message if c.isprintable() or c == "\n")

    def show(self, file: object = None) -> None:
        head, colon, rest = self.format_message().partition("\n")
        click.echo(f"{click.style('error:', fg='red')} {head}{colon}{rest}", err=True, file=file)


class Wrong(_Error):
    """Wrong usage: says what is wrong and what to do."""

    exit_code = 2


class Failed(_Error):
    """What was asked for could not be done."""


def lines(found: Iterable[str]) -> str:
    return "\n".join(found)
