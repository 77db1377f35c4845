// Walks through the pages with a real browser on a real server.
//
//   ENTENTE_BIN=.../entente node browser/run.mjs [short|all|clients] [WALK...]
//
// Starts the program on a temporary data folder with the demo, walks once per view (width, light or dark), saves a
// picture of each stop in browser/shots, and stops the program. A walk fails on what it expects, on anything that the
// browser reports as an error (the content security policy included), on an answer of 500 and above, on a request to
// another machine, and on a page that is wider than its window. After the walks, other makers' client libraries send to
// the same server, and what was kept is held against what they believe delivered (`kept.mjs`); `clients` does only that.
// `short` is one view, and leaves long walks out; with names of walks it is these alone, long or not, and no libraries.
// `ENTENTE_URL`, `ENTENTE_SIGN_INS` (`marketer=NAME:SECRET,...`) and `ENTENTE_TOKENS` (`marketer=TOKEN,engineer=TOKEN`) walk
// on a server that runs already.

import { mkdirSync } from "node:fs";
import path from "node:path";
import { chromium } from "playwright-core";
import { clientsAreKept } from "./kept.mjs";
import { startServer } from "./server.mjs";
import { signIn } from "./steps.mjs";
import { walks } from "./walks.mjs";

const SHOTS = path.join(import.meta.dirname, "shots");
const WIDE = { width: 1280, height: 900 };
const NARROW = { width: 360, height: 740 };
const VIEWS = [
  { name: "1280-light", viewport: WIDE, colorScheme: "light" },
  { name: "1280-dark", viewport: WIDE, colorScheme: "dark" },
  { name: "360-light", viewport: NARROW, colorScheme: "light" },
  { name: "360-dark", viewport: NARROW, colorScheme: "dark" },
];
const STEP_MS_MAX = 20_000;
/** Scripts, styles and font, as they are sent. */
const HOME_BYTES_MAX = 60 * 1024;

/** Collects everything the browser complains about on a page, as it happens. */
function listen(page, origin, complaints) {
  page.on("console", (message) => {
    // htmx reports what was stopped by hand; what fails otherwise it reports as `htmx:sendError` as well.
    if (/^htmx:(sendAbort|afterRequest)\b/.test(message.text())) return;
    if (message.type() === "error") complaints.push(`console: ${message.text()} (${message.location().url})`);
  });
  page.on("pageerror", (error) => complaints.push(`script: ${error.message}`));
  page.on("requestfailed", (request) => {
    const why = request.failure()?.errorText ?? "";
    // The page itself gives up a request when a newer one takes its place, or when one leaves the page.
    if (why !== "net::ERR_ABORTED") complaints.push(`request: ${request.url()} ${why}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 500) complaints.push(`answer: ${response.status()} ${response.url()}`);
  });
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(origin) && !/^(data|blob|about):/.test(url)) complaints.push(`elsewhere: ${url}`);
  });
}

/** What a walk gets: its page, how to say where it is, and another browser for somebody else. */
async function stops(browser, server, view, walk) {
  const [complaints, contexts] = [[], []];
  const another = async () => {
    const context = await browser.newContext({
      baseURL: server.url,
      viewport: view.viewport,
      colorScheme: view.colorScheme,
      reducedMotion: "reduce",
      locale: "en-GB",
      timezoneId: "UTC",
    });
    contexts.push(context);
    context.setDefaultTimeout(STEP_MS_MAX);
    const page = await context.newPage();
    listen(page, server.url, complaints);
    return page;
  };
  let count = 0;
  const page = await another();
  const stop = async (name, shown = page) => {
    await shown.waitForLoadState("networkidle");
    count += 1;
    const file = `${view.name}-${walk.name}-${count}-${name.replaceAll(" ", "-")}.png`;
    await shown.screenshot({ path: path.join(SHOTS, file), fullPage: true });
    const extra = await shown.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    if (extra > 0) complaints.push(`width: ${name} is ${extra} px wider than its window`);
  };
  return { page, another, stop, contexts, complaints };
}

async function open() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    // A container's root has no sandbox to give, and the pages are our own.
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
}

async function walkOnce(browser, server, view, walk) {
  const started = Date.now();
  const { page, another, stop, contexts, complaints } = await stops(browser, server, view, walk);
  try {
    const { signInOf, tokenOf, linkOf, workspace } = server;
    await walk.go({ page, another, stop, signInOf, tokenOf, linkOf, workspace, narrow: view.viewport === NARROW });
  } catch (error) {
    complaints.unshift(error.message.split("\n").slice(0, 12).join("\n      "));
    for (const [index, shown] of contexts.flatMap((context) => context.pages()).entries()) {
      const file = `${view.name}-${walk.name}-failed${index ? `-${index + 1}` : ""}.png`;
      await shown.screenshot({ path: path.join(SHOTS, file), fullPage: true });
      complaints.push(`at ${shown.url()}`);
    }
  }
  for (const context of contexts) await context.close();
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  console.log(`${complaints.length ? "FAILED" : "ok    "} ${view.name.padEnd(11)} ${walk.name} (${seconds} s)`);
  for (const complaint of complaints) console.log(`      ${complaint}`);
  return complaints.length === 0;
}

/** What Home's scripts, styles and font weigh on the wire, charts aside, and how soon its frame is there. */
async function weigh(server) {
  const browser = await open();
  const context = await browser.newContext({ baseURL: server.url });
  const page = await context.newPage();
  await signIn(page, server.signInOf("marketer"));
  const sizes = new Map();
  page.on("requestfinished", async (request) => {
    const { pathname } = new URL(request.url());
    const isFirst = pathname.startsWith("/static/") && !pathname.includes("chart");
    const { responseBodySize } = await request.sizes();
    if (isFirst) sizes.set(pathname, Math.max(responseBodySize, sizes.get(pathname) ?? 0));
  });
  const session = await context.newCDPSession(page);
  await session.send("Network.clearBrowserCache");
  await page.goto("/", { waitUntil: "networkidle" });
  const frame = await page.evaluate(() => performance.getEntriesByType("navigation")[0].responseEnd);
  await browser.close();
  const bytes = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  console.log(`Home: ${(bytes / 1024).toFixed(1)} KiB in ${sizes.size} files without its charts, frame after ${frame.toFixed(0)} ms`);
  if (bytes > HOME_BYTES_MAX) console.log(`FAILED Home may weigh ${HOME_BYTES_MAX / 1024} KiB: ${JSON.stringify([...sizes])}`);
  return bytes <= HOME_BYTES_MAX;
}

/** How many of these walks fail. */
async function walkAll(server, which, some) {
  let failed = 0;
  if (some.length === 0) return failed;
  const browser = await open();
  for (const view of which === "all" ? VIEWS : VIEWS.slice(0, 1)) {
    for (const walk of some) {
      // The keyboard is the same at every width and in every colour.
      if (walk.once && view !== VIEWS[0]) continue;
      failed += (await walkOnce(browser, server, view, walk)) ? 0 : 1;
    }
  }
  await browser.close();
  return failed;
}

/** The walks to go; with names, these. */
function wanted(which, names) {
  const unknown = names.filter((name) => !walks.some((walk) => walk.name === name));
  const known = walks.map(({ name }) => name).join(", ");
  if (unknown.length > 0) throw new Error(`there is no walk ${unknown.join(", ")}; there are ${known}`);
  if (which === "clients") return [];
  return walks.filter(({ name, long }) => (names.length > 0 ? names.includes(name) : which === "all" || !long));
}

async function main(which, names) {
  const some = wanted(which, names);
  mkdirSync(SHOTS, { recursive: true });
  const server = await startServer();
  let failed = 0;
  try {
    failed += await walkAll(server, which, some.filter((walk) => !walk.sends));
    if (names.length === 0) {
      failed += (await clientsAreKept(server)) ? 0 : 1;
      if (which === "all") failed += (await weigh(server)) ? 0 : 1;
    }
    // What these send would be in the books of the libraries.
    failed += await walkAll(server, which, some.filter((walk) => walk.sends));
  } finally {
    await server.stop();
  }
  console.log(failed ? `${failed} walks failed; pictures in ${SHOTS}` : `all walks went well; pictures in ${SHOTS}`);
  process.exitCode = failed ? 1 : 0;
}

await main(process.argv[2] ?? "short", process.argv.slice(3));
