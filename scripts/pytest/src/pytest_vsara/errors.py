"""What can go wrong, each with what there is to know about it in its text."""


class VsaraError(Exception):
    """Anything that goes wrong here."""


class NotFound(VsaraError):
    """There is no vsara program to run."""


class NotStarted(VsaraError):
    """A module did not start; the text is what vsara says about it."""


class EndedByItself(VsaraError):
    """A module ended though nobody had asked it to."""


class CtlError(VsaraError):
    """`vsara ctl` refused or failed.

    `status` is its exit status (1 it failed while running, 2 usage), `message` what it says.
    """

    def __init__(self, command: str, status: int, message: str) -> None:
        super().__init__(f"{command}: {message} (exit status {status})")
        self.status = status
        self.message = message


class TimedOut(VsaraError, AssertionError):
    """What a test waited for did not come in time."""
