"""The words by which operations, parameters and properties are told apart, and what they name."""

from functools import lru_cache

from tasks.values import singularize, split_name

Words = tuple[str, ...]


def split_words(text: str) -> frozenset[str]:
    """The words of a list that is written as one text, blanks between them."""
    return frozenset(text.split())


READING = split_words(
    "get list search find fetch retrieve query lookup look browse show all available read view filter explore discover"
)
PICKING = split_words(
    "random latest recent newest top best popular trending featured today current upcoming next daily"
)
CREATING = split_words(
    "create add new register book submit place make schedule order post report subscribe reserve insert upload start "
    "open send log record request save track"
)
UPDATING = split_words("update edit modify change set patch put replace configure manage assign rename")
DELETING = split_words("delete remove cancel destroy unsubscribe clear")
COUNTING = split_words("count counts stats statistics summary total totals aggregate")
COMPUTING = split_words(
    "convert calculate compute estimate compare verify validate check translate analyze generate authenticate initiate "
    "login standardize normalize parse detect predict"
)
FILLER = split_words(
    "details detail info information profile data results result list api rest json by id index v0 v1 v2 v3 v4"
)
PREPOSITIONS = split_words("by from for of in with near on at to within between around per")
WRAPPERS = split_words(
    "data result results response items payload records entries list content rows values hits matches documents body"
)
SIMILAR = split_words("similar related recommendations recommendation recommended suggestions alternatives")
VERBS = READING | PICKING | CREATING | UPDATING | DELETING | COUNTING | COMPUTING

ID_WORDS = split_words("id ids uuid guid")
LIMITS = split_words(
    "limit per_page page_size max_results size take rows results_per_page num_results max n top number_of_results "
    "count items_per_page pagesize perpage num max_items first"
)
OFFSETS = split_words("offset skip start start_index")
PAGES = split_words("page page_number pagenumber p")
SORTS = split_words("sort_by sort order_by orderby sortby sorting rank_by ranked_by by ranking_by")
DIRECTIONS = split_words("order sort_order direction sort_direction sort_dir order_direction")
FREE_TEXT = split_words("query q search keyword keywords text term search_term search_query phrase terms contains s")
CONTROLS = split_words(
    "api_key apikey key token access_key access_token appid app_id callback format lang language locale units unit "
    "fields include expand output pretty html json type timeout version"
)
LOWER_BOUNDS = split_words("min minimum from after since start gte gt above over begin lower earliest")
UPPER_BOUNDS = split_words("max maximum to before until end lte lt below under upper latest")


@lru_cache(maxsize=16384)
def name_words(name: str) -> Words:
    """The words of a name, the last one in the singular, so that `petIds` and `pet_id` are one."""
    words = split_name(name)
    return (*words[:-1], singularize(words[-1])) if words else ()


@lru_cache(maxsize=16384)
def snake(name: str) -> str:
    """A name in snake_case."""
    return "_".join(split_name(name))


def is_id_name(name: str) -> bool:
    """Whether a name stands for an opaque identifier (`id`, `petId`, `order_uuid`)."""
    words = split_name(name)
    return bool(words) and words[-1] in ID_WORDS and words not in (("app", "id"), ("paid",))


def strip_id(name: str) -> Words:
    """What an id's name says it is the id of: `("pet",)` for `petId`, nothing for `id`."""
    words = split_name(name)[:-1]
    return (*words[:-1], singularize(words[-1])) if words else ()


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
    return (*words[:-1], singularize(words[-1])) if words else ()
