"""Asks random questions twice, of the program and of DuckDB, and says where the answers differ.

    python differ.py build FOLDER
    python differ.py FOLDER ADDRESS TOKEN N SEED [ONLY]

Flow: messages are sent and awaited -> processes with every so-manieth question each -> question n is drawn from the seed and
n alone -> both answer -> `compare` -> one line at the end. Exit code 1 on any difference.
"""

import http.client
import json
import multiprocessing
import random
import sys
import time
from collections import Counter
from pathlib import Path

import compare
import truth
from attribution import draw_attribution
from audience import Audience, draw_audience
from common import Refused, Unsaid
from funnel import draw_funnel
from partition import check_partition
from paths import draw_paths
from retention import draw_retention
from shrink import shrunk
from trend import Trend, draw_trend
from world import KEY, PURPOSE

KINDS = [
    ("trend", draw_trend, 36), ("audience", draw_audience, 26), ("retention", draw_retention, 10), ("funnel", draw_funnel, 12),
    ("attribution", draw_attribution, 8), ("paths", draw_paths, 8),
]  # fmt: skip
N_PROCESSES = 2
MESSAGES_PER_BATCH = 500
LANDING_SECONDS_MAX = 120
DIFFERENCES_SHOWN = 20


class Client:
    """One connection to the program that is kept open."""

    def __init__(self, address: str, token: str) -> None:
        self.connection = http.client.HTTPConnection(address, timeout=120)
        self.token = token
        self.n_asked = 0

    def post(self, path: str, body: dict, token: str | None = None) -> tuple[int, dict]:
        headers = {"Authorization": f"Bearer {token or self.token}", "Content-Type": "application/json"}
        try:
            self.connection.request("POST", path, json.dumps(body), headers)
            response = self.connection.getresponse()
        except (http.client.RemoteDisconnected, ConnectionError):
            # Nothing was asked for so long that the program has closed it.
            self.connection.close()
            self.connection.request("POST", path, json.dumps(body), headers)
            response = self.connection.getresponse()
        return response.status, compare.read(response.read())

    def ask(self, question: dict) -> tuple[int, dict]:
        self.n_asked += 1
        return self.post("/api/v1/ask", {"question": question})


def send(folder: Path, client: Client) -> None:
    """Sends the messages, and waits until all of them can be asked about."""
    messages = [json.loads(line) for line in (folder / "messages.ndjson").open()]
    for start in range(0, len(messages), MESSAGES_PER_BATCH):
        status, answer = client.post("/v1/batch", {"batch": messages[start : start + MESSAGES_PER_BATCH]}, KEY)
        if status != 200 or answer["accepted"] != len(messages[start : start + MESSAGES_PER_BATCH]):
            raise SystemExit(f"differ: messages were not taken: {status} {answer}")
    n_events, started, found = truth.Truth(folder).n_events, time.monotonic(), None
    question = {"kind": "trend", "purpose": PURPOSE, "measure": "count(*)", "by": "none"}
    while time.monotonic() - started < LANDING_SECONDS_MAX:
        found = client.ask(question)[1]["rows"][0][0]
        if found == n_events:
            return
        time.sleep(0.2)
    raise SystemExit(
        f"differ: there are {n_events} events, and the program finds {found} after {LANDING_SECONDS_MAX} s"
    )


def draw_question(seed: int, index: int):
    """The kind and the question of a number."""
    draw = random.Random(f"question {seed} {index}")
    name, make, _ = draw.choices(KINDS, [weight for *_, weight in KINDS])[0]
    return name, make(draw), draw


def work(folder: Path, address: str, token: str, seed: int, indices: range) -> tuple[Counter, list[str]]:
    """Asks the questions of these numbers."""
    known, client, counts, differences = truth.Truth(folder), Client(address, token), Counter(), []
    for index in indices:
        name, question, draw = draw_question(seed, index)
        found, outcome = check(known, client, question)
        counts[f"{name} {outcome}"] += 1
        if not found and outcome == "answered" and isinstance(question, (Trend, Audience)) and draw.random() < 0.5:
            counts["partitions"] += 1
            found, is_looked_at = check_partition(client, question, draw)
            counts["partitions looked at"] += is_looked_at
        if found:
            counts["differences"] += 1
            differences.append(
                f"question {index} of seed {seed}: {told(question)}\n  {found}{shorter(known, client, question)}"
            )
            if len(differences) >= DIFFERENCES_SHOWN:
                counts["stopped"] += 1
                break
    counts["asked"] = client.n_asked
    return counts, differences


def told(question) -> str:
    return json.dumps(question.json(), ensure_ascii=False)


def shorter(known, client: Client, question) -> str:
    """A smaller question that differs as well, if there is one."""
    if check(known, client, question)[0] is None:
        return ""
    small = shrunk(question, lambda other: check(known, client, other)[0] is not None)
    return "" if small is question else f"\n  as well: {told(small)}\n  {check(known, client, small)[0]}"


def check(known, client: Client, question) -> tuple[str | None, str]:
    """What differs, and what became of the question."""
    status, ours = client.ask(question.json())
    try:
        theirs = question.answer(known)
    except Refused as refused:
        codes = [reason["code"] for reason in ours.get("verdict", {}).get("reasons", [])]
        return (
            None if status == 403 and str(refused) in codes else f"should be refused ({refused}): {status} {ours}"
        ), "refused"
    except Unsaid:
        return (None if status == 200 else f"{status} {ours}"), "unsaid"
    except Exception as error:  # noqa: BLE001 - whatever it is, the question is what one wants to know
        return f"no second answer: {error!r}", "unsaid"
    if status == 403 and theirs.is_large and ours["verdict"]["reasons"][0]["code"] == "over_budget":
        return None, "refused"
    if status != 200:
        return f"should be answered: {status} {json.dumps(ours, default=str)[:2000]}", "unanswered"
    return compare.difference(ours, theirs, known), "answered"


def main() -> None:
    if sys.argv[1] == "build":
        truth.build(Path(sys.argv[2]))
        return
    folder, address, token, n_questions, seed = (
        Path(sys.argv[1]),
        sys.argv[2],
        sys.argv[3],
        int(sys.argv[4]),
        int(sys.argv[5]),
    )
    numbers = range(n_questions) if len(sys.argv) < 7 else range(int(sys.argv[6]), int(sys.argv[6]) + 1)
    send(folder, Client(address, token))
    started = time.monotonic()
    shares = [(folder, address, token, seed, numbers[part::N_PROCESSES]) for part in range(N_PROCESSES)]
    with multiprocessing.get_context("spawn").Pool(N_PROCESSES) as pool:
        results = pool.starmap(work, [share for share in shares if share[-1]])
    counts = sum((counts for counts, _ in results), Counter())
    for difference in sorted(difference for _, differences in results for difference in differences):
        print(difference)
    print(line(counts, seed, time.monotonic() - started))
    sys.exit(1 if counts["differences"] else 0)


def line(counts: Counter, seed: int, seconds: float) -> str:
    """What was found."""
    kinds, totals = [], Counter()
    for name, *_ in KINDS:
        outcomes = {outcome: counts[f"{name} {outcome}"] for outcome in ("answered", "refused", "unsaid", "unanswered")}
        totals += Counter(outcomes)
        kinds.append(f"{sum(outcomes.values())} {name}")
    n_asked = sum(totals.values())
    partitions, looked_at = counts["partitions"], counts["partitions looked at"]
    parts = [
        f"differ: {n_asked} questions, seed {seed} ({', '.join(kinds)}): {totals['answered']} answered",
        f"{totals['refused']} refused by both, {totals['unsaid']} of open meaning; {partitions} partitioned",
        f"{looked_at} of them with figures; {counts['differences'] or 'no'} differences{' (given up)' * bool(counts['stopped'])}",
        f"{counts['asked'] / seconds:.0f} asked per second",
    ]
    return ", ".join(parts)


if __name__ == "__main__":
    main()
