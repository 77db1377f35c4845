"""Paths: drawn, and answered person by person."""

import itertools
import random
from collections import Counter
from dataclasses import dataclass

from common import Answer, Setting, draw_setting, shown
from conditions import condition, properties, traits
from retention import Step, draw_step
from truth import Truth


@dataclass
class Paths:
    setting: Setting
    end: Step
    is_to: bool
    steps: int
    collapses: bool
    top: int
    where: object

    def json(self) -> dict:
        json = {
            **self.setting.json,
            "to" if self.is_to else "from": self.end.json(),
            "steps": self.steps,
            "top": self.top,
        }
        json |= {"collapse": True} if self.collapses else {}
        return json | ({"where": self.where.text()} if self.where else {})

    def answer(self, truth: Truth) -> Answer:
        begin, end = self.setting.of(truth)
        where = self.where.sql(None) if self.where else "true"
        ends = f"coalesce({self.end.sql()}, false) AND ts >= {begin} AND ts < {end}"
        side = f"ts < {end}" if self.is_to else f"ts >= {begin}"
        among = f"person IN (SELECT person FROM ev WHERE {ends} AND {where})"
        rows = truth.rows(
            f"SELECT person, ts, name, {ends} FROM ev WHERE {where} AND {side} AND {among} ORDER BY person, ts, name"
        )
        counts = Counter()
        for _, events in itertools.groupby(rows, key=lambda row: row[0]):
            path = self.path([row[1:] for row in events])
            if path is not None:
                counts[path] += 1
        common = sorted(filter(lambda path: shown(counts[path]), counts), key=lambda path: (-counts[path], path))
        answer = Answer(
            ["path", "people"],
            [[list(path), counts[path]] for path in common[: self.top]],
            [False] * len(common[: self.top]),
        )
        if common[self.top :]:
            answer.rows.append([["(other)"], sum(counts[path] for path in common[self.top :])])
            answer.withheld.append(False)
        if len(common) < len(counts):
            answer.rows.append([["(withheld)"], None])
            answer.withheld.append(True)
        return answer

    def path(self, events: list) -> tuple | None:
        """The names beside a person's end, which is the first, or the last, of those that are one; none without."""
        marks = [(ts, name) for ts, name, is_end in events if is_end]
        if not marks:
            return None
        mark = max(marks) if self.is_to else min(marks)
        # Others of the end's own instant and name are on the side that is asked about: all but one.
        n_alike = sum((ts, name) == mark for ts, name, _ in events)
        if self.is_to:
            names = [name for ts, name, _ in events if (ts, name) < mark] + [mark[1]] * (n_alike - 1)
        else:
            names = [mark[1]] * (n_alike - 1) + [name for ts, name, _ in events if (ts, name) > mark]
        if self.collapses:
            names = [name for name, _ in itertools.groupby(names)]
        return tuple(names[-self.steps :] if self.is_to else names[: self.steps])


def draw_paths(draw: random.Random) -> Paths:
    setting, end = draw_setting(draw, "paths"), draw_step(draw)
    where = condition(draw, properties("visit", "click") + traits(), 1) if draw.random() < 0.4 else None
    steps, top = draw.choice([1, 2, 3, 5]), draw.choice([1, 5, 20, 1000])
    return Paths(setting, end, draw.random() < 0.4, steps, draw.random() < 0.4, top, where)
