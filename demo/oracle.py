#!/usr/bin/env python3
"""Answers the questions of `answers.json` a second time, without Entente.

    pip install duckdb
    python3 oracle.py            # says whether the answers on file are right
    python3 oracle.py --write    # writes them anew

It shares no code with the product: DuckDB reads the files in `data/`, plain SQL and Python follow the written meaning of
each kind of question. The product's story test asks the same questions and must get the same rows. `PUBLISHED` holds
figures that were published before either was written; both must agree with them.

An answer has `columns` and `rows` as the product gives them. Money is text here (`"370886.93"`), so that no reader turns
it into a double; rates and medians are doubles.
"""

import json
import sys
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from itertools import combinations, permutations
from pathlib import Path
from statistics import median

import duckdb

HERE = Path(__file__).parent
ANSWERS = HERE / "answers.json"
MIN_GROUP = {"analytics": 10, "personalisation": 50, "email": 50, "ads": 50}

EVENTS = ("product_purchased", "basket_paid", "campaign_received", "coupon_redeemed")

DB = duckdb.connect()
DB.execute("SET TimeZone = 'UTC'")
for _name in (*EVENTS, "households", "consents"):
    DB.execute(f"CREATE VIEW raw_{_name} AS SELECT * FROM read_parquet('{HERE}/data/{_name}.parquet')")
for _name in EVENTS:
    DB.execute(f"CREATE VIEW {_name} AS SELECT * REPLACE (epoch_us(ts) AS ts) FROM raw_{_name}")


def micros(text: str) -> int:
    """The instant as microseconds since 1970."""
    at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    at = at if at.tzinfo else at.replace(tzinfo=timezone.utc)
    return (at - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(microseconds=1)


def duration(text: str) -> int:
    """A duration in microseconds."""
    count, unit = text.split()
    seconds = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400, "week": 604_800}[unit.rstrip("s")]
    return int(count) * seconds * 1_000_000


# --- Who may be used ------------------------------------------------------------------------------------------------


def people_for(purpose: str) -> tuple[set, dict]:
    """The households that may be used for a purpose, and how many are withheld for which reason."""
    rows = DB.execute("SELECT household_id, region FROM raw_households").fetchall()
    said = dict(
        DB.execute(
            "SELECT household_id, arg_max(state, ts) FROM raw_consents WHERE purpose = ? GROUP BY 1", [purpose]
        ).fetchall()
    )
    used, withheld = set(), {}
    for household, _region in rows:
        # Everybody is in the US; there, both laws give each purpose of the demo the same basis.
        if purpose in ("personalisation", "email"):
            reason = None if said.get(household) == "granted" else "consent"
        else:
            reason = "objection" if said.get(household) == "denied" else None
        if reason:
            withheld[reason] = withheld.get(reason, 0) + 1
        else:
            used.add(household)
    return used, withheld


def counts(purpose: str) -> dict:
    """`provenance.people` of an answer."""
    used, withheld = people_for(purpose)
    return {"known": len(used) + sum(withheld.values()), "withheld": withheld, "used": len(used)}


# --- Trend ----------------------------------------------------------------------------------------------------------


def trend(question: dict, event: str, value: str, where: str = "true", by: str | None = None) -> dict:
    """A measure per interval and breakdown value; choose questions without empty intervals, none is filled in here.

    `value` is the measure as SQL over the columns of `event`, `where` and `by` are SQL too; the question's own text is
    not read.
    """
    used, _ = people_for(question["purpose"])
    DB.execute("CREATE OR REPLACE TEMP TABLE used AS SELECT unnest(?::BIGINT[]) AS household_id", [sorted(used)])
    period = question.get("period")
    inside = f"ts >= {micros(period['from'])} AND ts < {micros(period['to'])}" if period else "true"
    interval = question["by"]
    keys = []
    if interval != "none":
        keys.append((f"strftime(date_trunc('{interval}', make_timestamp(ts)), '%Y-%m-%dT%H:%M:%SZ')", "interval"))
    if by:
        keys.append((by, by))
    names = [name for _, name in keys]
    select = ", ".join([f'{sql} AS "{name}"' for sql, name in keys] + [f"{value} AS value"])
    select += ", count(DISTINCT household_id) AS people"
    group = f"GROUP BY {', '.join(str(i + 1) for i in range(len(keys)))}" if keys else ""
    order = "ORDER BY " + ", ".join(f"{i + 1} ASC NULLS LAST" for i in range(len(keys))) if keys else ""
    rows = DB.execute(
        f"SELECT {select} FROM {event} SEMI JOIN used USING (household_id) WHERE {inside} AND {where} {group} {order}"
    ).fetchall()
    small = [row for row in rows if row[-1] < MIN_GROUP[question["purpose"]]]
    if small:
        raise ValueError(f"cells under the minimum group, which this oracle does not fold: {small}")
    return {"columns": [*names, "value"], "rows": [[plain(cell) for cell in row[:-1]] for row in rows]}


def plain(cell):
    """A cell as `answers.json` holds it."""
    return str(cell) if isinstance(cell, Decimal) else cell


# --- Funnel ---------------------------------------------------------------------------------------------------------


def funnel(question: dict) -> dict:
    """Two or more steps, loose order, by enumerating every chain of every person."""
    used, _ = people_for(question["purpose"])
    steps = question["steps"]
    same, count_by, breakdown = (question.get(key, []) for key in ("same", "count_by", "breakdown"))
    events = {step: by_household(step) for step in set(steps)}
    start, end = micros(question["period"]["from"]), micros(question["period"]["to"])
    within = duration(question["within"])

    chosen = {}
    for household in used:
        for first in events[steps[0]].get(household, []):
            if not start <= first["ts"] < end:
                continue
            chain = longest_chain(first, steps, 1, household, events, within, same)
            unit = (household, *(first[name] for name in count_by))
            rank = (-len(chain), [event["ts"] for event in chain])
            if unit not in chosen or rank < chosen[unit][0]:
                chosen[unit] = (rank, chain)

    groups = {}
    for _, chain in chosen.values():
        groups.setdefault(tuple(chain[0][name] for name in breakdown), []).append(chain)
    rows = []
    for group in sorted(groups, key=lambda values: [(value is None, value) for value in values]):
        rows += funnel_rows(group, groups[group], steps)
    columns = [*breakdown, "step", "event", "people", "from_first", "from_previous", "median_seconds"]
    return {"columns": columns, "rows": rows}


def by_household(event: str) -> dict:
    """The events of a name per household, in time."""
    relation = DB.execute(f"SELECT * FROM {event} ORDER BY household_id, ts")
    names = [column[0] for column in relation.description]
    found = {}
    for row in relation.fetchall():
        found.setdefault(row[0], []).append(dict(zip(names, row)))
    return found


def longest_chain(first, steps, depth, household, events, within, same):
    """The deepest chain from `first` on; of equally deep ones the earliest at each step."""
    if depth == len(steps):
        return [first]
    best = [first]
    for event in events[steps[depth]].get(household, []):
        if not first["ts"] <= event["ts"] <= first["ts"] + within or event is first:
            continue
        if any(event.get(name) is None or event[name] != first.get(name) for name in same):
            continue
        time_left = first["ts"] + within - event["ts"]
        rest = longest_chain(event, steps, depth + 1, household, events, time_left, same)
        if (-len(rest) - 1, [e["ts"] for e in rest]) < (-len(best), [e["ts"] for e in best[1:]]):
            best = [first, *rest]
    return best


def funnel_rows(group, chains, steps):
    """A row per step."""
    rows, previous, n_first = [], None, len(chains)
    for step, event in enumerate(steps, start=1):
        reached = [chain for chain in chains if len(chain) >= step]
        seconds = [(chain[step - 1]["ts"] - chain[step - 2]["ts"]) / 1e6 for chain in reached] if step > 1 else []
        from_previous = 1.0 if previous is None else (len(reached) / previous if previous else None)
        between = median(seconds) if seconds else None
        rows.append([*group, step, event, len(reached), len(reached) / n_first, from_previous, between])
        previous = len(reached)
    return rows


# --- Audience -------------------------------------------------------------------------------------------------------


def audience(question: dict, terms: list[str]) -> dict:
    """People who meet all terms, with the way there. A term is SQL that gives household_id."""
    used, withheld = people_for(question["purpose"])
    as_of = micros(question["as_of"])
    left = len(used) + sum(withheld.values())
    waterfall = [{"reason": "known", "people": left}]
    for reason in ("law", "consent", "objection"):
        if reason in withheld:
            left -= withheld[reason]
            waterfall.append({"reason": reason, "people": left, "left": withheld[reason]})
    people = used
    for term in terms:
        meets = {row[0] for row in DB.execute(term.format(as_of=as_of)).fetchall()}
        remaining = people & meets
        waterfall.append({"reason": "rule", "people": len(remaining), "left": len(people) - len(remaining)})
        people = remaining
    small = MIN_GROUP[question["purpose"]]
    for step in waterfall:
        # A step that left nobody out shows 0; one under the minimum group is withheld.
        for key in ("people", "left"):
            if key in step and step[key] < small:
                step[key] = None
    return {"columns": ["people"], "rows": [[len(people) if len(people) >= small else None]], "waterfall": waterfall}


DAYS = 86_400_000_000


def within(days: int) -> str:
    """SQL for the last days up to as_of."""
    return f"ts > {{as_of}} - {days * DAYS} AND ts <= {{as_of}}"


SHOPS_OFTEN = f"SELECT household_id FROM basket_paid WHERE {within(30)} GROUP BY 1 HAVING count(*) >= 8"
NO_COUPON = f"""SELECT household_id FROM raw_households
    WHERE household_id NOT IN (SELECT household_id FROM coupon_redeemed WHERE {within(90)})"""
BIG_SPENDERS = f"SELECT household_id FROM basket_paid WHERE {within(90)} GROUP BY 1 HAVING sum(sales_value) >= 500"
LAPSED = f"""SELECT household_id FROM basket_paid WHERE ts <= {{as_of}}
    GROUP BY 1 HAVING max(ts) <= {{as_of}} - {60 * DAYS}"""
COUPON_LOVERS = f"SELECT household_id FROM coupon_redeemed WHERE {within(180)} GROUP BY 1 HAVING count(*) >= 3"

# --- The questions --------------------------------------------------------------------------------------------------

# --- Retention ------------------------------------------------------------------------------------------------------


def retention(question: dict) -> dict:
    """Cohorts by month, from every household's list of months."""
    used, _ = people_for(question["purpose"])
    first, end = micros(question["period"]["from"]), micros(question["period"]["to"])
    start, back = by_household(question["start"]), by_household(question["return"])
    cohorts = range(month_of(first), month_of(end - 1) + 1)
    last = month_of(micros(question["as_of"][:10])) - 1
    sizes, returned = dict.fromkeys(cohorts, 0), {}
    for household in used:
        begun = [event["ts"] for event in start.get(household, []) if first <= event["ts"] < end]
        if not begun:
            continue
        cohort = month_of(min(begun))
        sizes[cohort] += 1
        for month in {month_of(event["ts"]) for event in back.get(household, [])}:
            returned[cohort, month - cohort] = returned.get((cohort, month - cohort), 0) + 1
    small = MIN_GROUP[question["purpose"]]

    rows, marks = [], []
    for cohort in cohorts:
        ended = [n for n in range(question["periods"]) if cohort + n <= last]
        people = [sizes[cohort], *(returned.get((cohort, n), 0) for n in ended)]
        cells = [count if count >= small else None for count in people]
        cells += [None] * (question["periods"] - len(ended))
        rows.append([f"{cohort // 12}-{cohort % 12 + 1:02}-01T00:00:00Z", *cells])
        marks.append(min(people) < small)
    columns = ["cohort", "size", *(f"p{n}" for n in range(question["periods"]))]
    if any(marks):
        return {"columns": [*columns, "withheld"], "rows": [[*row, mark] for row, mark in zip(rows, marks)]}
    return {"columns": columns, "rows": rows}


def month_of(ts: int) -> int:
    """Months since the year 0."""
    at = datetime.fromtimestamp(ts / 1_000_000, timezone.utc)
    return at.year * 12 + at.month - 1


# --- Attribution ----------------------------------------------------------------------------------------------------


def attribution(question: dict) -> dict:
    """Conversions and their value by channel: touches with fractions, whole paths step by step and set by set."""
    used, _ = people_for(question["purpose"])
    model, by_paths = question["model"], question["model"] in ("markov", "shapley")
    converted, lost = [], []
    for household, (own, nothing) in paths_of(question, used, by_paths).items():
        converted += [(household, *path) for path in own]
        lost += nothing
    people, credit = {}, {}
    for household, touches, at, value in converted:
        for channel, share in shares(model, touches, at, question):
            people.setdefault(channel, set()).add(household)
            known = credit.get(channel, (0, 0))
            credit[channel] = (known[0] + share, known[1] + share * Fraction(value))
    touched = [([channel for _, channel in touches], value) for _, touches, _, value in converted if touches]
    if by_paths:
        effect = (removal if model == "markov" else coalitions)(touched, lost)
        total = (len(touched), sum(Fraction(value) for _, value in touched))
        for channel, share in effect.items():
            # A share of all for a chain, conversions and value themselves for sets.
            credit[channel] = tuple(share * whole for whole in total) if model == "markov" else share
    small = MIN_GROUP[question["purpose"]]
    named = sorted(channel for channel in credit if channel != "(none)" and len(people.get(channel, ())) >= small)
    assert len(named) == len(credit.keys() - {"(none)"}), "channels under the minimum group, which are not folded here"
    rows = [[channel, float(credit[channel][0]), float(credit[channel][1])] for channel in named]
    is_withheld = len(people.get("(none)", ())) < small
    untouched = [None, None] if is_withheld else [float(figure) for figure in credit["(none)"]]
    rows.append(["(none)", *untouched])
    columns = ["channel", "conversions", "value"]
    if is_withheld:
        return {"columns": [*columns, "withheld"], "rows": [[*row, row[1] is None] for row in rows]}
    return {"columns": columns, "rows": rows}


def paths_of(question: dict, used: set, by_paths: bool) -> dict:
    """For each household its conversions, each with its touches, and the touches that led to none."""
    first, end = micros(question["period"]["from"]), micros(question["period"]["to"])
    lookback, cuts = duration(question["lookback"]), by_paths or question.get("reset", False)
    conversions, touches = by_household(question["conversion"]), by_household(question["touch"])
    paths = {}
    for household in used:
        own = [(event["ts"], event[question["channel"]]) for event in touches.get(household, [])]
        own.sort()
        ends = sorted({event["ts"] for event in conversions.get(household, []) if event["ts"] < end})
        after = dict(zip(ends, [None, *ends]))
        found, lost = [], []
        for event in conversions.get(household, []):
            if first <= event["ts"] < end:
                since, last = after[event["ts"]], event["ts"]
                path = [touch for touch in own if last - lookback <= touch[0] <= last]
                path = [touch for touch in path if not cuts or since is None or touch[0] > since]
                found.append((path, last, event[question["value"]]))
        for since, until in zip([None, *ends], [*(at - lookback for at in ends), end]):
            inside = [touch for touch in own if first <= touch[0] < until and (since is None or touch[0] > since)]
            lost += [[channel for _, channel in inside]] if inside else []
        paths[household] = (found, lost)
    return paths


def shares(model: str, touches: list, at: int, question: dict) -> list:
    """Channel and share of each touch."""
    n = len(touches)
    if not touches:
        return [("(none)", Fraction(1))]
    if model == "first":
        weights = [1] + [0] * (n - 1)
    elif model == "last":
        weights = [0] * (n - 1) + [1]
    elif model == "position" and n > 2:
        weights = [Fraction(2, 5), *[Fraction(1, 5) / (n - 2)] * (n - 2), Fraction(2, 5)]
    elif model == "time_decay":
        half_life = duration(question.get("half_life", "7 days"))
        weights = [Fraction(0.5 ** ((at - ts) / half_life)) for ts, _ in touches]
    else:
        weights = [1] * n
    return [(channel, Fraction(weight) / sum(weights)) for (_, channel), weight in zip(touches, weights) if weight]


def removal(touched: list, lost: list) -> dict:
    """How much less converts when a channel leads nowhere, as shares of all such losses."""
    counts = {}
    for path, end in [(path, "converted") for path, _ in touched] + [(path, "lost") for path in lost]:
        for here, there in zip(["start", *path], [*path, end]):
            counts.setdefault(here, {}).setdefault(there, 0)
            counts[here][there] += 1

    def converts(without=None):
        here, done = {"start": 1.0}, 0.0
        while sum(here.values()) > 1e-17:
            there = {}
            for place, chance in here.items():
                total = sum(counts[place].values())
                for to, count in counts[place].items():
                    if to == "converted":
                        done += chance * count / total
                    elif to not in ("lost", without):
                        there[to] = there.get(to, 0.0) + chance * count / total
            here = there
        return done

    channels = {channel for path, _ in touched for channel in path} | {channel for path in lost for channel in path}
    losses = {channel: 1 - converts(channel) / converts() for channel in channels}
    return {channel: Fraction(loss / sum(losses.values())) for channel, loss in losses.items()}


def coalitions(touched: list, _lost: list) -> dict:
    """Shapley's value of each channel: what it adds to those before it, on average over all orders."""
    channels = sorted({channel for path, _ in touched for channel in path})
    worth = {}
    for size in range(len(channels) + 1):
        for some in combinations(channels, size):
            inside = [Fraction(value) for path, value in touched if set(path) <= set(some)]
            worth[frozenset(some)] = (len(inside), sum(inside))
    added = dict.fromkeys(channels, (Fraction(0), Fraction(0)))
    orders = list(permutations(channels))
    for order in orders:
        for place, channel in enumerate(order):
            before = worth[frozenset(order[:place])]
            after = worth[frozenset(order[: place + 1])]
            added[channel] = tuple(known + (a - b) for known, a, b in zip(added[channel], after, before))
    return {channel: tuple(figure / len(orders) for figure in both) for channel, both in added.items()}


# --- Paths ----------------------------------------------------------------------------------------------------------


def paths(question: dict) -> dict:
    """Every household's events in a list, cut at its first `from` or its last `to`."""
    used, _ = people_for(question["purpose"])
    first, end = micros(question["period"]["from"]), micros(question["period"]["to"])
    name, backwards = (question["to"], True) if "to" in question else (question["from"], False)
    histories = {}
    for event in EVENTS:
        for household, rows in by_household(event).items():
            histories.setdefault(household, []).extend((row["ts"], event) for row in rows)
    people = {}
    for household in used:
        events = sorted(histories.get(household, []))
        ends = [place for place, (ts, event) in enumerate(events) if event == name and first <= ts < end]
        if not ends:
            continue
        names = [event for _, event in (events[: ends[-1]] if backwards else events[ends[0] + 1 :])]
        if question.get("collapse"):
            names = [event for place, event in enumerate(names) if place == 0 or names[place - 1] != event]
        path = tuple(names[-question["steps"] :] if backwards else names[: question["steps"]])
        people[path] = people.get(path, 0) + 1
    small = MIN_GROUP[question["purpose"]]
    named = sorted((-count, path) for path, count in people.items() if count >= small)
    rows = [[list(path), -count] for count, path in named[: question["top"]]]
    if named[question["top"] :]:
        rows.append([["(other)"], -sum(count for count, _ in named[question["top"] :])])
    if len(named) == len(people):
        return {"columns": ["path", "people"], "rows": rows}
    rows = [[*row, False] for row in rows] + [[["(withheld)"], None, True]]
    return {"columns": ["path", "people", "withheld"], "rows": rows}


YEAR = {"from": "2017-01-01", "to": "2018-01-01"}
YEAR_AND_BEFORE = {"from": "2016-11-01", "to": "2018-01-01"}
CONDITION = "count(basket_paid, within => '30 days') >= 8 AND NOT did(coupon_redeemed, within => '90 days')"
LAST_DAY = "2017-12-31T00:00:00Z"


def questions():
    """Name, who asks, question, answer."""

    def ask_trend(name, measure, by, event, value, where="true", text=None, breakdown=None, period=YEAR):
        question = {"kind": "trend", "purpose": "analytics", "measure": measure, "by": by}
        if period:
            question["period"] = period
        if text:
            question["where"] = text
        if breakdown:
            question["breakdown"] = [breakdown]
        return name, "marketer", question, trend(question, event, value, where, breakdown)

    def ask_funnel(name, period, **extra):
        question = {
            "kind": "funnel",
            "purpose": "analytics",
            "steps": ["campaign_received", "coupon_redeemed"],
            "within": "45 days",
            "period": period,
            **extra,
        }
        return name, "marketer", question, funnel(question)

    def ask_audience(name, purpose, condition, *terms):
        question = {"kind": "audience", "purpose": purpose, "where": condition, "as_of": LAST_DAY}
        return name, "marketer", question, audience(question, list(terms))

    def ask_retention(name, purpose, start, back, period, periods):
        question = {"kind": "retention", "purpose": purpose, "start": start, "return": back, "by": "month"}
        question |= {"periods": periods, "period": period, "as_of": "2018-01-01T00:00:00Z"}
        return name, "marketer", question, retention(question)

    def ask_attribution(name, conversion, value, model, lookback, **more):
        question = {"kind": "attribution", "purpose": "analytics", "conversion": conversion, "touch": "campaign_received"}
        question |= {"channel": "campaign_type", "value": value, "model": model, "lookback": lookback, **more}
        question |= {"period": YEAR}
        return name, "marketer", question, attribution(question)

    def ask_paths(name, steps, top, **more):
        question = {"kind": "paths", "purpose": "analytics", "steps": steps, "top": top, "period": YEAR, **more}
        return name, "marketer", question, paths(question)

    net_sales = ("basket_paid", "sum(sales_value)")
    yield ask_trend("net_sales_by_month", "sum(basket_paid.sales_value)", "month", *net_sales)
    yield ask_trend("net_sales_2017", "sum(basket_paid.sales_value)", "none", *net_sales)
    yield ask_trend("net_sales_all", "sum(basket_paid.sales_value)", "none", *net_sales, period=None)
    yield ask_trend("households_by_month", "people(basket_paid)", "month", "basket_paid", "count(DISTINCT household_id)")
    yield ask_trend("baskets_by_week", "count(basket_paid)", "week", "basket_paid", "count(*)")
    yield ask_trend(
        "private_label_by_month",
        "sum(product_purchased.sales_value)",
        "month",
        "product_purchased",
        "sum(sales_value)",
        where="brand = 'Private'",
        text="event.brand = 'Private'",
    )
    yield ask_trend(
        "lines_without_product",
        "count(product_purchased)",
        "none",
        "product_purchased",
        "count(*)",
        where="department IS NULL",
        text="event.department IS NULL",
        period=None,
    )
    yield ask_trend(
        "sales_by_brand",
        "sum(product_purchased.sales_value)",
        "none",
        "product_purchased",
        "sum(sales_value)",
        breakdown="brand",
    )
    yield ask_funnel("campaign_to_coupon", YEAR_AND_BEFORE)
    yield ask_funnel("campaign_to_coupon_by_type", YEAR_AND_BEFORE, breakdown=["campaign_type"])
    yield ask_funnel("campaign_to_coupon_2017", YEAR)
    yield ask_funnel("campaign_to_coupon_2017_by_type", YEAR, breakdown=["campaign_type"])
    yield ask_funnel("contacts_to_coupon_2017", YEAR, same=["campaign_id"], count_by=["campaign_id"])
    quarter = {"from": "2017-01-01", "to": "2017-04-01"}
    yield ask_retention("shoppers_who_return", "analytics", "basket_paid", "basket_paid", quarter, 12)
    yield ask_retention("coupons_after_campaigns", "analytics", "campaign_received", "coupon_redeemed", YEAR, 3)
    for model in ("first", "last", "linear", "position", "time_decay", "markov", "shapley"):
        yield ask_attribution(f"baskets_by_{model}", "basket_paid", "sales_value", model, "30 days")
    yield ask_attribution("baskets_by_last_reset", "basket_paid", "sales_value", "last", "30 days", reset=True)
    yield ask_attribution(
        "baskets_by_half_a_day", "basket_paid", "sales_value", "time_decay", "14 days", half_life="12 hours"
    )
    yield ask_paths("after_campaigns", 4, 10, **{"from": "campaign_received"})
    yield ask_paths("after_campaigns_without_repeats", 5, 10, **{"from": "campaign_received"}, collapse=True)
    yield ask_paths("before_coupons", 4, 5, to="coupon_redeemed", collapse=True)
    yield ask_audience("frequent_for_analytics", "analytics", CONDITION, SHOPS_OFTEN, NO_COUPON)
    yield ask_audience("frequent_for_email", "email", CONDITION, SHOPS_OFTEN, NO_COUPON)
    yield ask_audience(
        "big_spenders", "personalisation", "sum(basket_paid.sales_value, within => '90 days') >= 500", BIG_SPENDERS
    )
    yield ask_audience("lapsed", "email", "days_since_last(basket_paid) >= 60", LAPSED)
    yield ask_audience("coupon_lovers", "email", "count(coupon_redeemed, within => '180 days') >= 3", COUPON_LOVERS)
    yield ask_audience("frequent_for_ads", "ads", CONDITION, SHOPS_OFTEN, NO_COUPON)


# --- Published figures ----------------------------------------------------------------------------------------------


def published(answers: dict) -> dict:
    """What was published: figure -> (found, published)."""

    def cell(name, key=None):
        rows = answers[name]["rows"]
        return rows[0][-1] if key is None else next(row[-1] for row in rows if row[0] == key)

    def steps(name, group=None):
        rows = answers[name]["rows"]
        return [row[-4] for row in rows if group is None or row[0] == group]

    people = answers["frequent_for_email"]["people"]
    return {
        "net sales January": (cell("net_sales_by_month", "2017-01-01T00:00:00Z"), "370886.93"),
        "net sales December": (cell("net_sales_by_month", "2017-12-01T00:00:00Z"), "421882.29"),
        "net sales 2017": (cell("net_sales_2017"), "4594146.32"),
        "net sales, all": (cell("net_sales_all"), "4596039.58"),
        "households January": (cell("households_by_month", "2017-01-01T00:00:00Z"), 1982),
        "households July": (cell("households_by_month", "2017-07-01T00:00:00Z"), 2078),
        "lines without product": (cell("lines_without_product"), 4836),
        "funnel": (steps("campaign_to_coupon"), [1559, 406]),
        "funnel, A": (steps("campaign_to_coupon_by_type", "Type A"), [1045, 270]),
        "funnel, B": (steps("campaign_to_coupon_by_type", "Type B"), [462, 114]),
        "funnel, C": (steps("campaign_to_coupon_by_type", "Type C"), [52, 22]),
        "funnel 2017": (steps("campaign_to_coupon_2017"), [1546, 405]),
        "funnel 2017, A": (steps("campaign_to_coupon_2017_by_type", "Type A"), [1107, 275]),
        "funnel 2017, B": (steps("campaign_to_coupon_2017_by_type", "Type B"), [393, 108]),
        "funnel 2017, C": (steps("campaign_to_coupon_2017_by_type", "Type C"), [46, 22]),
        "contacts 2017": (steps("contacts_to_coupon_2017"), [6442, 753]),
        "audience for analytics": (cell("frequent_for_analytics"), 416),
        "audience for e-mail": (cell("frequent_for_email"), 235),
        "people known, withheld, used": (
            [people["known"], people["withheld"], people["used"]],
            [2469, {"consent": 1013}, 1456],
        ),
    }


def main(write: bool) -> int:
    """Computes, compares with what was published, then writes or compares with the file."""
    answers = {}
    for name, user, question, answer in questions():
        answers[name] = {"as": user, "question": question, **answer, "people": counts(question["purpose"])}
    wrong = 0
    for figure, (found, expected) in published(answers).items():
        wrong += found != expected
        print(f"ok    {figure}: {found}" if found == expected else f"WRONG {figure}: {found}, published {expected}")
    text = as_text(answers)
    if write and not wrong:
        ANSWERS.write_text(text)
        print(f"wrote {len(answers)} answers to {ANSWERS.name}")
    elif not write and ANSWERS.read_text() != text:
        print(f"WRONG {ANSWERS.name} differs: run with --write and read the difference")
        wrong += 1
    return 1 if wrong else 0


def as_text(answers: dict) -> str:
    """JSON with a row per line."""
    parts = []
    for name, answer in answers.items():
        lines = [f"    {json.dumps(key)}: {json_block(value)}" for key, value in answer.items()]
        parts.append(f"  {json.dumps(name)}: {{\n" + ",\n".join(lines) + "\n  }")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def json_block(value) -> str:
    """A list of lists or of objects gets a line per element."""
    if isinstance(value, list) and value and isinstance(value[0], (list, dict)):
        return "[\n" + ",\n".join(f"      {json.dumps(item)}" for item in value) + "\n    ]"
    return json.dumps(value)


if __name__ == "__main__":
    sys.exit(main("--write" in sys.argv[1:]))
