// Drives client libraries as their makers publish them, so that what they really send can be held against what was kept.
//
//   node browser/clients.mjs URL WRITE_KEY [LIBRARY...]
//
// Libraries: analytics-node, rudder-node, analytics-next and analytics-next-batch (in Chromium, one request per call or
// several calls in one), analytics-python (by clients.py; left out, with the reason, where it cannot be installed); all of
// them without a name. Each makes the calls of `calls` below and flushes; every call that the library believes delivered is
// printed as one line of JSON: library, type, event, userId, anonymousId, messageId, number. `alias` is refused, since a public
// key cannot merge people, with 400 where it comes alone; a library may believe it not delivered, and that is as it should be.
// It ends with 1 when a library reports any other error, or believes any other call not delivered, and with 3 when all
// libraries were left out. What the server keeps is for the caller to look at (`kept.mjs`).
//
// What they send, as seen with the versions of package.json and clients.py:
//
// - analytics-node 3.1.0: POST /v1/batch, `application/json`, not compressed. The key stands in the body (`writeKey`) and in
//   `Authorization: Basic BASE64(KEY:)`. A message has `timestamp`, the body `sentAt`; ids are `node-next-...`.
// - rudder-node 3.0.13: POST /v1/batch with `Content-Encoding: gzip`, and JSON that calls itself
//   `application/x-www-form-urlencoded`. The key stands in `Authorization: Basic` alone. A message has `originalTimestamp` and
//   `sentAt` and no `timestamp`; `timestamp` of the body is when it was sent. Traits stand twice: in `traits` and in
//   `context.traits`. The first call goes alone, at once.
// - analytics-next 1.84.3: first GET /v1/projects/KEY/settings, which must answer with
//   `{"integrations": {"Segment.io": {...}}}` to be told to send at all. Then POST /v1/t, /v1/p, /v1/i, /v1/g, /v1/a (track,
//   page, identify, group, alias), one message per request, JSON that calls itself `text/plain`. The key stands in the body
//   and in `Authorization: Basic`: for that header the browser asks first, by OPTIONS with
//   `Access-Control-Request-Headers: authorization`, once per path while the answer's max age lasts. No cookies. A message
//   has `anonymousId`, `userId` once it is known, `context.page` and `context.campaign` (`source`, `medium`, `name`).
// - analytics-next-batch: the same library, told to batch: POST /v1/b, `text/plain`, `{writeKey, batch, sentAt}`; each message
//   has the key too. It tells nobody when a batch is refused.
// - analytics-python 2.4.0: POST /v1/batch, `application/json`, compressed (`Content-Encoding: gzip`) if told so. The key
//   stands in the body and in `Authorization: Basic`. Ids that are missing are null (`"anonymousId": null`), and other letters
//   are escaped (`\u4e16`).
//
// Repeats after an error carry `X-Retry-Count`, but for rudder-node's; in a browser that is one more header to ask for.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import { gunzipSync } from "node:zlib";

const require = createRequire(import.meta.url);
/** More than the smallest group that the demo's analytics may show. */
const N_PEOPLE = 12;
/** What clients.py ends with when the library cannot be installed. */
const LEFT_OUT = 3;
/** Smaller than the calls are many, so that there are several batches. */
const BATCH_SIZE = 8;
const WAIT_MS_MAX = 60_000;
/** How long a page is given for the batches that it still holds. */
const BATCH_MS_MAX = 10_000;

/** The calls: what is sent by every library, in this order. `clients.py` holds the same ones. */
function calls(library) {
  const list = [];
  const add = (method, rest) => {
    const number = list.length;
    list.push({ method, number, userId: `household-${1 + (number % N_PEOPLE)}`, ...rest(number) });
  };
  const product = (number) => ({ product_id: 1000 + number, category: library, price: number + 0.99, number });
  const traits = { plan: "plus", site_language: "en", contact_email: `${library}@example.com` };
  const page = { page_path: `/of/${library}`, page_title: "Grüße, 世界" };
  const each = (count, method, rest) => Array.from({ length: count }, () => add(method, rest));
  each(N_PEOPLE, "identify", (number) => ({ traits: { ...traits, number } }));
  each(N_PEOPLE, "page", (number) => ({ name: "Home", properties: { ...page, number } }));
  each(2 * N_PEOPLE, "track", (number) => ({ event: "product_viewed", properties: product(number) }));
  each(N_PEOPLE, "track", (number) => ({ event: "cart_filled", properties: { ...product(number), quantity: 2 } }));
  // No contract declares these two.
  add("track", (number) => ({ event: "wishlist_opened", properties: { number } }));
  add("group", (number) => ({ groupId: "club-1", traits: { name: "Club", number } }));
  add("alias", () => ({ previousId: `visitor-of-${library}` }));
  return list;
}

/** Prints a call that a library believes delivered. */
function print(library, { type, event, userId, anonymousId, messageId, number, properties, traits, context }) {
  number ??= properties?.number ?? traits?.number ?? context?.traits?.number;
  console.log(JSON.stringify({ library, type, event, userId, anonymousId, messageId, number }));
}

async function analyticsNode(library, url, key) {
  const { Analytics } = await import("@segment/analytics-node");
  const client = new Analytics({ writeKey: key, host: url, flushAt: BATCH_SIZE, maxRetries: 2 });
  const errors = [];
  client.on("error", (error) => errors.push(`${error.code}: ${error.reason?.message ?? error.reason}`));
  const delivered = [];
  for (const { method, number, ...message } of calls(library)) {
    client[method](message, (error, context) => (error ? errors.push(String(error)) : delivered.push(context.event)));
  }
  await client.closeAndFlush({ timeout: WAIT_MS_MAX });
  return { delivered, errors };
}

async function rudderNode(library, url, key) {
  const Analytics = require("@rudderstack/rudder-sdk-node");
  const errors = [];
  const errorHandler = (error) => errors.push(String(error.message ?? error));
  const options = { dataPlaneUrl: url, flushAt: BATCH_SIZE, retryCount: 2, logLevel: "error", errorHandler };
  const client = new Analytics(key, options);
  const sent = new Set();
  const told = calls(library).map(
    ({ method, number, ...message }) =>
      new Promise((resolve) => client[method](message, (error, body) => resolve(error ? undefined : sent.add(body)))),
  );
  // It flushes one batch at a time.
  while (client.queue.length > 0) await client.flush();
  await Promise.all(told);
  // What it sent is what it tells: the compressed bytes.
  return { delivered: [...sent].flatMap((body) => JSON.parse(gunzipSync(body)).batch), errors };
}

/** A page of another origin, as shops have one, with the library's own files beside it. */
async function pageServer() {
  const folder = path.join(path.dirname(require.resolve("@segment/analytics-next/package.json")), "dist/umd");
  const server = http.createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://page");
    if (!pathname.endsWith(".js")) {
      response.writeHead(200, { "content-type": "text/html; charset=utf-8" });
      return response.end('<!doctype html><title>Shop</title><script src="/index.js"></script>');
    }
    response.writeHead(200, { "content-type": "text/javascript; charset=utf-8" });
    return response.end(readFileSync(path.join(folder, path.basename(pathname))));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${server.address().port}/`, stop: () => server.close() };
}

async function analyticsNext(library, url, key) {
  return inChromium(library, url, key, undefined);
}

async function analyticsNextBatch(library, url, key) {
  return inChromium(library, url, key, { strategy: "batching", config: { size: BATCH_SIZE, timeout: 500 } });
}

async function inChromium(library, url, key, deliveryStrategy) {
  const { chromium } = await import("playwright-core");
  const shop = await pageServer();
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(WAIT_MS_MAX);
    const errors = [];
    page.on("pageerror", (error) => errors.push(`script: ${error.message}`));
    page.on("console", (message) => message.type() === "error" && errors.push(`console: ${message.text()}`));
    const answered = new Set();
    page.on("response", (response) => {
      const sent = response.ok() && response.request().method() === "POST" ? response.request().postDataJSON() : {};
      for (const { messageId } of sent.batch ?? [sent]) answered.add(messageId);
    });
    await page.goto(`${shop.url}products?utm_source=${library}&utm_medium=test&utm_campaign=clients`);
    const events = await page.evaluate(callInPage, { url, key, deliveryStrategy, list: calls(library) });
    // A call that waits for its batch counts as made, and a batch that is refused is dropped without a word.
    const is_open = ({ error, event }) => !error && !answered.has(event.messageId);
    for (let waited = 0; events.some(is_open) && waited < BATCH_MS_MAX; waited += 100) await page.waitForTimeout(100);
    errors.push(...events.map(({ error }) => error).filter(Boolean));
    const delivered = events.filter(({ error, event }) => !error && answered.has(event.messageId));
    return { delivered: delivered.map(({ event }) => event), errors };
  } finally {
    await browser.close();
    shop.stop();
  }
}

/** Runs in the page, where one visitor signs in after the other. */
async function callInPage({ url, key, deliveryStrategy, list }) {
  const { host, protocol } = new URL(url);
  const integrations = { "Segment.io": { apiHost: `${host}/v1`, protocol: protocol.slice(0, -1), deliveryStrategy } };
  const loaded = window.AnalyticsNext.AnalyticsBrowser.load({ writeKey: key, cdnURL: url }, { integrations });
  const [client] = await loaded;
  const call = {
    identify: ({ userId, traits }) => client.identify(userId, traits),
    page: ({ name, properties }) => client.page(name, properties),
    track: ({ event, properties }) => client.track(event, properties),
    group: ({ groupId, traits }) => client.group(groupId, traits),
    alias: ({ userId, previousId }) => client.alias(userId, previousId),
  };
  const done = [];
  for (const message of list) {
    client.user().id(message.userId);
    const context = await call[message.method](message);
    const failure = context.failedDelivery()?.reason;
    done.push({ error: failure ? String(failure) : undefined, event: context.event });
  }
  return done;
}

/** The Python library, in a process of its own; nothing when it cannot be installed, which it says itself. */
async function analyticsPython(library, url, key) {
  const script = path.join(import.meta.dirname, "clients.py");
  const child = spawn("python3", [script, url, key], { stdio: ["ignore", "pipe", "inherit"] });
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (text) => (printed += text));
  const code = await new Promise((resolve) => child.once("error", () => resolve(LEFT_OUT)).once("close", resolve));
  if (code === LEFT_OUT) return undefined;
  const delivered = printed.split("\n").filter(Boolean).map((line) => JSON.parse(line));
  return { delivered, errors: code === 0 ? [] : [`clients.py ended with ${code}`] };
}

const LIBRARIES = {
  "analytics-node": analyticsNode,
  "rudder-node": rudderNode,
  "analytics-next": analyticsNext,
  "analytics-next-batch": analyticsNextBatch,
  "analytics-python": analyticsPython,
};

async function main([url, key, ...names]) {
  const unknown = names.filter((name) => !LIBRARIES[name]);
  if (!key || unknown.length > 0) {
    console.error(`node browser/clients.mjs URL WRITE_KEY [${Object.keys(LIBRARIES).join("|")}...]`);
    return 2;
  }
  const outcomes = [];
  for (const name of names.length > 0 ? names : Object.keys(LIBRARIES)) {
    const outcome = await LIBRARIES[name](name, url.replace(/\/$/, ""), key);
    if (!outcome) {
      console.error(`${name}: left out`);
      continue;
    }
    outcome.delivered.forEach((message) => print(name, message));
    outcomes.push(report(name, outcome));
  }
  if (outcomes.length === 0) return LEFT_OUT;
  return outcomes.every(Boolean) ? 0 : 1;
}

/** Says what a library reports, and whether it is as it should be. */
function report(name, { delivered, errors }) {
  const nCalls = calls(name).length;
  const isAliasRefused = !delivered.some(({ type }) => type === "alias");
  const isExpected = (error) => isAliasRefused && /\b400\b|Bad Request/.test(error);
  for (const error of new Set(errors)) console.error(`${name}: ${error}${isExpected(error) ? ", as expected of `alias`" : ""}`);
  console.error(`${name}: ${delivered.length} of ${nCalls} calls delivered`);
  return delivered.length === nCalls - (isAliasRefused ? 1 : 0) && errors.every(isExpected);
}

process.exitCode = await main(process.argv.slice(2));
