# Makes the files of this folder out of what their makers publish: only what is read here, in forms that need no YAML.
#
#   pip install pyyaml==6.0.3; python3 make.py UAP_CORE CRAWLERS MATOMO GA4 FOLDER
#
# UAP_CORE is the folder of uap-core with its tests, CRAWLERS crawler-user-agents.json, MATOMO the folder of the
# searchengine-and-social-list, GA4 the file seeds/ga4_source_categories.csv of dbt-ga4, FOLDER where the files go.

import csv
import json
import pathlib
import sys

import yaml

uap, crawlers, matomo, ga4, folder = map(pathlib.Path, sys.argv[1:])
# Sites that have a search and are none: without the words that were looked for they cannot be told from any other link.
NO_ENGINES = {"www.cnn.com", "cgi2.nintendo.co.jp", "www.fastweb.it", "webcache.googleusercontent.com"}
CASES_EVERY = {"ua": 10, "os": 10, "device": 60}


def read_yaml(path):
    return yaml.load(path.read_text(), Loader=yaml.CSafeLoader)


def write_json(name, lines):
    rows = ",\n".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) for line in lines)
    (folder / name).write_text(f"[\n{rows}\n]\n")


def write_csv(name, head, rows):
    with (folder / name).open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)


rules = read_yaml(uap / "regexes.yaml")
parts = (
    f'"{key}":[\n' + ",\n".join(json.dumps(rule, ensure_ascii=False, separators=(",", ":")) for rule in rules[key]) + "\n]"
    for key in ["user_agent_parsers", "os_parsers", "device_parsers"]
)
(folder / "agents.json").write_text("{\n" + ",\n".join(parts) + "\n}\n")
cases = []
for kind, every in CASES_EVERY.items():
    for case in read_yaml(uap / "tests" / f"test_{kind}.yaml")["test_cases"][::every]:
        agent = case.pop("user_agent_string")
        cases.append({"agent": agent, kind: case})
write_json("agent-cases.json", cases)

known = json.loads(crawlers.read_text())
write_json("crawlers.json", [crawler["pattern"] for crawler in known])
write_json("crawler-cases.json", sorted({agent for crawler in known for agent in crawler["instances"][:1]}))

# Search engines last: some assistants and networks are listed among them, which would make their visits a search.
hosts = {}
for kind, file in [("assistant", "AIAssistants.yml"), ("social", "Socials.yml"), ("search", "SearchEngines.yml")]:
    for name, listed in read_yaml(matomo / file).items():
        for entry in listed:
            for host in entry["urls"] if kind == "search" else [entry]:
                # With a path they would need more than a host; `www.` is taken off every host before it is looked up.
                if host not in NO_ENGINES and "/" not in host:
                    hosts.setdefault(host.removeprefix("www.").replace("{}", "*"), (name, kind))
write_csv("referrers.csv", ["host", "name", "kind"], sorted((host, *known) for host, known in hosts.items()))

with ga4.open() as file:
    categories = [(row["source"].lower(), row["source_category"].removeprefix("SOURCE_CATEGORY_").lower()) for row in csv.DictReader(file)]
write_csv("sources.csv", ["source", "category"], sorted(set(categories)))
