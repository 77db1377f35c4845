"""What the kinds of questions share: their periods, the order of values, and cells about too few people."""

import random
from dataclasses import dataclass, field
from datetime import timedelta

from conditions import duration
from truth import ZONES, Truth, start_of
from world import FIRST, MICROS_PER_DAY, MIN_GROUP, N_DAYS, PURPOSE, instant, micros


class Refused(Exception):
    """The question is to be refused, with this code."""


class Unsaid(Exception):
    """Its meaning leaves more than one answer open."""


@dataclass
class Answer:
    """What should come back. `withheld` says which rows are; it is a column where any row is."""

    columns: list[str]
    rows: list[list]
    withheld: list[bool]
    waterfall: list | None = None
    # Whether it is so large that it may be refused instead.
    is_large: bool = False
    # By how much doubles may differ, however small they are.
    tolerance: float = 0.0
    # Whether rows are people behind pseudonyms, in whatever order.
    is_list: bool = False

    def whole(self) -> tuple[list[str], list[list]]:
        """Columns and rows as the program gives them."""
        if not any(self.withheld):
            return self.columns, self.rows
        return self.columns + ["withheld"], [row + [is_withheld] for row, is_withheld in zip(self.rows, self.withheld)]


@dataclass
class Setting:
    """What every kind of question has: when, and in which time zone."""

    zone: str
    as_of: int | None
    #  `("days", from, to)`, `("last", duration)` or None
    period: tuple | None
    json: dict = field(default_factory=dict)

    def of(self, truth: Truth) -> tuple[int, int]:
        """The period as instants, the second one outside."""
        if self.period is None:
            end = truth.last + 1
            return truth.first, end if self.as_of is None else min(end, self.as_of)
        if self.period[0] == "last":
            return self.as_of - duration(self.period[1]), self.as_of
        return start_of(self.period[1], self.zone), start_of(self.period[2], self.zone)


def draw_setting(draw: random.Random, kind: str, may_be_open: bool = True) -> Setting:
    """A time zone, a period and the instant that stands for now."""
    zone = draw.choice(ZONES) if draw.random() < 0.6 else "UTC"
    as_of = None
    # A few days after the world ends, or within.
    if draw.random() < 0.3:
        day = FIRST + timedelta(days=draw.randrange(20, N_DAYS + 20))
        as_of = micros(day) + (draw.randrange(MICROS_PER_DAY) if draw.random() < 0.5 else 0)
    chance, period = draw.random(), None
    if chance < 0.2:
        as_of = as_of if as_of is not None else micros(FIRST + timedelta(days=draw.randrange(20, N_DAYS)))
        period = ("last", draw.choice(["30 days", "7 days", "1 day", "12 hours", "100 days", "5 weeks", "90 minutes"]))
    elif chance < 0.85 or not may_be_open:
        first = FIRST.date() + timedelta(days=draw.randrange(-10, N_DAYS))
        period = ("days", first, first + timedelta(days=draw.choice([1, 2, 7, 30, 31, 60, 150, 210])))
    json = {"kind": kind, "purpose": PURPOSE}
    if zone != "UTC":
        json["time_zone"] = zone
    if as_of is not None:
        json["as_of"] = instant(as_of) if as_of % MICROS_PER_DAY or draw.random() < 0.5 else instant(as_of)[:10]
    if period:
        days = lambda: {"from": period[1].isoformat(), "to": period[2].isoformat()}
        json["period"] = {"last": period[1]} if period[0] == "last" else days()
    return Setting(zone, as_of, period, json)


def order_of(values: tuple) -> tuple:
    """The key by which groups are sorted: each value ascending, null last."""
    return tuple(
        (value is None, value.encode() if isinstance(value, str) else 0 if value is None else value) for value in values
    )


def shown(n_people: int) -> bool:
    """Whether a cell about so many people may be shown."""
    return n_people >= MIN_GROUP
