"""The words by which operations, parameters and properties are told apart, and what they name."""

from pathlib import Path

from tasks.values import Words, load_words, singularize_last, split_name

_SETS = {key: frozenset[str](words) for key, words in load_words(Path(__file__).with_name("vocabulary.yaml")).items()}

READING = _SETS["reading"]
PICKING = _SETS["picking"]
CREATING = _SETS["creating"]
UPDATING = _SETS["updating"]
DELETING = _SETS["deleting"]
COUNTING = _SETS["counting"]
COMPUTING = _SETS["computing"]
FILLER = _SETS["filler"]
PREPOSITIONS = _SETS["prepositions"]
WRAPPERS = _SETS["wrappers"]
SIMILAR = _SETS["similar"]
VERBS = READING | PICKING | CREATING | UPDATING | DELETING | COUNTING | COMPUTING

ID_WORDS = _SETS["id_words"]
LIMITS = _SETS["limits"]
OFFSETS = _SETS["offsets"]
PAGES = _SETS["pages"]
SORTS = _SETS["sorts"]
DIRECTIONS = _SETS["directions"]
FREE_TEXT = _SETS["free_text"]
CONTROLS = _SETS["controls"]
LOWER_BOUNDS = _SETS["lower_bounds"]
UPPER_BOUNDS = _SETS["upper_bounds"]
FLAGS = _SETS["flags"]


def is_id_name(name: str) -> bool:
    """Whether a name stands for an opaque identifier (`id`, `petId`, `order_uuid`)."""
    words = split_name(name)
    return bool(words) and words[-1] in ID_WORDS and words not in (("app", "id"), ("paid",))


def strip_id(name: str) -> Words:
    """What an id's name says it is the id of: `("pet",)` for `petId`, nothing for `id`."""
    return singularize_last(split_name(name)[:-1])


def read_resource(text: str) -> Words:
    """The thing that a path segment or an operation's name speaks of: `("verse",)` for `getAllVersesFromChapter`."""
    words = list(split_name(text))
    while words and words[0] in VERBS | FILLER:
        words.pop(0)
    for position, word in enumerate(words):
        if word in PREPOSITIONS and position:
            words = words[:position]
            break
    while words and words[-1] in FILLER | COUNTING:
        words.pop()
    return singularize_last(words)
