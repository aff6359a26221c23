"""Text that would act on whoever looks at it: each kind of character that is none to be seen, and markup."""

HOSTILE = {
    "colour": "\x1b[31m",
    "title of the window": "\x1b]0;taken\x07",
    "link of the terminal": "\x1b]8;;http://evil.example\x1b\\here\x1b]8;;\x1b\\",
    "C1 escape": "\x9b31m",
    "backspaces over what was said": "\b\b\b",
    "carriage return over what was said": "\rerror: none",
    "line of its own": "\nerror: none",
    "line separator": "\u2028error: none",
    "next line": "\x85error: none",
    "delete": "\x7f",
    "null": "\0",
    "direction turned": "\u202egnp.exe\u202c",
    "direction isolated": "\u2067abc\u2069",
    "Arabic letter mark": "\u061c",
    "no width": "a\u200bb\u2060c\ufeffd",
    "tags that hide text": "\U000e0041\U000e0042",
    "interlinear": "\ufff9a\ufffab\ufffb",
    "private use": "\ue000",
}
"""By what each does; no surrogates, for what is tried with it travels as UTF-8."""

ALL = "".join(HOSTILE.values())

VISIBLE = "Grüße, שלום, مرحبا, 日本語, हिन्दी, 🐑🇩🇪, e\u0301, 100 €"
"""Letters of other scripts, marks and emoji, which stay as they are."""


def list_unprintable(text: str) -> list[str]:
    """What of the text can act or is not to be seen, by code point; line ends, of whole lines, are none of it."""
    return sorted({f"U+{ord(one):04X}" for one in text if one != "\n" and not one.isprintable()})
