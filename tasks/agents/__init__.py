"""The agents: what the teacher is asked at each step, and the episode loop between user, assistant and executor."""

from tasks.agents.document import document_api
from tasks.agents.instruct import instruct_api
from tasks.agents.simulate import simulate_episodes
from tasks.agents.specify import describe_functions
from tasks.agents.toolset import accept_audit, draft_toolset, toolset_from_document

__all__ = [
    "accept_audit",
    "describe_functions",
    "document_api",
    "draft_toolset",
    "instruct_api",
    "simulate_episodes",
    "toolset_from_document",
]
