"""The `simulate` step: all episodes of one API, side by side, each in a world of its own."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from schemas.episodes import Episode, Instruction, Kind
from schemas.parameters import Executor
from schemas.toolset import Toolset
from tasks.agents.asking import derive_seed, gather_or_cancel
from tasks.agents.episode import EpisodeApi, run_episode
from tasks.executors.simulated import SimulatedApi, SimulatedTransport
from tasks.mock import MockApi, MockTransport
from tasks.openapi import list_operations

if TYPE_CHECKING:
    from tasks.teacher import Teacher


async def simulate_episodes(
    toolset: Toolset,
    instructions: Sequence[Instruction],
    seed: int,
    teacher: "Teacher",
    concurrency: int,
    executor: Executor = "mock",
) -> tuple[Episode, ...]:
    """One episode for each instruction, in their order; at most `concurrency` at a time.

    Raises:
        FatalTeacherError: The teacher cannot be used at all.
    """
    operations = list_operations(toolset.document)
    mock = MockApi(operations, toolset.entry.id)
    simulated = SimulatedApi(toolset, mock, teacher)
    by_name = {operation.name: operation for operation in operations}
    places = asyncio.Semaphore(concurrency)

    async def play(instruction: Instruction) -> Episode:
        episode_seed = derive_seed("episode", instruction.id, seed)
        fail_once = instruction.kind is Kind.ERROR_RECOVERY
        transport: MockTransport | SimulatedTransport
        if executor == "mock":
            transport = mock.transport(episode_seed, fail_once=fail_once)
        else:
            transport = simulated.transport(episode_seed, instruction.id, fail_once=fail_once)
        async with places:
            reached = EpisodeApi(by_name, transport, transport.read_changes)
            return await run_episode(toolset, instruction, reached, episode_seed, teacher)

    return tuple(await gather_or_cancel([play(instruction) for instruction in instructions]))
