"""Audiences: drawn, and counted by joining a relation of one row per person for each figure of the condition."""

import random
from dataclasses import dataclass, replace

from common import Answer, Refused, order_of, shown
from conditions import Between, Compare, Field, InAudience, Joined, Tables, about_person, both, condition, traits
from truth import Truth
from world import FIRST, MICROS_PER_DAY, N_DAYS, PURPOSE, instant, micros

# As many rows as a list may have; there are fewer people.
ROWS_MAX = 100_000


@dataclass
class Audience:
    as_of: int
    where: object
    as_of_text: str
    # The traits that a list shows; `None` for a count.
    shown: list[Field] | None = None

    def json(self, where="own") -> dict:
        where = self.where if where == "own" else where
        json = {"kind": "audience", "purpose": PURPOSE, "where": where.text(), "as_of": self.as_of_text}
        if self.shown is None:
            return json
        return json | {"release": "list", "columns": [each.name for each in self.shown], "limit": ROWS_MAX}

    def as_count(self) -> "Audience":
        return replace(self, shown=None)

    def count(self, truth: Truth, condition) -> int:
        return self.select(truth, "count(*)", condition)[0][0]

    def select(self, truth: Truth, what: str, condition) -> list[tuple]:
        tables = Tables(self.as_of)
        sql = condition.sql(tables)
        joins = "".join(f" LEFT JOIN {each} f{index} USING (person)" for index, each in enumerate(tables.relations))
        return truth.rows(f"SELECT {what} FROM people{joins} WHERE {sql}")

    def answer(self, truth: Truth) -> Answer:
        terms = terms_of(self.where)
        figures = [self.count(truth, both(*terms[: n + 1])) for n in range(len(terms))]
        if not shown(figures[-1]):
            raise Refused("under_minimum_group")
        left = truth.known
        waterfall = [["known", truth.known, None]]
        for reason in ("consent", "objection"):
            left -= truth.withheld.get(reason, 0)
            waterfall.append([reason, left, truth.withheld.get(reason, 0)])
        for index, figure in enumerate(figures):
            gone, is_last = left - figure, index == len(figures) - 1
            # The step after one whose people are hidden would tell them by what it leaves out.
            is_told = waterfall[-1][1] is not None
            waterfall.append(
                ["rule", figure if shown(gone) or is_last else None, gone if shown(gone) and is_told else None]
            )
            left = figure
        if self.shown is None:
            return Answer(["people"], [[figures[-1]]], [False], waterfall)
        rows = self.select(truth, ", ".join(["NULL"] + [each.sql(None) for each in self.shown]), self.where)
        # Nobody knows a pseudonym from outside, so rows come in an order of their own.
        rows = sorted(rows, key=order_of)
        return Answer(
            ["person"] + [each.name for each in self.shown],
            list(map(list, rows)),
            [False] * len(rows),
            waterfall,
            is_list=True,
        )


def terms_of(condition) -> tuple:
    """The terms that AND joins at the top; BETWEEN is two of them, and an audience is its own."""
    if isinstance(condition, Between) and not condition.is_not:
        return Compare(condition.term, ">=", condition.low), Compare(condition.term, "<=", condition.high)
    if isinstance(condition, InAudience):
        return terms_of(condition.condition)
    if isinstance(condition, Joined) and condition.word == "AND":
        return tuple(term for part in condition.parts for term in terms_of(part))
    return (condition,)


def draw_audience(draw: random.Random) -> Audience:
    as_of = micros(FIRST) + draw.randrange(30, N_DAYS + 10) * MICROS_PER_DAY
    as_of += 0 if draw.random() < 0.5 else draw.randrange(96) * 900_000_000
    text = instant(as_of)[:10] if as_of % MICROS_PER_DAY == 0 and draw.random() < 0.5 else instant(as_of)
    shown = draw.sample(traits(), draw.randrange(1, 4)) if draw.random() < 0.1 else None
    return Audience(as_of, condition(draw, traits(), draw.choice([1, 2, 2, 3]), about_person), text, shown)
