"""What is true of the world, in DuckDB: the rows that a purpose may use, with the interval of each in every time zone.

Flow: `build` once -> `Truth`, one per process. The table `ev` has the events of people who may be used, with their traits
as `t_NAME`; the table `people` has these people. Whoever is left out is in neither.
"""

import bisect
import itertools
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from world import FIRST, N_DAYS, PROPERTIES, SQL_TYPES, TIMESTAMP, TRAITS, micros

# Among them zones of half hours, and some where a midnight does not exist or comes twice within the world's days.
ZONES = [
    "UTC", "Europe/Berlin", "America/New_York", "America/Havana", "Asia/Beirut", "Asia/Kathmandu", "Australia/Lord_Howe",
    "America/Santiago",
]  # fmt: skip
UNITS = ["day", "week", "month"]
MICROS_PER_HOUR = 3_600_000_000
# Beyond the world's days, since periods and cohorts go on.
DAY_FIRST, DAY_LAST = FIRST.date() - timedelta(days=200), FIRST.date() + timedelta(days=N_DAYS + 900)


def start_of(day: date, zone: str) -> int:
    """Midnight in microseconds: the earlier of two, and where there is none the next full hour that exists."""
    for hour in range(24):
        at = datetime(day.year, day.month, day.day, hour, tzinfo=ZoneInfo(zone), fold=0)
        if at.astimezone(timezone.utc).astimezone(ZoneInfo(zone)).replace(tzinfo=None) == at.replace(tzinfo=None):
            return micros(at.astimezone(timezone.utc))
    raise ValueError(f"{day} has no hour in {zone}")


def borders_of(zone: str, unit: str) -> list[int]:
    """Where the intervals of a unit begin."""
    days = (DAY_FIRST + timedelta(days=n) for n in range((DAY_LAST - DAY_FIRST).days))
    begins = {"day": lambda _: True, "week": lambda day: day.weekday() == 0, "month": lambda day: day.day == 1}[unit]
    return [start_of(day, zone) for day in days if begins(day)]


def bucket(zone: str, unit: str) -> str:
    """The SQL of the start of an event's interval."""
    return f"(ts // {MICROS_PER_HOUR} * {MICROS_PER_HOUR})" if unit == "hour" else f"b{ZONES.index(zone)}{unit}"


def read_json(path: Path, columns: dict[str, str]) -> str:
    """The SQL that reads a file of the truth."""
    listed = ", ".join(f"'{column}': '{kind}'" for column, kind in columns.items())
    return f"read_json('{path}', format = 'newline_delimited', columns = {{{listed}}})"


def columns_of(fields: dict[str, str]) -> dict[str, str]:
    """Instants are microseconds, as everywhere in the truth."""
    return {name: "BIGINT" if kind == TIMESTAMP else SQL_TYPES.get(kind, kind.upper()) for name, kind in fields.items()}


def build(folder: Path) -> None:
    """Reads the truth that was written beside the world into `truth.duckdb`."""
    db = duckdb.connect(str(folder / "truth.duckdb"))
    of_people = {"person": "VARCHAR", "reason": "VARCHAR", **columns_of(TRAITS)}
    db.execute(f"CREATE TABLE everybody AS SELECT * FROM {read_json(folder / 'truth-people.ndjson', of_people)}")
    renamed = ", ".join(f'"{name}" AS "t_{name}"' for name in TRAITS)
    db.execute(f"CREATE TABLE people AS SELECT person, {renamed} FROM everybody WHERE reason IS NULL")
    of_events = {"person": "VARCHAR", "ts": "BIGINT", "name": "VARCHAR", **columns_of(PROPERTIES)}
    joins, intervals = "", []
    for (index, zone), unit in itertools.product(enumerate(ZONES), UNITS):
        name = f"b{index}{unit}"
        starts = ", ".join(f"({start})" for start in borders_of(zone, unit))
        db.execute(f"CREATE TEMP TABLE {name} AS SELECT col0 AS start FROM (VALUES {starts})")
        joins += f" ASOF JOIN {name} ON e.ts >= {name}.start"
        intervals.append(f"{name}.start AS {name}")
    db.execute(
        f"CREATE TABLE ev AS SELECT e.*, p.* EXCLUDE (person), {', '.join(intervals)} "
        f"FROM {read_json(folder / 'truth-events.ndjson', of_events)} e JOIN people p USING (person){joins} "
        "ORDER BY person, ts"
    )
    db.close()


class Truth:
    """A connection of one process, and what every question needs."""

    def __init__(self, folder: Path) -> None:
        self.db = duckdb.connect(str(folder / "truth.duckdb"), read_only=True)
        self.db.execute("SET threads = 1; SET TimeZone = 'UTC'")
        self.first, self.last, self.n_events = self.rows("SELECT min(ts), max(ts), count(*) FROM ev")[0]
        self.known = self.rows("SELECT count(*) FROM everybody")[0][0]
        self.withheld = dict(self.rows("SELECT reason, count(*) FROM everybody WHERE reason IS NOT NULL GROUP BY 1"))
        self.used = self.rows("SELECT count(*) FROM people")[0][0]
        self.borders = {(zone, unit): borders_of(zone, unit) for zone in ZONES for unit in UNITS}

    def rows(self, sql: str) -> list[tuple]:
        return self.db.execute(sql).fetchall()

    def intervals(self, zone: str, unit: str, period: tuple[int, int]) -> list[int]:
        """The starts of all intervals that touch a period."""
        begin, end = period
        if end <= begin:
            return []
        if unit == "hour":
            return list(range(begin // MICROS_PER_HOUR * MICROS_PER_HOUR, end, MICROS_PER_HOUR))
        starts = self.borders[zone, unit]
        return starts[bisect.bisect_right(starts, begin) - 1 : bisect.bisect_left(starts, end)]
