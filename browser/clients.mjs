// Drives client libraries as their makers publish them, so that what they really send can be held against what was kept.
//
//   node browser/clients.mjs URL WRITE_KEY [LIBRARY...]
//
// Libraries: analytics-node, rudder-node, analytics-next and analytics-next-batch (in Chromium, one request per call or
// several calls in one), analytics-python (by clients.py); all of them without a name. Each makes the calls of `calls` below
// and flushes; every call that the library believes delivered is printed as one line of JSON: library, type, event, userId,
// anonymousId, messageId, number. It ends with 1 when a library reports an error, or believes fewer calls delivered than
// were made. What the server keeps is for the caller to look at.
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
const N_TRACKS = 20;
/** Smaller than the calls are many, so that there are several batches. */
const BATCH_SIZE = 8;
const WAIT_MS_MAX = 60_000;
/** How long a page is given for the batches that it still holds. */
const BATCH_MS_MAX = 10_000;

/** The calls: what is sent by every library, in this order. `clients.py` holds the same ones. */
function calls(library) {
  const of = (method, number, rest) => ({ method, number, userId: `household-${1 + (number % 5)}`, ...rest });
  const product = (number) => ({ product_id: 1000 + number, category: library, price: number + 0.99, number });
  return [
    of("identify", 0, { traits: { plan: "plus", site_language: "en", contact_email: `${library}@example.com`, number: 0 } }),
    of("page", 1, { name: "Home", properties: { page_path: "/", page_title: "Grüße, 世界", number: 1 } }),
    ...Array.from({ length: N_TRACKS }, (_, index) => {
      const number = 2 + index;
      return of("track", number, { event: "product_viewed", properties: product(number) });
    }),
    of("track", 22, { event: "cart_filled", properties: { ...product(22), quantity: 2 } }),
    // No contract declares it.
    of("track", 23, { event: "wishlist_opened", properties: { number: 23 } }),
    of("group", 24, { groupId: "club-1", traits: { name: "Club", number: 24 } }),
    of("alias", 25, { previousId: `visitor-of-${library}` }),
  ];
}

/** Prints a call that a library believes delivered. */
function delivered(library, { type, event, userId, anonymousId, messageId, properties, traits, context }) {
  const number = properties?.number ?? traits?.number ?? context?.traits?.number ?? (type === "alias" ? 25 : undefined);
  console.log(JSON.stringify({ library, type, event, userId, anonymousId, messageId, number }));
}

async function analyticsNode(library, url, key) {
  const { Analytics } = await import("@segment/analytics-node");
  const client = new Analytics({ writeKey: key, host: url, flushAt: BATCH_SIZE, maxRetries: 2 });
  const errors = [];
  client.on("error", (error) => errors.push(`${error.code}: ${error.reason?.message ?? error.reason}`));
  let nDelivered = 0;
  for (const { method, number, ...message } of calls(library)) {
    client[method](message, (error, context) => {
      if (error) return errors.push(String(error));
      nDelivered += 1;
      delivered(library, context.event);
    });
  }
  await client.closeAndFlush({ timeout: WAIT_MS_MAX });
  return { nDelivered, errors };
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
  let nDelivered = 0;
  for (const body of sent) {
    // What it sent is what it tells: the compressed bytes.
    const { batch } = JSON.parse(gunzipSync(body));
    nDelivered += batch.length;
    batch.forEach((message) => delivered(library, message));
  }
  return { nDelivered, errors };
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
    await page.goto(`${shop.url}products?utm_source=walk&utm_medium=test&utm_campaign=clients`);
    const events = await page.evaluate(callInPage, { url, key, deliveryStrategy, list: calls(library) });
    // A call that waits for its batch counts as made, and a batch that is refused is dropped without a word.
    const is_open = ({ error, event }) => !error && !answered.has(event.messageId);
    for (let waited = 0; events.some(is_open) && waited < BATCH_MS_MAX; waited += 100) await page.waitForTimeout(100);
    for (const { error, event } of events) {
      if (error) errors.push(error);
      else if (answered.has(event.messageId)) delivered(library, event);
    }
    return { nDelivered: events.filter(({ event }) => answered.has(event?.messageId)).length, errors };
  } finally {
    await browser.close();
    shop.stop();
  }
}

/** Runs in the page: a browser has one visitor, so all calls are about the one whom `identify` names. */
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
    const context = await call[message.method](message);
    const failure = context.failedDelivery()?.reason;
    done.push({ error: failure ? String(failure) : undefined, event: context.event });
  }
  return done;
}

/** The Python library, in a process of its own, which prints for itself. */
async function analyticsPython(library, url, key) {
  const script = path.join(import.meta.dirname, "clients.py");
  const child = spawn("python3", [script, url, key], { stdio: ["ignore", "pipe", "inherit"] });
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (text) => (printed += text));
  const code = await new Promise((resolve) => child.once("close", resolve));
  process.stdout.write(printed);
  const nDelivered = printed.split("\n").filter(Boolean).length;
  return { nDelivered, errors: code === 0 ? [] : [`clients.py ended with ${code}`] };
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
  let failed = 0;
  for (const name of names.length > 0 ? names : Object.keys(LIBRARIES)) {
    const { nDelivered, errors } = await LIBRARIES[name](name, url.replace(/\/$/, ""), key);
    const nCalls = calls(name).length;
    for (const error of new Set(errors)) console.error(`${name}: ${error}`);
    console.error(`${name}: ${nDelivered} of ${nCalls} calls delivered`);
    failed += errors.length > 0 || nDelivered !== nCalls ? 1 : 0;
  }
  return failed > 0 ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2));
