"""Retention: drawn, and answered from each person's cohort and the intervals in which they came back."""

import random
from dataclasses import dataclass
from datetime import datetime, timezone

from common import Answer, Setting, draw_setting, shown
from conditions import both, condition, properties, traits
from truth import Truth, bucket
from world import EVENTS, micros


@dataclass
class Step:
    """An event, or any event, under a condition of its own."""

    event: str
    where: object = None

    def json(self):
        return {"event": self.event, "where": self.where.text()} if self.where else self.event

    def sql(self, where=None) -> str:
        condition = both(self.where, where)
        terms = ([f"name = '{self.event}'"] if self.event != "*" else []) + ([condition.sql(None)] if condition else [])
        return " AND ".join(terms) or "true"


def draw_step(draw: random.Random) -> Step:
    event = draw.choice([*EVENTS, "visit", "buy", "*"])
    fields = properties(event) + traits()
    return Step(event, condition(draw, fields, 1) if draw.random() < 0.3 else None)


@dataclass
class Retention:
    setting: Setting
    start: Step
    back: Step
    by: str
    periods: int
    where: object
    is_back_said: bool

    def json(self) -> dict:
        json = {**self.setting.json, "start": self.start.json(), "by": self.by, "periods": self.periods}
        json |= {"return": self.back.json()} if self.is_back_said else {}
        return json | ({"where": self.where.text()} if self.where else {})

    def answer(self, truth: Truth) -> Answer:
        period, interval = self.setting.of(truth), bucket(self.setting.zone, self.by)
        as_of = self.setting.as_of
        as_of = micros(datetime.now(timezone.utc)) if as_of is None else as_of
        # Nobody starts at `as_of` or later.
        start_until = min(period[1], as_of)
        starts = f"ts >= {period[0]} AND ts < {start_until} AND {self.start.sql(self.where)}"
        first = f"SELECT person, arg_min({interval}, ts) AS cohort FROM ev WHERE {starts} GROUP BY person"
        back = f"SELECT DISTINCT person, {interval} AS seen FROM ev WHERE {self.back.sql(self.where)}"
        size = dict(truth.rows(f"SELECT cohort, count(*) FROM ({first}) GROUP BY 1"))
        seen = truth.rows(f"SELECT cohort, seen, count(*) FROM ({first}) JOIN ({back}) USING (person) GROUP BY ALL")
        people = {(cohort, at): n_people for cohort, at, n_people in seen}
        borders = truth.borders[self.setting.zone, self.by]
        answer = Answer(["cohort", "size"] + [f"p{n}" for n in range(self.periods)], [], [])
        for start in truth.intervals(self.setting.zone, self.by, period):
            place = borders.index(start)
            ends = borders[place + 1 : place + 1 + self.periods]
            figures = [(size.get(start, 0), True)]
            figures += [(people.get((start, borders[place + n]), 0), ends[n] <= as_of) for n in range(self.periods)]
            answer.rows.append([start] + [n if is_over and shown(n) else None for n, is_over in figures])
            answer.withheld.append(any(is_over and not shown(n) for n, is_over in figures))
        return answer


def draw_retention(draw: random.Random) -> Retention:
    start = draw_step(draw)
    is_back_said = draw.random() < 0.8
    back = draw_step(draw) if is_back_said else start
    fields = properties(start.event, back.event) + traits()
    where = condition(draw, fields, 1) if draw.random() < 0.4 else None
    by = draw.choice(["day", "week", "week", "month"])
    return Retention(draw_setting(draw, "retention"), start, back, by, draw.choice([1, 3, 8, 12]), where, is_back_said)
