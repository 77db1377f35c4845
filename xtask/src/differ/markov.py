"""What conversions lose without a channel: the shares of `model: markov`, from whole paths.

A path goes from the start through its channels to a conversion or to a loss. How often paths go from one place to the next
is the chance of that step; a channel's effect is the part of the chance to convert that goes with every step into it.
"""

from collections import Counter, defaultdict

START, CONVERTED, LOST = "start", "converted", "lost"


def effects(paths: list[tuple[list, bool]]) -> dict:
    """Which share of all conversions with touches each channel gets. Inside, a channel stands in a tuple of its own."""
    steps = defaultdict(Counter)
    for channels, converts in paths:
        places = [START, *((channel,) for channel in channels), CONVERTED if converts else LOST]
        for place, following in zip(places, places[1:]):
            steps[place][following] += 1
    channels = [place for place in steps if place != START]
    whole = chance(steps, None)
    lost = {channel: 1 - chance(steps, channel) / whole for channel in channels}
    together = sum(lost.values())
    return {channel[0]: effect / together for channel, effect in lost.items() if effect > 0}


def chance(steps: dict, without) -> float:
    """The chance to get from the start to a conversion when every step into `without` leads to a loss."""
    places = [place for place in steps if place != without]
    index = {place: at for at, place in enumerate(places)}
    # x[place] = sum of the chances of its steps times x of where they lead: one row each, the right side at its end.
    rows = []
    for place in places:
        row, all_steps = [0.0] * (len(places) + 1), sum(steps[place].values())
        row[index[place]] = 1.0
        for following, count in steps[place].items():
            if following == CONVERTED:
                row[-1] += count / all_steps
            elif following in index:
                row[index[following]] -= count / all_steps
        rows.append(row)
    return solved(rows)[index[START]]


def solved(rows: list[list[float]]) -> list[float]:
    """Gauss's elimination with the largest pivot."""
    n = len(rows)
    for column in range(n):
        pivot = max(range(column, n), key=lambda at: abs(rows[at][column]))
        rows[column], rows[pivot] = rows[pivot], rows[column]
        for at in range(n):
            factor = rows[at][column] / rows[column][column]
            if at != column and factor:
                rows[at] = [cell - factor * other for cell, other in zip(rows[at], rows[column])]
    return [rows[at][n] / rows[at][at] for at in range(n)]
