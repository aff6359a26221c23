"""A small made-up dataset with realistic content: three APIs, every kind, some rejected rows."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from upath import UPath

from schemas.calls import LedgerRow
from schemas.catalog import CatalogEntry
from schemas.episodes import Change, Episode, Instruction, Kind, Message, Observation, ToolCall, Trajectory, Verdict
from schemas.instance import Instance, RejectedApi
from schemas.judging import Grade, Vote
from schemas.manifest import DatasetFacts, TableFacts
from schemas.reasons import Reason
from schemas.toolset import AuditedCall, Function, Toolset
from tasks.datasets.parquet import RowT, TableWriter
from tasks.datasets.rows import build_api_row, build_instance, build_rejected_api_row
from tasks.datasets.sample import Outline
from tasks.datasets.statistics import Tally
from tasks.datasets.tables import ApiPart, Content

CREATED_AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
SYSTEM = "You are a helpful assistant. Use the functions where they help; ask when a detail is missing."
WORLDS = (
    ("open-trails", "Open Trails", "Sports & Fitness", "trail", "Bergen", "Fløyen Loop"),
    ("museum-finder", "Museum Finder", "Art & Design", "museum", "Lisbon", "House of Tiles"),
    ("harbour-tides", "Harbour Tides", "Science & Math", "harbour", "Cork", "Cobh Pier"),
    ("recipe-box", "Recipe Box", "Food & Drink", "recipe", "Oaxaca", "Black Mole"),
)


def build_toolset(world: int = 0) -> Toolset:
    api_id, name, category, thing, _, _ = WORLDS[world % len(WORLDS)]
    title = thing.capitalize()
    search = {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": f"The city to look for a {thing} in.", "examples": ["Bergen"]},
            "limit": {"type": "integer", "description": "How many to return.", "default": 5, "minimum": 1},
        },
        "required": ["city"],
    }
    get = {
        "type": "object",
        "properties": {f"{thing}Id": {"type": "string", "description": f"The {thing}'s id, from search{title}s."}},
        "required": [f"{thing}Id"],
    }
    functions = (
        Function(name=f"search{title}s", parameters=search,
                 description=f"Find a {thing} by city. Returns: results (list of id, name), total."),
        Function(name=f"get{title}", description=f"Get one {thing}. Returns: id, name, city, rating.", parameters=get),
    )  # fmt: skip
    listed = {"type": "object", "properties": {"results": {"type": "array", "items": {"type": "object", "properties": {
        "id": {"type": "string"}, "name": {"type": "string"}}}}, "total": {"type": "integer"}}}  # fmt: skip
    one = {"type": "object", "properties": {key: {"type": "string"} for key in ("id", "name", "city", "rating")}}
    document = {
        "openapi": "3.1.0",
        "info": {"title": name, "version": "1.0.0"},
        "paths": {
            f"/{thing}s": {"get": _operation(functions[0], listed)},
            f"/{thing}s/{{{thing}Id}}": {"get": _operation(functions[1], one)},
        },
    }
    entry = CatalogEntry(
        id=api_id,
        name=name,
        description=f"Find a {thing} near you",
        category=category,
        link=f"https://{api_id}.example",
    )
    audit = (AuditedCall(function=f"get{title}", good=True, arguments={f"{thing}Id": "a1"}, status=200),)
    return Toolset(entry=entry, introduction=f"{name} knows every {thing} worth a visit.", document=document,
                   functions=functions, audit=audit, teacher="offline")  # fmt: skip


def _operation(function: Function, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "operationId": function.name,
        "responses": {"200": {"description": "Found.", "content": {"application/json": {"schema": schema}}}},
    }


def call(id: str, name: str, arguments: Any) -> ToolCall:
    return ToolCall(id=id, name=name, arguments=arguments if isinstance(arguments, str) else json.dumps(arguments))


def observe(id: str, status: int, body: Any) -> Message:
    return Message(
        role="tool", tool_call_id=id, content=json.dumps({"status": status, "body": body}, ensure_ascii=False)
    )


def say(content: str, *calls: ToolCall) -> Message:
    return Message(role="assistant", content=content, tool_calls=calls)


def ask(content: str) -> Message:
    return Message(role="user", content=content)


def build_messages(kind: Kind, world: int = 0) -> tuple[str, tuple[Message, ...]]:
    """An instruction of the kind, and the conversation that it leads to."""
    _, _, _, thing, city, name = WORLDS[world % len(WORLDS)]
    title, id = thing.capitalize(), f"{thing[:2]}_{7300 + world}"
    search = call("c1", f"search{title}s", {"city": city, "limit": 3})
    get = call("c2", f"get{title}", {f"{thing}Id": id})
    found = {"results": [{"id": id, "name": name}], "total": 1}
    detail = {"id": id, "name": name, "city": city, "rating": 4.6, "open": True, "note": None}
    system = Message(role="system", content=SYSTEM)
    if kind is Kind.SINGLE_CALL:
        text = f"Which {thing}s are there in {city}? Three will do."
        return text, (system, ask(text), say(f"I look for a {thing} in {city}.", search), observe("c1", 200, found),
                      say(f"In {city} there is one: {name}."))  # fmt: skip
    if kind is Kind.MULTI_CALL:
        text = f"I'm in {city} for a day and want to see a {thing}. How is the best one rated?"
        return text, (system, ask(text), say("First I need its id.", search), observe("c1", 200, found),
                      say("Now the details, with the id from the search.", get), observe("c2", 200, detail),
                      say(f"{name} in {city} is rated 4.6."))  # fmt: skip
    if kind is Kind.MISSING_DETAIL:
        text = f"Find me a {thing}, please."
        return text, (system, ask(text), say("Which city should I look in?"), ask(f"In {city}."),
                      say("The user named the city.", search), observe("c1", 200, found),
                      say(f"I found {name}."))  # fmt: skip
    if kind is Kind.NO_TOOL:
        text = f"Could you write me a limerick about {city}?"
        return text, (
            system,
            ask(text),
            say("None of the functions at hand can do that, so I cannot help with it here."),
        )
    text = f"Look up the {thing}s of {city} and tell me how many there are."
    again = call("c3", f"search{title}s", {"city": city})
    failed = {"error": {"code": "unavailable", "message": "Try again in a moment."}}
    return text, (system, ask(text), say(f"I search in {city}.", search), observe("c1", 503, failed),
                  say("That failed on their side; I try once more.", again), observe("c3", 200, found),
                  say(f"There is 1 {thing} in {city}."))  # fmt: skip


def build_episode(kind: Kind, world: int = 0, number: int = 0) -> Episode:
    api_id = WORLDS[world % len(WORLDS)][0]
    text, messages = build_messages(kind, world)
    observations = tuple(
        Observation(tool_call_id=m.tool_call_id or "", function="", status=200, body=None)
        for m in messages
        if m.role == "tool"
    )
    return Episode(
        instruction=Instruction(id=f"{api_id}-{number:03}-{kind.value}", api_id=api_id, kind=kind, text=text),
        trajectory=Trajectory(messages=messages, observations=observations, end="response"),
        seed=number,
        end_state=(Change(action="removed", collection="hotspot", id=f"hots_{number}"),) if number else (),
    )


def build_row(kind: Kind = Kind.MULTI_CALL, world: int = 0, number: int = 0, reason: Reason | None = None) -> Instance:
    toolset, episode = build_toolset(world), build_episode(kind, world, number)
    instruction = episode.instruction
    verdicts = [Verdict(check="calls_parse", keep=True)]
    if reason is not None:
        verdicts.append(
            Verdict(
                check=f"check_{reason.value}",
                keep=False,
                reason=reason,
                detail="city='Bergen' is not in what the user said",
            )
        )
    calls = [build_ledger_row(instruction.id, instruction.api_id)]
    right, wrong = Grade(right=True, reason="So it is."), Grade(right=False, reason="It tells of another.")
    votes = [Vote(process=right, response=right), Vote(process=right, response=wrong)] if number else []
    return build_instance(episode, toolset, verdicts, calls, votes, teacher="offline",
                          executor="mock", recipe_hash="0123456789abcdef",
                          prompt_versions={"assistant": "3", "user": "2"}, created_at=CREATED_AT)  # fmt: skip


def build_rows() -> list[Instance]:
    """Every kind for every API, and three rejected rows."""
    rows = [build_row(kind, world, n) for world in range(len(WORLDS)) for n, kind in enumerate(Kind)]
    rejected = (Reason.UNGROUNDED_ARGUMENT, Reason.NEAR_DUPLICATE, Reason.UNGROUNDED_ARGUMENT)
    return rows + [build_row(Kind.SINGLE_CALL, n, 90 + n, reason) for n, reason in enumerate(rejected)]


def build_toolsets() -> list[Toolset]:
    return [build_toolset(world) for world in range(len(WORLDS))]


def build_ledger_row(owner: str, api_id: str, **changes: Any) -> LedgerRow:
    fields: dict[str, Any] = {
        "stage": "simulate", "api_id": api_id, "owner": owner, "model": "offline", "prompt_tokens": 812,
        "completion_tokens": 96, "cached_tokens": 0, "reasoning_tokens": 0, "cost_usd": 0.0, "latency_s": 0.01,
        "attempts": 1, "stored": False, "finish_reason": "stop", "fingerprint": "",
    }  # fmt: skip
    return LedgerRow(**(fields | changes))


def build_ledger(rows: Sequence[Instance]) -> list[LedgerRow]:
    return [build_ledger_row(row.id, row.api_id) for row in rows]


def build_rejected_api() -> RejectedApi:
    entry = CatalogEntry(id="broken", name="Broken | API", description="Has a *loop*", category="Development")
    return RejectedApi(
        entry=entry,
        stage="specify",
        problems=("paths./a: reference loop <script>alert(1)</script>",),
        teacher="offline",
    )


def build_content(
    rows: Sequence[Instance],
    toolsets: Sequence[Toolset] = (),
    rejected: Sequence[RejectedApi] = (),
    ledger: Sequence[LedgerRow] = (),
) -> Content:
    """What a dataset of these rows is made of, in the order that its tables have."""
    apis = sorted([*map(build_api_row, toolsets), *map(build_rejected_api_row, rejected)], key=lambda api: api.api_id)
    calls = sorted(ledger, key=lambda call: (call.api_id, call.stage, call.owner))
    parts = (ApiPart(api, [call for call in calls if call.api_id == api.api_id]) for api in apis)
    return Content(outline_rows(rows), iter(sorted(rows, key=lambda row: row.id)), parts)


def build_sample_content() -> Content:
    """The whole made-up dataset: `build_rows`, their toolsets and calls, and an API that was rejected."""
    rows = build_rows()
    return build_content(rows, build_toolsets(), [build_rejected_api()], build_ledger(rows))


def outline_rows(rows: Iterable[Instance]) -> list[Outline]:
    """The outlines of rows that are at hand."""
    return [Outline(row.id, row.api_id, row.category, row.kind, row.reasons, row.accepted) for row in rows]


def count_rows(rows: Iterable[Instance]) -> Tally:
    """The tally of rows that are at hand."""
    tally = Tally()
    for row in rows:
        tally.add(row)
    return tally


def write_table(path: UPath, rows: Iterable[RowT], row_type: type[RowT]) -> TableFacts:
    """Write all rows of a table and complete it."""
    with TableWriter(path, row_type) as writer:
        for row in rows:
            writer.add(row)
        return writer.finish()


def build_facts(**changes: Any) -> DatasetFacts:
    fields: dict[str, Any] = {
        "teacher": "offline", "executor": "mock", "seed": 0, "recipe_hash": "0123456789abcdef",
        "prompt_versions": {"assistant": "3", "user": "2"}, "created_at": CREATED_AT,
        "catalog_note": "after the public-apis list (MIT); descriptions written anew.",
    }  # fmt: skip
    return DatasetFacts(**(fields | changes))
