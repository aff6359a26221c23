"""What a completion costs, from a file that the user can edit; an unknown price is None, never a guess."""

import datetime
import os
import re
from pathlib import Path

import yaml
from pydantic import Field, ValidationError

from schemas.base import Record
from schemas.calls import Usage
from schemas.errors import UserError
from schemas.teacher import TeacherSettings
from tasks.completions.keys import strip_credentials
from tasks.teacher.endpoint import name_endpoint

PRICES_VARIABLE = "TOOLHERD_PRICES"
_DATE_SUFFIX = re.compile(r"-\d{4}-\d{2}-\d{2}$")


class Price(Record):
    """US dollars per million tokens, and the day on which the price was noted.

    `batch_share` is the share of it that the Batch API takes, half as OpenAI has it.
    """

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cached_input: float | None = Field(default=None, ge=0)
    batch_share: float = Field(default=0.5, ge=0)
    noted: datetime.date

    def compute_cost(self, usage: Usage, batched: bool = False) -> float:
        """US dollars for one completion; reasoning tokens are among the completion's."""
        cached_price = self.input if self.cached_input is None else self.cached_input
        fresh = max(usage.prompt - usage.cached, 0)
        cost = (fresh * self.input + usage.cached * cached_price + usage.completion * self.output) / 1e6
        return cost * self.batch_share if batched else cost


class Prices(Record):
    """Prices by endpoint and model; the endpoint `any` holds for all."""

    endpoints: dict[str, dict[str, Price]]

    def find_price(self, endpoint: str, model: str) -> Price | None:
        """The price of a model at an endpoint; a dated name falls back to the name without the date."""
        names = dict.fromkeys((model, _DATE_SUFFIX.sub("", model)))
        for address in (strip_credentials(endpoint), "any"):
            for name in names:
                if price := self.endpoints.get(address, {}).get(name):
                    return price
        return None


def load_prices(path: Path | None = None) -> Prices:
    """Prices from `path`, by default the file that TOOLHERD_PRICES names, by default the one beside this module.

    Raises:
        UserError: the file cannot be read or is no price list.
    """
    path = path or Path(os.environ.get(PRICES_VARIABLE) or Path(__file__).with_name("prices.yaml"))
    remedy = f"see tasks/teacher/prices.yaml for the form, or unset {PRICES_VARIABLE}"
    try:
        return Prices.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise UserError(f"price list {path} cannot be read ({error.strerror}): {remedy}") from error
    except yaml.YAMLError as error:
        raise UserError(f"price list {path} is no YAML ({' '.join(str(error).split())}): {remedy}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the document"
        raise UserError(f"price list {path}, at {where}: {first['msg']}; {remedy}") from error


def find_price(settings: TeacherSettings) -> Price | None:
    """What completions of a teacher cost; None where that is unknown. Raises UserError for a bad price list."""
    return load_prices().find_price(name_endpoint(settings), settings.model)
