"""Titles, names, sentences and descriptions in plain English, put together from word lists."""

from random import Random

from tasks.values.words import split_words

ADJECTIVES = split_words(
    "Silent Golden Hidden Northern Distant Bright Quiet Endless Broken Crimson Gentle Wild Early Open Lasting "
    "Modern Coastal Winter Summer Autumn Electric Velvet Copper Amber Silver Curious Bold Simple Honest Little "
    "Great Second Final Shared Secret Rising Paper Wooden Urban Rural Midnight Morning Evening Floating Frozen "
    "Burning Lucky Patient Restless Clever Ancient Northbound Sunlit Faithful Painted Scarlet Emerald Stormy "
    "Tidal"
)
NOUNS = split_words(
    "Harbor River Garden Mountain Forest Bridge Window Journey Letter Lantern Island Valley Station Horizon "
    "Meadow Compass Archive Orchard Market Signal Canvas Engine Voyage Kitchen Library Shadow Mirror Summit Tide "
    "Echo Workshop Festival Crossing Notebook Carousel Lighthouse Railway Observatory Courtyard Pavilion Trail "
    "Canyon Melody Harvest Sparrow Falcon Willow Cedar Maple Ember Comet Anchor Prairie Glacier Terrace Quarry"
)
TITLE_FORMS = (
    "The {a} {n}",
    "{a} {n}",
    "{n} of the {a} {m}",
    "A {a} {n}",
    "The {n} and the {m}",
    "{a} {n}s",
    "Beyond the {n}",
    "Notes from the {a} {n}",
    "The Last {n}",
    "{n} at Dawn",
    "Return to the {n}",
    "Letters from the {n}",
)
SUBJECTS = (
    "The new release",
    "This edition",
    "The local team",
    "A small group of volunteers",
    "The latest update",
    "The service",
    "Our partner in the north",
    "The committee",
    "The second season",
    "An independent review",
    "The original design",
    "The museum",
    "A recent survey",
    "The main entrance",
    "The whole collection",
    "The morning session",
    "The project",
    "The old building",
)
PREDICATES = (
    "was received warmly by visitors of all ages",
    "is known for its careful attention to detail",
    "brings together ideas from several fields",
    "has been open to the public since the spring",
    "offers a good start for beginners",
    "was completed two weeks ahead of schedule",
    "covers the most common questions in plain language",
    "makes everyday work noticeably easier",
    "combines traditional methods with modern materials",
    "remains popular with families and students",
    "includes several improvements that users asked for",
    "shows how much can be done with simple means",
    "follows the river for most of its length",
    "is best enjoyed in the early hours of the day",
    "was restored with the help of local craftspeople",
    "draws on more than ten years of experience",
    "is updated every week with fresh material",
    "needs no special equipment",
)
ENDINGS = (
    "",
    "",
    "",
    " and is available all year round",
    ", which came as a surprise to many",
    " at no additional charge",
    ", according to the organizers",
    " and can be booked in advance",
    " despite the short notice",
    ", even on busy weekends",
)
SEARCH_WORDS = split_words(
    "garden history travel music coffee science family winter design health ocean budget training festival "
    "classic beginner vegetarian outdoor space weather football jazz mountain security photography"
)
WORDS = split_words(
    "harbor lantern meadow compass orchard signal canvas voyage summit echo festival notebook trail canyon melody "
    "harvest sparrow falcon willow cedar maple ember comet anchor prairie glacier terrace quarry garden bridge "
    "window journey letter island valley station horizon market engine kitchen library mirror tide workshop "
    "forest river"
)


def write_title(rng: Random) -> str:
    """A title such as "Letters from the Harbor"."""
    noun, other = rng.sample(NOUNS, 2)
    title = rng.choice(TITLE_FORMS).format(a=rng.choice(ADJECTIVES), n=noun, m=other)
    return title if not title.startswith("A ") or title[2] not in "AEIOU" else f"An {title[2:]}"


def write_label(rng: Random) -> str:
    """A name for a thing of any sort, such as "Amber Falcon"."""
    return f"{rng.choice(ADJECTIVES)} {rng.choice(NOUNS)}"


def write_sentence(rng: Random) -> str:
    """One sentence of eight to twenty words."""
    return f"{rng.choice(SUBJECTS)} {rng.choice(PREDICATES)}{rng.choice(ENDINGS)}."


def write_description(rng: Random) -> str:
    """Two sentences."""
    first, second = rng.sample(SUBJECTS, 2)
    done, other = rng.sample(PREDICATES, 2)
    return f"{first} {done}{rng.choice(ENDINGS)}. {second} {other}."
