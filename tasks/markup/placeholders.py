"""Placeholders: what stands where a value should, left by a teacher that had none.

Clear ones only: `<id>` (no HTML tag), `{city}`, `{{date}}`, `${token}`, `[your name]`, `YOUR_API_KEY`, `your-id-here`,
`xxx`, `TODO`, `TBD`, `FIXME`, `PLACEHOLDER`, lorem ipsum; and as the whole of an argument words such as `string`,
`example`, `dummy`, `N/A`, `...`, `test_id`, `[anything]`. What the user or the API said word for word is none, whatever
it looks like. Made-up values that look real (`123456`, `john.doe@example.com`) are found by their missing origin.
"""

import re
from collections.abc import Callable, Iterator

_HTML = (
    "a|abbr|b|blockquote|br|code|dd|del|div|dl|dt|em|h[1-6]|hr|i|img|ins|kbd|li|mark|ol|p|pre|q|s|small|span|strong|"
    "sub|sup|table|tbody|td|th|thead|tr|u|ul"
)
_IN_TEXT = re.compile(
    rf"""
      <(?!/?(?:{_HTML})\b)[A-Za-z][A-Za-z0-9_ \-]{{0,40}}>       # <id>, <your city>
    | (?:\$\{{|\{{)\{{?\s*[A-Za-z_][A-Za-z0-9_. \-]{{0,40}}\s*\}}?\}}             # {{id}}, {{{{id}}}}, ${{id}}
    | (?i:\[(?:your|insert|enter|the|user|api)[ _\-][A-Za-z0-9_ \-]{{1,40}}\])(?!\() # [your name], not [a link](url)
    | \b(?:                                              # one test of the border for all: most places fail it
        (?:YOUR|MY|INSERT|ENTER)_[A-Z0-9_]+
      | (?:your|insert|enter)[_\-](?:[a-z0-9]+[_\-])*(?:id|key|token|name|value|email|city|here)
      | TODO | TBD | FIXME | PLACEHOLDER | (?i:lorem\ ipsum)
      )\b
    | (?<![^\W_])[xX]{{3,}}(?![^\W_])
    """,
    re.VERBOSE,
)
_WHOLE = re.compile(
    r"""
      (?:the[ _])?(?:string|integer|number|boolean|placeholder|example|sample|dummy|foo|bar|baz|foobar|n/a|unknown|value
        |null|none|undefined|todo|tbd|some[ _](?:id|value|name)|\.\.\.|…|\?+|-+|_+)
    | (?:example|sample|dummy|test|fake|some|your)[_\-\ ]
        (?:id|key|token|value|name|string|text|city|email|user)(?:[_\- ]?\d+)?
    | \[[A-Za-z][^\[\]]{1,40}\]
    """,
    re.VERBOSE | re.IGNORECASE,
)


def find_placeholders(text: str, is_said: Callable[[str], bool], whole: bool = False) -> Iterator[str]:
    """The placeholders in a text. `is_said` tells whether the user or the API said a text word for word.

    With `whole` the text is one value, which may be a placeholder as a whole.
    """
    if whole and _WHOLE.fullmatch(text.strip()) and not is_said(text.strip()):
        yield text.strip()
        return
    for match in _IN_TEXT.finditer(text):
        if not is_said(match.group()):
            yield match.group()
