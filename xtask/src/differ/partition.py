"""Ternary-logic partitioning: for any condition p, what is counted splits into where p is true, false and unknown.

The program is asked four times - about all, `p`, `NOT p`, and where `p` is unknown - and the parts must make the whole. The
language has IS NULL for terms alone, so `conditions.is_unknown` writes the third part with the terms' IS NULL. Nothing here
is answered by DuckDB: it finds errors that both would make, and those where a condition means one thing alone and another
inside of NOT.
"""

import math
import random
from dataclasses import replace

from audience import Audience
from conditions import Not, about_person, both, condition, is_unknown, traits
from trend import Measure, Trend

# How the figures of the parts make that of the whole.
WHOLE = {"count": sum, "sum": sum, "min": min, "max": max}


def check_partition(client, question, draw: random.Random) -> tuple[str | None, bool]:
    """What does not add up, and whether there were figures to be looked at."""
    if isinstance(question, Audience):
        return check_audience(client, question.as_count(), condition(draw, traits(), 2, about_person))
    whole = WHOLE.get(question.measures[0].name)
    measure = (
        question.measures[0]
        if whole and len(question.measures) == 1 and not question.own_where
        else Measure("count", question.measures[0].event)
    )
    by = question.by if question.by == "month" else "none"
    own = {
        "measures": [measure],
        "measure_text": measure.text(),
        "own_where": None,
        "by": by,
        "limit": None,
        "offset": 0,
    }
    question = replace(question, **own)
    return check_trend(client, question, condition(draw, question.fields()), WHOLE[measure.name])


def parts_of(p) -> list:
    return [p, Not(p)] + [unknown for unknown in [is_unknown(p)] if unknown]


def check_trend(client, question: Trend, p, whole) -> tuple[str | None, bool]:
    """Cells of which the whole and all parts are shown; of the others only that a part is not more than the whole."""
    wheres, tables = [question.where] + [both(question.where, part) for part in parts_of(p)], []
    for where in wheres:
        status, answer = client.ask(question.json(where))
        if status != 200:
            return f"partition: {status} {answer} for {question.json(where)}", False
        width = len(answer["columns"]) - (answer["columns"][-1]["name"] == "withheld") - 1
        tables.append({tuple(row[:width]): row[width] for row in answer["rows"] if row[width] is not None})
    is_looked_at = False
    for cell, figure in tables[0].items():
        figures = [table.get(cell) for table in tables[1:]]
        if None in figures:
            there = [each for each in figures if each is not None]
            if whole is sum and question.measures[0].name == "count" and sum(there) > figure:
                return f"partition: {cell} is {figure}, its parts {figures}, of {question.json()} by {p.text()}", True
            continue
        is_looked_at = True
        if not equal(figure, whole(figures)):
            return f"partition: {cell} is {figure}, its parts {figures}, of {question.json()} by {p.text()}", True
    return None, is_looked_at


def equal(left, right) -> bool:
    if isinstance(left, str) or isinstance(right, str):
        return left == right
    return left == right or math.isclose(float(left), float(right), rel_tol=1e-12)


def check_audience(client, question: Audience, p) -> tuple[str | None, bool]:
    """A part that is refused has nobody or one person."""
    figures = []
    for where in [question.where] + [both(question.where, part) for part in parts_of(p)]:
        status, answer = client.ask(question.json(where))
        figures.append(answer["rows"][0][0] if status == 200 else None if status == 403 else f"{status} {answer}")
    whole, *parts = figures
    missing = sum(part is None for part in parts)
    if (
        any(isinstance(each, str) for each in figures)
        or whole is None
        or not 0 <= whole - sum(filter(None, parts)) <= missing
    ):
        return f"partition: {whole} people, its parts {parts}, of {question.json()} by {p.text()}", True
    return None, missing < len(parts)
