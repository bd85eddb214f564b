"""The error that a user can do something about."""


class UserError(Exception):
    """Says where, what is wrong and what to do, in words for the user; shown without a traceback."""
