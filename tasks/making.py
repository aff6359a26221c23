"""What a step is, what it is made with, and what it makes. Which steps there are stands in `tasks/steps.py`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from schemas.base import Json, Record
from schemas.calls import Role
from schemas.catalog import CatalogEntry
from schemas.parameters import BuildDatasetParams, BuildToolsetParams

if TYPE_CHECKING:
    from tasks.teacher import Teacher  # a process that only checks is to be up soon, and needs none

C = TypeVar("C", bound=Record)

UNANSWERED = "unanswered"
"""The count of what ended because no draw was an answer: finished, until `retry_rejected` is asked for."""


class Read(Protocol):
    """Gives what an earlier step made, by the type of its content."""

    async def __call__(self, kind: type[C], /) -> C:
        """Raises MissingArtifactError where it is gone from the data root."""


@dataclass(frozen=True)
class Making:
    """What a step has at hand for one API.

    `run` calls a function with arguments off the event loop and gives its result. Whatever a document may make endless
    or enormous goes through it; it raises CutOffError where it became so.
    """

    entry: CatalogEntry
    params: BuildToolsetParams
    teacher: "Teacher"
    read: Read
    run: Callable[..., Awaitable[Any]]

    @property
    def dataset_params(self) -> BuildDatasetParams:
        """The parameters of a run that makes a dataset."""
        assert isinstance(self.params, BuildDatasetParams)
        return self.params


@dataclass(frozen=True)
class Made(Generic[C]):
    """What a step made: the content that later steps depend on, figures to show, what the teacher left unfinished."""

    content: C
    counts: dict[str, int] = field(default_factory=dict)
    unfinished: int = 0


@dataclass(frozen=True)
class Step:
    """One thing that is made for an API: its Prefect task, its folder in the data root, its part of a recipe.

    `reads` are the contents of earlier steps that it is made from, beside the catalogue's entry where `reads_entry`.
    `prompts` are those that it renders, and `asks` the roles that are asked with them. The requests of a `single_shot`
    step follow from no answer that a person would wait for: they may go in batches. `rooms` are the folders of `tasks/`
    whose code has a say in what comes out; `settings` gives the parameters that have.
    """

    name: str
    description: str
    makes: type[Record]
    make: Callable[[Making], Awaitable[Made[Any]]]
    reads: tuple[type[Record], ...] = ()
    reads_entry: bool = False
    prompts: tuple[str, ...] = ()
    asks: tuple[Role, ...] = ()
    single_shot: bool = False
    rooms: tuple[str, ...] = ()
    settings: Callable[[BuildDatasetParams], Json] | None = None

    @property
    def kind(self) -> str:
        """What its artifact is called: documentation, toolset, …"""
        return self.makes.__name__.lower()
