"""Two answers held against each other: doubles to one part in 10^9, everything else exactly, rows in their order."""

import json
import math
from datetime import date, datetime
from decimal import Decimal

from common import Answer, order_of
from world import micros

RELATIVE_MAX = 1e-9
# Texts that stand in columns of any type.
MARKS = ("(withheld)", "(none)")


def read(body: bytes) -> dict:
    """JSON whose numbers keep all their digits."""
    return json.loads(body, parse_float=Decimal)


def difference(ours: dict, theirs: Answer, known) -> str | None:
    """The first thing that differs, in words."""
    columns, rows = theirs.whole()
    found = [column["name"] for column in ours["columns"]]
    if found != columns:
        return f"columns {found}, should be {columns}; rows {show(ours['rows'])}, should be {show(rows)}"
    kinds = [column["type"] for column in ours["columns"]]
    if theirs.is_list:
        ours["rows"] = without_names(ours["rows"], kinds)
    for index, (row, expected) in enumerate(zip(ours["rows"], rows)):
        if not all(same(cell, other, kind, theirs.tolerance) for cell, other, kind in zip(row, expected, kinds)):
            return f"row {index} is {show(row)}, should be {show(expected)}"
    if len(ours["rows"]) != len(rows):
        return f"{len(ours['rows'])} rows, should be {len(rows)}; {show(ours['rows'])}, should be {show(rows)}"
    people = ours["provenance"]["people"]
    if people != {"known": known.known, "withheld": known.withheld, "used": known.used}:
        return f"people {people}, should be {known.known} known, {known.withheld} withheld, {known.used} used"
    if theirs.waterfall is not None:
        steps = [[step["reason"], step["people"], step["left"]] for step in ours["waterfall"]]
        if steps != theirs.waterfall:
            return f"waterfall {steps}, should be {theirs.waterfall}"
    return None


def without_names(rows: list[list], kinds: list[str]) -> list[list]:
    """The rows of a list in the order of what they show, once each name is known to be there once."""
    assert len({row[0] for row in rows}) == len(rows), "somebody is on the list twice"
    value = lambda cell, kind: (
        float(cell)
        if kind == "number" and cell is not None
        else micros(datetime.fromisoformat(cell)) if kind == "timestamp" and cell else cell
    )
    key = lambda row: order_of(tuple(value(cell, kind) for cell, kind in zip(row[1:], kinds[1:])))
    return [[None, *row[1:]] for row in sorted(rows, key=key)]


def show(rows) -> str:
    return json.dumps(rows, default=str, ensure_ascii=False)[:1500]


def same(ours, theirs, kind: str, tolerance: float) -> bool:
    """Whether a cell of the program is the value that it should be."""
    if ours is None or theirs is None:
        return ours is None and theirs is None
    if ours in MARKS or theirs in MARKS or isinstance(theirs, list):
        return ours == theirs
    if kind == "number":
        return math.isclose(float(ours), float(theirs), rel_tol=RELATIVE_MAX, abs_tol=tolerance)
    if kind == "decimal":
        return Decimal(ours) == Decimal(theirs)
    if kind == "timestamp":
        return micros(datetime.fromisoformat(ours)) == theirs
    if kind == "date":
        return date.fromisoformat(ours) == theirs
    return type(ours) is type(theirs) and ours == theirs
