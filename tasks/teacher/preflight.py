"""What can be told of a teacher before it is asked: its price, and whether it can be opened."""

from schemas.parameters import Budget
from schemas.teacher import TeacherSettings
from tasks.teacher.budget import Account
from tasks.teacher.endpoint import name_endpoint, read_key
from tasks.teacher.prices import Price, load_prices


def find_price(settings: TeacherSettings) -> Price | None:
    """What completions of a teacher cost; None where that is unknown. Raises UserError for a bad price list."""
    return load_prices().find_price(name_endpoint(settings), settings.model)


def check_teacher(settings: TeacherSettings, budget: Budget) -> None:
    """See that a teacher can be opened, as far as can be told before it is.

    Raises:
        UserError: what `Teacher` raises; a key in a Prefect block is not looked for.
    """
    if settings.api_key_block is None:
        read_key(settings)
    Account(budget, find_price(settings), settings.model)
