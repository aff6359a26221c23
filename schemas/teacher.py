"""Which model answers while data is made, and how it is asked: part of every flow's parameters."""

from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from schemas.base import Parameters


class TeacherSettings(Parameters):
    """The teacher and how hard it may be asked.

    `model` "offline" without `base_url` is the embedded teacher, in process. `base_url` is an OpenAI-compatible
    endpoint up to and including `/v1`; without it the SDK's own environment variable OPENAI_BASE_URL holds, then
    OpenAI's address. `api_key_env` names the environment variable that holds the key, `api_key_block` a Prefect Secret
    block that does; the key itself is never a parameter. `temperature` None leaves it to the endpoint.

    `concurrency` is the most requests in flight: how many there are is found by what the endpoint bears. `rpm` and
    `tpm` cap requests and tokens a minute. `timeout_s` is how long one attempt may take from connecting to the last
    byte. A request is given up after `attempts` failures or `give_up_s` seconds of failing, whichever is first; rate
    limits count for neither. `batch` sends the stages that are no dialogue through the endpoint's Batch API.
    `error_rate` is the share of answers in which the embedded teacher errs on purpose.
    """

    model: str = Field(
        default="offline", min_length=1, description="the model's name; 'offline' is the embedded teacher"
    )
    base_url: str | None = Field(default=None, description="an OpenAI-compatible endpoint, up to and including /v1")
    api_key_env: str = Field(
        default="OPENAI_API_KEY", min_length=1, description="the environment variable that holds the key"
    )
    api_key_block: str | None = Field(
        default=None, min_length=1, description="the Prefect Secret block that holds the key, instead"
    )
    temperature: float | None = Field(default=0.7, ge=0, description="or 'none', to leave it to the endpoint")
    concurrency: int = Field(default=64, ge=1, description="the most requests in flight; the endpoint may bear fewer")
    rpm: int | None = Field(default=None, ge=1, description="the most requests a minute")
    tpm: int | None = Field(default=None, ge=1, description="the most tokens a minute")
    timeout_s: float = Field(default=120, gt=0, description="seconds that one attempt may take")
    attempts: int = Field(default=6, ge=1, description="failures after which a request is given up")
    give_up_s: float = Field(default=900, gt=0, description="seconds of failing after which a request is given up")
    batch: bool = Field(
        default=False, description="send single-shot stages through the Batch API, at half price; may take a day"
    )
    written_calls: Literal["auto", "never"] = Field(
        default="auto", description="whether calls that the model writes into its text are read as calls"
    )
    error_rate: float = Field(
        default=0.0, ge=0, le=1, description="share of answers in which the embedded teacher errs on purpose"
    )

    @property
    def is_embedded(self) -> bool:
        """Whether the teacher is the embedded one, asked in process."""
        return self.model == "offline" and self.base_url is None

    @property
    def key_source(self) -> str:
        """Where the API key comes from, in words."""
        if self.api_key_block is not None:
            return f"the Prefect Secret block {self.api_key_block!r}"
        return f"the environment variable {self.api_key_env}"

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.error_rate and not self.is_embedded:
            raise ValueError(
                "error_rate is the embedded teacher's (model offline, no base_url); "
                "a server of it takes --error-rate when it is started"
            )
        if self.batch and self.is_embedded:
            raise ValueError(
                "batch needs an endpoint with a Batch API, such as OpenAI's: "
                "name a model with --teacher.model, or leave out --teacher.batch"
            )
        if self.base_url is not None:
            url = urlsplit(self.base_url)
            if url.scheme not in {"http", "https"} or not url.hostname:
                raise ValueError("base_url must be an http or https address, such as http://localhost:8000/v1")
            if "@" in url.netloc or url.query or url.fragment:
                raise ValueError(
                    "base_url must hold neither a user, a password nor a query, for it is recorded with the run; "
                    "a key belongs in the environment variable that api_key_env names"
                )
        return self
