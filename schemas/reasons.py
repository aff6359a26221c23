"""Why an instance, an instruction or an API was turned down."""

from enum import StrEnum


class Reason(StrEnum):
    """One reason of rejection; `describe` says when it applies."""

    TEACHER_ERROR = "teacher_error"
    CUT_OFF = "cut_off"
    FILTERED = "filtered"
    REFUSED = "refused"
    PARTIAL = "partial"
    LEAKED_TOKENS = "leaked_tokens"
    INVALID_TOOL_CALL = "invalid_tool_call"
    UNKNOWN_FUNCTION = "unknown_function"
    INVALID_ARGUMENTS = "invalid_arguments"
    UNGROUNDED_ARGUMENT = "ungrounded_argument"
    PLACEHOLDER = "placeholder"
    NO_TOOL_CALL = "no_tool_call"
    NEEDLESS_TOOL_CALL = "needless_tool_call"
    TOO_MANY_STEPS = "too_many_steps"
    UNRECOVERED_ERROR = "unrecovered_error"
    INVALID_RESPONSE = "invalid_response"
    CONTRADICTORY_ANSWER = "contradictory_answer"
    EMPTY_ANSWER = "empty_answer"
    UNDESERVED_ERROR = "undeserved_error"
    UNGROUNDED_RESPONSE = "ungrounded_response"
    UNUSED_RESULT = "unused_result"
    WRONG_END_STATE = "wrong_end_state"
    EMPTY_RESPONSE = "empty_response"
    NO_QUESTION = "no_question"
    JUDGE_PROCESS = "judge_process"
    JUDGE_RESPONSE = "judge_response"
    NEAR_DUPLICATE = "near_duplicate"
    BENCHMARK_OVERLAP = "benchmark_overlap"


DESCRIPTIONS: dict[Reason, str] = {
    Reason.TEACHER_ERROR: "the teacher could not be reached, or gave no usable answer after every attempt",
    Reason.CUT_OFF: "each draw of a turn was cut off, as at a limit of tokens",
    Reason.FILTERED: "each draw of a turn was taken by a content filter, in whole or in part",
    Reason.REFUSED: "each draw of a turn was refused by the model",
    Reason.PARTIAL: "each draw of a turn broke off or came with an error, or what the response announces is not there",
    Reason.LEAKED_TOKENS: "an answer holds tokens that steer the model, such as <|im_end|>",
    Reason.INVALID_TOOL_CALL: "a call is not one: its arguments are no JSON object, or it is written as text",
    Reason.UNKNOWN_FUNCTION: "a call names a function that the API does not have",
    Reason.INVALID_ARGUMENTS: "the arguments of a call do not conform to the function's schema",
    Reason.UNGROUNDED_ARGUMENT: "an argument's value was neither said by the user nor returned by an earlier call",
    Reason.PLACEHOLDER: "an argument, an answer of the API or the response holds a placeholder: YOUR_KEY, <id>",
    Reason.NO_TOOL_CALL: "the instruction needs a function and none was called, or several and only one was",
    Reason.NEEDLESS_TOOL_CALL: "no function fits the instruction and one was called",
    Reason.TOO_MANY_STEPS: "the episode reached the limit of assistant turns without a final response",
    Reason.UNRECOVERED_ERROR: "the API erred and no later call to the function succeeded",
    Reason.INVALID_RESPONSE: "the API's answer does not conform to the document's schema",
    Reason.CONTRADICTORY_ANSWER: "the API's answer contradicts its request, or what was answered before",
    Reason.EMPTY_ANSWER: "a model that plays the API found nothing, and nothing says why it should not",
    Reason.UNDESERVED_ERROR: "a model that plays the API answered with an error that the request had not deserved",
    Reason.UNGROUNDED_RESPONSE: "the final response states a value that no observation and no message holds",
    Reason.UNUSED_RESULT: "something was to be found out, and the response uses nothing of what the calls returned",
    Reason.WRONG_END_STATE: "what the user asked to be changed was not, or something else was",
    Reason.EMPTY_RESPONSE: "the final response is empty, or each draw of a turn said nothing",
    Reason.NO_QUESTION: "a detail was missing and the assistant did not ask for it before calling",
    Reason.JUDGE_PROCESS: "the judge found the calls wrong",
    Reason.JUDGE_RESPONSE: "the judge found the final response wrong",
    Reason.NEAR_DUPLICATE: "the instruction is nearly the same as one that was kept",
    Reason.BENCHMARK_OVERLAP: "the instruction is nearly the same as one of a given benchmark",
}
