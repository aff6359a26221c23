"""The parameters of the flows that make data: one model each, which is also the flow's command line.

A field's description is its help text. What can only be known by looking (does the file exist, is there such a
category) is checked by `flows/inputs.py`.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from schemas.base import Parameters
from schemas.calls import Role
from schemas.catalog import Auth
from schemas.episodes import Kind
from schemas.teacher import RoleSettings, TeacherSettings, fill_roles

DOCUMENT_LIMIT_S = 120.0
DOCUMENT_LIMIT_MB = 1024

Executor = Literal["mock", "simulated"]
"""What answers calls: the mock, which makes answers from the API's document, or a model that plays the API."""

ExportFormat = Literal["trl", "toolalpaca", "sharegpt", "xlam"]

Share = Annotated[float, Field(ge=0, le=1)]


class KindShares(Parameters):
    """The share of instructions of each kind; only their proportions count."""

    single_call: Share = Field(0.45, description="one call meets the request")
    multi_call: Share = Field(0.35, description="several calls are needed")
    missing_detail: Share = Field(0.08, description="the assistant has to ask for a detail")
    no_tool: Share = Field(0.06, description="no function fits")
    error_recovery: Share = Field(0.06, description="the API errs once")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not any(self.by_kind().values()):
            raise ValueError("all shares are 0: give at least one kind a share above 0")
        return self

    def by_kind(self) -> dict[Kind, float]:
        """The shares by kind, in the order of the enum."""
        return {kind: getattr(self, kind.value) for kind in Kind}


class Budget(Parameters):
    """What a run may buy. When it is reached, what is in flight is finished, and what is done is published."""

    usd: float | None = Field(None, gt=0, description="US dollars, by the price list")
    tokens: int | None = Field(None, gt=0, description="tokens, prompts and completions together")
    calls: int | None = Field(None, gt=0, description="completions")


class BuildToolsetParams(Parameters):
    """Documents and specifies APIs of a catalogue, so that datasets can be made from them."""

    catalog: str = Field(
        "bundled",
        min_length=1,
        description="where the APIs come from: 'bundled', or a file, folder or URL of a public-apis list or of OpenAPI "
        "documents; env:NAME or block:NAME, where the URL must be kept secret",
    )
    categories: tuple[str, ...] = Field((), description="only APIs of these categories")
    names: tuple[str, ...] = Field((), description="only the APIs of these names or ids")
    auth: tuple[Auth, ...] = Field((), description="only APIs with these kinds of authentication")
    apis: Annotated[int, Field(ge=1)] | Literal["all"] = Field(
        50, description="how many APIs, drawn by the seed and balanced over categories, or 'all'"
    )
    seed: int = Field(0, ge=0, lt=2**31, description="the seed of every draw")
    in_flight: int | None = Field(
        None, ge=1, le=1024, description="APIs worked on at a time; without it, enough to keep the teacher busy"
    )
    retry_rejected: bool = Field(
        False, description="draw anew what ended without an answer in an earlier run: cut off, filtered, refused, empty"
    )
    max_error_share: float = Field(
        0.5, gt=0, le=1, description="a larger share of failures among the last 100 requests stops the run"
    )
    document_limit_s: float = Field(
        DOCUMENT_LIMIT_S,
        gt=0,
        le=86_400,
        description="seconds that reading, checking or auditing one API's document may take; then that API is rejected",
    )
    document_limit_mb: int = Field(
        DOCUMENT_LIMIT_MB, ge=512, description="MB of memory that this may take; then that API is rejected"
    )
    teacher: TeacherSettings = Field(
        default_factory=TeacherSettings,
        description="all roles; one by --user.* --assistant.* --simulator.* --judge.*",
    )
    user: RoleSettings = Field(
        default_factory=RoleSettings,
        description="who writes instructions and the user's replies; what is not given is the teacher's",
    )
    assistant: RoleSettings = Field(
        default_factory=RoleSettings,
        description="who takes the assistant's turns; what is not given is the teacher's",
    )
    simulator: RoleSettings = Field(
        default_factory=RoleSettings,
        description="who plays the API with --executor simulated; what is not given is the teacher's",
    )
    judge: RoleSettings = Field(
        default_factory=RoleSettings,
        description="who grades the rows that the checks keep; what is not given is the teacher's",
    )
    budget: Budget = Field(default_factory=Budget, description="what the run may buy of all of them")
    prompts: str | None = Field(
        None, min_length=1, description="a folder of prompts that stand in place of those of the same names"
    )

    @model_validator(mode="before")
    @classmethod
    def _fill_roles(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        if "judges" in cls.model_fields and "judges" not in given:
            judge = given.get("judge")
            is_named = bool(judge.model_fields_set if isinstance(judge, RoleSettings) else judge)
            given = {**given, "judges": int(is_named)}
        return fill_roles(given)

    def get_settings(self, role: Role) -> TeacherSettings:
        """How a role is asked."""
        settings: TeacherSettings = getattr(self, role)
        return settings


class BuildDatasetParams(BuildToolsetParams):
    """Turns a catalogue of public APIs into a published tool-use dataset."""

    name: str = Field("toolherd", description="the dataset's name")
    version: str | None = Field(None, description="the dataset's version; without it the next free one")
    instructions: int = Field(10, ge=1, le=1000, description="instructions for each API")
    executor: Executor = Field(
        "mock", description="what answers calls: 'mock', from the API's document, or 'simulated', a model's answers"
    )
    judges: int = Field(
        0,
        ge=0,
        le=9,
        description="how many judges grade each row that the checks keep, by majority; 1 where --judge.* is given",
    )
    shares: KindShares = Field(default_factory=KindShares, description="the share of instructions of each kind")
    test_share: float = Field(0.1, ge=0, lt=1, description="the share of APIs that make up the test set")
    benchmarks: tuple[str, ...] = Field(
        (), description="files of benchmarks; instructions that nearly repeat one of theirs are rejected"
    )
    export: tuple[ExportFormat, ...] = Field(
        (), description="forms to export the dataset in as well; all of them if none is named"
    )

    @model_validator(mode="after")
    def _check_judge(self) -> Self:
        if self.judges and self.judge.is_embedded:
            raise ValueError(
                "judges: the embedded teacher cannot judge: name a model with judge.model, or ask for none"
            )
        return self
