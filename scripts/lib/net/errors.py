"""What an API's answer can be wrong by; apart from the layer that asks, so that to read an answer needs no network."""

from scripts.lib.errors import UserError


class ServiceError(UserError):
    """What an API refused or answered wrongly; `status` is None where there was no answer, `calls` what was paid for
    before, where that is known."""

    def __init__(self, message: str, status: int | None = None, transient: bool = False) -> None:
        super().__init__(message)
        self.status, self.transient, self.calls = status, transient, []


class MissingKey(ServiceError):
    """The environment variable that should hold the key is not set."""
