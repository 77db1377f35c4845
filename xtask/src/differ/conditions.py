"""Conditions: drawn, written as a question has them, and written as SQL.

A condition is a tree of the classes below. `text` is what the program reads; `sql` is what DuckDB reads, over a relation
whose columns are the fields' names, those of traits with `t_` before them. Terms of people (`Function`) need a table of
their own in SQL; `Tables` collects these.
`is_true`, `is_false` and `is_unknown` give for any condition three that are never unknown and of which exactly one holds:
the language has `IS NULL` for terms alone, so they are made of the terms' IS NULL by the rules of ternary logic.
"""

import random
from dataclasses import dataclass, field
from decimal import Decimal

from world import AUDIENCES, BOOLEAN, DATE, DECIMAL, EVENTS, FINE, INTEGER, NUMBER, PROPERTIES, TEXT, TIMESTAMP, TRAITS
from world import instant, value

NUMERIC = (INTEGER, NUMBER, DECIMAL, FINE)
WORDS = {"order"}
SECONDS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400, "week": 604_800}


def duration(text: str) -> int:
    """Microseconds."""
    count, unit = text.split()
    return int(count) * SECONDS[unit.rstrip("s")] * 1_000_000


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


# --- Terms ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Field:
    """A property of an event, or a trait."""

    name: str
    kind: str
    is_trait: bool = False

    def text(self) -> str:
        name = f'"{self.name}"' if self.name in WORDS else self.name
        return name if self.is_trait else f"event.{name}"

    def sql(self, tables) -> str:
        return f'"t_{self.name}"' if self.is_trait else f'"{self.name}"'


@dataclass(frozen=True)
class Constant:
    kind: str
    value: object

    def text(self) -> str:
        if self.kind == TIMESTAMP:
            return quoted(instant(self.value))
        if self.kind in (TEXT, DATE):
            return quoted(self.value)
        return str(self.value).upper() if self.kind == BOOLEAN else str(self.value)

    def sql(self, tables) -> str:
        if self.kind == TIMESTAMP:
            return str(self.value)
        return f"DATE {quoted(self.value)}" if self.kind == DATE else self.text()


@dataclass(frozen=True)
class Function:
    """A figure about one person, over their events up to `as_of`."""

    name: str
    event: str
    property: str | None = None
    within: str | None = None
    where: object = None
    kind: str = INTEGER

    def text(self) -> str:
        words = [self.event + (f".{quoted_name(self.property)}" if self.property else "")]
        words += [f"within => {quoted(self.within)}"] if self.within else []
        words += [f"where => ({self.where.text()})"] if self.where else []
        return f"{self.name}({', '.join(words)})"

    def sql(self, tables) -> str:
        figure = tables.of(self)
        if self.name == "did":
            return f"({figure} IS NOT NULL)"
        return f"coalesce({figure}, 0)" if self.name == "count" else figure


def quoted_name(name: str) -> str:
    return f'"{name}"' if name in WORDS else name


@dataclass
class Tables:
    """What the functions of a condition are computed by: one relation each, with `person` and `v`."""

    as_of: int
    relations: list[str] = field(default_factory=list)

    def of(self, function: Function) -> str:
        name, of = function.name, f'"{function.property}"'
        figure = {
            "count": "count(*)", "did": "count(*)",
            "sum": f"sum({of})", "min": f"min({of})", "max": f"max({of})",
            "avg": f"sum({of})::DOUBLE / count({of})",
            "days_since_last": f"({self.as_of} - max(ts)) // 86400000000",
            "days_since_first": f"({self.as_of} - min(ts)) // 86400000000",
        }[name]  # fmt: skip
        terms = [f"ts <= {self.as_of}"]
        terms += [f"ts > {self.as_of - duration(function.within)}"] if function.within else []
        terms += [f"name = '{function.event}'"] if function.event != "*" else []
        terms += [f"({function.where.sql(None)})"] if function.where else []
        self.relations.append(f"(SELECT person, {figure} AS v FROM ev WHERE {' AND '.join(terms)} GROUP BY person)")
        return f"f{len(self.relations) - 1}.v"


# --- Conditions -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Compare:
    left: object
    operator: str
    right: object

    def text(self) -> str:
        return f"{self.left.text()} {self.operator} {self.right.text()}"

    def sql(self, tables) -> str:
        return f"({self.left.sql(tables)} {self.operator} {self.right.sql(tables)})"

    def terms(self) -> list:
        return [self.left, self.right]


@dataclass(frozen=True)
class Between:
    term: object
    low: object
    high: object
    is_not: bool

    def text(self) -> str:
        return f"{self.term.text()} {'NOT ' * self.is_not}BETWEEN {self.low.text()} AND {self.high.text()}"

    def sql(self, tables) -> str:
        term = self.term.sql(tables)
        inside = f"({term} >= {self.low.sql(tables)} AND {term} <= {self.high.sql(tables)})"
        return f"(NOT {inside})" if self.is_not else inside

    def terms(self) -> list:
        return [self.term]


@dataclass(frozen=True)
class In:
    term: object
    constants: tuple
    is_not: bool

    def text(self) -> str:
        return f"{self.term.text()} {'NOT ' * self.is_not}IN ({', '.join(each.text() for each in self.constants)})"

    def sql(self, tables) -> str:
        constants = ", ".join(each.sql(tables) for each in self.constants)
        return f"({self.term.sql(tables)} {'NOT ' * self.is_not}IN ({constants}))"

    def terms(self) -> list:
        return [self.term]


@dataclass(frozen=True)
class Like:
    term: object
    pattern: str
    is_not: bool

    def text(self) -> str:
        return f"{self.term.text()} {'NOT ' * self.is_not}LIKE {quoted(self.pattern)}"

    def sql(self, tables) -> str:
        return f"({self.term.sql(tables)} {'NOT ' * self.is_not}LIKE {quoted(self.pattern)})"

    def terms(self) -> list:
        return [self.term]


@dataclass(frozen=True)
class IsNull:
    term: object
    is_not: bool = False

    def text(self) -> str:
        return f"{self.term.text()} IS {'NOT ' * self.is_not}NULL"

    def sql(self, tables) -> str:
        return f"({self.term.sql(tables)} IS {'NOT ' * self.is_not}NULL)"

    def terms(self) -> list:
        return []


@dataclass(frozen=True)
class Flag:
    """A boolean field or `did` that stands alone."""

    term: object

    def text(self) -> str:
        return self.term.text()

    def sql(self, tables) -> str:
        return self.term.sql(tables)

    def terms(self) -> list:
        return [] if isinstance(self.term, Function) else [self.term]


@dataclass(frozen=True)
class InAudience:
    """The audience's condition in its place."""

    name: str
    condition: object

    def text(self) -> str:
        return f"in_audience('{self.name}')"

    def sql(self, tables) -> str:
        return self.condition.sql(tables)


@dataclass(frozen=True)
class Not:
    part: object

    def text(self) -> str:
        return f"NOT ({self.part.text()})"

    def sql(self, tables) -> str:
        return f"(NOT {self.part.sql(tables)})"


@dataclass(frozen=True)
class Joined:
    """`word` is AND or OR."""

    word: str
    parts: tuple

    def text(self) -> str:
        return f" {self.word} ".join(
            f"({part.text()})" if isinstance(part, Joined) else part.text() for part in self.parts
        )

    def sql(self, tables) -> str:
        return "(" + f" {self.word} ".join(part.sql(tables) for part in self.parts) + ")"


def both(*parts):
    """All that are there, joined by AND; `None` when none is. What AND joins already is not nested."""
    there = []
    for part in parts:
        there.extend(part.parts if isinstance(part, Joined) and part.word == "AND" else [part] if part else [])
    return Joined("AND", tuple(there)) if len(there) > 1 else there[0] if there else None


# --- Three that are never unknown -----------------------------------------------------------------------------------

NEVER = Compare(Constant(INTEGER, 1), "=", Constant(INTEGER, 2))


def some(*parts):
    return Joined("OR", parts)


def is_true(p):
    """Holds where `p` is true."""
    if isinstance(p, Not):
        return is_false(p.part)
    if isinstance(p, InAudience):
        return is_true(p.condition)
    if not isinstance(p, Joined):
        return p
    return Joined(p.word, tuple(map(is_true, p.parts)))


def is_false(p):
    """Holds where `p` is false; a part that is unknown under NOT does not hold."""
    if isinstance(p, Not):
        return is_true(p.part)
    if isinstance(p, InAudience):
        return is_false(p.condition)
    if not isinstance(p, Joined):
        return Not(p)
    return Joined("OR" if p.word == "AND" else "AND", tuple(map(is_false, p.parts)))


def is_unknown(p):
    """Holds where `p` is unknown: for AND, where a part is and no other is false; for OR, where no other is true."""
    if isinstance(p, Not):
        return is_unknown(p.part)
    if isinstance(p, InAudience):
        return is_unknown(p.condition)
    if not isinstance(p, Joined):
        missing = [IsNull(term) for term in p.terms() if not isinstance(term, Constant)]
        return None if not missing else missing[0] if len(missing) == 1 else some(*missing)
    passes = is_true if p.word == "AND" else is_false
    unknown = [is_unknown(part) for part in p.parts]
    if not any(unknown):
        return None
    open_parts = [passes(part) if not u else some(passes(part), u) for part, u in zip(p.parts, unknown)]
    return both(
        Joined("AND", tuple(open_parts)),
        some(*filter(None, unknown)) if sum(map(bool, unknown)) > 1 else next(filter(None, unknown)),
    )


# --- Drawing --------------------------------------------------------------------------------------------------------

OPERATORS = ["=", "<>", "!=", "<", "<=", ">", ">="]


def properties(*events: str) -> list[Field]:
    """The properties that all of these events have; of `*`, those that every event has."""
    names = list(EVENTS) if "*" in events else events
    common = set.intersection(*(set(EVENTS[name]) for name in names))
    return [Field(name, PROPERTIES[name]) for name in PROPERTIES if name in common]


def traits() -> list[Field]:
    return [Field(name, kind, True) for name, kind in TRAITS.items()]


def constant(draw: random.Random, of: Field) -> Constant:
    """A value that the field may have, or one beside it."""
    drawn = None
    while drawn is None:
        drawn = value(draw, of.name, of.kind)
    if of.kind in NUMERIC and draw.random() < 0.3:
        decimal = Decimal(draw.choice(["2.5", "19.995", "0.125"]))
        whole = Constant(INTEGER, draw.randrange(-5, 50))
        return draw.choice([Constant(NUMBER, "1e1"), Constant(DECIMAL, decimal), whole])
    if of.kind == TEXT and draw.random() < 0.1:
        return Constant(TEXT, draw.choice(["", "Z", "zz", "it''s", "null"]))
    return Constant(of.kind, drawn)


def pattern(draw: random.Random, of: Field) -> str:
    text = constant(draw, of).value
    cut = draw.randrange(len(text) + 1)
    return draw.choice(
        [text, text[:cut] + "%", "%" + text[cut:], "_" + text[1:], "%" + text[cut : cut + 1] + "%", "_", "%_%", "%"]
    )


def simple(draw: random.Random, fields: list[Field]):
    """A comparison of a field."""
    of, kind = draw.choice(fields), draw.random()
    if kind < 0.03 and of.is_trait:
        # The one audience that is about traits alone.
        return audience("plain")
    if kind < 0.12:
        return IsNull(of, draw.random() < 0.5)
    if of.kind == BOOLEAN:
        return Flag(of) if draw.random() < 0.7 else Compare(of, draw.choice(["=", "<>"]), constant(draw, of))
    if kind < 0.24:
        return In(of, tuple(constant(draw, of) for _ in range(draw.randrange(1, 5))), draw.random() < 0.4)
    if kind < 0.36 and of.kind != TEXT:
        return Between(of, constant(draw, of), constant(draw, of), draw.random() < 0.4)
    if kind < 0.5 and of.kind == TEXT:
        return Like(of, pattern(draw, of), draw.random() < 0.4)
    alike = [
        other for other in fields if other != of and (other.kind == of.kind or {other.kind, of.kind} <= set(NUMERIC))
    ]
    if kind < 0.6 and alike:
        return Compare(of, draw.choice(OPERATORS), draw.choice(alike))
    left, right = of, constant(draw, of)
    return (
        Compare(right, draw.choice(OPERATORS), left)
        if draw.random() < 0.1
        else Compare(left, draw.choice(OPERATORS), right)
    )


def function(draw: random.Random) -> Function:
    """A figure about a person."""
    event = draw.choice([*EVENTS, "*"])
    name = draw.choice(
        ["count", "count", "sum", "min", "max", "avg", "did", "did", "days_since_last", "days_since_first"]
    )
    of, kind = None, INTEGER
    if name in ("sum", "min", "max", "avg"):
        kinds = NUMERIC if name in ("sum", "avg") else (*NUMERIC, TIMESTAMP, DATE)
        candidates = [each for each in properties(event) if each.kind in kinds]
        if not candidates:
            return function(draw)
        chosen = draw.choice(candidates)
        of, kind = chosen.name, NUMBER if name == "avg" else chosen.kind
    within = draw.choice([None, None, "30 days", "7 days", "1 week", "36 hours", "100 days", "90 minutes"])
    where = condition(draw, properties(event), 1) if draw.random() < 0.35 else None
    return Function(name, event, of, within, where, BOOLEAN if name == "did" else kind)


def about_person(draw: random.Random, fields: list[Field]):
    """A comparison of a figure about a person, or of a trait."""
    kind = draw.random()
    if kind < 0.35:
        return simple(draw, fields)
    if kind < 0.4:
        return audience(draw.choice(list(AUDIENCES)))
    of = function(draw)
    if of.name == "did":
        return Flag(of)
    if kind < 0.48:
        return IsNull(of, draw.random() < 0.5)
    if of.name == "avg":
        # No mean of few values with few digits is near these.
        right = Constant(DECIMAL, Decimal(draw.choice(["3.14159265", "20.2718281", "0.57721566", "444.123457"])))
    elif of.name == "count":
        right = Constant(INTEGER, draw.choice([0, 1, 1, 2, 3, 5, 8]))
    elif of.name.startswith("days"):
        right = Constant(INTEGER, draw.choice([0, 1, 5, 10, 20, 30, 60]))
    elif of.name == "sum":
        right = draw.choice(
            [Constant(INTEGER, draw.randrange(-5, 200)), Constant(DECIMAL, Decimal("39.99")), Constant(NUMBER, "2.5e1")]
        )
    else:
        right = constant(draw, Field(of.property, of.kind))
    if kind < 0.58:
        high = Constant(right.kind, right.value + 10) if right.kind == INTEGER else right
        return Between(of, right, high, draw.random() < 0.4)
    return Compare(of, draw.choice(OPERATORS), right)


def audience(name: str) -> InAudience:
    """An audience of the workspace with its condition, as `world.AUDIENCES` has it in words."""
    conditions = {
        "plain": some(
            Compare(Field("plan", TEXT, True), "=", Constant(TEXT, "pro")),
            Compare(Field("age", INTEGER, True), ">=", Constant(INTEGER, 40)),
        ),
        "busy": both(
            Compare(Function("count", "visit"), ">=", Constant(INTEGER, 12)),
            Not(Flag(Function("did", "refund", kind=BOOLEAN))),
        ),
    }
    return InAudience(name, conditions[name])


def condition(draw: random.Random, fields: list[Field], depth: int = 2, leaf=simple):
    """A condition of at most so many levels."""
    kind = draw.random()
    if depth == 0 or kind < 0.4:
        part = leaf(draw, fields)
        return Not(part) if draw.random() < 0.15 else part
    if kind < 0.5:
        return Not(condition(draw, fields, depth - 1, leaf))
    parts = tuple(condition(draw, fields, depth - 1, leaf) for _ in range(draw.choice([2, 2, 3])))
    word = draw.choice(["AND", "OR"])
    # Parts of the same word are one list: a waterfall shows them so.
    return both(*parts) if word == "AND" else Joined("OR", parts)
