"""What ends a run early. `endings` says what each one means to whoever started it."""


class DivergedError(Exception):
    """The loss is no number any more, or far above where it began."""


class StoppedError(Exception):
    """The run was asked to stop, and what could be kept is."""


class NothingLeftError(Exception):
    """All steps were made before the run was begun again; only the model is to be written."""


class SavingError(Exception):
    """A checkpoint or the model could not be written; the cause is chained."""


class TemplateError(ValueError):
    """A chat template that cannot be used for training with this tokenizer; the message says why."""
