"""What other readers of Delta tables find in a folder of events: one line of JSON per reader.

Called with the folder. A line: the reader, then for each event its rows, people and sum of `sales_value`.
"""

import json
import sys

FOLDER = sys.argv[1]


def duckdb_rows():
    import duckdb
    from duckdb_extensions import import_extension

    connection = duckdb.connect()
    import_extension("delta", con=connection)
    connection.execute("load delta")
    return connection.execute(
        "select event, count(*), count(distinct person), cast(sum(p_sales_value) as varchar) "
        f"from delta_scan('{FOLDER}') group by event"
    ).fetchall()


def polars_rows():
    import polars

    events = polars.scan_delta(FOLDER).group_by("event").agg(
        polars.len().alias("n"), polars.col("person").n_unique().alias("people"), polars.col("p_sales_value").sum()
    )
    return [[event, n, people, value] for event, n, people, value in events.collect().rows()]


def deltalake_rows():
    import deltalake

    table = deltalake.QueryBuilder().register("events", deltalake.DeltaTable(FOLDER)).execute(
        "select event, count(*) as n, count(distinct person) as people, sum(p_sales_value) as value from events group by event"
    ).read_all()
    columns = [table.column(name).to_pylist() for name in ("event", "n", "people", "value")]
    return list(zip(*columns))


for name, rows in (("DuckDB", duckdb_rows), ("Polars", polars_rows), ("deltalake", deltalake_rows)):
    found = {}
    for event, n, people, value in rows():
        found[event] = [n, people, f"{float(value or 0):.2f}"]
    print(json.dumps({"reader": name, "events": found}), flush=True)
