// Texts that would do something if a page took them for more than text.
//
//   ENTENTE_BIN=.../entente node browser/canaries.mjs [--control] [--turn N]
//
// Makes a workspace of its own in which every text that a page can show is a canary: markup, the end of an attribute or an
// element, a `javascript:` address, a template, an instruction for htmx. Each has a number of its own, so that what
// happens names its field. More of them come as messages, files, forms and parameters of addresses. Then every user opens
// every page, the first one in both faces and the others in one each, points at charts, opens what can be opened, and
// nothing may come of it:
//
// - executions: a canary's script ran, a dialog, an element or attribute that came out of a canary, a request that one
//   sent, a template that was computed;
// - reports: what the content security policy held back. A page whose escaping fails is stopped by it, so a report is as
//   bad as an execution;
// - faults: errors of scripts, answers of 500 and above, other origins, text that was escaped twice, and answers for
//   programs that a browser could take for a page.
//
// It also fails when a field was never seen as it was written, when one that is shown to nobody was seen, when a page of
// the route table was never opened, and when a spot such as a tooltip showed no canary: what is not there proves nothing.
// Whether executions and reports are noticed is tried first, on a page without a policy and on a live one; `--control` does
// only that. `--turn 1` gives every field the shape after its usual one, `--turn 7` the last one. The last line counts.

import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { chromium } from "playwright-core";
import { signerOf } from "./server.mjs";
import { signIn } from "./steps.mjs";

const ROUTES = path.join(import.meta.dirname, "..", "crates", "web", "src", "routes.rs");
const START_MS_MAX = 60_000;
const STEP_MS_MAX = 30_000;
/** Users that look around at once; more would wait for each other on two cores. */
const AT_ONCE = 2;
const IS_CONTROL = process.argv.includes("--control");
/** By how many shapes every field is moved on. */
const TURN = process.argv.includes("--turn") ? Number(process.argv[process.argv.indexOf("--turn") + 1]) : 0;
/** Where a canary has to be seen at least once, so that all ways onto a page are tried. */
const SPOTS = [
  ...["tooltip", "legend", "toast", "title", "svg title", "h1", "h2", "h3", "b", "p", "dd", "td", "th", "li", "option", "label"],
  ...["button", "code", "pre", "textarea", "value", "@title", "@aria-label", "@value", "@data-chart", "@data-sort", "@data-undo"],
];

// ---- canaries

/**
 * Each at most 60 characters, which is how much of a wrong word a diagnostic repeats. `xss` as an attribute tells what came
 * out of a canary even where nothing runs.
 */
const SHAPES = {
  image: (id) => `<img xss=${id} src=x onerror="window.__xss='${id}'">`,
  script: (id) => `"><script xss=${id}>window.__xss='${id}'</script>`,
  title: (id) => `</title><svg xss=${id} onload=window.__xss='${id}'>`,
  single: (id) => `' xss=${id} tabindex=0 onfocus='window.__xss="${id}"`,
  double: (id) => `" xss=${id} onmouseover="window.__xss='${id}'`,
  address: (id) => `javascript:window.__xss='${id}'`,
  template: (id) => `a{{7*7}}${id}{{7*7}} \${7*7}${id}\${7*7}`,
  htmx: (id) => `</textarea><b xss=${id} hx-get=/${id} hx-trigger=load>`,
  // Only what may stand in a host.
  host: (id) => `"xss="${id}"onfocus="window.__xss='${id}'`,
};
const USUAL = Object.keys(SHAPES).filter((shape) => shape !== "host");

/** All canaries by their ids: the field, the text, why no page shows it, and on which pages it was seen. */
const canaries = new Map();

/** A new canary for a field; `hidden` says why no page shows it. */
function canary(field, { shape, hidden } = {}) {
  const id = `k${100 + canaries.size}k`;
  const text = SHAPES[shape ?? USUAL[(canaries.size + TURN) % USUAL.length]](id);
  canaries.set(id, { id, field, text, hidden, seen: new Set() });
  return text;
}

const isUnseen = ({ hidden, seen }) => !hidden && seen.size === 0;
const isLeaked = ({ hidden, seen }) => hidden && seen.size > 0;

// ---- what happens

const noNotes = () => ({ executions: new Map(), reports: new Map(), faults: new Map() });
let notes = noNotes();

function note(kind, what, where) {
  // What the browser says of a script has a hash for each.
  const text = what.replace(/\s+/g, " ").replace(/'sha256-[^']*'/g, "").slice(0, 240);
  const known = notes[kind].get(text) ?? { count: 0, where };
  notes[kind].set(text, { ...known, count: known.count + 1 });
}

/** Runs in each page before anything else. */
function listen() {
  Object.defineProperty(window, "__xss", { set: (id) => console.error(`canary ran: ${id}`) });
  const tell = (event) => console.error(`canary report: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
  addEventListener("securitypolicyviolation", tell, true);
}

/** Notes what happens on a page, whatever opens it. */
function watch(page, origin) {
  const where = () => page.url().slice(0, 200);
  page.on("dialog", (dialog) => {
    note("executions", `a dialog: ${dialog.message()}`, where());
    dialog.dismiss().catch(() => {});
  });
  page.on("console", (message) => {
    const text = message.text();
    // Refusals are asked for here, and both the browser and htmx say that they came.
    const isRefusal = /^Failed to load resource|^htmx:|^Response Status Error Code 4/.test(text);
    if (text.startsWith("canary ran")) note("executions", text, where());
    else if (/^canary report|Content Security Policy/.test(text)) note("reports", text, where());
    else if (message.type() === "error" && !isRefusal) note("faults", `console: ${text}`, where());
  });
  page.on("pageerror", (error) => note("faults", `script: ${error.message}`, where()));
  page.on("popup", (popup) => note("executions", `a window: ${popup.url()}`, where()));
  page.on("response", (response) => {
    if (response.status() >= 500) note("faults", `answer: ${response.status()} ${response.url()}`, where());
  });
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (/^(data|blob|about):/.test(url.protocol)) return;
    if (url.origin !== origin) note("faults", `another origin: ${url}`, where());
    if (/\/x$|\/k\d+k$/.test(url.pathname)) note("executions", `a canary sent a request: ${url}`, where());
  });
}

// ---- what stands on a page

/** Runs in the page: which canaries stand there as they were written, in which spots, and what should not be there. */
function look(texts) {
  const [seen, wrong] = [[], []];
  // As it is, in JSON, and in the quotes of a condition; in small letters, since sentences make their first letter large.
  const waysOf = (text) => {
    const plain = [text, text.replaceAll("'", "''"), text.replaceAll('"', '""')];
    return [...plain, ...plain.map((way) => JSON.stringify(way).slice(1, -1))].map((way) => way.toLowerCase());
  };
  const see = (value, spot) => {
    const small = value.toLowerCase();
    for (const id of new Set(small.match(/k\d+k/g))) {
      if (id in texts && waysOf(texts[id]).some((way) => small.includes(way))) seen.push([id, spot]);
      if (new RegExp(`49${id}|${id}49`).test(small)) wrong.push(["executions", `a template was computed: ${value}`]);
    }
    if (/&(amp|lt|gt|quot|#\d+|#x[0-9a-f]+);/i.test(value)) wrong.push(["faults", `escaped twice: ${value}`]);
  };
  const spotOf = (element) => {
    if (element.closest(".chart")) return "tooltip";
    if (element.closest(".legend")) return "legend";
    if (element.closest(".toast")) return "toast";
    return element.closest("svg") ? `svg ${element.localName}` : element.localName;
  };
  const lookAt = (element) => {
    const blame = (what) => wrong.push(["executions", `${what}: ${element.outerHTML.slice(0, 120)}`]);
    for (const { name, value } of element.attributes) {
      see(value, `@${name}`);
      if (name.startsWith("on") || name === "xss" || name === "srcdoc") blame("an attribute");
      const leads = ["href", "xlink:href", "src", "action", "formaction", "data"].includes(name);
      if (!leads || !URL.canParse(value, location.href)) continue;
      const { origin, protocol } = new URL(value, location.href);
      if (origin === location.origin) continue;
      wrong.push([protocol === "javascript:" ? "executions" : "faults", `an address: ${name}=${value}`]);
    }
    if (element.matches("iframe, object, embed, base, script:not([src])")) blame("an element");
    if (element.matches("input, textarea")) see(element.value, "value");
  };
  const walker = document.createTreeWalker(document, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (node.nodeType === Node.ELEMENT_NODE) lookAt(node);
    else if (node.parentElement) see(node.data, spotOf(node.parentElement));
  }
  return { seen, wrong, links: [...document.links].map((link) => link.pathname + link.search) };
}

const spots = new Map();
let nSightings = 0;

/** Counts what stands on the page now; gives its links. */
async function lookAround(page, { user, route }) {
  const texts = Object.fromEntries([...canaries.values()].map(({ id, text }) => [id, text]));
  const { seen, wrong, links } = await page.evaluate(look, texts);
  for (const [kind, what] of wrong) note(kind, what, `${user} ${page.url().slice(0, 200)}`);
  for (const [id, spot] of seen) {
    canaries.get(id).seen.add(route);
    spots.set(spot, (spots.get(spot) ?? 0) + 1);
  }
  nSightings += new Set(seen.map(([id]) => id)).size;
  return links;
}

/** Runs in the page: opens what can be opened, and points at everything, as a mouse and the tab key do. */
function excite(opensAll) {
  for (const details of document.querySelectorAll("details")) details.open = true;
  // Each that closes asks for the verdict again, so this is not for every page.
  if (opensAll) for (const popover of document.querySelectorAll("[popover]")) popover.togglePopover(true);
  for (const element of document.querySelectorAll("*")) {
    for (const kind of ["mouseover", "mouseenter", "focus"]) element.dispatchEvent(new Event(kind));
  }
  for (const popover of document.querySelectorAll(":popover-open")) popover.hidePopover();
}

/** Waits until scripts have started, and every part of the page is there and drawn. */
async function settled(page) {
  const isThere = () => {
    const open = ".loading, .htmx-request, [aria-busy=true], [data-chart]:not([data-drawn])";
    return document.readyState === "complete" && !document.querySelector(open);
  };
  await page.waitForFunction(isThere, null, { timeout: STEP_MS_MAX });
}

/** Runs in the page: brings a chart into view and says where its last but one interval is. */
function placeOfChart(number) {
  const chart = document.querySelectorAll("figure.chart")[number];
  chart?.scrollIntoView({ block: "center" });
  const box = chart?.getBoundingClientRect();
  return box && { x: box.x + box.width * 0.85, y: box.y + box.height / 2 };
}

/** Puts the mouse on each chart, so that its tooltip says what is there. */
async function pointAtCharts(page) {
  for (let number = 0; ; number += 1) {
    const place = await page.evaluate(placeOfChart, number);
    if (!place) return;
    await page.mouse.move(place.x, place.y);
    await page.mouse.move(place.x + 2, place.y);
  }
}

/** Opens an address; what asks questions is opened by a page of ours, since it answers to nothing else. */
async function opens(page, address) {
  const waiting = { waitUntil: "domcontentloaded" };
  if (!/^\/(ask\/|home\/|standings)/.test(address)) return page.goto(address, waiting);
  if (!page.url().startsWith("http")) await page.goto("/glossary", waiting);
  const arrived = page.waitForNavigation(waiting);
  await page.evaluate((to) => { setTimeout(() => location.assign(to)); }, address);
  return arrived;
}

/** Opens an address and looks at everything on it; gives its status and links. */
async function visit(page, user, { route, address, opensAll = false }) {
  const response = await opens(page, address);
  check({ status: response.status(), url: address, headers: response.headers() }, true);
  await settled(page);
  await page.evaluate(excite, opensAll);
  if (opensAll) await settled(page);
  await pointAtCharts(page);
  const links = await lookAround(page, { user, route });
  return { status: response.status(), links };
}

// ---- the workspace

const PUBLIC_KEY = `pk_canaries${"0".repeat(32)}`;
const SECRET_KEY = `sk_canaries${"0".repeat(32)}`;
const SECRET_SHA256 = createHash("sha256").update(SECRET_KEY).digest("hex");
const LAWS = ["gdpr", "ccpa", "us_other"];
const PURPOSES = ["analytics", "mail", "rare", "noisy"];

const custom = (pairs) => Object.entries(pairs).map(([property, value]) => ({ property, value }));
const basis = (name) => Object.fromEntries(LAWS.map((law) => [law, name]));
const titled = (what, more = {}) => {
  return { title: canary(`title of ${what}`), description: canary(`description of ${what}`), ...more };
};
const quoted = (text) => `'${text.replaceAll("'", "''")}'`;
const named = (text) => `"${text.replaceAll('"', '""')}"`;

function property(object, name, { type = "string", level = "none", unit, purposes = PURPOSES, ...more } = {}) {
  return {
    name,
    businessName: canary(`title of ${object}.${name}`),
    description: canary(`description of ${object}.${name}`),
    logicalType: type,
    classification: level,
    customProperties: custom({ purposes, ...(unit && { unit }) }),
    ...more,
  };
}

/** An object of a contract; the columns that say whose, when and which come by themselves. */
function object(name, kind, properties) {
  const ids = kind === "event" ? { person: "who", time: "at", message_id: "message" } : { person: "who" };
  const words = kind === "event" ? { past: canary(`past of ${name}`), base: canary(`base of ${name}`) } : {};
  const columns = [property(name, "who", { level: "pseudonym" })];
  if (kind === "event") columns.push(property(name, "at", { type: "timestamp" }), property(name, "message"));
  return {
    name,
    businessName: canary(`title of ${name}`),
    description: canary(`description of ${name}`),
    customProperties: custom({ entity: kind, ...ids, ...words }),
    properties: [...columns, ...properties],
  };
}

function contract(name, objects, more = {}) {
  return {
    apiVersion: "v3.1.0",
    kind: "DataContract",
    id: name,
    version: "1.0.0",
    status: "active",
    name: canary(`name of the contract ${name}`),
    domain: canary(`domain of the contract ${name}`),
    description: { purpose: canary(`purpose of the contract ${name}`) },
    team: { members: [{ username: "team", name: canary(`owner of the contract ${name}`), role: "owner" }] },
    schema: objects,
    ...more,
  };
}

/** What a message's surroundings fill, and what a canary can get into. */
const AROUND = [
  ...["utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "gclid", "fbclid", "msclkid", "ttclid"],
  ...["page_url", "page_path", "page_title", "page_referrer", "page_search", "referrer_domain", "user_agent"],
  ...["device_model", "locale", "timezone", "library", "app_version", "ip", "name", "category"],
];

function contracts() {
  const page = object("page", "event", [...AROUND, "plain"].map((name) => property("page", name)));
  const bought = object("bought", "event", [
    property("bought", "amount", { type: "number", physicalType: "decimal(12,2)", unit: canary("unit of bought.amount") }),
    property("bought", "plain"),
  ]);
  const group = object("group", "event", [property("group", "group_id")]);
  const people = object("people", "traits", [
    property("people", "city"),
    property("people", "email", { level: "direct" }),
    property("people", "illness", { level: "sensitive" }),
    property("people", "nickname", { purposes: ["mail"] }),
  ]);
  const door = custom({ on_unknown_event: "quarantine", on_bad_value: "quarantine", on_bad_time: "flag", keep_ip: true });
  const visited = object("visited", "event", [property("visited", "kind", { required: true })]);
  const late = [{ property: "latency", value: 1, unit: "s" }];
  return {
    shop: contract("shop", [page, bought, group, people], { customProperties: door }),
    files: contract("files", [visited], { slaProperties: late }),
    empty: contract("empty", [object("dreamt", "event", [])]),
  };
}

/** A file on disk may be called anything but with a slash. */
const FILE = canary("name of a file that a source names", { shape: "image" });

/** Signs the links by which customers look at their preferences. */
const SIGNER = signerOf("shop");

function sources() {
  const keys = [
    { name: "shop", kind: "public", key: PUBLIC_KEY, signed_by: [SIGNER.key] },
    { name: "backend", kind: "secret", sha256: SECRET_SHA256 },
  ];
  const source = (name, more = {}) => titled(`the source ${name}`, { contract: `contracts/${name}.odcs.yaml`, ...more });
  const files = [{ path: `data/${FILE}.ndjson`, object: "visited" }];
  return { shop: source("shop", { keys }), files: source("files", { files }), empty: source("empty") };
}

function roles() {
  const all = (level) => Object.fromEntries(PURPOSES.map((purpose) => [purpose, level]));
  const masks = (direct, sensitive) => ({ none: "show", pseudonym: direct, direct, sensitive });
  const role = (name, more) => ({ title: canary(`title of the role ${name}`), ...more });
  const rights = (...names) => Object.fromEntries(names.map((name) => [name, true]));
  const define = rights("may_define");
  const keep = rights("sees_cost", "may_import");
  const edits = ["contracts", "purposes", "destinations", "teams"];
  return {
    officer: role("officer", { purposes: all("profile"), masks: masks("show", "show"), ...define, ...keep, sees_audit: true, edits }),
    maker: role("maker", { purposes: { analytics: "list", mail: "list" }, masks: masks("hash", "hide"), ...define }),
    keeper: role("keeper", { purposes: { analytics: "aggregate" }, masks: masks("hash", "hide"), ...keep }),
    reader: role("reader", { purposes: { analytics: "aggregate" } }),
    stranger: role("stranger", {}),
  };
}
const USERS = ["officer", "maker", "keeper", "reader", "stranger"];

/** The values that a group of people shares: the properties of `page`, and others. */
const valueOf = (name) => canary(`value of page.${name}`, name === "referrer_domain" ? { shape: "host" } : {});
const VALUES = Object.fromEntries(AROUND.map((name) => [name, valueOf(name)]));
const PLAIN = canary("value of a property");
const CITY = canary("value of a trait");

const LIST = { kind: "audience", purpose: "mail", where: "did(page)", release: "list" };
const SHARED = { purpose: "analytics", period: { last: "150 days" } };

/** Questions of every kind, the values of `page` in groups of five, since a question has at most five. */
function questions() {
  const trend = { kind: "trend", ...SHARED, measure: "people(page)", by: "month" };
  const values = {};
  for (let from = 0; from < AROUND.length; from += 5) {
    values[`values_${from}`] = { ...trend, breakdown: AROUND.slice(from, from + 5) };
  }
  const isNot = (field, what) => `${field} <> ${quoted(canary(what))}`;
  const where = `${isNot("city", "text of a condition")} OR ${isNot("event.plain", "text of a condition on events")}`;
  return {
    ...values,
    ...questionsOfKinds(),
    bars: { ...trend, measure: "sum(bought.amount)", by: "none", breakdown: ["plain", "city"] },
    filtered: { ...trend, measure: "sum(bought.amount)", by: "week", where },
    groups: { ...trend, measure: 'people("group")', breakdown: ["group_id"] },
    // What is refused, or would be answered if something was done.
    stale: { ...trend, measure: "people(visited)" },
    missing: { ...trend, measure: "people(dreamt)" },
    rare: { ...trend, purpose: "rare" },
    noisy: { ...trend, purpose: "noisy", measure: "sum(bought.amount)" },
    few: { ...LIST, destination: "network" },
    masked: { kind: "audience", purpose: "analytics", where: `nickname = ${quoted(canary("text of a refused condition"))}` },
  };
}

function questionsOfKinds() {
  const bought = { event: "bought", where: `event.plain = ${quoted(PLAIN)}` };
  const compared = [{ name: canary("name of an experiment's metric"), measure: "sum(bought.amount)" }, "people(bought)"];
  const shown = { exposure: "page", variant: "plain", split: { [PLAIN]: 1, B: 1 } };
  const owed = { conversion: "bought", touch: "page", channel: "utm_source", value: "amount", lookback: "90 days" };
  // A period that is over does not wait for a source that is late.
  const over = { from: day(150).slice(0, 10), to: day(1).slice(0, 10) };
  const where = `did(page) AND NOT did(bought, within => '1 days') AND city = ${quoted(CITY)}`;
  const columns = ["user_id", "email", "city", "illness", "nickname"];
  const column = named(canary("name of a column in SQL", { shape: "double" }));
  const text = quoted(canary("text in SQL", { shape: "htmx" }));
  const select = `SELECT plain AS ${column}, count(DISTINCT person) AS n FROM page WHERE plain <> ${text} GROUP BY 1`;
  return {
    funnel: { kind: "funnel", ...SHARED, steps: ["page", bought], within: "90 days", breakdown: ["plain"] },
    retention: { kind: "retention", ...SHARED, start: "page", return: "bought", by: "month", periods: 3 },
    attribution: { kind: "attribution", ...SHARED, ...owed },
    paths: { kind: "paths", purpose: "analytics", period: over, from: "page", steps: 3 },
    experiment: { kind: "experiment", ...SHARED, ...shown, metrics: compared },
    count: { kind: "audience", purpose: "analytics", where },
    list: { ...LIST, columns, destination: "post" },
    sql: { kind: "sql", purpose: "analytics", text: select },
  };
}

const QUESTIONS = questions();

/** Files with a mistake in each, which pages tell. */
function broken() {
  const wrong = canary("name of a file that defines nothing", { shape: "image" });
  const board = canary("name of a dashboard's file that is none", { shape: "image" });
  const question = { kind: "trend", purpose: "analytics", measure: "count(page)", [canary("key of a question that is none")]: 1 };
  return {
    [`metrics/${wrong}.yaml`]: {},
    [`dashboards/${board}.yaml`]: {},
    "dashboards/broken.yaml": { title: "Broken", tiles: [{ question: canary("question of a tile that is not there") }] },
    "metrics/broken.yaml": { measure: `count(${named(canary("event of a measure that is not there"))})` },
    "questions/broken.yaml": { question },
    "audiences/broken.yaml": { purpose: "mail", where: `${named(canary("trait of a condition that is not there"))} = 'a'` },
    "roles/broken.yaml": { masks: { [canary("class of a mask that is none")]: "show" } },
    "teams/broken.yaml": { title: "Broken", members: [canary("member that is no user")] },
    "destinations/broken.yaml": { title: "Broken", purposes: [canary("purpose of a destination that is none")] },
  };
}

/** Two that show all that they are asked, and two that refuse in their own words. */
function purposes() {
  const category = canary("category of a purpose");
  const shown = { min_group: 2, differences: "shown" };
  return {
    analytics: { basis: basis("contract"), ...shown, signals: { categories: [category] } },
    mail: { basis: basis("consent"), ...shown },
    rare: { basis: basis("contract"), min_group: 1_000_000 },
    noisy: { basis: basis("contract"), min_group: 2, noise: { epsilon: 0.5, per_day: 100 } },
  };
}

/** Each gap names its team, and each list its destination. */
function teams() {
  const team = (name, more) => ({ title: canary(`title of the team ${name}`), ...more });
  return {
    data: team("data", { looks_after: ["contracts/", "sources/"], answers_within: "2 days" }),
    privacy: team("privacy", { members: ["officer"], looks_after: ["purposes/", "roles/"] }),
    thrifty: team("thrifty", { members: ["reader"], budget: { seconds_per_question: 1 } }),
  };
}

function destinations() {
  return {
    post: titled("a destination", { purposes: ["mail"] }),
    network: titled("a destination for many", { purposes: ["mail"], people_min: 1_000_000 }),
  };
}

function metrics() {
  const where = `event.plain <> ${quoted(canary("condition of a metric"))}`;
  const more = { measure: "sum(bought.amount)", where, on_home: true };
  return {
    sales: titled("a metric", { owners: [canary("owner of a metric")], unit: canary("unit of a metric"), ...more }),
    buyers: titled("another metric", { measure: "people(bought)", on_home: true }),
  };
}

function audiences() {
  const looked = `did(page, where => (event.plain <> ${quoted(canary("text of an audience"))}))`;
  const where = `${looked} AND city IN (${quoted(CITY)}, ${quoted(canary("text of a list"))})`;
  const others = { purpose: "analytics", where: "NOT in_audience('lookers') AND NOT did(\"group\")" };
  return {
    lookers: titled("an audience", { owners: [canary("owner of an audience"), "it"], purpose: "mail", where }),
    others: { title: canary("title of an audience without words"), ...others },
  };
}

function dashboards() {
  const asked = Object.keys(QUESTIONS).slice(-14);
  const tiles = asked.map((question) => ({ question, title: canary(`title of the tile ${question}`) }));
  return { monday: titled("a dashboard", { tiles: [...tiles, { metric: "sales" }, { metric: "buyers" }] }) };
}

/** All files: path and content, written as JSON, which is YAML as well. */
function workspace() {
  const [title, notice] = [canary("title of the workspace"), canary("notice of the workspace")];
  const files = {
    "entente.yaml": { title, notice, laws: [{ country: "DE", law: "gdpr" }] },
    "users.yaml": { users: USERS.map((name) => ({ name, title: canary(`title of the user ${name}`), role: name })) },
    ...broken(),
  };
  const write = (folder, ending, all, of = (_, one) => one) => {
    for (const [name, one] of Object.entries(all)) files[`${folder}/${name}${ending}`] = of(name, one);
  };
  write("purposes", ".yaml", purposes(), (name, purpose) => titled(`the purpose ${name}`, purpose));
  write("roles", ".yaml", roles());
  write("teams", ".yaml", teams());
  write("destinations", ".yaml", destinations());
  write("sources", ".yaml", sources());
  write("contracts", ".odcs.yaml", contracts());
  write("metrics", ".yaml", metrics());
  write("audiences", ".yaml", audiences());
  write("questions", ".yaml", QUESTIONS, (name, question) => titled(`the question ${name}`, { question }));
  write("dashboards", ".yaml", dashboards());
  return files;
}

/** Files of rules; no list of programs names them. */
const RULES = ["contracts/shop.odcs.yaml", "purposes/mail.yaml", "roles/officer.yaml", "sources/shop.yaml", "teams/data.yaml",
  "destinations/post.yaml", "destinations/broken.yaml", "users.yaml", "entente.yaml"];

/** Lines of a file to import, one of which lacks what is required. */
function visits(n, more) {
  const lines = Array.from({ length: n }, (_, at) => ({ who: `f${at}`, at: day(40 + at), message: `f${at}`, kind: "a" }));
  return [...lines, more].map((line) => JSON.stringify(line)).join("\n");
}

function writeWorkspace(folder) {
  const remark = canary("remark in a file");
  for (const [name, content] of Object.entries(workspace())) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), `# ${remark}\n${JSON.stringify(content, null, 1)}\n`);
  }
  mkdirSync(path.join(folder, "data"));
  const bad = { who: "f9", at: day(40), message: canary("message id of a file", { hidden: "no page shows message ids" }) };
  writeFileSync(path.join(folder, "data", `${FILE}.ndjson`), visits(4, bad));
}

// ---- what comes in

function day(ago) {
  return new Date(Date.now() - ago * 86_400_000).toISOString();
}

/** Somebody looks at a page, and all that surrounds it is a canary. */
function pageOf(userId, at, n) {
  const value = (...names) => names.map((name) => VALUES[name]);
  const [source, medium, campaign, term, content] = value("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content");
  const [url, where, title, referrer, search] = value("page_url", "page_path", "page_title", "page_referrer", "page_search");
  const [gclid, fbclid, msclkid, ttclid] = value("gclid", "fbclid", "msclkid", "ttclid");
  const [locale, timezone, userAgent, ip, name, category] = value("locale", "timezone", "user_agent", "ip", "name", "category");
  const context = {
    campaign: { source, medium, name: campaign, term, content },
    page: { url, path: where, title, referrer, search },
    library: { name: VALUES.library },
    app: { version: VALUES.app_version },
    ...{ locale, timezone, userAgent, ip },
  };
  const properties = { plain: PLAIN, gclid, fbclid, msclkid, ttclid };
  return { type: "page", userId, messageId: `p-${userId}-${n}`, timestamp: at, name, category, context, properties };
}

const boughtOf = (userId, at, n, properties) => {
  return { type: "track", event: "bought", userId, messageId: `b-${userId}-${n}`, timestamp: at, properties };
};

/** Six people with canaries and six without, over some months, so that there are lines to tell apart. */
function messages() {
  const people = [canary("user id"), "a1", "a2", "a3", "a4", "a5"];
  const others = ["b0", "b1", "b2", "b3", "b4", "b5"];
  const all = people.flatMap(factsOf);
  for (const [n, at] of [110, 80, 50, 20, 1].map(day).entries()) {
    for (const userId of people) all.push(pageOf(userId, at, n), boughtOf(userId, at, n, { amount: 12.5, plain: PLAIN }));
    for (const userId of others) {
      all.push({ type: "page", userId, messageId: `p-${userId}-${n}`, timestamp: at, properties: { plain: "B" } });
      all.push(boughtOf(userId, at, n, { amount: 1, plain: "B" }));
    }
  }
  return [...all, ...odd()];
}

const TRAITS = {
  city: CITY,
  email: canary("value of a direct trait"),
  illness: canary("value of a sensitive trait"),
  nickname: canary("value of a trait for one purpose"),
};
const GROUP = canary("group id");
const TEXT_VERSION = canary("version of a consent's text", { hidden: "stands in the table consents only" });

/** Who somebody is, and what the person agrees to. */
function factsOf(userId) {
  return [
    { type: "identify", userId, messageId: `i-${userId}`, traits: TRAITS },
    { type: "group", userId, groupId: GROUP, messageId: `g-${userId}` },
    { type: "consent", userId, consents: { mail: true }, context: { consent: { textVersion: TEXT_VERSION } } },
  ];
}

/** Messages that are kept aside, flagged or refused: what they are told by is shown, what they hold is not. */
function odd() {
  const one = (more) => ({ type: "track", userId: "o1", event: "bought", ...more });
  const unseen = (field, hidden) => canary(field, { hidden });
  const extra = unseen("name of a property that no contract has", "stands in the column `extra` only");
  const purpose = unseen("purpose of a consent", "reasons name no purpose");
  return [
    one({ event: canary("name of an event that no contract has") }),
    one({ properties: { amount: unseen("value that is no number", "values of messages that are aside are shown to nobody") } }),
    one({ properties: { [extra]: 1 } }),
    one({ messageId: unseen("message id", "no page shows message ids") }),
    one({ anonymousId: unseen("anonymous id", "no page shows anonymous ids") }),
    one({ type: unseen("type of a message", "reasons name no type") }),
    one({ timestamp: unseen("time of a message", "reasons name no time") }),
    { type: "consent", userId: "o1", consents: { [purpose]: true } },
  ];
}

/** Visitors of a page with the public key: their addresses and user agents come with the request. */
function visitors() {
  const query = new URLSearchParams();
  for (const name of ["utm_source", "utm_campaign", "gclid"]) query.set(name, canary(`value of page.${name} in an address`));
  const page = { url: `https://shop.example/?${query}`, referrer: `https://${VALUES.referrer_domain}/` };
  const view = { type: "page", timestamp: day(2), context: { page } };
  return ["v0", "v1", "v2"].map((anonymousId) => ({ ...view, anonymousId, messageId: anonymousId }));
}

async function post(server, batch, { key = SECRET_KEY, userAgent = "canaries" } = {}) {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json", "user-agent": userAgent };
  return checked(await fetch(`${server.url}/v1/batch`, { method: "POST", headers, body: JSON.stringify({ batch }) }));
}

/** Sends everything and waits until it has landed. */
async function send(server) {
  const all = messages();
  for (let from = 0; from < all.length; from += 100) await post(server, all.slice(from, from + 100));
  const userAgent = `Mozilla/5.0 (Linux; Android 9; ${VALUES.device_model} Build/1) AppleWebKit/537.36 Chrome/99.0 Mobile`;
  await post(server, visitors(), { key: PUBLIC_KEY, userAgent });
  const until = Date.now() + STEP_MS_MAX;
  for (;;) {
    const { log_records: nWaiting } = await (await server.api("GET", "/api/v1/collector")).json();
    if (nWaiting === 0) return;
    if (Date.now() > until) throw new Error("messages did not land");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

// ---- answers for programs

let nAnswers = 0;

/** Whether a browser could take an answer for a page: only pages are HTML, and nothing is guessed. */
function check({ status, url, headers }, isPage = false) {
  if (!isPage) nAnswers += 1;
  const type = headers["content-type"] ?? "none";
  const wrong = [];
  if (headers["x-content-type-options"] !== "nosniff") wrong.push("it may be sniffed");
  if (!/default-src 'none'/.test(headers["content-security-policy"] ?? "")) wrong.push("it has no policy");
  if (isPage !== /html|xml|svg|javascript/.test(type) || (type === "none" && status !== 204)) wrong.push(`its type is ${type}`);
  for (const what of wrong) note("faults", `an answer of ${status}: ${what}`, url);
}

function checked(response) {
  check({ status: response.status, url: response.url, headers: Object.fromEntries(response.headers) });
  return response;
}

/** All that programs may read, as one user's browser would open it. */
async function readAsProgram(context, user, names) {
  const get = async (address) => {
    const response = await context.request.get(address, { maxRedirects: 0 });
    check({ status: response.status(), url: `${user} ${address}`, headers: response.headers() });
    return response;
  };
  const { paths } = await (await get("/api/openapi.json")).json();
  const routes = Object.keys(paths).filter((route) => paths[route].get);
  const wrong = encodeURIComponent(canary(`name for programs, as ${user}`, { hidden: "no page shows what programs ask" }));
  for (const route of routes) {
    const known = filled(route.replace("{call}", "page").replace("{key}", PUBLIC_KEY), names);
    for (const address of new Set([...known, route.replace(/\{\w+\}/, wrong)])) await get(address);
  }
}

/** Files of an answer are for keeping; a refusal is a page, since people are told of it. */
async function keepsFiles(context, user) {
  for (const format of ["csv", "json", "arrow", "parquet"]) {
    const asked = `${addressOf(QUESTIONS.sql, "/ask/download")}&format=${format}`;
    // As a page of ours says of itself.
    const response = await context.request.get(asked, { headers: { "sec-fetch-site": "same-origin" } });
    check({ status: response.status(), url: `${user} ${format}`, headers: response.headers() }, !response.ok());
    const isKept = /^attachment/.test(response.headers()["content-disposition"] ?? "");
    if (response.ok() && !isKept) note("faults", `a file of ${format} is shown instead of kept`, user);
    if (response.ok()) opened.set("/ask/download", response.status());
  }
}

/** Answers for programs as a browser shows them that is led there. */
async function showsAnswers(page) {
  for (const address of ["/api/v1/catalog", "/api/v1/questions", "/api/v1/quarantine", "/api/v1/no%3Cb%20xss=k0k%3E"]) {
    await page.goto(address);
    const { wrong } = await page.evaluate(look, {});
    for (const [kind, what] of wrong) note(kind, what, address);
  }
}

/** What programs send: questions in every form of an answer, and mistakes, which are repeated. */
async function askAsProgram(server) {
  const wrong = { kind: canary("kind that a program asks", { hidden: "no page shows what programs ask" }) };
  for (const question of [QUESTIONS.sql, QUESTIONS.list, QUESTIONS.rare, wrong]) {
    for (const accept of ["application/json", "text/csv", "text/html", "application/vnd.apache.arrow.stream", "*/*"]) {
      await server.api("POST", "/api/v1/ask", { question }, { accept });
    }
    await server.api("POST", "/api/v1/judge", { question });
    await server.api("POST", "/api/v1/explain", { question });
  }
}

// ---- the server

/** Starts the program on the workspace; gives its address, how users sign in, a call for programs, and how to stop it. */
async function startServer() {
  const program = process.env.ENTENTE_BIN;
  if (!program) throw new Error("set ENTENTE_BIN to the program");
  const folder = mkdtempSync(path.join(os.tmpdir(), "entente-canaries-"));
  const [workspace, data] = ["workspace", "data"].map((name) => path.join(folder, name));
  writeWorkspace(workspace);
  const places = ["--workspace", workspace, "--data", data];
  const address = `127.0.0.1:${await freePort()}`;
  // What is wrong in the workspace is meant to be, so it need not be read here.
  const stdio = ["ignore", "pipe", process.env.ENTENTE_LOG ? "inherit" : "ignore"];
  const child = spawn(program, ["up", ...places, "--listen", address, "--sign-ins"], { stdio });
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (text) => (printed += text));
  const stop = async () => {
    if (child.exitCode === null) {
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), 5_000);
      await gone;
      clearTimeout(late);
    }
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const url = `http://${address}`;
    await ready(url, child);
    const token = execFileSync(program, ["token", "officer", ...places], { encoding: "utf8" }).trim().split(/\s+/).at(-1);
    return { url, stop, signInOf: (user) => signInOf(printed, user), api: (...call) => callApi(url, token, ...call) };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function callApi(url, token, method, address, body, headers = {}) {
  const all = { authorization: `Bearer ${token}`, "content-type": "application/json", ...headers };
  return checked(await fetch(url + address, { method, headers: all, body: body && JSON.stringify(body) }));
}

function signInOf(printed, user) {
  const line = printed.split("\n").find((text) => text.trim().split(/\s+/)[0] === user);
  if (!line) throw new Error(`the program printed no sign-in for ${user}:\n${printed}`);
  return { name: user, secret: line.trim().split(/\s+/).at(-1) };
}

async function ready(url, child) {
  const until = Date.now() + START_MS_MAX;
  while (Date.now() < until) {
    if (child.exitCode !== null) throw new Error(`the program ended at once (${child.exitCode})`);
    const health = await fetch(`${url}/health`).catch(() => null);
    if (health?.ok && (await health.json()).ready) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`the program was not ready within ${START_MS_MAX / 1000} s`);
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = net.createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}


// ---- deeds: what people write on pages

/** Fills the form that a button opens, sends it, and waits for what is told. */
async function fillIn(page, button, fields, send, told) {
  await page.getByRole("main").getByRole("button", { name: button, exact: true }).first().click();
  const form = page.locator("form:popover-open");
  for (const [label, text] of Object.entries(fields)) await form.getByLabel(label).first().fill(text);
  await form.getByRole("button", { name: send, exact: true }).first().click();
  await page.locator(".toast").filter({ hasText: told }).waitFor();
}

async function savesAQuestion(page, see) {
  await page.goto(addressOf({ ...QUESTIONS.bars, limit: 7 }));
  await settled(page);
  const fields = { Title: canary("title that a form saves"), "What it is for": canary("description that a form saves") };
  await fillIn(page, "Save", fields, "Save", /^Saved/);
  await see();
  await page.reload();
  await settled(page);
  await page.getByRole("button", { name: "Put on a dashboard" }).click();
  await page.locator("#put").getByRole("combobox").selectOption("A new one");
  await page.getByLabel("Title of the new dashboard").fill(canary("title of a new dashboard", { shape: "title" }));
  await page.locator("#put").getByRole("button", { name: "Put on", exact: true }).click();
  await page.locator(".toast").filter({ hasText: /^Put on/ }).waitFor();
  await see();
  await page.locator(".toast").getByRole("link", { name: "Open" }).click();
  await page.waitForURL(/\/dashboards\//);
  await settled(page);
}

async function changesADashboard(page, see) {
  await page.getByRole("button", { name: "Rename" }).click();
  const form = page.locator("#rename");
  await form.getByLabel("Title").fill(canary("title that renames a dashboard"));
  await form.getByLabel("What it is for").fill(canary("description that renames a dashboard"));
  await form.getByRole("button", { name: "Rename" }).click();
  await page.getByText("Renamed.").waitFor();
  await see();
  await page.getByRole("link", { name: "Arrange" }).click();
  const undo = ["Undo", "Taken back."];
  const [wider, off] = [["whole line wide", "A whole line wide."], [/ off$/, "Taken off."]];
  const away = ["Remove this dashboard", "Removed"];
  for (const [button, told] of [wider, off, undo, away, undo]) {
    await page.getByRole("button", { name: button }).first().click();
    await page.locator(".toast").filter({ hasText: told }).waitFor();
    await settled(page);
    await see();
  }
}

async function looksForThings(page, see) {
  await page.goto("/");
  await settled(page);
  await page.keyboard.press("/");
  const words = page.locator("#palette input");
  for (const text of [canary("words in the palette"), "script"]) {
    const found = page.waitForResponse(/\/palette/);
    await words.fill(text);
    await found;
    await settled(page);
    await words.press("ArrowDown");
    await see();
  }
  await words.press("Escape");
}

async function importsFiles(page, see) {
  await page.goto("/sources/files");
  await settled(page);
  const bad = { who: "f8", at: canary("time in a file", { hidden: "reasons name no time" }), message: "m", kind: "a" };
  const names = [`${canary("name of a file that a form sends")}.ndjson`, canary("name of a file that cannot be read")];
  for (const name of names) {
    const told = page.waitForResponse(/\/import/);
    const file = { name, mimeType: "application/json", buffer: Buffer.from(visits(2, bad)) };
    await page.locator("input[type=file]").setInputFiles(file);
    await page.getByRole("button", { name: "Import" }).click();
    await told;
    await page.waitForFunction(() => !/Importing/.test(document.querySelector(".import .result").textContent));
    await see();
  }
}

async function writesConditions(page, see) {
  await page.goto(addressOf(QUESTIONS.count));
  await settled(page);
  await page.getByText("Condition as text").click();
  const typed = [`city = ${quoted(canary("text of a condition that is typed"))}`, `${named(canary("trait that is typed"))} = 1`];
  for (const text of typed) {
    const judged = page.waitForResponse(/\/ask\/verdict/);
    await page.locator("#where-text").fill(text);
    await judged;
    await settled(page);
    await see();
  }
  await page.reload();
  await settled(page);
  await see();
}

/** The message of what was taken is made by a script, from an attribute. */
async function takesTheNearestYes(page, see) {
  await page.goto(addressOf(QUESTIONS.rare));
  await settled(page);
  await page.locator("#verdict").getByRole("link", { name: "Take" }).first().click();
  await page.locator(".toast").filter({ hasText: "Taken: " }).waitFor();
  await settled(page);
  await see();
}

/** A file of rules: a text with a mistake, one that is saved, and taken back. */
async function editsARule(page, see) {
  await page.goto("/definitions/destinations/post.yaml");
  await settled(page);
  const wrong = { title: "Post", purposes: [canary("purpose that is typed")] };
  const right = { title: canary("title that a file's page saves"), purposes: ["mail"] };
  for (const content of [wrong, right]) {
    const checked = page.waitForResponse((response) => response.request().method() === "POST");
    await page.locator("#definition-text").fill(JSON.stringify(content));
    await checked;
    await settled(page);
    await see();
  }
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("status").filter({ hasText: "Saved" }).waitFor();
  await see();
  await page.getByRole("button", { name: "Undo" }).first().click();
  await page.getByText("Taken back.").waitFor();
  await see();
}

async function triesAgain(page, see) {
  await page.goto("/quarantine");
  await page.getByRole("button", { name: "Try all of them again" }).first().click();
  await page.getByRole("status").filter({ hasText: /none was taken/ }).waitFor();
  await see();
}

/** An address of ours that a browser could read as another server's: the face's link may not lead there. */
async function changesTheFace(page, see) {
  await page.route("http://elsewhere.invalid/**", (route) => route.abort());
  await page.goto(`${new URL(page.url()).origin}//elsewhere.invalid/`);
  await see();
  await page.locator("[data-face]").click();
  await page.waitForTimeout(200);
}

async function isRefusedAtTheDoor(page, see) {
  const [next, name] = [canary("address after signing in"), canary("name in the address of the door")];
  await page.goto(`/sign-in?${new URLSearchParams({ next, name })}`);
  await see();
  await page.getByLabel("Name").fill(canary("name of somebody unknown"));
  await page.getByLabel("Password").fill(canary("password", { hidden: "no page repeats a password" }));
  await page.getByRole("button", { name: /sign in/i }).click();
  await page.getByRole("alert").waitFor();
  await see();
}

/** Names that programs save. */
async function savesByProgram(server) {
  const save = async (what, body) => {
    const response = await server.api("POST", `/api/v1/${what}`, body);
    if (response.status !== 201) throw new Error(`${what}: ${response.status} ${await response.text()}`);
  };
  const told = (what) => titled(`${what} that a program saves`);
  await save("questions", { question: { ...QUESTIONS.bars, limit: 9 }, ...told("a question") });
  await save("audiences", { question: QUESTIONS.count, ...told("an audience") });
  const tiles = [{ question: "sql", title: canary("title of a tile that a program saves") }];
  await save("dashboards", { ...told("a dashboard"), tiles });
}

const DEEDS = [
  ...[savesAQuestion, changesADashboard, looksForThings, importsFiles, writesConditions, takesTheNearestYes, triesAgain],
  ...[editsARule, changesTheFace],
];

async function doDeeds(browser, server) {
  await savesByProgram(server);
  const context = await contextOf(browser, server);
  const page = await pageIn(context, server);
  const see = () => lookAround(page, { user: "officer", route: routeOf(page.url()) });
  await isRefusedAtTheDoor(page, see);
  await signIn(page, server.signInOf("officer"));
  for (const deed of DEEDS) {
    await deed(page, see).catch((error) => {
      note("faults", `${deed.name}: ${error.message}`, page.url());
    });
  }
  await context.close();
}

// ---- addresses

/** The pages of the route table, from its source, since the description for programs has only what programs use. */
const PAGES = [...readFileSync(ROUTES, "utf8").matchAll(/row\(\s*Page,\s*\w+,\s*"GET ([^"]+)"/g)].map(([, route]) => route);

/** The route of an address. */
function routeOf(address) {
  const { pathname } = new URL(address, "http://localhost");
  const pattern = (route) => route.replace(/\{\*[^}]+\}/g, ".+").replace(/\{[^}]+\}/g, "[^/]+");
  const fits = (route) => new RegExp(`^${pattern(route)}$`).test(pathname);
  return PAGES.find((route) => route === pathname) ?? PAGES.find(fits) ?? "nowhere";
}

const addressOf = (question, place = "/ask") => `${place}?${new URLSearchParams({ q: JSON.stringify(question) })}`;

const KINDS = ["metrics", "audiences", "questions", "dashboards", "sources"];

/** What stands for the parameters of the table's routes: names of things, from what programs are told. */
async function namesOf(server) {
  const names = { files: [...RULES] };
  for (const kind of KINDS) {
    const body = await (await server.api("GET", `/api/v1/${kind}`)).json();
    names[kind] = body[kind].map((one) => one.name);
    if (kind !== "sources") names.files = [...names.files, ...body[kind].map((one) => one.path)];
    if (kind === "questions") names.asked = body[kind].map((one) => addressOf(one.question));
  }
  return names;
}

/** Each route with each of its names. */
function filled(route, names) {
  const kind = KINDS.find((word) => route.includes(`/${word}/`));
  if (!route.includes("{")) return [route];
  if (/\{\*?path\}/.test(route)) return names.files.map((file) => route.replace(/\{\*?path\}/, file));
  return (names[kind] ?? []).map((name) => route.replace("{name}", name));
}

/** What a page about a question loads, each also a page of its own. */
const PARTS = ["/ask/answer", "/ask/verdict", "/ask/tile"];

/** Pages that everybody opens. */
function everyPage(names) {
  const plain = PAGES.filter((route) => !/^\/(ask\/|home\/series)/.test(route)).flatMap((route) => filled(route, names));
  const asked = ["values_0", "paths", "experiment", "list", "sql", "stale", "rare", "noisy"];
  const questions = asked.map((name) => addressOf(QUESTIONS[name]));
  const parts = PARTS.map((place) => addressOf(QUESTIONS.masked, place));
  const more = ["/home/series?metric=sales&by=month", "/dashboards/monday?arrange=yes", SIGNER.linkOf("v1")];
  return [...plain, ...questions, ...parts, ...more];
}

/** What one user opens besides: all questions, as they are saved, and their parts. */
function morePages(names) {
  const parts = ["funnel", "count"].flatMap((name) => PARTS.map((place) => addressOf(QUESTIONS[name], place)));
  return [...names.asked, ...parts];
}

/** Questions with a canary where something else is meant. */
function wrongQuestions() {
  const trend = { kind: "trend", purpose: "analytics", measure: "people(page)" };
  const where = (what) => `event.plain = ${quoted(canary(what))}`;
  return [
    ...wrongQuestionsOfKinds(),
    { ...trend, kind: canary("kind of a question") },
    { ...trend, purpose: canary("purpose of a question") },
    { ...trend, measure: canary("measure of a question") },
    { ...trend, measure: `people(${named(canary("event of a measure"))})` },
    { ...trend, by: canary("interval of a question") },
    { ...trend, breakdown: [canary("field of a breakdown")] },
    { ...trend, where: where("text of a question") },
    { ...trend, where: canary("condition that cannot be read", { shape: "double" }) },
    { ...trend, where: `${named(canary("trait of a question"))} = 1` },
    { ...trend, time_zone: canary("time zone of a question") },
    { ...trend, as_of: canary("time of a question") },
    { ...trend, period: { from: canary("first day of a period"), to: canary("last day of a period") } },
    { ...trend, period: { last: canary("length of a period") } },
    { ...trend, [canary("key of a question")]: canary("value of an unknown key") },
  ];
}

function wrongQuestionsOfKinds() {
  const of = (kind, keys, more = {}) => {
    const wrong = Object.fromEntries(keys.map((key) => [key, canary(`${key} of a ${kind}`)]));
    return { kind, purpose: "analytics", ...wrong, ...more };
  };
  const step = { event: "page", where: `event.plain = ${quoted(canary("text of a step"))}` };
  const split = { [canary("variant of a split")]: 1, B: 1 };
  const where = `in_audience(${quoted(canary("audience of a condition"))})`;
  const select = (text) => ({ kind: "sql", purpose: "analytics", text });
  return [
    of("funnel", ["within"], { steps: [canary("event of a step"), step] }),
    of("funnel", ["order"], { steps: ["page", "bought"], within: "1 days", same: [canary("shared field of a funnel")] }),
    of("retention", ["start", "by", "periods"]),
    of("attribution", ["channel", "model", "lookback"], { conversion: "bought", touch: "page" }),
    of("paths", ["from", "steps", "top"]),
    of("experiment", ["variant"], { exposure: "page", metrics: [canary("metric of an experiment")], split }),
    of("audience", [], { purpose: "mail", where, release: "list", columns: [canary("column of a list")] }),
    select(`SELECT count(*) FROM ${named(canary("table in SQL"))}`),
    select(`SELECT ${named(canary("column in SQL"))} FROM page`),
    select(canary("SQL that cannot be read", { shape: "image" })),
  ];
}

/** Addresses that hold canaries themselves. */
function reflected() {
  const nothing = { hidden: "the page says that nothing is there" };
  const link = { hidden: "stands in links only, percent-encoded" };
  const fixed = { hidden: "only what is on record can be chosen" };
  const inQuery = (address, name, more) => {
    const value = encodeURIComponent(canary(`${name} of ${address.split("?")[0]}`, more));
    return `${address}${address.includes("?") ? "&" : "?"}${name}=${value}`;
  };
  const inPath = (address) => `${address}/${encodeURIComponent(canary(`name in ${address}`, nothing))}`;
  const edited = addressOf(QUESTIONS.count);
  return [
    ...wrongQuestions().map((question) => addressOf(question)),
    addressOf({ ...QUESTIONS.bars, purpose: canary("purpose of a tile") }, "/ask/tile"),
    addressOf({ ...QUESTIONS.bars, kind: canary("kind of a verdict") }, "/ask/verdict"),
    addressOf({ ...QUESTIONS.bars, breakdown: [canary("breakdown of an answer")] }, "/ask/answer"),
    inQuery("/ask", "q", { hidden: "what is no JSON is not repeated" }),
    `/ask?q=${encodeURIComponent(`{${Array(2).fill(`${JSON.stringify(canary("key that comes twice", { hidden: "a link that was cut is not repeated" }))}:1`)}}`)}`,
    inQuery("/ask", "kind", { hidden: "an unknown kind becomes a usual one" }),
    inQuery(edited, "edit", { hidden: "an unknown edit changes nothing" }),
    inQuery(`${edited}&edit=where_text`, "value"),
    inQuery("/ask/download?q={}", "format", { hidden: "formats are told, not repeated" }),
    inQuery("/palette", "words"),
    inQuery("/quarantine", "source"),
    inQuery("/audiences/lookers", "purpose"),
    ...["user", "purpose", "did"].map((name) => inQuery("/rules/audit", name, fixed)),
    inQuery("/home/series", "metric", nothing),
    inQuery("/", "face", { hidden: "another face is the usual one" }),
    inQuery("/questions", "anything", link),
    `/metrics?${encodeURIComponent(canary("name of a parameter", link))}=1`,
    `/dashboards/monday?arrange=${encodeURIComponent(canary("arrange of a dashboard", link))}`,
    ...["/no/page", "/metrics", "/audiences", "/sources", "/dashboards", "/home/metrics", "/static/1"].map(inPath),
  ];
}

// ---- everybody looks at everything

async function contextOf(browser, server) {
  // Nobody looks at the pictures, and drawing them is most of the work.
  const viewport = { width: 1024, height: 400 };
  const place = { locale: "en-GB", timezoneId: "UTC" };
  const context = await browser.newContext({ baseURL: server.url, viewport, reducedMotion: "reduce", ...place });
  context.setDefaultTimeout(STEP_MS_MAX);
  await context.addInitScript(listen);
  return context;
}

async function pageIn(context, server) {
  const page = await context.newPage();
  watch(page, server.url);
  return page;
}

/** Addresses that were opened, with the best status that anybody got. */
const opened = new Map();

const withFace = (address) => `${address}${address.includes("?") ? "&" : "?"}face=it`;

/** What an address is about, whatever it says: two of one form are the same page with other values. */
function formOf(address) {
  const { pathname, searchParams } = new URL(address, "http://localhost");
  return [pathname, ...[...searchParams.keys()].filter((key) => key !== "face").sort()].join(" ");
}

/** Opens an address; gives links that lead to pages. */
async function open(page, user, address, more) {
  try {
    const { status, links } = await visit(page, user, { route: routeOf(address), address, ...more });
    const shown = address.replace(/[?&]face=it$/, "");
    opened.set(shown, Math.min(status, opened.get(shown) ?? status));
    return links.filter((link) => PAGES.includes(routeOf(link)));
  } catch (error) {
    note("faults", `${user}: ${error.message.split("\n")[0]}`, address);
    return [];
  }
}

/** The first user opens all addresses in both faces, more of them in one, and where links lead. */
async function lookAtAll(page, user, names) {
  const links = new Set();
  for (const address of everyPage(names)) {
    for (const link of await open(page, user, address, { opensAll: true })) links.add(link);
    await open(page, user, withFace(address));
  }
  for (const [number, address] of [...morePages(names), ...reflected()].entries()) {
    for (const link of await open(page, user, number % 2 ? withFace(address) : address)) links.add(link);
  }
  const forms = new Set([...opened.keys()].map(formOf));
  for (const link of links) {
    // Files are kept, not opened.
    if (forms.has(formOf(link)) || link.startsWith("/ask/download") || link.includes("format=csv")) continue;
    forms.add(formOf(link));
    await open(page, user, link);
  }
  await showsAnswers(page);
}

/** Another user opens each address in one face, the next user in the other. */
async function lookAtSome(page, user, names) {
  const turn = USERS.indexOf(user);
  for (const [number, address] of everyPage(names).entries()) {
    await open(page, user, (number + turn) % 2 ? withFace(address) : address);
  }
}

async function lookAsUser(browser, server, user, names) {
  const started = Date.now();
  const context = await contextOf(browser, server);
  const page = await pageIn(context, server);
  await signIn(page, server.signInOf(user));
  await (user === USERS[0] ? lookAtAll : lookAtSome)(page, user, names);
  await readAsProgram(context, user, names);
  await keepsFiles(context, user);
  await context.close();
  console.log(`${user.padEnd(8)} looked around (${((Date.now() - started) / 1000).toFixed(1)} s)`);
}

async function everybodyLooks(browser, server) {
  const names = await namesOf(server);
  const waiting = [...USERS];
  const next = async () => {
    for (let user = waiting.shift(); user; user = waiting.shift()) await lookAsUser(browser, server, user, names);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
}

// ---- whether anything would be noticed

/** Where a page without escaping would put a text. */
const PLACES = [
  (text) => `<p>${text}</p>`,
  (text) => `<p title="${text}">x</p>`,
  (text) => `<p title='${text}'>x</p>`,
  (text) => `<textarea>${text}</textarea>`,
  (text) => `<a href="${text}">x</a>`,
  (text) => `<title>${text}</title>`,
];
/** Shapes that run something as soon as they are elements or attributes; the others are noticed by what they leave. */
const RUNNING = ["image", "script", "title", "single", "double", "host"];

/** What is noted while something is done. */
async function noticed(what) {
  const before = notes;
  notes = noNotes();
  await what();
  const found = notes;
  notes = before;
  return { executions: [...found.executions.keys()], reports: [...found.reports.keys()], faults: [...found.faults.keys()] };
}

/** A page of our own without a policy, on which every shape has to be noticed. */
async function isNoticedWithoutPolicy(page, shape) {
  const text = SHAPES[shape]("k1k").replaceAll("{{7*7}}", "49");
  const body = `<!doctype html><img src="http://elsewhere.invalid/">${PLACES.map((place) => place(text)).join("")}`;
  await page.route("**/control", (route) => route.fulfill({ contentType: "text/html", body }));
  const found = await noticed(async () => {
    await page.goto("/control");
    await page.evaluate(excite);
    await page.waitForTimeout(100);
    await lookAround(page, { user: "control", route: "control" });
  });
  await page.unroute("**/control");
  const ran = found.executions.some((what) => what.startsWith("canary ran"));
  const wrong = [];
  if (!found.executions.length) wrong.push(`${shape}: no execution`);
  if (RUNNING.includes(shape) && !ran) wrong.push(`${shape}: it did not run`);
  if (!found.faults.some((what) => what.startsWith("another origin"))) wrong.push(`${shape}: no other origin`);
  return wrong;
}

/** A live page, into which markup is put: its policy holds it back, and that has to be noticed. */
async function isNoticedOnALivePage(page) {
  const markup = ["image", "htmx"].map((shape) => SHAPES[shape]("k1k")).join("");
  const found = await noticed(async () => {
    await page.goto("/sign-in");
    await page.evaluate((html) => {
      document.querySelector("main").insertAdjacentHTML("beforeend", html);
      htmx.process(document.querySelector("main"));
    }, markup);
    await page.waitForTimeout(200);
    await lookAround(page, { user: "control", route: "control" });
  });
  const wrong = [];
  if (!found.reports.length) wrong.push("live: no report");
  for (const what of ["an attribute", "a canary sent a request"]) {
    if (!found.executions.some((text) => text.startsWith(what))) wrong.push(`live: not noticed: ${what}`);
  }
  if (found.executions.some((what) => what.startsWith("canary ran"))) wrong.push("live: the policy lets scripts of a page run");
  return wrong;
}

/** A field that is nowhere is told, and so is one that should be nowhere. */
function isMissed() {
  const [nowhere, leaked] = [{ seen: new Set() }, { hidden: "control", seen: new Set(["/"]) }];
  return isUnseen(nowhere) && isLeaked(leaked) ? [] : ["fields: what is unseen is not told"];
}

async function isControlled(browser, server) {
  const context = await contextOf(browser, server);
  const page = await pageIn(context, server);
  canaries.set("k1k", { id: "k1k", field: "control", text: "k1k", seen: new Set() });
  const wrong = [...isMissed(), ...(await isNoticedOnALivePage(page))];
  for (const shape of Object.keys(SHAPES)) wrong.push(...(await isNoticedWithoutPolicy(page, shape)));
  canaries.delete("k1k");
  spots.clear();
  nSightings = 0;
  await context.close();
  for (const what of wrong) console.log(`FAILED control: ${what}`);
  const nShapes = Object.keys(SHAPES).length;
  if (!wrong.length) console.log(`control: ${nShapes} shapes are noticed without a policy, and reports with one`);
  return wrong.length === 0;
}

// ---- what came of it

function tellFields() {
  const all = [...canaries.values()];
  for (const reason of new Set(all.flatMap(({ hidden }) => hidden ?? []))) {
    const fields = all.filter(({ hidden }) => hidden === reason).map(({ field }) => field);
    console.log(`on no page: ${fields.join(", ")} (${reason})`);
  }
  for (const { field, text } of all.filter(isUnseen)) console.log(`FAILED never seen: ${field}: ${text}`);
  for (const { field, hidden, seen } of all.filter(isLeaked)) {
    console.log(`FAILED seen on ${[...seen].join(", ")}: ${field}, although ${hidden}`);
  }
  return all.filter((one) => isUnseen(one) || isLeaked(one)).length;
}

function tellPlaces() {
  const missing = SPOTS.filter((spot) => !spots.has(spot));
  const routes = new Set([...opened].filter(([, status]) => status < 400).map(([address]) => routeOf(address)));
  const closed = PAGES.filter((route) => !routes.has(route));
  for (const spot of missing) console.log(`FAILED no canary in: ${spot}`);
  for (const route of closed) console.log(`FAILED never opened: ${route}`);
  return missing.length + closed.length;
}

function tellNotes() {
  let nNotes = 0;
  for (const [kind, found] of Object.entries(notes)) {
    for (const [what, { count, where }] of found) {
      const fields = [...new Set(what.match(/k\d+k/g))].map((id) => `${id} is the ${canaries.get(id)?.field}`);
      console.log(`FAILED ${kind}: ${[what, ...fields].join("; ")} (${count} times, first at ${where})`);
    }
    nNotes += found.size;
  }
  return nNotes;
}

/** How much is wrong; the last line has the counts. */
function tell() {
  const nWrong = tellFields() + tellPlaces() + tellNotes();
  const count = (number) => number.toLocaleString("en");
  const pages = `${canaries.size} fields, ${count(opened.size)} pages x ${USERS.length} users`;
  const found = Object.entries(notes).map(([kind, list]) => `${list.size} ${kind}`).join(", ");
  console.log(`canaries: ${pages}, ${count(nAnswers)} answers for programs, ${count(nSightings)} sightings, ${found}`);
  return nWrong;
}

async function main() {
  const server = await startServer();
  let isGood = false;
  try {
    // A container's root has no sandbox to give, and the pages are our own.
    const args = ["--no-sandbox", "--disable-dev-shm-usage"];
    const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args });
    isGood = await isControlled(browser, server);
    if (isGood && !IS_CONTROL) {
      await send(server);
      await doDeeds(browser, server);
      await askAsProgram(server);
      await everybodyLooks(browser, server);
      isGood = tell() === 0;
    }
    await browser.close();
  } finally {
    await server.stop();
  }
  process.exitCode = isGood ? 0 : 1;
}

await main();
