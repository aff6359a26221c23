"""The exceptions that cross rooms.

ToolHerdError
├── UserError            bad input: the message is one line that says what, where and what to do; exit status 2
└── TeacherError         no usable completion was had; the item becomes a row with its reason
    └── FatalTeacherError    no later completion can be had either (bad key, unknown model): the run stops
"""


class ToolHerdError(Exception):
    """Base of all that ToolHerd raises on purpose."""


class UserError(ToolHerdError):
    """Bad input; the message is what the user reads."""


class TeacherError(ToolHerdError):
    """The teacher gave no usable answer after every attempt; the message holds the last problem."""


class FatalTeacherError(TeacherError):
    """The teacher cannot be used at all; the message names the remedy."""
