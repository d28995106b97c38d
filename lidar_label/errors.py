"""The one exception family: raised with file, field, value and remedy; caught at the edges."""


class LidarLabelError(Exception):
    """Base of every error that a user can mend. Its text is one clear line."""


class InvalidPoints(LidarLabelError):
    """Points of the wrong shape or type."""


class InvalidBoxes(LidarLabelError):
    """Boxes of the wrong shape, type or size."""


class InvalidLabels(LidarLabelError):
    """Label columns that do not fit together, or a label file that does not hold them."""


class InvalidSource(LidarLabelError):
    """A file or folder of recorded data that cannot be read as what it claims to be."""


class InvalidRecording(LidarLabelError):
    """A file that is not a recording, is incomplete, or is of a version we do not read."""


class InvalidConfig(LidarLabelError):
    """A setting that is unknown or out of its range."""


class InvalidSignal(LidarLabelError):
    """Signal columns that do not fit together, or a signal file that does not hold them."""


class UsageError(LidarLabelError):
    """A command line that asks for something that cannot be done."""


class UnreachableSource(InvalidSource):
    """A store that did not answer, or not with all that it holds; another try may succeed."""


class NoSpace(LidarLabelError):
    """A disk or a quota is full: the input is not to blame."""


class InvalidEdit(LidarLabelError):
    """An edit of labels, a project, a person or a work item that cannot be made as asked."""


class NotFound(LidarLabelError):
    """A project, recording, person or other thing of the store that is not there."""


class StoreUnavailable(LidarLabelError):
    """A database that cannot be opened, read or written; nothing was half done."""
