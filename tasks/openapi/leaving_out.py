"""What an excess costs: the operations that cannot do without the part that it stands in, else the document."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from tasks.openapi.errors import DocumentError
from tasks.openapi.functions import METHODS
from tasks.openapi.growth import MOST_GROWN_IN_ALL, Growth, read_pointer, tell_excess
from tasks.openapi.limits import MOST_OPERATIONS, Excess, Keys, find_excess, write_place
from tasks.values.counting import count_drawn

MOST_DRAWN = 50_000
"""Values that are drawn at a time for an operation's arguments and answers: objects, lists and what they hold."""

MOST_DRAWN_IN_ALL = 500_000
"""Those of all operations."""

MOST_TOLD = 3
"""Reasons that are told where nothing is left."""

NEVER_USED = ("webhooks", "externalDocs")
"""Root keys whose excess costs nothing else."""

SHARED = ("definitions", "parameters", "responses")
"""Root keys of Swagger 2.0 that hold parts by name."""


def bound_document(doc: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """A document without what is over a limit and all that refers to it, and a line for each that was left out.

    The document itself where there is nothing of that kind.

    Raises:
        DocumentError: the excess belongs to no operation, or no operation is left.
    """
    excess = list_excess(doc)
    return _leave_out(doc, excess) if excess else (doc, [])


def list_excess(doc: dict[str, Any]) -> list[Excess]:
    """All that is over a limit, as written and with references in place.

    Raises:
        DocumentError: the document cannot be gone through so far.
    """
    found = find_excess(doc)
    operations = list(_list_operations(doc))
    if len(operations) > MOST_OPERATIONS:
        return [Excess(("paths",), f"{len(operations):,} operations are more than {MOST_OPERATIONS:,}")]
    if any(not _find_unit(excess.keys) for excess in found):
        return found
    growth, total, lost = Growth(doc), 0, {excess.keys[:3] for excess in found}
    for keys, item, operation in operations:
        shared = growth.measure({key: part for key, part in item.items() if key not in METHODS})
        size = growth.measure(operation)
        size = size._replace(values=size.values + shared.values)
        over = tell_excess(keys, size)
        if over is not None:
            found.append(over)
        elif keys not in lost:
            total += size.values
    for keys in _list_components(doc):  # the validator looks at these, used or not
        pointer = "/".join(str(key).replace("~", "~0").replace("/", "~1").replace("%", "%25") for key in keys)
        over = tell_excess(keys, growth.measure({"$ref": f"#/{pointer}"}))
        if over is not None:
            found.append(over)
    if total > MOST_GROWN_IN_ALL:
        grown = f"the document grows past {MOST_GROWN_IN_ALL:,} values when its references are put in place"
        return [Excess((), grown)]
    return found


def leave_out_overdrawn(document: dict[str, Any]) -> list[str]:
    """Take the operations out of a normalised document of which no value can be drawn in time, and say so of each.

    Raises:
        DocumentError: none is left.
    """
    lines = []
    for excess in list_overdrawn(document):
        _, path, method = excess.keys[:3]
        del document["paths"][path][method]
        lines.append(f"{str(method).upper()} {write_place((path,))}: left out, for {excess}")
    if lines and not any(document["paths"].values()):
        raise DocumentError("; ".join(lines[:MOST_TOLD]))
    return lines


def list_overdrawn(document: dict[str, Any]) -> list[Excess]:
    """The operations of a normalised document whose values would grow past a limit, lists filled as they ask for."""
    found, total = [], 0
    for path, item in document["paths"].items():
        for method in item:
            drawn = sum(count_drawn(schema, MOST_DRAWN) for schema in _list_schemas(item[method]))
            total += drawn
            if drawn > MOST_DRAWN or total > MOST_DRAWN_IN_ALL:
                total -= drawn
                most, of = (
                    (MOST_DRAWN, "values") if drawn > MOST_DRAWN else (MOST_DRAWN_IN_ALL, "values of all operations")
                )
                found.append(Excess(("paths", path, method), f"its arguments and answers grow past {most:,} {of}"))
    return found


def _list_schemas(operation: dict[str, Any]) -> Iterator[Any]:
    holders = [*operation.get("parameters", ()), operation.get("requestBody", {}), *operation["responses"].values()]
    for holder in holders:
        yield holder.get("schema")
        yield from (media.get("schema") for media in list(holder.get("content", {}).values())[:1])


def _list_operations(doc: dict[str, Any]) -> Iterator[tuple[Keys, dict[str, Any], Any]]:
    """The place of each operation, its path item, and itself."""
    paths = doc.get("paths")
    for path, item in paths.items() if isinstance(paths, dict) else ():
        for method in METHODS if isinstance(item, dict) else ():
            if method in item:
                yield ("paths", path, method), item, item[method]


def _list_components(doc: dict[str, Any]) -> Iterator[Keys]:
    components = doc.get("components")
    for kind, parts in components.items() if isinstance(components, dict) else ():
        yield from (("components", kind, name) for name in (parts if isinstance(parts, dict) else ()))
    for kind in SHARED:
        yield from ((kind, name) for name in (doc[kind] if isinstance(doc.get(kind), dict) else ()))


def _find_unit(keys: Keys) -> Keys:
    """The part that a place belongs to and that can be left out; none where that is the document."""
    if len(keys) >= 3 and keys[0] == "paths" and keys[2] in METHODS:
        return keys[:3]
    if len(keys) >= 2 and keys[0] in ("paths", *SHARED):
        return keys[:2]
    if len(keys) >= 3 and keys[0] == "components":
        return keys[:3]
    return keys[:1] if keys and (keys[0] in NEVER_USED or str(keys[0]).startswith("x-")) else ()


def _leave_out(doc: dict[str, Any], excess: list[Excess]) -> tuple[dict[str, Any], list[str]]:
    reasons: dict[Keys, str] = {}
    for each in excess:
        unit = _find_unit(each.keys)
        if not unit:
            raise DocumentError(str(each))
        reasons.setdefault(unit, str(each))
    _spread(doc, reasons)
    kept = _copy_without(doc, reasons)
    had = [keys for keys, _, _ in _list_operations(doc)]
    if had and not any(True for _ in _list_operations(kept)):
        raise DocumentError("; ".join(list(dict.fromkeys(reasons.values()))[:MOST_TOLD]))
    lines = []
    for keys in had:
        reason = reasons.get(keys) or reasons.get(keys[:2])
        if reason is not None:
            lines.append(f"{str(keys[2]).upper()} {write_place(keys[1:2])}: left out, for {reason}")
    used = {reason for keys, reason in reasons.items() if keys[0] == "paths"}
    lines += [
        f"{write_place(keys)}: left out, for {reason}"
        for keys, reason in reasons.items()
        if keys[0] != "paths" and reason not in used
    ]
    return kept, lines


def _spread(doc: dict[str, Any], reasons: dict[Keys, str]) -> None:
    """Give each part that refers to one that is left out that one's reason, from part to part."""
    referring: dict[Keys, set[Keys]] = defaultdict(set)
    for unit, node in _list_units(doc):
        for pointer in _list_pointers(node):
            target = _find_unit(read_pointer(pointer) or ())
            if target and target != unit:
                referring[target].add(unit)
                referring[target[:2]].add(unit)
    waiting = list(reasons)
    while waiting:
        unit = waiting.pop()
        for other in referring.get(unit, ()):
            if other not in reasons:
                reasons[other] = reasons[unit]
                waiting.append(other)


def _list_units(doc: dict[str, Any]) -> Iterator[tuple[Keys, Any]]:
    paths = doc.get("paths")
    for path, item in paths.items() if isinstance(paths, dict) else ():
        if isinstance(item, dict):
            yield ("paths", path), {key: part for key, part in item.items() if key not in METHODS}
    yield from ((keys, operation) for keys, _, operation in _list_operations(doc))
    for keys in _list_components(doc):
        part: Any = doc
        for key in keys:
            part = part[key]
        yield keys, part


def _list_pointers(part: Any) -> Iterator[str]:
    waiting = [part]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                yield node["$ref"]
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


def _copy_without(doc: dict[str, Any], reasons: dict[Keys, str]) -> dict[str, Any]:
    """The document without those parts; what is not touched is shared with it."""
    copies: dict[Keys, Any] = {(): dict(doc)}
    for unit in reasons:
        for depth in range(1, len(unit)):
            above, holder = copies.get(unit[: depth - 1]), unit[:depth]
            if holder not in copies and above is not None:
                part = above.get(holder[-1])
                copies[holder] = above[holder[-1]] = dict(part) if isinstance(part, dict) else None
        if copies.get(unit[:-1]) is not None:
            copies[unit[:-1]].pop(unit[-1], None)
    kept: dict[str, Any] = copies[()]
    return kept
