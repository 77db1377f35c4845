"""Holds a running server against its own description: schemathesis sends what the document allows and what it forbids.

    python fuzz.py URL SEED EXAMPLES NAME=CREDENTIAL...

A credential is a token of a user or, where it begins with `pk_` or `sk_`, a write key; one more caller has none. The server
is changed: things are saved and taken back, files are imported, messages come in.

Flow: the document is read, and words of the demo are put in -> every caller in turn, in a process of its own that writes
down each request -> what was found is put together -> one line at the end. Exit code 1 on any finding, and when an operation
was reached by nobody. Schemathesis loads this file once more, for `register`.
"""

import base64
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections import Counter, defaultdict
from pathlib import Path

INTAKE = "/v1/"
FINDINGS_SHOWN = 40
TEXT_SHOWN = 1500
REQUEST_SECONDS_MAX = 60
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

# Checks that say: this answer is not in the document.
UNDOCUMENTED = {
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
}

# What is not held against the server: a check, the operations (all where it says none), and why.
EXCLUSIONS = [
    (
        "object_level_authorization",
        None,
        "needs the accounts of two people to compare; definitions are shared by all who are signed in, on purpose",
    ),
    (
        "positive_data_acceptance",
        ["POST /api/v1/ask", "POST /api/v1/judge", "POST /api/v1/audiences", "POST /api/v1/questions"],
        "conditions, measures, SQL and durations are languages of their own, of which JSON Schema cannot say what makes sense",
    ),
    (
        "positive_data_acceptance",
        ["POST /api/v1/dashboards", "PUT /api/v1/dashboards/{name}"],
        "a tile names a question or a metric that is there, and a title has a letter or a digit",
    ),
    (
        "positive_data_acceptance",
        ["PUT /api/v1/definitions/{path}"],
        "what a definition has to be stands in the manual, and nothing is written that makes something wrong",
    ),
    (
        "positive_data_acceptance",
        ["POST /api/v1/sources/{name}/import", "POST /v1/{call}"],
        "what a file or a message has to be stands in the workspace's contracts",
    ),
    (
        "negative_data_rejection",
        ["GET /v1/pixel/{call}"],
        "answers every request with a picture and 200, and says in a header what became of the message",
    ),
    (
        "negative_data_rejection",
        ["OPTIONS /v1/{call}", "OPTIONS /v1/projects/{key}/settings", "OPTIONS /v1/pixel/{call}"],
        "a preflight is answered before anything of the request that follows is looked at",
    ),
    (
        "negative_data_rejection",
        ["POST /v1/{call}"],
        "takes a message of which parts are wrong, and says in the reply what became of them",
    ),
    (
        "negative_data_rejection",
        ["POST /api/v1/explain"],
        "explains half a question too: what is wrong with it is the answer",
    ),
]

# What cannot be reached, and why.
ONE_BY_ONE = "requests are sent one by one, so none is running while another looks for it"
NOBODY_IS_ONE = "only a secret key makes two people one, and none is among the callers"
UNREACHED = {
    "GET /api/v1/running/{name}": ONE_BY_ONE,
    "DELETE /api/v1/running/{name}": ONE_BY_ONE,
    "POST /api/v1/identity/{number}/undo": NOBODY_IS_ONE,
}

# Words of the demo, so that some of what is sent makes sense: of parameters, of any text, and of keys of bodies.
NAMES = {
    "/sources/": ["campaigns", "website"],
    "/dashboards/": ["monday_morning", "of_the_fuzzer"],
    "/audiences/": ["big_spenders", "of_the_fuzzer"],
    "/questions/": ["sales_by_department", "of_the_fuzzer"],
    "/identity/": [0, 1, 2],
    "/definitions/": ["contracts/households.odcs.yaml", "destinations/of_the_fuzzer.yaml"],
}
# Of which field, and for what, values are looked up.
VALUES_OF = {"purpose": ["analytics", "email"], "field": ["region", "event.department"], "event": ["product_purchased"]}
# The file is there once it was written, so that it is written again with another version.
DESTINATION = "title: Of the fuzzer\npurposes: [ads]\n"
FILE_NAMES = ["campaign_received_1.csv", "coupon_redeemed_1.csv", "campaign_received_1.ndjson", "campaign_received.parquet"]
OBJECTS = ["campaign_received", "page"]
WORDS = [
    "analytics", "email", "basket_paid", "coupon_redeemed", "*", "net_sales", "count(basket_paid)", "people(*)", "region",
    "sum(basket_paid.sales_value) / people(basket_paid)", "event.sales_value >= 20", "did(coupon_redeemed)", "region = 'CA'",
    "count(basket_paid, within => '30 days') >= 8", "days_since_last(basket_paid) >= 60", "department", "campaign_id", "30 days",
    "2017-01-01", "2018-01-01", "2017-12-31T00:00:00Z", "Europe/Berlin", "net_sales_by_month", "household-1", "v-1", "u-1", "product_viewed",
    "SELECT count(*) AS n FROM basket_paid",
]  # fmt: skip
VALUES = {
    "purpose": ["analytics"],
    "time_zone": ["Europe/Berlin", "UTC"],
    "period": [{"from": "2017-01-01", "to": "2017-07-01"}, {"last": "30 days"}],
    "last": ["30 days"],
    "as_of": ["2017-12-31T00:00:00Z"],
    "where": ["did(basket_paid)", "event.sales_value >= 20"],
    "measure": ["count(basket_paid)", "net_sales", "sum(basket_paid.sales_value) / people(basket_paid)"],
    "breakdown": [["region"], []],
    "steps": [["campaign_received", {"event": "coupon_redeemed", "where": "event.campaign_id < 20"}], 3],
    "within": ["45 days"],
    "same": [["campaign_id"]],
    "count_by": [["campaign_id"]],
    "start": ["campaign_received"],
    "return": ["basket_paid"],
    "from": ["campaign_received", "2017-01-01"],
    "to": ["coupon_redeemed", "2017-07-01"],
    "event": ["basket_paid", "product_viewed"],
    "conversion": ["basket_paid"],
    "touch": ["campaign_received"],
    "channel": ["campaign_type"],
    "value": ["sales_value"],
    "lookback": ["30 days"],
    "half_life": ["7 days"],
    "exposure": ["campaign_received"],
    "variant": ["campaign_type"],
    "split": [{"TypeA": 1, "TypeB": 1}],
    "metrics": [["people(basket_paid)", {"measure": "sum(basket_paid.sales_value)", "within": "30 days"}]],
    "columns": [["region"]],
    "text": ["SELECT count(*) AS n FROM basket_paid"],
    "title": ["Of the fuzzer"],
    "question": [{"kind": "trend", "purpose": "analytics", "measure": "net_sales"}, "net_sales_by_month"],
    "metric": ["net_sales"],
    "userId": ["household-1", "u-1"],
    "anonymousId": ["v-1"],
    "messageId": ["m-1"],
    "timestamp": ["2026-11-01T00:00:00Z"],
    "identifier": ["u-1"],
}
AUDIENCE = {"kind": "audience", "purpose": "analytics", "where": "did(basket_paid)"}
# With a secret key these make one of two people.
MERGE = [
    {"type": "identify", "userId": "u-1", "messageId": "m-11"},
    {"type": "identify", "userId": "u-2", "messageId": "m-12"},
    {"type": "alias", "userId": "u-2", "previousId": "u-1", "messageId": "m-13"},
]
MESSAGES = [
    {"type": "track", "event": "product_viewed", "userId": "household-1", "messageId": "m-1", "properties": {"product_id": "1"}},
    {"type": "page", "anonymousId": "v-1", "context": {"page": {"url": "https://shop.example/a?utm_source=x"}}},
    {"type": "identify", "userId": "u-1", "anonymousId": "v-1", "traits": {}},
    {"type": "alias", "userId": "u-2", "previousId": "u-1"},
    {"type": "consent", "userId": "u-1", "consents": {"email": True, "ads": False}},
    {"batch": [{"type": "track", "event": "product_viewed", "userId": "u-3"}, {"type": "page"}, {"type": 1}]},
    {"event": 1},
]
FILES = [
    b"household_id,campaign_id,campaign_type,ts\nhousehold-1,13,TypeA,2017-05-01T00:00:00Z\nhousehold-1,13,TypeA,2017-05-01T00:00:00Z\n",
    b'"household_id";"ts"\r\n"a ""b"" c";2017-01-01\r\n',
    b'{"household_id": "household-1", "basket_id": "b-1", "ts": "2017-05-01T00:00:00Z", "sales_value": 1.5, "items": 2}\n{"ts": 1}\n',
    b"PAR1\x15\x04\x15\x00\x00\x00PAR1",
    b"\x1f\x8b\x08\x00",
    b"\xef\xbb\xbf\xff\x00,\n",
]  # fmt: skip


class Caller:
    """Who asks: a name, and what is shown for it."""

    def __init__(self, name: str, credential: str) -> None:
        self.name, self.credential = name, credential
        self.has_key = credential.startswith(("pk_", "sk_"))

    def asks(self, operation: str) -> bool:
        """Whether the operation is this caller's: a key is good for the intake and nothing else, a token for the rest."""
        return not self.credential or self.has_key == operation.split(" ")[1].startswith(INTAKE)


class Finding:
    """A check that failed on an operation in one way, and the first request for which it did."""

    def __init__(self, request: dict, response: dict | None, message: str) -> None:
        self.request, self.response, self.message = request, response, message
        self.callers = Counter()


def register() -> None:
    """Tells schemathesis what the document cannot: what stands in bodies that are bytes or text, and to clear up."""
    import requests
    import schemathesis
    from hypothesis import strategies

    @schemathesis.hook
    def after_call(context, case, response) -> None:
        # What stays would make every later thing of the same title a conflict. Steps after one another clear up themselves.
        if response.status_code == 201 and case.meta and case.meta.phase.name != "stateful":
            place = requests.compat.urljoin(response.request.url, response.headers["location"][0])
            shown = {"authorization": response.request.headers["authorization"]}
            requests.delete(place, headers=shown, timeout=REQUEST_SECONDS_MAX).raise_for_status()

    def damaged(draw, whole: list[bytes]) -> bytes:
        """One of them, or a part of it with something in between."""
        chosen = draw(strategies.sampled_from(whole))
        if draw(strategies.booleans()):
            return chosen
        at = draw(strategies.integers(0, len(chosen)))
        return chosen[:at] + draw(strategies.binary(max_size=8)) + chosen[at + draw(strategies.integers(0, 8)) :]

    messages = [json.dumps(message).encode() for message in MESSAGES]
    files = strategies.composite(damaged)(FILES)
    texts = strategies.composite(damaged)(messages).map(lambda text: text.decode("utf-8", "replace"))
    schemathesis.openapi.media_type("application/octet-stream", files)
    schemathesis.openapi.media_type("text/plain", texts)


def send_merge(url: str, key: str) -> None:
    """Lets there be something that can be taken apart."""
    for message in MERGE:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{url}/v1/{message['type']}", json.dumps(message).encode(), headers)
        urllib.request.urlopen(request, timeout=REQUEST_SECONDS_MAX).close()


def operations_of(document: dict) -> list[str]:
    return [f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item if method in METHODS]


def with_words(node: object) -> object:
    """The document with the demo's words as examples of what keys hold."""
    if isinstance(node, list):
        return [with_words(item) for item in node]
    if not isinstance(node, dict):
        return node
    node = {key: with_words(value) for key, value in node.items()}
    if isinstance(node.get("properties"), dict):
        for key in VALUES.keys() & node["properties"].keys():
            node["properties"][key] = {**node["properties"][key], "examples": VALUES[key]}
    if "/api/v1/audiences" in node:
        body = node["/api/v1/audiences"]["post"]["requestBody"]["content"]["application/json"]
        body["example"] = {"question": AUDIENCE, "title": "Of the fuzzer"}
    for method in ("post", "put") if "/api/v1/definitions/{path}" in node else ():
        body = node["/api/v1/definitions/{path}"][method]["requestBody"]["content"]["application/json"]
        body["example"] = {"text": DESTINATION} | ({"base": ""} if method == "put" else {})
    for parameter in node["/api/v1/values"]["get"]["parameters"] if "/api/v1/values" in node else ():
        parameter["schema"]["examples"] = VALUES_OF.get(parameter["name"], [])
    for start, names in NAMES.items():
        for path in [path for path in node if start in path]:
            for parameter in [it for operation in node[path].values() for it in operation.get("parameters", [])]:
                if parameter["in"] == "path":
                    parameter["schema"]["examples"] = names
                elif parameter["name"] == "file_name":
                    parameter["schema"]["examples"] = FILE_NAMES
    return node


def table(name: str, values: dict) -> list[str]:
    """A table of TOML, in which strings and lists are written as in JSON."""
    return [f"[{name}]"] + [f"{json.dumps(key)} = {json.dumps(value)}" for key, value in values.items()]


def configuration(caller: Caller, operations: list[str], seed: int, examples: int, public_key: str) -> str:
    lines = [f"seed = {seed}", "continue-on-failure = true", "workers = 1", "color = false", f"hooks = {json.dumps(__file__)}"]
    lines += [f"request-timeout = {REQUEST_SECONDS_MAX}"]
    lines += table("generation", {"max-examples": examples, "database": "none", "with-security-parameters": True})
    lines += table("cache", {"enabled": False})
    lines += table("analysis.constants", {"enabled": False})
    # A credential that is not used or a word that fits nowhere would make the run hollow without a trace.
    lines += table("warnings", {"enabled": True, "fail-on": ["unused_openapi_auth", "unmatched_filter"]})
    if caller.has_key:
        lines += table("auth.openapi.key", {"username": caller.credential, "password": ""})
    elif caller.credential:
        lines += table("auth.openapi.token", {"bearer": caller.credential})
    as_data = [base64.b64encode(json.dumps({**message, "writeKey": public_key}).encode()).decode() for message in MESSAGES]
    for name, values in (
        ("words", WORDS), ("keys", [public_key or "pk_none"]), ("data", as_data), ("files", FILE_NAMES), ("objects", OBJECTS)
    ):  # fmt: skip
        lines += table(f"dictionaries.{name}", {"values": values})
    lines += table("generation.dictionaries.string", {"dictionary": "words", "probability": 0.4})
    for parameter, name in (
        ("path.key", "keys"), ("query.data", "data"), ("query.writeKey", "keys"), ("query.file_name", "files"), ("query.object", "objects")
    ):  # fmt: skip
        lines += table(f"parameters.{json.dumps(parameter)}", {"dictionary": name, "probability": 0.6})
    for start, values in NAMES.items():
        name = start.strip("/")
        lines += table(f"dictionaries.{name}", {"values": values})
        mine = [operation for operation in operations if start in operation and caller.asks(operation)]
        if mine:
            lines += ["[[operations]]", f"include-name = {json.dumps(mine)}"]
            parameter = "path.number" if start == "/identity/" else "path.name"
            lines += [f'parameters."{parameter}" = {{ dictionary = "{name}", probability = 0.8 }}']
    # An answer that never comes is a finding; how fast the others come depends on the machine.
    lines += table("checks", {"max_response_time": REQUEST_SECONDS_MAX})
    for check, of, _ in EXCLUSIONS:
        lines += table(f"checks.{check}", {"enabled": False}) if of is None else []
    for check, of, _ in EXCLUSIONS:
        mine = [operation for operation in of or [] if caller.asks(operation)]
        if mine:
            lines += ["[[operations]]", f"include-name = {json.dumps(mine)}", f"checks.{check}.enabled = false"]
    ours = [operation for operation in operations if caller.asks(operation)]
    not_ours = [operation for operation in operations if operation not in ours]
    if not_ours:
        lines += ["[[operations]]", f"include-name = {json.dumps(not_ours)}", "enabled = false"]
    return "\n".join(lines) + "\n"


def text_of(content: dict | None) -> str:
    data = base64.b64decode((content or {}).get("$base64", ""))
    text = data.decode("utf-8", "backslashreplace")
    return text if len(text) <= TEXT_SHOWN else text[:TEXT_SHOWN] + " ..."


class Run:
    """What came of all callers together."""

    def __init__(self) -> None:
        self.n_requests = self.n_server_errors = self.n_failures = 0
        self.findings: dict[tuple, Finding] = {}
        self.broken: list[str] = []
        self.statuses: dict[str, Counter] = defaultdict(Counter)

    def take(self, caller: Caller, event: dict) -> None:
        for error in [event[kind] for kind in ("NonFatalError", "FatalError") if kind in event]:
            self.broken.append(f"{caller.name}: {json.dumps(error)[:TEXT_SHOWN]}")
        stop = event.get("EngineFinished", {}).get("stop_reason", "completed")
        if stop != "completed":
            self.broken.append(f"{caller.name}: it ended early: {stop}")
        recorder = event.get("ScenarioFinished", {}).get("recorder")
        if recorder:
            self.record(caller, recorder)

    def record(self, caller: Caller, recorder: dict) -> None:
        for case, interaction in (recorder.get("interactions") or {}).items():
            status = (interaction.get("response") or {}).get("status_code", 0)
            value = recorder["cases"][case]["value"] if case in recorder["cases"] else {}
            self.n_requests += 1
            self.n_server_errors += status >= 500
            self.statuses[f"{value.get('method')} {value.get('path')}"][status] += 1
            for check in (recorder.get("checks") or {}).get(case, []):
                if check["status"] == "failure":
                    self.find(caller, interaction, check)

    def find(self, caller: Caller, interaction: dict, check: dict) -> None:
        self.n_failures += 1
        failure = check["failure_info"]["failure"]
        response = interaction.get("response")
        # What was wrong with the request tells findings apart where it was taken all the same.
        part = failure["message"].splitlines()[-1] if check["name"] == "negative_data_rejection" else ""
        key = (check["name"], failure["operation"], failure["title"], (response or {}).get("status_code", 0), part)
        if key not in self.findings:
            self.findings[key] = Finding(interaction["request"], response, failure["message"])
        self.findings[key].callers[caller.name] += 1

    def look_for_unreached(self, operations: list[str]) -> None:
        for name in operations:
            is_reached = any(200 <= status < 300 for status in self.statuses[name])
            if not is_reached and name not in UNREACHED:
                self.broken.append(f"{name} never answered with what was asked for: what was sent does not reach it")

    def print(self) -> None:
        # What the server did wrong comes first, then what it did not say.
        order = sorted(self.findings, key=lambda key: (key[0] != "not_a_server_error", key[0] not in UNDOCUMENTED, key))
        for key in order[:FINDINGS_SHOWN]:
            check, operation, title, status, _ = key
            finding = self.findings[key]
            callers = ", ".join(f"{name} {count}x" for name, count in finding.callers.items())
            print(f"\n{operation}: {title} ({check}; {callers})")
            print("  " + finding.message.strip().replace("\n", "\n  "))
            print(f"  {finding.request['method']} {finding.request['uri']}")
            for name, values in finding.request["headers"].items():
                if name.lower() not in ("user-agent", "accept-encoding", "connection", "content-length"):
                    print(f"  {name}: {', '.join(values)}")
            if finding.request.get("body"):
                print(f"  {text_of(finding.request['body'])}")
            if finding.response:
                print(f"  -> {status} {text_of(finding.response.get('content'))}")
        if len(order) > FINDINGS_SHOWN:
            print(f"\n... and {len(order) - FINDINGS_SHOWN} more findings")
        for line in self.broken:
            print(f"\n{line}")
        print()
        for check, of, reason in EXCLUSIONS:
            print(f"not held against {', '.join(of) if of else 'anything'}: {check}, since {reason}")
        for operation, reason in UNREACHED.items():
            print(f"not reached: {operation}, since {reason}")


def main() -> int:
    url, seed, examples = sys.argv[1].rstrip("/"), int(sys.argv[2]), int(sys.argv[3])
    # Keys come first: what they bring in is there for the others to look at.
    callers = sorted((Caller(*pair.split("=", 1)) for pair in sys.argv[4:]), key=lambda caller: not caller.has_key)
    callers.append(Caller("nobody", ""))
    public_key = next((caller.credential for caller in callers if caller.credential.startswith("pk_")), "")
    with urllib.request.urlopen(f"{url}/api/openapi.json", timeout=REQUEST_SECONDS_MAX) as response:
        text = response.read()
    document = json.loads(text)
    operations = operations_of(document)
    for caller in callers:
        if caller.credential.startswith("sk_"):
            send_merge(url, caller.credential)
    run = Run()
    excluded = {operation for _, of, _ in EXCLUSIONS for operation in of or []}
    run.broken += [f"an exclusion names {name}, which is not there" for name in sorted(excluded - set(operations))]
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        folder = Path(name)
        (folder / "openapi.json").write_text(json.dumps(with_words(document)))
        for caller in callers:
            before = run.n_requests, run.n_failures, len(run.findings)
            (folder / "schemathesis.toml").write_text(configuration(caller, operations, seed, examples, public_key))
            report = folder / f"{caller.name}.ndjson"
            words = [sys.executable, "-m", "schemathesis.cli", "--config-file", "schemathesis.toml", "run", "openapi.json"]
            words += ["--url", url, "--phases", "examples,coverage,fuzzing,stateful"]
            words += ["--report-ndjson-path", report.name]
            # Sets of strings have the same order each time, and nothing is left beside this file.
            environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
            done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
            with report.open() if report.exists() else open(os.devnull) as lines:
                for line in lines:
                    run.take(caller, json.loads(line))
            n_requests, n_failures = run.n_requests - before[0], run.n_failures - before[1]
            n_new = len(run.findings) - before[2]
            print(f"{caller.name}: {n_requests:,} requests, {n_failures:,} failures, {n_new} new findings", flush=True)
            if n_requests == 0 or done.returncode != (1 if n_failures else 0):
                run.broken.append(f"{caller.name}: exit code {done.returncode}\n{(done.stdout + done.stderr)[-4000:]}")
            report.unlink(missing_ok=True)
    run.look_for_unreached(operations)
    run.print()
    n_undocumented = sum(key[0] in UNDOCUMENTED for key in run.findings)
    n_other = len(run.findings) - n_undocumented - sum(key[0] == "not_a_server_error" for key in run.findings)
    print(
        f"api: {run.n_requests:,} requests over {len(operations)} operations as {len(callers)} callers, {run.n_server_errors} server "
        f"errors, {n_undocumented} undocumented answers, {n_other} other findings, seed {seed}"
    )
    return 1 if run.findings or run.broken or run.n_server_errors else 0


if __name__ == "__main__":
    sys.exit(main())
else:
    register()
