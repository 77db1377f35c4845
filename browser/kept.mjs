// Other makers' client libraries at work on the demo: is everything that they believe delivered kept, once, and no more?
//
// `clients.mjs` drives them and prints what each believes delivered. Then questions, the collector and the source's books
// must say the same, and still after files were compacted.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { isDeepStrictEqual } from "node:util";

const SOURCE = "website";
const IN_BROWSERS = ["analytics-next", "analytics-next-batch"];
/** Events of the contract that are sent. */
const STORED_EVENTS = ["product_viewed", "cart_filled"];
const LANDING_MS_MAX = 60_000;
/** More than it takes until files are looked at for compaction. */
const PAUSE_MS = 6_000;
/** What `clients.mjs` ends with when every library was left out. */
const LEFT_OUT = 3;

/** Runs the libraries and looks twice; prints what is wrong. */
export async function clientsAreKept(server) {
  const started = Date.now();
  const [marketer, engineer] = ["marketer", "engineer"].map((user) => server.tokenOf(user));
  if (!marketer || !engineer) {
    console.log("clients: skipped, ENTENTE_TOKENS names no marketer and engineer");
    return true;
  }
  const before = await booksOf(server.url, engineer);
  const { code, delivered } = await runClients(server.url);
  if (code === LEFT_OUT) {
    console.log("clients: skipped, no library can be installed");
    return true;
  }
  const libraries = [...new Set(delivered.map(({ library }) => library))];
  const complaints = code === 0 ? [] : [`clients.mjs ended with ${code}`];
  if (before.balance.received > 0) complaints.push("something was sent to this server before; take a new data folder");
  const expected = expectedOf(libraries, delivered);
  await landed(server.url, engineer, expected.received);
  complaints.push(...(await compare(server.url, marketer, engineer, expected)));
  await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  const again = await compare(server.url, marketer, engineer, expected);
  complaints.push(...again.filter((complaint) => !complaints.includes(complaint)).map((complaint) => `later: ${complaint}`));
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  const what = `${expected.stored} messages of ${libraries.join(", ")}`;
  console.log(`${complaints.length ? "FAILED" : "ok    "} clients: ${what} (${seconds} s)`);
  for (const complaint of complaints) console.log(`      ${complaint}`);
  return complaints.length === 0;
}

/** Runs `clients.mjs` with the demo's public key. */
async function runClients(url) {
  const source = readFileSync(path.join(import.meta.dirname, `../demo/sources/${SOURCE}.yaml`), "utf8");
  const [key] = source.match(/pk_\w+/);
  const script = path.join(import.meta.dirname, "clients.mjs");
  const child = spawn(process.execPath, [script, url, key], { stdio: ["ignore", "pipe", "inherit"] });
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (text) => (printed += text));
  const code = await new Promise((resolve) => child.once("close", resolve));
  return { code, delivered: printed.split("\n").filter(Boolean).map((line) => JSON.parse(line)) };
}

/** What the server should say: each fact by name, as `compare` finds it. */
function expectedOf(libraries, delivered) {
  const nOf = (is) => delivered.filter(is).length;
  const isStored = ({ type, event }) => ["identify", "page"].includes(type) || STORED_EVENTS.includes(event);
  const isAside = ({ type, event }) => type === "group" || event === "wishlist_opened";
  // Each library makes this call once, whatever it believes of it.
  const nRefused = libraries.length;
  const [stored, aside] = [nOf(isStored), nOf(isAside)];
  return { libraries, delivered, stored, aside, nRefused, received: stored + aside + nRefused };
}

/** Where what is kept differs from what was delivered. */
async function compare(url, marketer, engineer, expected) {
  const complaints = [];
  const same = (what, found, wanted) => {
    if (!isDeepStrictEqual(found, wanted)) complaints.push(`${what}: ${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`);
  };
  for (const [what, question, wanted] of questionsOf(expected)) same(what, await ask(url, marketer, question), wanted);

  const { keys } = await get(url, engineer, "/api/v1/collector");
  const { received, accepted, quarantined, rejected } = keys.find(({ source, key }) => source === SOURCE && key === "shop");
  const { stored, aside, nRefused } = expected;
  same("the collector", { received, accepted, quarantined }, { received: expected.received, accepted: stored, quarantined: aside });
  same("what the collector refused", rejected.map(({ messages }) => messages), [nRefused]);
  if (!/alias/.test(rejected[0]?.reason)) complaints.push(`the collector refused other calls than alias: ${rejected[0]?.reason}`);

  const books = await booksOf(url, engineer);
  const { what, ...balance } = books.balance;
  same("the books", balance, { received: expected.received, stored, duplicate: 0, rejected: aside + nRefused });
  same("what the books have aside", messagesOf(books.rejected, /does not declare the event/), aside);
  same("what the books refused", messagesOf(books.rejected, /alias/), nRefused);
  if (!books.landed_at) complaints.push("the source has no time of landing");
  return complaints;
}

/** Questions about groups that are large enough to be shown, and their answers. */
function questionsOf({ libraries, delivered }) {
  const numbers = (library, is) => delivered.filter((call) => call.library === library && is(call)).map(({ number }) => number);
  const trend = (measure, where) => ({ kind: "trend", purpose: "analytics", measure, by: "none", where });
  const of = (library) => `event.category = '${library}'`;
  const questions = [];
  const add = (what, question, answer) => questions.push([what, question, answer]);
  for (const library of libraries) {
    for (const name of STORED_EVENTS) {
      const sent = numbers(library, ({ event }) => event === name);
      add(`${library}: ${name}`, trend(`count(${name})`, of(library)), sent.length);
      // Each price is its call's number and 99 cents.
      const cents = sent.reduce((sum, number) => sum + 100 * number + 99, 0);
      add(`${library}: prices of ${name}`, trend(`sum(${name}.price)`, of(library)), cents / 100);
    }
    const nPages = numbers(library, ({ type }) => type === "page").length;
    const onPage = `event.page_path = '/of/${library}' AND event.page_title = 'Grüße, 世界'`;
    add(`${library}: pages`, trend("count(page)", onPage), nPages);
    if (!IN_BROWSERS.includes(library)) continue;
    // The page that the call was made on stands in its context alone.
    const nViews = numbers(library, ({ event }) => event === "product_viewed").length;
    add(`${library}: its page`, trend("count(product_viewed)", `${of(library)} AND event.page_path = '/products'`), nViews);
    const campaign = `event.utm_source = '${library}' AND event.utm_medium = 'test' AND event.utm_campaign = 'clients'`;
    add(`${library}: its campaign`, trend("count(page)", `${onPage} AND ${campaign}`), nPages);
  }
  const people = new Set(delivered.filter(({ type }) => type === "identify").map(({ userId }) => userId));
  const audience = { kind: "audience", purpose: "analytics", where: "plan = 'plus' AND site_language = 'en'" };
  add("people with traits", audience, people.size);
  return questions;
}

/** The one figure of an answer, or the refusal. */
async function ask(url, token, question) {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const response = await fetch(`${url}/api/v1/ask`, { method: "POST", headers, body: JSON.stringify({ question }) });
  const answer = await response.json();
  return response.ok ? answer.rows[0].at(-1) : answer.detail;
}

async function get(url, token, address) {
  const response = await fetch(`${url}${address}`, { headers: { authorization: `Bearer ${token}` } });
  if (!response.ok) throw new Error(`GET ${address}: ${response.status} ${await response.text()}`);
  return response.json();
}

async function booksOf(url, token) {
  const { sources } = await get(url, token, "/api/v1/sources");
  return sources.find(({ name }) => name === SOURCE);
}

/** Waits until the books know of so many messages; what is missing then is seen by whoever looks. */
async function landed(url, token, nReceived) {
  const until = Date.now() + LANDING_MS_MAX;
  while (Date.now() < until && (await booksOf(url, token)).balance.received < nReceived) {
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function messagesOf(groups, reason) {
  return groups.filter((group) => reason.test(group.reason)).reduce((sum, { records }) => sum + records, 0);
}
