"""The engines of a run: one for each role, shared by roles that are asked in the same way."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from schemas.calls import ROLES, ChatRequest, Role, Stage
from schemas.errors import RunStoppedError, UserError
from schemas.parameters import Budget, BuildToolsetParams
from schemas.teacher import TeacherSettings
from tasks.completions.store import CompletionStore
from tasks.network import require_usable_proxy
from tasks.teacher.batches.batch_record import OpenBatch
from tasks.teacher.budget import Account, share_budget
from tasks.teacher.endpoint import find_address, read_key
from tasks.teacher.engine.engine import Answer, Engine, EngineState, Probe, add_states
from tasks.teacher.engine.fallback import FallbackEngine
from tasks.teacher.presets import list_endpoints
from tasks.teacher.prices import find_price


@dataclass(frozen=True)
class EngineStart:
    """What a run's engines are opened with: see `Engine`; `path` is their store's file.

    `settings` are the teacher's, `roles` those of other roles where they are asked in another way. `key` is the
    teacher's where it stands neither in `secrets` nor in the environment. `retry_rejected` is for `Teacher`. `probe` is
    what the run needs of its assistant; None where nothing is asked.
    """

    settings: TeacherSettings
    path: Path
    budget: Budget = field(default_factory=Budget)
    max_error_share: float = 1.0
    key: str | None = field(default=None, repr=False)
    single_shot: frozenset[str] = frozenset()
    roles: Mapping[Role, TeacherSettings] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    retry_rejected: bool = False
    probe: Probe | None = None

    def find_settings(self, role: Role) -> TeacherSettings:
        """How a role is asked."""
        return self.roles.get(role, self.settings)

    def list_all_settings(self) -> list[TeacherSettings]:
        """The settings of all endpoints, those to go on with too, each once. Raises UserError."""
        found: list[TeacherSettings] = []
        for settings in (self.settings, *self.roles.values()):
            found += [one for one in list_endpoints(settings) if not any(is_same(one, other) for other in found)]
        return found


class Engines:
    """The engines by role, with the methods of one; one budget covers them all."""

    def __init__(self, by_role: Mapping[Role, Engine | FallbackEngine]) -> None:
        self._by_role = by_role
        self._all = list({id(engine): engine for engine in by_role.values()}.values())

    @property
    def settings(self) -> TeacherSettings:
        """The teacher's."""
        return self._by_role["teacher"].settings

    @property
    def state(self) -> EngineState:
        """How they stand together; functions are given to the assistant only."""
        together = add_states([engine.state for engine in self._all])
        return replace(together, most_tools=self._by_role["assistant"].state.most_tools)

    def find_settings(self, role: Role) -> TeacherSettings:
        """How a role is asked."""
        return self._by_role[role].settings

    async def answer(
        self, request: ChatRequest, stage: Stage, api_id: str, role: Role = "teacher", *, only_stored: bool = False
    ) -> Answer:
        """See `Engine.answer`."""
        return await self._by_role[role].answer(request, stage, api_id, role, only_stored=only_stored)

    def stop(self, error: RunStoppedError) -> None:
        """See `Engine.stop`."""
        for engine in self._all:
            engine.stop(error)

    def abort(self) -> None:
        """See `Engine.abort`."""
        for engine in self._all:
            engine.abort()

    async def aclose(self) -> tuple[OpenBatch, ...]:
        """See `Engine.aclose`."""
        self.stop(RunStoppedError("the run has ended", "signal"))
        left = [batch for engine in self._all for batch in await engine.aclose()]
        return tuple(left)


def open_engines(start: EngineStart, store: CompletionStore | None) -> Engines:
    """The engines of a run over its opened store, or over none. Raises what `Engine` raises."""
    opened: list[tuple[TeacherSettings, Engine | FallbackEngine]] = []
    accounts: list[Account] = []
    by_role: dict[Role, Engine | FallbackEngine] = {}
    for role in ROLES:
        settings = start.find_settings(role)
        engine = next((engine for known, engine in opened if is_same(known, settings)), None)
        if engine is None:
            is_assistant = is_same(settings, start.find_settings("assistant"))
            probe: Probe | None = start.probe if is_assistant or start.probe is None else "json"
            chain = [
                Engine(
                    one, store, budget=start.budget, max_error_share=start.max_error_share,
                    key=start.key if one is start.settings else None, secrets=start.secrets,
                    single_shot=start.single_shot, probe=probe,
                )
                for one in list_endpoints(settings)
            ]  # fmt: skip
            accounts += [one.account for one in chain]
            engine = chain[0] if len(chain) == 1 else FallbackEngine(settings, chain)
            opened.append((settings, engine))
        by_role[role] = engine
    share_budget(accounts)
    return Engines(by_role)


def require_usable_teachers(params: BuildToolsetParams) -> None:
    """See that the teachers of a run can be opened, as far as can be told before they are.

    Raises:
        UserError: as for `require_usable_teacher`.
    """
    start = EngineStart(params.teacher, Path(), roles={role: params.get_settings(role) for role in ROLES})
    for settings in start.list_all_settings():
        require_usable_teacher(settings, params.budget)


def require_usable_teacher(settings: TeacherSettings, budget: Budget) -> None:
    """See that one of them can be opened, as far as can be told before it is.

    Raises:
        UserError: what `Engine` raises, a proxy of no use, an Azure deployment without its version; a key in a Prefect
            block is not looked for.
    """
    read_key(settings)
    Account(budget, find_price(settings), settings.model)
    if settings.is_embedded:
        return
    address = find_address(settings)
    require_usable_proxy(address)
    if "/openai/deployments/" in address and settings.api_version is None:
        raise UserError(
            "a deployment at Azure is asked in a version of its API: name it with --teacher.api_version, such as "
            "2024-10-21, or leave the path after the host out of --teacher.base_url"
        )


def is_same(one: TeacherSettings, other: TeacherSettings) -> bool:
    """Whether two settings say the same, whichever role they are of."""
    return one is other or one.model_dump() == other.model_dump()
