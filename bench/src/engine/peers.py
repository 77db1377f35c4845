"""Other engines on the same data: loads it in each one's best form, asks the same questions, prints a line of JSON for each.

Called as: peers.py PEER DATA STORE REPEATS THREADS; the data is what `data.rs` writes. People are native integers, names and
texts are the engine's own dictionaries, tables lie in the order of person and time. What people do who do not allow the
purpose is filtered by a semi-join, as the program filters by its grant.
"""

import json
import os
import sys
import time

PEER, DATA, STORE, REPEATS, THREADS = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
TEXTS = ["campaign", "channel", "country", "device", "browser", "page_path", "variant"]
EVENTS = sorted(
    name.removesuffix(".parquet")
    for name in os.listdir(DATA)
    if name.endswith(".parquet") and name not in ("consent.parquet", "profile.parquet")
)
STEPS = ["page_viewed", "product_viewed", "product_added", "order_completed"]
WEEK = 7 * 86400
DAY_MICROS = 86_400_000_000
START = 1_767_225_600_000_000
# The Monday on which the first of eight weekly cohorts begins, and the one after the last.
MONDAY = START + 4 * DAY_MICROS
COHORTS_END = MONDAY + 8 * 7 * DAY_MICROS
AS_OF = START + 90 * DAY_MICROS

LOOKBACK = 30 * DAY_MICROS


def rounded(figure):
    """Hundredths as a whole number, cut where no fraction of few touches ends."""
    return f"cast(floor(({figure}) * 100 + 0.5003) as bigint)"


def duckdb_peer():
    import duckdb

    path = os.path.join(STORE, "duckdb.db")
    is_new = not os.path.exists(path)
    base = duckdb.connect(path, config={"threads": THREADS, "preserve_insertion_order": True})
    base.execute("set TimeZone = 'UTC'")
    base.execute("set enable_progress_bar = false")
    if is_new:
        names = ", ".join(f"'{name}'" for name in EVENTS)
        base.execute(f"create type event_name as enum ({names})")
        for text in TEXTS:
            files = ", ".join(f"'{DATA}/{name}.parquet'" for name in EVENTS)
            values = f"select distinct {text} from read_parquet([{files}]) where {text} is not null order by 1"
            base.execute(f"create type {text}_text as enum ({values})")
        columns = ", ".join(f"{text}::{text}_text as {text}" for text in TEXTS)
        parts = " union all ".join(
            f"select person, epoch_us(ts) as ts, '{name}'::event_name as event, {columns}, product_id, price, quantity"
            f" from '{DATA}/{name}.parquet'"
            for name in EVENTS
        )
        base.execute(f"create table events as select * from ({parts}) order by person, ts")
        base.execute(f"create table profile as select person, plan from '{DATA}/profile.parquet' order by person")
        base.execute(f"create table allowed as select person from '{DATA}/consent.parquet' order by person")
        base.execute("checkpoint")
    step = " ".join(
        f"""
        , s{n} as (select s{n - 1}.person, s{n - 1}.first, min(e.ts) as at from s{n - 1} join asked e
            on e.person = s{n - 1}.person and e.event = '{STEPS[n - 1]}' and e.ts >= s{n - 1}.at
            and e.ts <= s{n - 1}.first + {WEEK * 1_000_000} group by all)"""
        for n in range(2, 5)
    )
    counts = " union all ".join(f"select {n} as step, count(distinct person) as people from s{n}" for n in range(1, 5))
    in_steps = ", ".join(f"'{name}'" for name in STEPS)
    credited = """with ordered as (select person, ts, price::double as price, row_number() over () as id from events
                where event = 'order_completed' and person in (select person from allowed)),
            clicked as (select person, ts, channel from events
                where event = 'ad_clicked' and person in (select person from allowed))"""
    questions = {
        "funnel": f"""with asked as (select person, ts, event from events
                where event in ({in_steps}) and person in (select person from allowed)),
            s1 as (select distinct person, ts as first, ts as at from asked where event = '{STEPS[0]}')
            {step} select step, people from ({counts}) order by step""",
        "audience": f"""select count(*) from (
            select person, count(*) filter (event = 'product_viewed' and ts > {AS_OF - 30 * DAY_MICROS}) as viewed,
                count(*) filter (event = 'order_completed') as ordered
            from events where event in ('product_viewed', 'order_completed') and ts <= {AS_OF}
                and person in (select person from allowed) group by person
        ) join profile using (person) where viewed >= 3 and ordered >= 1 and plan = 'plan-001'""",
        "retention": f"""with first as (
                select person, (min(ts) - {MONDAY}) // {7 * DAY_MICROS} as cohort from events
                where event = 'signed_in' and ts >= {MONDAY} and ts < {COHORTS_END}
                    and person in (select person from allowed) group by person),
            back as (
                select distinct person, cohort, (e.ts - {MONDAY}) // {7 * DAY_MICROS} - cohort as since
                from events e join first using (person)
                where event = 'order_completed' and e.ts >= {MONDAY} and (e.ts - {MONDAY}) // {7 * DAY_MICROS} >= cohort)
            select size, {", ".join(f"coalesce(p{n}, 0)" for n in range(8))} from (
                select cohort, count(*) as size from first group by cohort
            ) left join (
                select cohort, {", ".join(f"count(*) filter (since = {n}) as p{n}" for n in range(8))} from back group by cohort
            ) using (cohort) order by cohort""",
        "attribution_last": f"""{credited}
            select case when clicked_at >= ts - {LOOKBACK} then channel end as c, {rounded("count(*)")}, {rounded("sum(price)")}
            from ordered asof left join (select person, ts as clicked_at, channel from clicked) clicked
                on ordered.person = clicked.person and ordered.ts >= clicked.clicked_at
            group by c order by c nulls last""",
        "attribution_linear": f"""{credited}
            select channel, {rounded("sum(share)")}, {rounded("sum(share * price)")} from (
                select clicked.channel as channel, price, 1.0::double / count(*) over (partition by id) as share
                from ordered left join clicked on ordered.person = clicked.person
                    and clicked.ts <= ordered.ts and clicked.ts >= ordered.ts - {LOOKBACK})
            group by channel order by channel nulls last""",
        "experiment": f"""with exposed as (select person, arg_min(variant, ts) as variant, min(ts) as exposed_at from events
                where event = 'experiment_viewed' and person in (select person from allowed)
                group by person having count(distinct variant) = 1),
            spent as (select exposed.person, any_value(exposed.variant) as variant, coalesce(sum(price), 0)::double as v
                from exposed left join events on events.person = exposed.person and event = 'order_completed' and ts >= exposed_at
                group by exposed.person)
            select variant::varchar as variant, count(*), {rounded("sum(v)")}, {rounded("sum(v * v) / 1e6")}
            from spent group by variant order by variant""",
        "paths": """select path::varchar[] as path, count(*) as people from (
                select names[list_position(names, 'signed_in') + 1 : list_position(names, 'signed_in') + 5] as path from (
                    select list(event order by ts, event) as names from events
                    where person in (select person from allowed) group by person)
                where list_contains(names, 'signed_in'))
            group by all order by people desc, path limit 100""",
        "trend": """select (ts // 86400000000)::bigint as day, campaign, count(*) from events
            where event = 'product_viewed' and person in (select person from allowed) group by all order by all""",
        "people": """select ((ts // 86400000000 + 3) // 7)::bigint as week, country, count(distinct person) from events
            where person in (select person from allowed) group by all order by all""",
    }

    def ask(sql):
        return [list(row) for row in base.execute(sql).fetchall()]

    return questions, ask


def chdb_peer():
    from chdb.session import Session

    session = Session(os.path.join(STORE, "chdb"))
    session.query("create database if not exists bench engine = Atomic")
    is_new = "events" not in str(session.query("show tables from bench"))
    settings = f"max_threads = {THREADS}, optimize_aggregation_in_order = 1"
    if is_new:
        texts = ", ".join(f"{text} LowCardinality(Nullable(String))" for text in TEXTS)
        session.query(
            f"""create table bench.events (person UInt32, ts Int64, event LowCardinality(String), {texts},
            product_id Int32, price Decimal(12, 2), quantity Int32) engine = MergeTree order by (person, ts)"""
        )
        for name in EVENTS:
            columns = ", ".join(TEXTS)
            session.query(
                f"""insert into bench.events select person, toUnixTimestamp64Micro(ts), '{name}', {columns}, product_id,
                price, quantity from file('{DATA}/{name}.parquet', Parquet) settings max_threads = {THREADS}"""
            )
        session.query("optimize table bench.events final")
        session.query("create table bench.profile (person UInt32, plan LowCardinality(String)) engine = MergeTree order by person")
        session.query(f"insert into bench.profile select person, plan from file('{DATA}/profile.parquet', Parquet)")
        session.query("create table bench.allowed (person UInt32) engine = MergeTree order by person")
        session.query(f"insert into bench.allowed select person from file('{DATA}/consent.parquet', Parquet)")
    allowed = "person in (select person from bench.allowed)"
    in_steps = ", ".join(f"'{name}'" for name in STEPS)
    conditions = ", ".join(f"event = '{name}'" for name in STEPS)
    reached = ", ".join(f"countIf(level >= {n})" for n in range(1, 5))
    questions = {
        "funnel": f"""select arrayJoin(arrayZip([1, 2, 3, 4], [{reached}])) as row from (
            select person, windowFunnel({WEEK * 1_000_000})(toUInt64(ts), {conditions}) as level,
                argMinIf(campaign, ts, event = '{STEPS[0]}') as campaign
            from bench.events where event in ({in_steps}) and {allowed} group by person)""",
        "funnel_by_campaign": f"""select campaign, {reached} from (
            select person, windowFunnel({WEEK * 1_000_000})(toUInt64(ts), {conditions}) as level,
                argMinIf(campaign, ts, event = '{STEPS[0]}') as campaign
            from bench.events where event in ({in_steps}) and {allowed} group by person) group by campaign order by campaign""",
        "audience": f"""select count() from (
            select person, countIf(event = 'product_viewed' and ts > {AS_OF - 30 * DAY_MICROS}) as viewed,
                countIf(event = 'order_completed') as ordered
            from bench.events where event in ('product_viewed', 'order_completed') and ts <= {AS_OF} and {allowed}
                and person in (select person from bench.profile where plan = 'plan-001')
            group by person having viewed >= 3 and ordered >= 1)""",
        "retention": f"""select count(), {", ".join(f"countIf(has(weeks, cohort + {n}))" for n in range(8))} from (
            select person,
                intDiv(minIf(ts, event = 'signed_in' and ts >= {MONDAY} and ts < {COHORTS_END}) - {MONDAY}, {7 * DAY_MICROS})
                    as cohort,
                groupUniqArrayIf(intDiv(ts - {MONDAY}, {7 * DAY_MICROS}), event = 'order_completed' and ts >= {MONDAY}) as weeks
            from bench.events where event in ('signed_in', 'order_completed') and {allowed} group by person
            having countIf(event = 'signed_in' and ts >= {MONDAY} and ts < {COHORTS_END}) > 0)
            group by cohort order by cohort""",
        "attribution_last": f"""select c, {rounded("count()")}, {rounded("sum(price)")} from (
                select if(clicked_at >= ts - {LOOKBACK}, channel, null) as c, price
                from (select person, ts, price from bench.events where event = 'order_completed' and {allowed}) as ordered
                asof left join (select person, ts as clicked_at, channel from bench.events where event = 'ad_clicked' and {allowed})
                    as clicked on ordered.person = clicked.person and ordered.ts >= clicked.clicked_at)
            group by c order by c asc nulls last""",
        "attribution_linear": f"""select channel, {rounded("sum(share)")}, {rounded("sum(share * price)")} from (
                select order.2 as price, arrayFilter(click -> click.1 <= order.1 and click.1 >= order.1 - {LOOKBACK}, clicks)
                        as path,
                    1 / greatest(length(path), 1) as share,
                    arrayJoin(if(empty(path), [null], arrayMap(click -> toNullable(click.2), path))) as channel
                from (select arrayJoin(orders) as order, clicks from (
                    select groupArrayIf((ts, toFloat64(price)), event = 'order_completed') as orders,
                        groupArrayIf((ts, assumeNotNull(toString(channel))), event = 'ad_clicked') as clicks
                    from bench.events where event in ('order_completed', 'ad_clicked') and {allowed} group by person)))
            group by channel order by channel asc nulls last""",
        "experiment": f"""select shown, count(), {rounded("sum(v)")}, {rounded("sum(v * v) / 1e6")} from (
                select argMinIf(variant, ts, event = 'experiment_viewed') as shown,
                    minIf(ts, event = 'experiment_viewed') as at,
                    arraySum(arrayMap(order -> order.2, arrayFilter(order -> order.1 >= at,
                        groupArrayIf((ts, toFloat64(price)), event = 'order_completed')))) as v
                from bench.events where event in ('experiment_viewed', 'order_completed') and {allowed} group by person
                having uniqExactIf(variant, event = 'experiment_viewed') = 1)
            group by shown order by shown""",
        "paths": f"""select path, count() as people from (
                select arraySlice(names, indexOf(names, 'signed_in') + 1, 5) as path from (
                    select arraySort(groupArray((ts, toString(event)))).2 as names from bench.events where {allowed}
                    group by person)
                where has(names, 'signed_in'))
            group by path order by people desc, path limit 100""",
        "trend": f"""select intDiv(ts, 86400000000) as day, campaign, count() from bench.events
            where event = 'product_viewed' and {allowed} group by day, campaign order by day, campaign""",
        "people": f"""select intDiv(intDiv(ts, 86400000000) + 3, 7) as week, country, uniqExact(person) from bench.events
            where {allowed} group by week, country order by week, country""",
    }

    def ask(sql):
        text = str(session.query(f"{sql} settings {settings}", "JSONCompact"))
        rows = json.loads(text)["data"]
        rows = [row[0] if len(row) == 1 and isinstance(row[0], list) else row for row in rows]
        return [[int(cell) if isinstance(cell, str) and cell.lstrip("-").isdigit() else cell for cell in row] for row in rows]

    return questions, ask


def polars_peer():
    os.environ["POLARS_MAX_THREADS"] = str(THREADS)
    import polars as pl

    path = os.path.join(STORE, "events.arrow")
    columns = ["person", "ts", "event", *TEXTS, "product_id", "price", "quantity"]
    if not os.path.exists(path):
        values = {
            text: sorted({value for name in EVENTS for value in
                          pl.scan_parquet(f"{DATA}/{name}.parquet").select(pl.col(text).unique()).collect()[text] if value})
            for text in TEXTS
        }
        parts = [
            pl.scan_parquet(f"{DATA}/{name}.parquet").with_columns(
                pl.col("person").cast(pl.UInt32),
                pl.col("ts").dt.epoch("us"),
                pl.lit(name).cast(pl.Enum(EVENTS)).alias("event"),
                *[pl.col(text).cast(pl.Enum(values[text])) for text in TEXTS],
                pl.col("price").cast(pl.Float64),
            ).select(columns)
            for name in EVENTS
        ]
        pl.concat(parts).sort("person", "ts").collect().write_ipc(path)
    events = pl.read_ipc(path).with_columns(pl.col("person").set_sorted()).lazy()
    allowed = pl.read_parquet(f"{DATA}/consent.parquet").select(pl.col("person").cast(pl.UInt32)).sort("person").lazy()
    profile = pl.read_parquet(f"{DATA}/profile.parquet").select(pl.col("person").cast(pl.UInt32), "plan").lazy()
    person, ts, event = pl.col("person"), pl.col("ts"), pl.col("event")

    def of(*names):
        return events.filter(event.is_in(list(names)) if len(names) > 1 else event == names[0])

    def granted(frame):
        return frame.join(allowed, on="person", how="semi")

    def hundredths(figure):
        return (figure * 100 + 0.5003).floor().cast(pl.Int64)

    def next_step(chains, name):
        found = of(name).select(person, ts)
        chains = chains.sort("at").join_asof(found.sort("ts"), left_on="at", right_on="ts", by="person", strategy="forward",
                                               check_sortedness=False)
        return chains.filter(ts <= pl.col("first") + WEEK * 1_000_000).select(person, "first", at=ts)

    def funnel():
        chains = granted(of(STEPS[0])).select(person, first=ts, at=ts).unique()
        counts = [chains.select(person.n_unique()).collect().item()]
        for name in STEPS[1:]:
            chains = next_step(chains, name).collect().lazy()
            counts.append(chains.select(person.n_unique()).collect().item())
        return [[step, people] for step, people in enumerate(counts, 1)]

    def audience():
        viewed = ((event == "product_viewed") & (ts > AS_OF - 30 * DAY_MICROS)).sum()
        people = granted(of("product_viewed", "order_completed").filter(ts <= AS_OF)).group_by("person")
        people = people.agg(viewed=viewed, ordered=(event == "order_completed").sum())
        people = people.filter((pl.col("viewed") >= 3) & (pl.col("ordered") >= 1))
        return people.join(profile.filter(pl.col("plan") == "plan-001"), on="person", how="semi").select(pl.len())

    def retention():
        week = (ts - MONDAY) // (7 * DAY_MICROS)
        starts = granted(of("signed_in").filter((ts >= MONDAY) & (ts < COHORTS_END))).group_by("person")
        starts = starts.agg(cohort=(ts.min() - MONDAY) // (7 * DAY_MICROS))
        back = of("order_completed").filter(ts >= MONDAY).select(person, week=week).unique()
        back = back.join(starts, on="person").select(person, "cohort", since=pl.col("week") - pl.col("cohort"))
        since = [(pl.col("since") == n).sum().alias(f"p{n}") for n in range(8)]
        table = starts.group_by("cohort").agg(size=pl.len()).join(back.group_by("cohort").agg(since), on="cohort", how="left")
        return table.sort("cohort").select("size", pl.exclude("cohort", "size").fill_null(0))

    def attribution_last():
        clicks = of("ad_clicked").select(person, "channel", clicked_at=ts, clicked=ts)
        orders = granted(of("order_completed")).select(person, ts, "price").sort("ts")
        owed = orders.join_asof(clicks.sort("clicked"), left_on="ts", right_on="clicked", by="person", strategy="backward",
                                 check_sortedness=False)
        channel = pl.when(pl.col("clicked_at") >= ts - LOOKBACK).then(pl.col("channel").cast(pl.String))
        figures = [hundredths(pl.len().cast(pl.Float64)), hundredths(pl.col("price").sum()).alias("value")]
        return owed.group_by(c=channel).agg(figures).sort("c", nulls_last=True)

    def experiment():
        exposed = granted(of("experiment_viewed").filter(pl.col("variant").is_not_null())).group_by("person")
        exposed = exposed.agg(pl.col("variant").n_unique().alias("several"), pl.col("variant").first(), since=ts.min())
        exposed = exposed.filter(pl.col("several") == 1)
        orders = of("order_completed").select(person, ts, "price").join(exposed, on="person")
        spent = orders.filter(ts >= pl.col("since")).group_by("person").agg(v=pl.col("price").sum())
        people = exposed.join(spent, on="person", how="left").with_columns(pl.col("v").fill_null(0.0))
        sums = [pl.len(), hundredths(pl.col("v").sum()), hundredths((pl.col("v") ** 2).sum() / 1e6).alias("squares")]
        return people.group_by(pl.col("variant").cast(pl.String)).agg(sums).sort("variant")

    def trend():
        viewed = granted(of("product_viewed")).group_by(day=ts // DAY_MICROS, campaign=pl.col("campaign"))
        return viewed.agg(pl.len()).with_columns(pl.col("campaign").cast(pl.String)).sort("day", "campaign", nulls_last=True)

    def people():
        weeks = granted(events).group_by(week=(ts // DAY_MICROS + 3) // 7, country=pl.col("country"))
        figures = weeks.agg(person.n_unique()).with_columns(pl.col("country").cast(pl.String))
        return figures.sort("week", "country", nulls_last=True)

    def ask(question):
        found = question()
        return found if isinstance(found, list) else [list(row) for row in found.collect().rows()]

    asked = [funnel, audience, retention, attribution_last, experiment, trend, people]
    return {question.__name__: question for question in asked}, ask


def main():
    os.makedirs(STORE, exist_ok=True)
    started = time.monotonic()
    questions, ask = {"duckdb": duckdb_peer, "chdb": chdb_peer, "polars": polars_peer}[PEER]()
    print(json.dumps({"loaded": time.monotonic() - started}), flush=True)
    for name, question in questions.items():
        rows = ask(question)
        seconds = []
        for _ in range(REPEATS):
            before = time.monotonic()
            ask(question)
            seconds.append(time.monotonic() - before)
        # No peer can name the campaign of a chain's first event: only the steps over all campaigns are compared.
        rows = None if name == "funnel_by_campaign" else rows
        print(json.dumps({"question": name, "seconds": seconds, "rows": rows}), flush=True)


main()
