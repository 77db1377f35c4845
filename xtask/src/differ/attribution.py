"""Attribution: drawn, and answered conversion by conversion."""

import bisect
import itertools
import math
import random
from collections import defaultdict
from dataclasses import dataclass

from common import Answer, Setting, draw_setting, order_of, shown
from conditions import NUMERIC, condition, duration, properties, traits
from markov import effects
from retention import Step
from truth import Truth
from world import BOOLEAN, PROPERTIES, TEXT

NONE = "no touch"
CHANNELS_MAX = 10_000
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
        json = {
            **self.setting.json,
            "conversion": self.conversion.json(),
            "touch": self.touch.json(),
            "channel": self.channel,
        }
        json |= {"model": self.model, "lookback": self.lookback}
        json |= {"value": self.value} if self.value else {}
        json |= {"half_life": self.half_life} if self.half_life else {}
        json |= {"reset": True} if self.is_reset else {}
        return json | ({"where": self.where.text()} if self.where else {})

    def answer(self, truth: Truth) -> Answer:
        begin, end = self.setting.of(truth)
        # Per channel: shares of conversions, those of their values, the people, and those of them with a value.
        credit, paths, worth = defaultdict(lambda: ([], [], set(), set())), [], [0, 0.0]
        for person, events in self.events(truth, begin, end):
            times = [each[0] for each in events]
            if self.model == "markov":
                paths.extend((path, False) for path in self.lost(events, begin, end))
            for index, (ts, is_conversion, _, _, value) in enumerate(events):
                if not is_conversion or not begin <= ts < end:
                    continue
                shares = self.shares(events, times, index)
                if self.model == "markov" and shares[0][0] is not NONE:
                    # Here each touch stands in its place; who gets how much is known when all paths are.
                    paths.append(([channel for channel, _ in shares], True))
                    worth[0], worth[1] = worth[0] + 1, worth[1] + float(value or 0)
                    shares = [(channel, 0.0) for channel, _ in shares]
                for channel, share in shares:
                    row = credit[channel]
                    row[0].append(share)
                    row[2].add(person)
                    if value is not None:
                        row[1].append(share * float(value))
                        row[3].add(person)
        if worth[0]:
            for channel, share in effects(paths).items():
                credit[channel][0].append(share * worth[0])
                credit[channel][1].append(share * worth[1])
        answer = self.told(credit)
        channels = f'SELECT count(DISTINCT "{self.channel}") FROM ev'
        # Whether channels without credit count towards the limit is not said.
        answer.is_large = truth.rows(channels)[0][0] > CHANNELS_MAX
        return answer

    def events(self, truth: Truth, begin: int, end: int):
        """What can matter in the period, by person: instant, whether a conversion, whether a touch, channel and value."""
        matches = [f"coalesce({step.sql(self.where)}, false)" for step in (self.conversion, self.touch)]
        value = f'"{self.value}"' if self.value else "NULL"
        sql = f'SELECT person, ts, {", ".join(matches)}, "{self.channel}", {value} FROM ev '
        sql += f"WHERE ({' OR '.join(matches)}) "
        sql += f"AND ts >= {begin - duration(self.lookback)} AND ts < {end} ORDER BY person, ts"
        for person, rows in itertools.groupby(truth.rows(sql), key=lambda row: row[0]):
            yield person, [row[1:] for row in rows]

    def shares(self, events: list, times: list[int], index: int) -> list[tuple]:
        """Channels and their shares of a conversion."""
        ts = events[index][0]
        begin = ts - duration(self.lookback)
        # Whole paths are cut by conversions in any case.
        if self.is_reset or self.model in ("shapley", "markov"):
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

    def lost(self, events: list, begin: int, end: int):
        """The channels of touches that no conversion of the period has, one path for each time between conversions."""
        conversions = [each[0] for each in events if each[1]]
        paths = defaultdict(list)
        for ts, _, is_touch, channel, _ in events:
            if not is_touch or not begin <= ts < end:
                continue
            after = [at for at in conversions if at >= ts and begin <= at < end]
            if not after or after[0] - ts > duration(self.lookback):
                paths[bisect.bisect_right(conversions, ts)].append((ts, order_of((channel,)), channel))
        return [[channel for *_, channel in sorted(path, key=lambda touch: touch[:2])] for path in paths.values()]

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
    conversion, touch = step(draw.choice(["buy", "buy", "refund", "click", "*"])), step(
        draw.choice(["click", "visit", "ping", "buy"])
    )
    channel = draw.choice([each.name for each in properties(touch.event)])
    numbers = [each.name for each in properties(conversion.event) if each.kind in NUMERIC]
    value = draw.choice(numbers) if numbers and draw.random() < 0.6 else None
    model = draw.choice(["first", "last", "linear", "position", "time_decay", "shapley"])
    if draw.random() < 0.15 and PROPERTIES[channel] in (TEXT, BOOLEAN):
        # Others have too many values to solve for each of them.
        model = "markov"
    half_life = draw.choice([None, "1 day", "36 hours"]) if model == "time_decay" else None
    lookback = draw.choice(["30 days", "7 days", "1 day", "100 days", "2 hours"])
    where = condition(draw, properties(conversion.event, touch.event) + traits(), 1) if draw.random() < 0.3 else None
    setting = draw_setting(draw, "attribution")
    return Attribution(
        setting, conversion, touch, channel, value, model, half_life, lookback, draw.random() < 0.3, where
    )
