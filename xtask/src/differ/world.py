"""A small world from a seed: a workspace, the files and messages that the program takes in, and what is true of it.

Job: `python world.py FOLDER SEED N_EVENTS N_PEOPLE` writes

    workspace/            definitions, and the data files that its sources name
    messages.ndjson       what is sent over HTTP afterwards, one message per line; some of it twice
    truth-*.ndjson        each event and person once, as whoever answers a second time reads them

Invariants: the same seed gives the same bytes. The truth is written from what was drawn, never from the files that the
program reads, so an error of the import shows as a difference. Values are chosen to be awkward: texts that look like
what an answer says of missing and withheld values, quotes and line breaks, few distinct values so that groups tie,
instants that many events share or that lie beside a change of the clocks, people without events or without traits.
Doubles of events are eighths, so that their sums are exact in any order; those of people are any.
"""

import csv
import hashlib
import json
import random
import sys
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import duckdb

TEXT, INTEGER, NUMBER, BOOLEAN, TIMESTAMP, DATE = "text", "integer", "number", "boolean", "timestamp", "date"
DECIMAL, FINE = "decimal(12,2)", "decimal(20,6)"

# Events and their properties. Those that several events have are of one type.
EVENTS = {
    "visit": {"store": TEXT, "page": TEXT, "secs": INTEGER, "share": NUMBER, "is_new": BOOLEAN, "seen": TIMESTAMP},
    "click": {"store": TEXT, "page": TEXT, "channel": TEXT, "order": INTEGER, "cost": FINE, "is_new": BOOLEAN},
    "buy": {"store": TEXT, "amount": DECIMAL, "items": INTEGER, "weight": NUMBER, "gift": BOOLEAN, "due": DATE},
    "refund": {"store": TEXT, "amount": DECIMAL, "seen": TIMESTAMP, "due": DATE},
    "ping": {"store": TEXT, "secs": INTEGER},
}
# How many in a hundred events each is.
SHARES = {"visit": 45, "click": 22, "buy": 18, "refund": 5, "ping": 10}
PROPERTIES = {name: kind for fields in EVENTS.values() for name, kind in fields.items()}
TRAITS = {
    "plan": TEXT,
    "age": INTEGER,
    "score": NUMBER,
    "balance": DECIMAL,
    "vip": BOOLEAN,
    "joined": TIMESTAMP,
    "born": DATE,
    "country": TEXT,
}
# Without ids, so that the whole content tells its records apart.
WITHOUT_ID = "ping"

PURPOSE, OTHER_PURPOSE, USER = "research", "letters", "asker"
MIN_GROUP = 2
KEY = "sk_differ0123456789012345678901234567890"

# What is asked of: from before clocks go back in the autumn to after they go forward in the spring.
FIRST = datetime(2025, 10, 10, tzinfo=timezone.utc)
N_DAYS = 190
MICROS_PER_DAY = 86_400_000_000

STORES = ["N", "S", "n", "(none)", "(withheld)", "Ünï", "日本 🏪", 'a "b", c', "null", " ", "E''E", None]
PAGES = ["/", "/a", "/a/b", "/A", "100%", "a_b", "ab", "a\\b", "é", "e\u0301", "\\", "two\nlines", "-1", None]
CHANNELS = ["ad", "mail", "Mail", "(none)", "z", None]
PLANS = ["free", "pro", "Pro", "プロ", None]
COUNTRIES = ["DE", "US", "FR", None]

AUDIENCES = {
    "plain": "plan = 'pro' OR age >= 40",
    "busy": "count(visit) >= 12 AND NOT did(refund)",
}
METRICS = {
    "turnover": ("sum(buy.amount)", None),
    "big_buys": ("count(buy)", "event.amount > 20 AND NOT event.gift"),
    "share_of_gifts": ("sum(buy.items) / count(visit)", "event.store <> 'N' OR plan IS NULL"),
}


def micros(at: datetime) -> int:
    """Microseconds since 1970."""
    return (at - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(microseconds=1)


def instant(at: int) -> str:
    """RFC 3339 in UTC."""
    return (datetime(1970, 1, 1) + timedelta(microseconds=at)).isoformat() + "Z"


# --- What happened --------------------------------------------------------------------------------------------------


def value(draw: random.Random, name: str, kind: str):
    """A value of a field; null for one in eight."""
    lists = {"store": STORES, "page": PAGES, "channel": CHANNELS, "plan": PLANS, "country": COUNTRIES}
    if name in lists:
        # Low places are more common, so that there are groups of many and of one.
        of = lists[name]
        return of[min(draw.randrange(len(of)), draw.randrange(len(of)))] if draw.random() > 0.03 else of[-1]
    if draw.random() < 0.125:
        return None
    if kind == INTEGER:
        return draw.choice([0, 1, 1, 2, 3, 5, 8, -3, 40, 41, draw.randrange(-10, 90)])
    if name == "score" and draw.random() < 0.4:
        # Traits are never added up, so these may be any doubles.
        return draw.choice([19.1, 0.1, 1e18, -1e-7, 123456.789, 1e-300, -0.0])
    if kind == NUMBER:
        return draw.choice([0.0, -0.5, 0.125, 2.5, 1000000.5, draw.randrange(-80, 800) / 8])
    if kind == DECIMAL:
        return Decimal(draw.choice([0, 1, -250, 1999, 2000, 2001, draw.randrange(-500, 9000)])).scaleb(-2)
    if kind == FINE:
        return Decimal(draw.choice([0, 1, 333333, -1, draw.randrange(0, 5_000_000)])).scaleb(-6)
    if kind == BOOLEAN:
        return draw.random() < 0.4
    if kind == TIMESTAMP:
        return moment(draw)
    return (FIRST.date() + timedelta(days=draw.randrange(0, 60))).isoformat()


def moment(draw: random.Random) -> int:
    """An instant in microseconds: anywhere, on a full hour, or beside a change of the clocks."""
    day = micros(FIRST) + draw.randrange(N_DAYS) * MICROS_PER_DAY
    kind = draw.random()
    if kind < 0.6:
        return day + draw.randrange(MICROS_PER_DAY)
    if kind < 0.95:
        # A quarter of an hour, or a microsecond beside one.
        return day + draw.randrange(96) * 900_000_000 + draw.choice([0, 0, 0, -1, 1])
    change = draw.choice(
        [datetime(2025, 10, 26, 1), datetime(2025, 11, 2, 5), datetime(2026, 3, 8, 5), datetime(2026, 3, 29, 1)]
    )
    return micros(change.replace(tzinfo=timezone.utc)) + draw.randrange(-12, 12) * 900_000_000


def draw_people(draw: random.Random, n_people: int) -> list[dict]:
    """Everybody with traits and consents; `used` says whether they may be used, `reason` why not."""
    people = []
    for number in range(n_people):
        has_traits = draw.random() < 0.9
        traits = {name: value(draw, name, kind) if has_traits else None for name, kind in TRAITS.items()}
        said = draw.random()
        state = "granted" if said < 0.72 else "denied" if said < 0.86 else None
        # Where the law is unknown, the no and its reason could be one law's or another's; so nobody says no there.
        if state == "denied" and traits["country"] not in ("DE", "US"):
            state = None
        reason = None
        if traits["country"] == "US":
            reason = "objection" if state == "denied" else None
        elif state != "granted":
            reason = "consent"
        people.append({"person": f"p{number:05}", **traits, "has_traits": has_traits, "state": state, "reason": reason})
    return people


def statements(draw: random.Random, people: list[dict]) -> list[dict]:
    """What people said: the newest counts; of two at the same instant, the no; other purposes do not matter."""
    said = []
    for person in people:
        last = micros(FIRST) + draw.randrange(N_DAYS) * MICROS_PER_DAY
        name = person["person"]
        if person["state"]:
            if draw.random() < 0.3:
                before = draw.choice(["granted", "denied", "objected"])
                said.append(
                    {"person": name, "ts": last - 1 - draw.randrange(10**12), "purpose": PURPOSE, "state": before}
                )
            if person["state"] == "denied" and draw.random() < 0.3:
                said.append({"person": name, "ts": last, "purpose": PURPOSE, "state": "granted"})
            said.append({"person": name, "ts": last, "purpose": PURPOSE, "state": person["state"]})
        if draw.random() < 0.4:
            state = draw.choice(["granted", "denied"])
            said.append({"person": name, "ts": last + 5, "purpose": OTHER_PURPOSE, "state": state})
    return said


def draw_events(draw: random.Random, people: list[dict], n_events: int) -> list[dict]:
    """All events. Some share the instant of another of the same person; those have its store, too."""
    names, weights = list(SHARES), list(SHARES.values())
    # One in ten does nothing, and few do much.
    weight_of = [0 if draw.random() < 0.1 else draw.choice([1, 2, 3, 5, 12]) for _ in people]
    per_weight = n_events / sum(weight_of)
    events, number = [], 0
    for person, weight in zip(people, weight_of):
        before = None
        for _ in range(round(weight * per_weight)):
            name = draw.choices(names, weights)[0]
            ties = before is not None and draw.random() < 0.1
            event = {"person": person["person"], "ts": before["ts"] if ties else moment(draw), "name": name}
            event |= {field: value(draw, field, kind) for field, kind in EVENTS[name].items()}
            if ties:
                event["store"] = before["store"]
            event["id"] = f"m{number:07}"
            events.append(event)
            before, number = event, number + 1
    return events


# --- How it is delivered --------------------------------------------------------------------------------------------


def deliver(draw: random.Random, folder: Path, events: list[dict]) -> None:
    """Writes each event into one of three files or a message, and some of them twice."""
    files, messages = folder / "workspace" / "files", []
    for name, fields in EVENTS.items():
        columns = ["person", "ts"] + ([] if name == WITHOUT_ID else ["id"]) + list(fields)
        own = [event for event in events if event["name"] == name]
        # Later ones come later, but for some that come at any time.
        own.sort(key=lambda event: event["ts"] + (draw.random() < 0.2) * draw.randrange(-(10**13), 10**13))
        thirds = len(own) * 2 // 7
        parts = [own[:thirds], own[thirds : 2 * thirds], own[2 * thirds : 3 * thirds]]
        rest = own[3 * thirds :]
        if name == WITHOUT_ID:
            # Rows that are equal within one file all count; in another file they would not.
            parts, rest = [own, [], []], []
        else:
            for part in parts[1:] + [rest]:
                part.extend(draw.sample(parts[0], len(parts[0]) // 50))
                draw.shuffle(part)
            messages.extend(message(event, fields) for event in rest)
        write_csv(files / f"{name}.csv", columns, parts[0])
        write_ndjson(files / f"{name}.ndjson", columns, parts[1])
        write_parquet(files / f"{name}.parquet", columns, fields, parts[2])
    draw.shuffle(messages)
    messages.extend(draw.sample(messages, len(messages) // 20))
    (folder / "messages.ndjson").write_text("".join(json.dumps(each) + "\n" for each in messages))


def message(event: dict, fields: dict) -> dict:
    """As a client sends it."""
    properties = {field: plain(event[field], kind) for field, kind in fields.items() if event[field] is not None}
    return {
        "type": "track", "userId": event["person"], "event": event["name"], "messageId": event["id"],
        "timestamp": instant(event["ts"]), "properties": properties,
    }  # fmt: skip


def plain(cell, kind: str):
    """A value as JSON has it."""
    if cell is None:
        return None
    if kind in (DECIMAL, FINE):
        return float(cell)
    return instant(cell) if kind == TIMESTAMP else cell


def kind_of(column: str) -> str:
    return {"ts": TIMESTAMP, "person": TEXT, "id": TEXT}.get(column) or PROPERTIES.get(column) or TRAITS[column]


def write_csv(path: Path, columns: list[str], rows: list[dict]) -> None:
    def text(row, column):
        cell = row[column]
        if isinstance(cell, bool):
            return "true" if cell else "false"
        return "" if cell is None else instant(cell) if kind_of(column) == TIMESTAMP else str(cell)

    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows([text(row, column) for column in columns] for row in rows)


def write_ndjson(path: Path, columns: list[str], rows: list[dict]) -> None:
    with path.open("w") as file:
        for row in rows:
            cells = {column: plain(row[column], kind_of(column)) for column in columns if row[column] is not None}
            file.write(json.dumps(cells) + "\n")


SQL_TYPES = {
    TEXT: "VARCHAR",
    INTEGER: "BIGINT",
    NUMBER: "DOUBLE",
    BOOLEAN: "BOOLEAN",
    TIMESTAMP: "TIMESTAMPTZ",
    DATE: "DATE",
}


def write_parquet(path: Path, columns: list[str], fields: dict, rows: list[dict]) -> None:
    lines = path.with_suffix(".lines")
    write_ndjson(lines, columns, rows)
    kinds = {column: SQL_TYPES.get(kind_of(column), kind_of(column).upper()) for column in columns}
    listed = ", ".join(f"'{column}': '{kind}'" for column, kind in kinds.items())
    source = f"read_json('{lines}', format = 'newline_delimited', columns = {{{listed}}})"
    duckdb.sql(f"SET TimeZone = 'UTC'; COPY (SELECT * FROM {source}) TO '{path}' (FORMAT parquet)")
    lines.unlink()


# --- Definitions ----------------------------------------------------------------------------------------------------


def definitions() -> dict[str, str]:
    """The workspace's files and their texts."""
    purposes = f"[{PURPOSE}, {OTHER_PURPOSE}]"
    custom = f"customProperties: [{{ property: purposes, value: {purposes} }}]"
    basis = "basis: { gdpr: consent, ccpa: opt_out, us_other: opt_out }"

    def field(name, kind, classification="none", more=""):
        logical = "number, physicalType: '%s'" % kind if kind in (DECIMAL, FINE) else kind.replace("text", "string")
        return f"      - {{ name: {name}, logicalType: {logical}, classification: {classification}, {custom}{more} }}\n"

    def thing(name, entity, fields, roles):
        said = "".join(
            f"      - {{ property: {key}, value: {word} }}\n" for key, word in {"entity": entity, **roles}.items()
        )
        head = f"  - name: {name}\n    logicalType: object\n    customProperties:\n{said}    properties:\n"
        return head + "".join(fields)

    person, ts = field("person", TEXT, "pseudonym", ", required: true"), field("ts", TIMESTAMP, more=", required: true")
    objects = [
        thing(
            "statement",
            "consent",
            [person, ts, field("purpose", TEXT), field("state", TEXT)],
            {"person": "person", "time": "ts"},
        ),
        thing("profile", "traits", [person] + [field(*trait) for trait in TRAITS.items()], {"person": "person"}),
    ]
    for name, fields in EVENTS.items():
        own, roles = [field(*each) for each in fields.items()], {"person": "person", "time": "ts"}
        if name != WITHOUT_ID:
            own, roles = [field("id", TEXT)] + own, roles | {"message_id": "id"}
        objects.append(thing(name, "event", [person, ts] + own, roles))
    names = [("statement", "csv"), ("profile", "ndjson")]
    names += [
        (name, ending)
        for ending in ("csv", "ndjson", "parquet")
        for name in EVENTS
        if name != WITHOUT_ID or ending == "csv"
    ]
    files = "".join(f"  - {{ path: files/{name}.{ending}, object: {name} }}\n" for name, ending in names)
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    key = f"{{ name: sender, kind: secret, sha256: {digest}, events_per_second: 1000000 }}"
    role = f"purposes: {{ {PURPOSE}: profile }}\nmasks: {{ none: show, pseudonym: show }}\nsees_cost: true\n"
    door = "".join(
        f"  - {{ property: {name}, value: reject }}\n" for name in ("on_unknown_event", "on_bad_value", "on_bad_time")
    )
    head = "apiVersion: v3.1.0\nkind: DataContract\nid: shop\nversion: 1.0.0\nstatus: active\n"
    texts = {
        "entente.yaml": "title: Differ\nlaws:\n  - { country: DE, law: gdpr }\n  - { country: US, law: us_other }\n",
        "users.yaml": f"users:\n  - {{ name: {USER}, role: all }}\n",
        f"purposes/{PURPOSE}.yaml": f"title: {PURPOSE}\n{basis}\nmin_group: {MIN_GROUP}\ndifferences: shown\n",
        f"purposes/{OTHER_PURPOSE}.yaml": f"title: {OTHER_PURPOSE}\n{basis}\nmin_group: {MIN_GROUP}\ndifferences: shown\n",
        "roles/all.yaml": role,
        "sources/shop.yaml": f"contract: contracts/shop.odcs.yaml\nfiles:\n{files}keys:\n  - {key}\n",
        "contracts/shop.odcs.yaml": f"{head}customProperties:\n{door}schema:\n{''.join(objects)}",
    }
    for name, where in AUDIENCES.items():
        texts[f"audiences/{name}.yaml"] = f"purpose: {PURPOSE}\nwhere: {json.dumps(where)}\n"
    for name, (measure, where) in METRICS.items():
        condition = f"where: {json.dumps(where)}\n" if where else ""
        texts[f"metrics/{name}.yaml"] = f"title: {name}\nmeasure: {json.dumps(measure)}\n{condition}"
    return texts


def truth(path: Path, rows: list[dict]) -> None:
    """One line each; decimals are text, so that no reader makes doubles of them."""
    with path.open("w") as file:
        for row in rows:
            cells = {name: str(cell) if isinstance(cell, Decimal) else cell for name, cell in row.items()}
            file.write(json.dumps(cells) + "\n")


def main() -> None:
    folder, seed, n_events, n_people = Path(sys.argv[1]), *map(int, sys.argv[2:5])
    draw = random.Random(f"world {seed}")
    for name, text in definitions().items():
        path = folder / "workspace" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    files = folder / "workspace" / "files"
    files.mkdir(exist_ok=True)
    people = draw_people(draw, n_people)
    said = statements(draw, people)
    events = draw_events(draw, people, n_events)
    write_ndjson(files / "profile.ndjson", ["person", *TRAITS], [each for each in people if each["has_traits"]])
    with (files / "statement.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["person", "ts", "purpose", "state"])
        writer.writerows([each["person"], instant(each["ts"]), each["purpose"], each["state"]] for each in said)
    deliver(draw, folder, events)
    seen = {each["person"] for each in events} | {each["person"] for each in said}
    seen |= {each["person"] for each in people if each["has_traits"]}
    truth(folder / "truth-people.ndjson", [each for each in people if each["person"] in seen])
    truth(folder / "truth-events.ndjson", events)


if __name__ == "__main__":
    main()
