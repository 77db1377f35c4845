// What happens on a page that stays open while somebody changes the rules, or people change their minds, or a feed stops:
// verdicts turn and say why, and answers give way, within five seconds and without a reload.

import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import path from "node:path";
import {
  TURN_MS_MAX, YES, addressOf, assertSame, change, closeField, dropField, mark, put, signIn, takeOf, verdict,
} from "./steps.mjs";

const PURCHASES = "contracts/purchases.odcs.yaml";
/** In a list, `Yes` and `Yes, 235 people`. */
const IS_YES = /^Yes(?!, if)/;
/** Asked as of now, so that it needs data as fresh as promised. */
const EVER_BOUGHT = { kind: "audience", purpose: "analytics", where: "did(basket_paid)" };
/** How long a promise still holds: an open page sees the new one, and then that it is broken. */
const HOLDS_S = 5;
/** Not allowed for ads, and allowed for analytics. */
const BIG_SPENDERS = {
  kind: "audience",
  purpose: "ads",
  where: "sum(basket_paid.sales_value, within => '90 days') >= 500",
  as_of: "2017-12-31T00:00:00Z",
};

/** Changes of rules: what turns on Home, and what it says then. */
const CHANGES = [
  {
    name: "field gone",
    file: PURCHASES,
    how: (text) => dropField(text, "product_purchased", "department"),
    title: "Sales by department",
    why: /turned at .* because the rules changed: we have no \w+ called .[\w.]*department/i,
  },
  {
    name: "role changed",
    file: "roles/marketer.yaml",
    how: (text) => text.replace(" email: list,", ""),
    title: "Whom to send a coupon by e-mail",
    why: /turned at .* because the rules changed: with the role marketer you may not use people's data for e-mail/i,
  },
];

/** Opens Home and waits until the line of this title is a yes. */
async function yesAtHome(page, title) {
  await page.goto("/");
  const line = page.locator("#standings li").filter({ hasText: title });
  await line.getByText(IS_YES).waitFor();
  await mark(page);
  return line;
}

/** Waits until a line says this and why, on the same page. */
async function turned(page, line, words, why) {
  await line.filter({ hasText: words }).filter({ hasText: why }).waitFor({ timeout: TURN_MS_MAX });
  await assertSame(page);
}

async function isYesAgain(page, line) {
  await line.getByText(IS_YES).waitFor({ timeout: TURN_MS_MAX });
  await assertSame(page);
}

/** A field is closed for a purpose: Home says that a question has turned, and so do the other lists, to IT with the file. */
async function listsTurn(page, stop, workspace) {
  const line = await yesAtHome(page, "Sales by department");
  await stop("before");
  const putBack = change(path.join(workspace, PURCHASES), (text) => closeField(text, "product_purchased", "sales_value"));
  try {
    const why = /turned at .* because the rules changed: sales may not be used for analytics/i;
    await turned(page, line, "Not this way", why);
    await page.getByRole("status").filter({ hasText: /sales by department: not this way/i }).waitFor({ state: "attached" });
    await stop("turned");
    await page.goto("/questions?face=it");
    await page.getByText(/because `contracts\/purchases\.odcs\.yaml` changed/).first().waitFor();
    await stop("turned for it");
    await page.goto("/dashboards");
    await page.getByText(/1 of 6: not this way/).waitFor();
    await page.goto("/");
    await line.getByText("Not this way").waitFor();
    await mark(page);
  } finally {
    putBack();
  }
  await isYesAgain(page, line);
}

/** Other changes of rules. */
async function rulesChange(page, stop, workspace) {
  for (const { name, file, how, title, why } of CHANGES) {
    const line = await yesAtHome(page, title);
    const putBack = change(path.join(workspace, file), how);
    try {
      await turned(page, line, "Not this way", why);
      await stop(name);
    } finally {
      putBack();
    }
    await isYesAgain(page, line);
  }
}

/** The tile of an open dashboard gives way when its purpose changes, says why, and comes back. */
async function aTileGivesWay(page, stop, workspace) {
  await page.goto("/dashboards/monday_morning");
  const tile = page.locator("#shown-question-frequent_without_coupon");
  await tile.getByText(/people, data up to/).waitFor();
  await mark(page);
  const purpose = path.join(workspace, "purposes/email.yaml");
  const putBack = change(purpose, (text) => text.replace(/min_group: \d+/, "min_group: 2000"));
  try {
    await tile.getByText(/too few people may be used for e-mail now/i).waitFor({ timeout: TURN_MS_MAX });
    await tile.getByText(/not this way/i).waitFor();
    assert.equal(await tile.getByText(/people, data up to/).count(), 0, "the answer has given way");
    await assertSame(page);
    await stop("given way");
  } finally {
    putBack();
  }
  await tile.getByText(/people, data up to/).waitFor({ timeout: TURN_MS_MAX });
  await assertSame(page);
}

/** Sets the promise of a source so that it is broken in a few seconds; gives when it is for sure, and what puts it back. */
async function stopFeed(page, workspace, source) {
  const { sources } = await (await page.request.get("/api/v1/sources")).json();
  const landed = Date.parse(sources.find(({ name }) => name === source).landed_at);
  const age = Math.ceil((Date.now() - landed) / 1000) + HOLDS_S;
  const promise = /(property: latency, value: )\d+, unit: d/;
  const file = path.join(workspace, `contracts/${source}.odcs.yaml`);
  const putBack = change(file, (text) => text.replace(promise, (_, start) => `${start}${age}, unit: s`));
  // The source tells its last delivery to the second.
  return { brokenAt: landed + (age + 1) * 1000, putBack };
}

/** A feed stops: what is asked as of now waits for it, and says whose it is to deliver. */
async function aFeedStops(page, stop, workspace) {
  const file = path.join(workspace, "questions/ever_bought.yaml");
  put(file, `title: Households that ever bought\nquestion: ${JSON.stringify(EVER_BOUGHT)}\n`);
  try {
    const line = await yesAtHome(page, "Households that ever bought");
    const { brokenAt, putBack } = await stopFeed(page, workspace, "purchases");
    try {
      await line.getByText("Yes, if").waitFor({ timeout: brokenAt - Date.now() + TURN_MS_MAX });
      // A slow look sees at once that the promise is another one and that it is broken.
      await turned(page, line, "Yes, if", /turned at .* because (the rules changed, and )?time passed: purchases is later than/i);
      await turned(page, line, "Yes, if", /purchases last delivered on .*, later than promised/i);
      await stop("feed stopped");
      await page.goto(addressOf(EVER_BOUGHT));
      await verdict(page, /Yes, if[\s\S]*Deliver Purchases\s*Data team/);
      await mark(page);
      await stop("feed to be delivered");
    } finally {
      putBack();
    }
    await verdict(page, YES, TURN_MS_MAX);
    await assertSame(page);
  } finally {
    rmSync(file);
  }
}

/** The ids of all who may be used for e-mail, as the privacy officer sees them. */
async function whoAgreed(page, token) {
  const question = {
    kind: "audience",
    purpose: "email",
    release: "list",
    columns: ["user_id"],
    where: "did(basket_paid)",
    as_of: "2018-01-02T00:00:00Z",
    limit: 100_000,
  };
  const response = await page.request.post("/api/v1/ask", { headers: { authorization: `Bearer ${token}` }, data: { question } });
  const { columns, rows, detail } = await response.json();
  assert.ok(response.ok(), detail);
  const place = columns.findIndex(({ name }) => name === "user_id");
  const ids = rows.map((row) => row[place]);
  assert.ok(ids.length > 0 && ids.every((id) => /^household-\d+$/.test(id)), `ids of households, and not ${ids.slice(0, 3)}`);
  return ids;
}

/** The shop's server passes on what people say of e-mail. */
async function say(page, workspace, ids, isYes) {
  const [key] = readFileSync(path.join(workspace, "sources/website.yaml"), "utf8").match(/sk_\w+/);
  const now = Date.now();
  const message = (userId, n) => ({ type: "consent", userId, messageId: `walk-${now}-${n}`, consents: { email: isYes } });
  const data = { batch: ids.map(message) };
  const response = await page.request.post("/v1/batch", { headers: { authorization: `Bearer ${key}` }, data });
  const receipt = await response.json();
  assert.equal(receipt.accepted, ids.length, JSON.stringify(receipt).slice(0, 500));
}

/** Everybody says no to e-mail, and then yes again. */
async function consentsAreWithdrawn(page, stop, workspace, token) {
  const ids = await whoAgreed(page, token);
  const line = await yesAtHome(page, "Whom to send a coupon by e-mail");
  try {
    await say(page, workspace, ids, false);
    const why = /turned at .* because people.s choices changed: (nobody|too few people) may be used for e-mail now/i;
    await turned(page, line, "Not this way", why);
    await stop("consents withdrawn");
  } finally {
    await say(page, workspace, ids, true);
  }
  await isYesAgain(page, line);
  await stop("consents given");
}

/** Marketing: looks on while everything moves. */
export async function itTurns({ page, stop, signInOf, tokenOf, workspace }) {
  // A server that runs already has its workspace elsewhere.
  if (!workspace) return;
  await signIn(page, signInOf("marketer"));
  await listsTurn(page, stop, workspace);
  await rulesChange(page, stop, workspace);
  await aTileGivesWay(page, stop, workspace);
  await aFeedStops(page, stop, workspace);
  await consentsAreWithdrawn(page, stop, workspace, tokenOf("privacy"));
}

/** Marketing: a remedy is a yes no more when it is taken; it is judged again, and the page says so. */
export async function remedyBecomesUntrue({ page, stop, signInOf, workspace }) {
  if (!workspace) return;
  await signIn(page, signInOf("marketer"));
  // The page would see the change by itself within three seconds; who clicks before that is what this is about.
  const looks = (url) => url.pathname === "/ground";
  await page.route(looks, (route) => route.fulfill({ status: 204 }));
  await page.goto(addressOf(BIG_SPENDERS));
  await verdict(page, /Sales may not be used for ads/);
  const take = takeOf(page, "Ask for analytics");
  await take.waitFor();
  await stop("offered");
  const putBack = change(path.join(workspace, PURCHASES), (text) => closeField(text, "basket_paid", "sales_value"));
  try {
    await take.click();
    await verdict(page, /not this way[\s\S]*was a yes when it was offered[\s\S]*sales may not be used for analytics/i);
    const answered = page.getByRole("region", { name: "Answer", exact: true });
    await answered.getByText("Sales may not be used for analytics.").waitFor();
    await takeOf(page, "Ask for e-mail").waitFor();
    await page.unroute(looks);
    await page.getByRole("status").filter({ hasText: "The rules have changed." }).waitFor();
    await verdict(page, /Sales may not be used for analytics/);
    await mark(page);
    await stop("untrue");
  } finally {
    putBack();
  }
  await verdict(page, YES, TURN_MS_MAX);
  await assertSame(page);
  await stop("true again");
}
