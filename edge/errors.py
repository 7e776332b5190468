"""One root for everything the agent raises: each kind says what happens next."""


class HallgateError(Exception):
    """Says what happens next: a subclass for each answer to that."""


class Misconfigured(HallgateError):
    """Nothing helps until a person changes a setting: stop, and tell the technician."""
