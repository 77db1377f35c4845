"""Attribution: drawn, and answered conversion by conversion."""

import bisect
import itertools
import math
import random
from collections import defaultdict
from dataclasses import dataclass

from common import Answer, Setting, draw_setting, order_of, shown
from conditions import NUMERIC, condition, duration, properties, traits
from retention import Step
from truth import Truth
from world import EVENTS

NONE = "no touch"
# Shares that are no fractions are rounded at the 17th digit, so tiny figures have fewer digits.
TOLERANCE = 1e-9


@dataclass
class Attribution:
    setting: Setting
    conversion: Step
    touch: Step
    channel: str
    value: str | None
    model: str
    half_life: str | None
    lookback: str
    is_reset: bool
    where: object

    def json(self) -> dict:
        json = {**self.setting.json, "conversion": self.conversion.json(), "touch": self.touch.json(), "channel": self.channel}
        json |= {"model": self.model, "lookback": self.lookback}
        json |= {"value": self.value} if self.value else {}
        json |= {"half_life": self.half_life} if self.half_life else {}
        json |= {"reset": True} if self.is_reset else {}
        return json | ({"where": self.where.text()} if self.where else {})

    def answer(self, truth: Truth) -> Answer:
        begin, end = self.setting.of(truth)
        # Per channel: shares of conversions, those of their values, the people, and those of them with a value.
        credit = defaultdict(lambda: ([], [], set(), set()))
        for person, events in self.events(truth):
            times = [each[0] for each in events]
            for index, (ts, is_conversion, _, _, value) in enumerate(events):
                if not is_conversion or not begin <= ts < end:
                    continue
                for channel, share in self.shares(events, times, index):
                    row = credit[channel]
                    row[0].append(share)
                    row[2].add(person)
                    if value is not None:
                        row[1].append(share * float(value))
                        row[3].add(person)
        return self.told(credit)

    def events(self, truth: Truth):
        """Each person's conversions and touches: instant, which of both, channel and value."""
        matches = [f"coalesce({step.sql(self.where)}, false)" for step in (self.conversion, self.touch)]
        value = f'"{self.value}"' if self.value else "NULL"
        sql = f'SELECT person, ts, {", ".join(matches)}, "{self.channel}", {value} FROM ev WHERE {" OR ".join(matches)} ORDER BY person, ts'
        for person, rows in itertools.groupby(truth.rows(sql), key=lambda row: row[0]):
            yield person, [row[1:] for row in rows]

    def shares(self, events: list, times: list[int], index: int) -> list[tuple]:
        """Channels and their shares of a conversion."""
        ts = events[index][0]
        begin = ts - duration(self.lookback)
        # Whole paths are cut by conversions in any case.
        if self.is_reset or self.model == "shapley":
            begin = max([begin] + [each[0] + 1 for each in events if each[1] and each[0] < ts])
        near = range(bisect.bisect_left(times, begin), bisect.bisect_right(times, ts))
        touches = [(events[at][0], events[at][3]) for at in near if events[at][2] and at != index]
        touches.sort(key=lambda touch: (touch[0], order_of((touch[1],))))
        n = len(touches)
        if n == 0:
            return [(NONE, 1.0)]
        if self.model == "shapley":
            channels = {channel for _, channel in touches}
            return [(channel, 1 / len(channels)) for channel in channels]
        if self.model == "time_decay":
            half = duration(self.half_life or "7 days")
            weights = [2.0 ** (-(ts - at) / half) for at, _ in touches]
        elif self.model == "position" and n > 2:
            weights = [0.4, *[0.2 / (n - 2)] * (n - 2), 0.4]
        else:
            weights = {"first": [1] + [0] * (n - 1), "last": [0] * (n - 1) + [1]}.get(self.model, [1] * n)
        whole = math.fsum(weights)
        return [(channel, weight / whole) for (_, channel), weight in zip(touches, weights) if weight]

    def told(self, credit: dict) -> Answer:
        """Rows by channel, then those without a touch."""
        answer = Answer(["channel", "conversions", "value"], [], [], tolerance=TOLERANCE)
        without = credit.pop(NONE, ([], [], set(), set()))
        named = [channel for channel in credit if shown(len(credit[channel][2]))]
        rows = [(channel, credit[channel]) for channel in sorted(named, key=lambda channel: order_of((channel,)))]
        for channel, (shares, values, people, with_value) in [*rows, ("(none)", without)]:
            is_shown, is_value_shown = shown(len(people)), shown(len(with_value)) or not self.value
            figures = [math.fsum(shares) if is_shown else None]
            figures.append(math.fsum(values) if self.value and is_shown and is_value_shown else None)
            answer.rows.append([channel, *figures])
            answer.withheld.append(not (is_shown and is_value_shown))
        if len(named) < len(credit):
            answer.rows.append(["(withheld)", None, None])
            answer.withheld.append(True)
        return answer


def draw_attribution(draw: random.Random) -> Attribution:
    step = lambda event: Step(event, condition(draw, properties(event) + traits(), 1) if draw.random() < 0.25 else None)
    conversion, touch = step(draw.choice(["buy", "buy", "refund", "click", "*"])), step(draw.choice(["click", "visit", "ping", "buy"]))
    channel = draw.choice([each.name for each in properties(touch.event)])
    numbers = [each.name for each in properties(conversion.event) if each.kind in NUMERIC]
    value = draw.choice(numbers) if numbers and draw.random() < 0.6 else None
    model = draw.choice(["first", "last", "linear", "position", "time_decay", "shapley"])
    half_life = draw.choice([None, "1 day", "36 hours"]) if model == "time_decay" else None
    lookback = draw.choice(["30 days", "7 days", "1 day", "100 days", "2 hours"])
    where = condition(draw, properties(conversion.event, touch.event) + traits(), 1) if draw.random() < 0.3 else None
    setting = draw_setting(draw, "attribution")
    return Attribution(setting, conversion, touch, channel, value, model, half_life, lookback, draw.random() < 0.3, where)
