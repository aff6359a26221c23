"""What to set where a model calls no functions: by what the endpoint says, or by what is known of it."""

from schemas.teacher import TeacherSettings
from tasks.teacher.presets import find_preset
from tasks.teacher.sending.refusals import TOOL_FLAGS

_VLLM = "start the server with --enable-auto-tool-choice and --tool-call-parser NAME, as its model's card says"
_LLAMA_CPP = "start llama-server with --jinja"
_OTHER_MODEL = "name a model that can, with --teacher.model"
_OPENROUTER = f"{_OTHER_MODEL}, such as one of https://openrouter.ai/models?supported_parameters=tools"
_READ_CALLS = (
    f"{_OTHER_MODEL}, or have the server read its calls (llama.cpp: --jinja; vLLM: --enable-auto-tool-choice, "
    "--tool-call-parser)"
)


def find_tools_remedy(settings: TeacherSettings, said: str | None) -> str:
    """The remedy, where the endpoint `said` that functions cannot be called; None: it said nothing, and none was."""
    if said is not None and (flag := TOOL_FLAGS.search(said)) is not None:
        return _LLAMA_CPP if flag[0] == "--jinja" else _VLLM
    if (preset := find_preset(settings)) is not None:
        return preset.tools
    if said is None:
        return _READ_CALLS
    return _OPENROUTER if "endpoints found" in said else _OTHER_MODEL
