"""What can be wrong with data, from the whole down to one record."""

from training.config import ConfigError
from vlm.sample import SampleError


class DataError(ConfigError):
    """Data that cannot be read at all. The message is one sentence that names the file and says what to do."""


class RecordError(SampleError):
    """One record that cannot be used. The message names the file and the record and says why."""


class DroppedError(SampleError):
    """A record that is sound, and still gives no sample. The message is the reason, alike for all of them."""

    def __init__(self, reason: str, what: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.what = what
