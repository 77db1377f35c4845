"""Trends: drawn, and answered by one aggregation per measure."""

import random
from dataclasses import dataclass

from common import Answer, Refused, Setting, draw_setting, order_of, shown
from conditions import BOOLEAN, DATE, NUMERIC, TIMESTAMP, Compare, Constant, Field, Flag, IsNull, Not
from conditions import both, condition, properties, quoted_name, some, traits
from truth import Truth, bucket
from world import DECIMAL, EVENTS, INTEGER, TEXT

CELLS_MAX = 10_000


@dataclass(frozen=True)
class Measure:
    name: str
    event: str
    property: str | None = None

    def text(self) -> str:
        return f"{self.name}({self.event}{f'.{quoted_name(self.property)}' if self.property else ''})"

    def sql(self) -> str:
        of = f'"{self.property}"'
        figure = {"count": "count(*)", "people": "count(DISTINCT person)", "avg": f"sum({of})::DOUBLE / count({of})"}
        return figure.get(self.name, f"{self.name}({of})")


# As `world.METRICS` has them in words.
METRICS = {
    "turnover": ([Measure("sum", "buy", "amount")], None),
    "big_buys": (
        [Measure("count", "buy")],
        both(Compare(Field("amount", DECIMAL), ">", Constant(INTEGER, 20)), Not(Flag(Field("gift", BOOLEAN)))),
    ),
    "share_of_gifts": (
        [Measure("sum", "buy", "items"), Measure("count", "visit")],
        some(Compare(Field("store", TEXT), "<>", Constant(TEXT, "N")), IsNull(Field("plan", TEXT, True))),
    ),
}  # fmt: skip


@dataclass
class Trend:
    setting: Setting
    measures: list[Measure]
    by: str
    where: object
    own_where: object
    breakdown: list[Field]
    limit: int | None
    offset: int
    measure_text: str

    def json(self, where="own") -> dict:
        where = self.where if where == "own" else where
        json = {**self.setting.json, "measure": self.measure_text, "by": self.by}
        json |= {"where": where.text()} if where else {}
        json |= {"breakdown": [each.name for each in self.breakdown]} if self.breakdown else {}
        json |= {"limit": self.limit} if self.limit else {}
        return json | ({"offset": self.offset} if self.offset else {})

    def fields(self) -> list[Field]:
        return properties(*(measure.event for measure in self.measures)) + traits()

    def answer(self, truth: Truth) -> Answer:
        period = self.setting.of(truth)
        parts = [self.part(truth, measure, period) for measure in self.measures]
        starts = [None] if self.by == "none" else truth.intervals(self.setting.zone, self.by, period)
        keys = {key for part in parts for key in part}
        groups = {key[1:] for key in keys} if self.breakdown else {()}
        cell = lambda start, group: joined([part.get((start, *group)) for part in parts])
        named = {key[1:] for key in keys if cell(key[0], key[1:])[1]} if self.breakdown else groups
        order = sorted(named, key=order_of)
        if len(starts) * len(order) > CELLS_MAX:
            raise Refused("over_budget")
        rows = [(start, group, *cell(start, group)) for start in starts for group in order]
        rows = rows[self.offset :][: self.limit]
        interval = [] if self.by == "none" else ["interval"]
        answer = Answer(interval + [each.name for each in self.breakdown] + ["value"], [], [])
        # Whether groups that are not named count towards the limit is not said.
        answer.is_large = len(starts) * len(groups) > CELLS_MAX
        for start, group, figure, is_shown in rows:
            answer.rows.append(([start] if interval else []) + list(group) + [figure if is_shown else None])
            answer.withheld.append(not is_shown)
        if groups - named:
            answer.rows.append(([None] if interval else []) + ["(withheld)"] * len(self.breakdown) + [None])
            answer.withheld.append(True)
        return answer

    def part(self, truth: Truth, measure: Measure, period: tuple[int, int]) -> dict:
        """Figure and people of each interval and group."""
        terms = [f"ts >= {period[0]} AND ts < {period[1]}"]
        terms += [f"name = '{measure.event}'"] if measure.event != "*" else []
        condition = both(self.own_where, self.where)
        terms += [condition.sql(None)] if condition else []
        people = "count(DISTINCT person)"
        people += f' FILTER ("{measure.property}" IS NOT NULL)' if measure.property else ""
        keys = ["NULL" if self.by == "none" else bucket(self.setting.zone, self.by)] + [
            each.sql(None) for each in self.breakdown
        ]
        sql = f"SELECT {', '.join(keys)}, {measure.sql()}, {people} FROM ev WHERE {' AND '.join(terms)} GROUP BY ALL"
        return {row[:-2]: row[-2:] for row in truth.rows(sql)}


def joined(parts: list) -> tuple:
    """The figure of a cell and whether it may be shown; of a quotient, the smaller number of people counts."""
    parts = [part or (None, 0) for part in parts]
    is_shown = all(shown(n_people) for _, n_people in parts)
    if len(parts) == 1 or not is_shown:
        return parts[0][0], is_shown
    (above, _), (below, _) = parts
    if above is None or below is None or below == 0:
        return None, is_shown
    return float(above) / float(below), is_shown


def draw_measure(draw: random.Random) -> Measure:
    event = draw.choice([*EVENTS, "*"])
    name = draw.choice(["count", "count", "people", "people", "sum", "avg", "min", "max"])
    if name in ("count", "people"):
        return Measure(name, event)
    kinds = NUMERIC if name in ("sum", "avg") else (*NUMERIC, TIMESTAMP, DATE)
    candidates = [each for each in properties(event) if each.kind in kinds]
    return Measure(name, event, draw.choice(candidates).name) if candidates else draw_measure(draw)


def draw_trend(draw: random.Random) -> Trend:
    setting, own_where = draw_setting(draw, "trend"), None
    chance = draw.random()
    if chance < 0.1:
        text = draw.choice(list(METRICS))
        measures, own_where = METRICS[text]
    else:
        measures = [draw_measure(draw)]
        if chance < 0.3:
            measures.append(draw_measure(draw))
            measures = [Measure("count", m.event) if m.name in ("min", "max") else m for m in measures]
        text = " / ".join(measure.text() for measure in measures)
    fields = properties(*(measure.event for measure in measures))
    where = condition(draw, fields + traits()) if draw.random() < 0.6 else None
    breakdown = []
    if draw.random() < 0.5:
        candidates = fields + traits()
        breakdown = draw.sample(candidates, min(len(candidates), draw.choice([1, 1, 1, 2, 3])))
    by = draw.choice(["none", "none", "hour", "day", "week", "month"])
    limit = draw.choice([1, 3, 20, 500]) if draw.random() < 0.25 else None
    offset = draw.choice([1, 4, 30]) if draw.random() < 0.2 else 0
    return Trend(setting, list(measures), by, where, own_where, breakdown, limit, offset, text)
