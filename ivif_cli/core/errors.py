"""The one error hierarchy of the core: what went wrong, with which thing, and what to do about it.

The core raises; only the command line turns an error into text and an exit status (`exit_status`).
"""


class IvifError(Exception):
    """Base of every error that `ivif` raises on purpose.

    Args:
        message: one line: what is wrong and which file or value it concerns.
        hint: one line: what the user can do about it, or an empty string.
    """

    exit_status = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class UsageError(IvifError):
    """Options that do not fit together, or a name that is not known."""

    exit_status = 2


class InputError(IvifError):
    """A source that cannot be read or used: missing, damaged, of an unsupported kind or size."""


class PairingError(IvifError):
    """Infrared and visible files that do not make pairs."""


class DatasetError(IvifError):
    """A named dataset that is not where it was looked for."""


class OutputError(IvifError):
    """A result that cannot be written."""


class WeightsError(IvifError):
    """A weights file that is missing, damaged, foreign or not the one that was pinned."""


class DeviceError(IvifError):
    """A compute device that is not there, or that ran out of memory."""


class EncoderError(IvifError):
    """A language-image encoder that cannot be loaded, or embeddings made by another one."""


class TrainingError(IvifError):
    """A training run that cannot go on."""
