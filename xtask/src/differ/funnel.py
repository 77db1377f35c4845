"""Funnels: drawn, and answered by trying chains event by event.

In loose order the earliest instant at which a step can go on is never worse than a later one: whatever chain goes on later
goes on from there, too, and with an earlier event. Events of that instant are all tried, since each serves one step only.
In strict order all events up to the first that stands in the way are tried.
"""

import itertools
import random
import statistics
from collections import defaultdict
from dataclasses import dataclass

from common import Answer, Setting, Unsaid, draw_setting, order_of, shown
from conditions import Field, condition, duration, properties, traits
from retention import Step, draw_step
from truth import Truth
from world import EVENTS


@dataclass
class Event:
    ts: int
    steps: frozenset[int]
    same: tuple
    pair: tuple
    group: tuple
    # The first event of the same instant.
    first_at: int = 0


@dataclass
class Funnel:
    setting: Setting
    steps: list[Step]
    within: str
    is_strict: bool
    same: list[str]
    count_by: list[str]
    where: object
    breakdown: list[Field]

    def json(self) -> dict:
        json = {**self.setting.json, "steps": [step.json() for step in self.steps], "within": self.within}
        json |= {"order": "strict"} if self.is_strict else {}
        json |= {"same": self.same} if self.same else {}
        json |= {"count_by": self.count_by} if self.count_by else {}
        json |= {"breakdown": [each.name for each in self.breakdown]} if self.breakdown else {}
        return json | ({"where": self.where.text()} if self.where else {})

    def answer(self, truth: Truth) -> Answer:
        begin, end = self.setting.of(truth)
        # Per group, the times of the chosen chains with their people.
        chains = defaultdict(list)
        for person, events in self.events(truth, begin, end):
            units = defaultdict(list)
            for own in parts(events, bool(self.same)):
                for first, event in enumerate(own):
                    if begin <= event.ts < end and 0 in event.steps:
                        units[event.pair].append((own, first))
            for firsts in units.values():
                group, times = self.chosen(firsts)
                chains[group].append((person, times))
        return self.told(chains)

    def events(self, truth: Truth, begin: int, end: int):
        """The events that match a step, in the order of time, of each person whose chain may begin in the period."""
        matches = [f"coalesce({step.sql(self.where)}, false)" for step in self.steps]
        lists = [self.same, self.count_by]
        values = [f'"{name}"' for name in itertools.chain(*lists)] + [each.sql(None) for each in self.breakdown]
        cut = [len(matches), len(matches) + len(self.same), len(matches) + len(self.same) + len(self.count_by)]
        sql = f"SELECT person, ts, {', '.join(matches + values)} FROM ev WHERE ({' OR '.join(matches)}) "
        sql += f"AND ts >= {begin} AND ts <= {end + duration(self.within)} "
        starting = f"SELECT person FROM ev WHERE {matches[0]} AND ts >= {begin} AND ts < {end}"
        sql += f"AND person IN ({starting}) ORDER BY person, ts"
        for person, rows in itertools.groupby(truth.rows(sql), key=lambda row: row[0]):
            events = []
            for _, ts, *cells in rows:
                steps = frozenset(step for step in range(cut[0]) if cells[step])
                events.append(
                    Event(
                        ts, steps, tuple(cells[cut[0] : cut[1]]), tuple(cells[cut[1] : cut[2]]), tuple(cells[cut[2] :])
                    )
                )
            yield person, events

    def chosen(self, firsts: list) -> tuple[tuple, list[int]]:
        """The deepest chain, then the earliest; the group of its first event and its times."""
        best, groups = None, set()
        for own, first in sorted(firsts, key=lambda each: each[0][each[1]].ts):
            event = own[first]
            if best and len(best) == len(self.steps) and event.ts > best[0]:
                break
            follow = self.strict if self.is_strict else self.loose
            times = [event.ts, *follow(own, first, 1, event.ts + duration(self.within), (first,))]
            if best is None or rank(times) < rank(best):
                best, groups = times, set()
            if times == best:
                groups.add(event.group)
        if len(groups) > 1:
            raise Unsaid("two chains of the same times have different groups")
        return groups.pop(), best

    def loose(self, events: list[Event], at: int, step: int, until: int, used: tuple) -> list[int]:
        """The times of the steps after `at`."""
        best, instant = [], None
        if step == len(self.steps):
            return best
        for index in range(events[at].first_at, len(events)):
            event = events[index]
            if event.ts > until or (instant is not None and event.ts > instant):
                break
            if step in event.steps and index not in used:
                instant = event.ts
                times = [event.ts, *self.loose(events, index, step + 1, until, (*used, index))]
                best = min(best, times, key=rank)
        return best

    def strict(self, events: list[Event], at: int, step: int, until: int, used: tuple) -> list[int]:
        """The times of the steps after `at`, when no other step's event may stand between."""
        best, obstacle = [], None
        if step == len(self.steps):
            return best
        for index in range(events[at].first_at, len(events)):
            event = events[index]
            if event.ts > until or (obstacle is not None and event.ts > obstacle):
                break
            if step in event.steps and index not in used:
                times = [event.ts, *self.strict(events, index, step + 1, until, (*used, index))]
                best = min(best, times, key=rank)
            elif event.ts > events[at].ts and not event.steps & {step - 1, step} and obstacle is None:
                obstacle = event.ts
        return best

    def told(self, chains: dict) -> Answer:
        """Rows from the chosen chains of each group."""
        head = [each.name for each in self.breakdown]
        answer = Answer(head + ["step", "event", "people", "from_first", "from_previous", "median_seconds"], [], [])
        if not self.breakdown:
            chains.setdefault((), [])
        named = [group for group in chains if not self.breakdown or shown(len({person for person, _ in chains[group]}))]
        for group in sorted(named, key=order_of):
            before = first = None
            for index, step in enumerate(self.steps):
                reached = [(person, times) for person, times in chains[group] if len(times) > index]
                n = len(reached)
                first = n if first is None else first
                before = n if before is None else before
                figures = [None] * 4
                is_shown = shown(len({person for person, _ in reached}))
                if is_shown:
                    gaps = [times[index] - times[index - 1] for _, times in reached] if index else []
                    figures = [n, n / first, n / before, statistics.median(gaps) / 1e6 if gaps else None]
                answer.rows.append([*group, index + 1, step.event, *figures])
                answer.withheld.append(not is_shown)
                before = n
        if len(named) < len(chains):
            answer.rows.append(["(withheld)"] * len(head) + [None] * 6)
            answer.withheld.append(True)
        return answer


def rank(times: list[int]) -> tuple:
    """Deeper before less deep, then earlier."""
    return (-len(times), times)


def parts(events: list[Event], is_same: bool) -> list[list[Event]]:
    """The lists in which chains may lie: all events, or those of equal values, none missing."""
    lists = defaultdict(list)
    for event in events:
        if None not in event.same:
            lists[event.same].append(event)
    for own in lists.values():
        for index in range(len(own)):
            own[index].first_at = own[index - 1].first_at if index and own[index - 1].ts == own[index].ts else index
    return list(lists.values())


def draw_funnel(draw: random.Random) -> Funnel:
    steps = [draw_step(draw) for _ in range(draw.choice([2, 2, 3, 3, 4]))]
    common = [each.name for each in properties(*(step.event for step in steps))]
    same = draw.sample(common, 1) if common and draw.random() < 0.3 else []
    first = [each.name for each in properties(steps[0].event)]
    count_by = draw.sample(first, draw.choice([1, 1, 2])) if len(first) > 1 and draw.random() < 0.2 else []
    breakdown = []
    if draw.random() < 0.4:
        # Events of one instant have one store, so that it does not matter which of them is the first.
        candidates = [Field("store", EVENTS["visit"]["store"]), *traits()]
        breakdown = draw.sample(candidates if draw.random() < 0.9 else properties(steps[0].event), 1)
    fields = properties(*(step.event for step in steps)) + traits()
    where = condition(draw, fields, 1) if draw.random() < 0.3 else None
    within = draw.choice(["1 hour", "12 hours", "1 day", "7 days", "30 days", "100 days"])
    return Funnel(draw_setting(draw, "funnel"), steps, within, draw.random() < 0.4, same, count_by, where, breakdown)
