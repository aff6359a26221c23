"""Whether an assistant's text asks the user for something, with a question mark or without."""

import re

_ASKED_FOR = (
    r"(?:tell|give|provide|specify|share|clarify|confirm|send|enter|supply|name|choose|select|pick|indicate|state|say)"
)
_WHAT = r"(?:which|what|who|whom|whose|where|when|how|whether|the|your|a|an|one|some|more|any|me the|me your)"
_LACKED = r"(?:to\s+know|you\s+to|the|your|a|an|one|some|more)"
_QUESTION_WORD = r"(?:which|what|whose|where|when|who|how\s+(?:many|much|long|old|far))"
_ASKS = re.compile(
    rf"""
      \b(?:please|kindly)\s+(?:also\s+|just\s+)?{_ASKED_FOR}\b(?!\s+me\s+if\b)
    | \b(?:could|can|would|will)\s+you\s+(?:please\s+|also\s+|kindly\s+)?{_ASKED_FOR}\b
    | \blet\s+me\s+know\s+{_WHAT}\b(?!\s+(?:when\s+)?you(?:'d|\s+would)?\s+(?:need|want)\s+(?:more|anything))
    | \b(?:tell|give)\s+me\s+{_WHAT}\b
    | \bI(?:'ll|\s+will|\s+would|\s+still|\s+also|\s+just|\s+first)*\s+(?:need|require)\s+{_LACKED}\b
    | (?:^|[.!:\n]\s*)(?:so,?\s+|and\s+|but\s+)?{_QUESTION_WORD}
      (?:\s+(?!(?:you|I|we|they|it|is|are|was|were|has|have|had|follows)\b)\w+){{0,4}}?
      \s+(?:do|does|would|should|shall|is|are|can|could|will|did)\s+(?:you|I|it|the|your|this|that)\b
    | (?:^|[.!:\n]\s*)(?:do|would|could|can|should|shall|may)\s+(?:you|I)\b
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""How English asks; an offer ("let me know if you need more") asks for nothing."""


def asks_user(text: str) -> bool:
    """Whether the user is to be asked what they say to this."""
    return "?" in text or _ASKS.search(text) is not None
