"""The agents: what the teacher is asked at each step, and the episode loop between user, assistant and executor."""

from schemas.calls import Stage
from tasks.agents.document import document_api
from tasks.agents.instruct import write_instructions
from tasks.agents.simulate import simulate_episodes
from tasks.agents.specify import specify_api
from tasks.agents.toolset import accept_audit, build_toolset, draft_toolset, toolset_from_document

STAGE_PROMPTS: dict[Stage, tuple[str, ...]] = {
    "document": ("document", "repair"),
    "specify": ("specify", "repair"),
    "instruct": ("instruct", "repair"),
    "simulate": ("assistant", "user"),
}
"""The prompts that a stage renders; their hashes are part of its recipe."""

STAGE_VERSIONS: dict[Stage, int] = {"document": 1, "specify": 1, "instruct": 2, "simulate": 1}
"""Raised by hand when the code of a stage changes what it makes of the same answers."""

__all__ = [
    "STAGE_PROMPTS",
    "STAGE_VERSIONS",
    "accept_audit",
    "build_toolset",
    "document_api",
    "draft_toolset",
    "simulate_episodes",
    "specify_api",
    "toolset_from_document",
    "write_instructions",
]
