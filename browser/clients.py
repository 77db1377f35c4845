#!/usr/bin/env python3
"""Drives the Python client library as its maker publishes it; `clients.mjs` runs this with the others and says why.

    python3 browser/clients.py URL WRITE_KEY

The library is installed into `browser/.venv` at the first run. Every call that it believes delivered is printed as one
line of JSON. It ends with 1 when the library reports an error other than that `alias` is refused, and with 3 when the
library cannot be installed.
"""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

LIBRARY = "analytics-python"
NAME = "segment-analytics-python"
VERSION = "2.4.0"
FOLDER = Path(__file__).resolve().parent / ".venv"
N_PEOPLE = 12
LEFT_OUT = 3
# Smaller than the calls are many, so that there are several batches.
BATCH_SIZE = 8


def with_library():
    """Runs this script again in an environment that has the library, if it has not done so."""
    python = FOLDER / "bin" / "python"
    if Path(sys.prefix) == FOLDER:
        return
    has_library = [python, "-c", f"from importlib.metadata import version; assert version('{NAME}') == '{VERSION}'"]
    if not python.exists() or subprocess.run(has_library, stderr=subprocess.DEVNULL).returncode != 0:
        install = [python, "-m", "pip", "install", "--quiet", f"{NAME}=={VERSION}"]
        for command in [sys.executable, "-m", "venv", FOLDER], install:
            if subprocess.run(command, stdout=sys.stderr).returncode != 0:
                words = " ".join(str(word) for word in command)
                print(f"{LIBRARY}: cannot be installed, `{words}` failed", file=sys.stderr)
                sys.exit(LEFT_OUT)
    os.execv(python, [str(python), *sys.argv])


def calls():
    """The calls of `clients.mjs`, in its order."""

    def product(number):
        return {"product_id": 1000 + number, "category": LIBRARY, "price": number + 0.99, "number": number}

    traits = {"plan": "plus", "site_language": "en", "contact_email": f"{LIBRARY}@example.com"}
    page = {"page_path": f"/of/{LIBRARY}", "page_title": "Grüße, 世界"}
    numbers = itertools.count()
    for number in itertools.islice(numbers, N_PEOPLE):
        yield "identify", number, {"traits": traits | {"number": number}}
    for number in itertools.islice(numbers, N_PEOPLE):
        yield "page", number, {"name": "Home", "properties": page | {"number": number}}
    for number in itertools.islice(numbers, 2 * N_PEOPLE):
        yield "track", number, {"event": "product_viewed", "properties": product(number)}
    for number in itertools.islice(numbers, N_PEOPLE):
        yield "track", number, {"event": "cart_filled", "properties": product(number) | {"quantity": 2}}
    # No contract declares these two.
    number = next(numbers)
    yield "track", number, {"event": "wishlist_opened", "properties": {"number": number}}
    number = next(numbers)
    yield "group", number, {"group_id": "club-1", "traits": {"name": "Club", "number": number}}
    yield "alias", next(numbers), {"previous_id": f"visitor-of-{LIBRARY}"}


def main(url, key):
    """Makes the calls, half of them in compressed batches, and says which were delivered."""
    from segment.analytics.client import Client

    errors, made = [], []
    clients = [
        Client(
            key,
            host=url,
            gzip=is_compressed,
            max_retries=2,
            upload_size=BATCH_SIZE,
            on_error=lambda error, batch: errors.append((error, [message["messageId"] for message in batch])),
        )
        for is_compressed in (False, True)
    ]
    for method, number, message in calls():
        client = clients[number % 2]
        is_queued, made_message = getattr(client, method)(user_id=f"household-{1 + number % N_PEOPLE}", **message)
        if is_queued:
            made.append((number, made_message))
        else:
            errors.append((f"call {number} was not queued", []))
    for client in clients:
        client.shutdown()
    failed = {message_id for _, ids in errors for message_id in ids}
    for number, message in made:
        if message["messageId"] not in failed:
            line = {"library": LIBRARY, "number": number}
            line |= {name: message.get(name) for name in ("type", "event", "userId", "anonymousId", "messageId")}
            print(json.dumps(line))
    aliases = {message["messageId"] for _, message in made if message["type"] == "alias"}
    failures = [error for error, ids in errors if getattr(error, "status", None) != 400 or set(ids) - aliases]
    for error in failures:
        print(f"{LIBRARY}: {error}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("python3 browser/clients.py URL WRITE_KEY")
    with_library()
    sys.exit(main(sys.argv[1], sys.argv[2]))
