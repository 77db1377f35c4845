// The walks: what people do on the pages, in their words. They look for roles, labels and words, never for classes.

import assert from "node:assert/strict";
import { gapIsClosed } from "./gap.mjs";
import { itTurns, remedyBecomesUntrue } from "./live.mjs";
import { newMarketer } from "./marketer.mjs";
import { addressOf, answer, figure, signIn, verdict } from "./steps.mjs";

const CONDITION = "count(basket_paid, within => '30 days') >= 8 AND NOT did(coupon_redeemed, within => '90 days')";
const YEAR = { from: "2017-01-01", to: "2018-01-01" };
const SALES = { kind: "trend", purpose: "analytics", measure: "sum(basket_paid.sales_value)", by: "month", period: YEAR };
const COUPONS = {
  kind: "funnel",
  purpose: "analytics",
  steps: ["campaign_received", "coupon_redeemed"],
  within: "45 days",
  period: { from: "2016-11-01", to: "2018-01-01" },
};
const FREQUENT = { kind: "audience", purpose: "email", where: CONDITION, as_of: "2017-12-31T00:00:00Z" };

async function main(page) {
  return page.locator("main").innerText();
}

/** Marketing: in, and an answer of each kind. */
async function marketerAsks({ page, stop, signInOf }) {
  await page.goto("/");
  assert.match(page.url(), /sign-in/, "who is not signed in is asked to");
  await stop("sign in");
  await signIn(page, signInOf("marketer"));
  await page.getByText("Net sales").first().waitFor();
  await stop("home");

  await page.goto(addressOf(SALES));
  await verdict(page, /yes/i);
  assert.match(await (await answer(page)).innerText(), /370[\s\u202f\u00a0,]?886/);
  await stop("trend");

  await page.goto(addressOf(COUPONS));
  await verdict(page, /yes/i);
  const steps = await (await answer(page, "How far people get")).innerText();
  assert.match(steps, figure(1559));
  assert.match(steps, figure(406));
  await stop("funnel");

  await page.goto(addressOf(FREQUENT));
  await verdict(page, /235/);
  await answer(page, "From everybody to these people");
  const words = await main(page);
  for (const people of [2469, 1456, 318, 235, 1013]) assert.match(words, figure(people));
  await stop("audience");
}

/** Marketing: refused, takes the nearest yes, saves it. */
async function marketerIsRefused({ page, stop, signInOf, narrow }) {
  await signIn(page, signInOf("marketer"));
  await page.goto(addressOf({ ...FREQUENT, purpose: "analytics", release: "list" }));
  await verdict(page, /not this way/i);
  const take = page.locator("#verdict").getByRole("link", { name: /take/i });
  await take.first().waitFor();
  await stop("refused");
  await take.first().click();
  await verdict(page, /^\s*yes\b/i);
  await stop("nearest yes");

  await page.getByRole("main").getByRole("button", { name: "Save" }).first().click();
  const form = page.locator("form").filter({ has: page.getByRole("heading", { name: /save in the workspace/i }) });
  await form.getByLabel("Title").fill(`Walked ${narrow ? "narrow" : "wide"} ${Date.now() % 100_000}`);
  await stop("saving");
  await form.getByRole("button", { name: "Save" }).click();
  await page.getByText(/^saved/i).first().waitFor();
  await stop("saved");
}

/** Marketing: an own question from Home, by the builder alone, in at most six clicks. */
async function marketerBuilds({ page, stop, signInOf }) {
  await signIn(page, signInOf("marketer"));
  const sentence = page.getByRole("group", { name: "The question" });
  await page.getByRole("link", { name: "Ask a question" }).click();
  await page.getByRole("link", { name: /over time/i }).click();
  await sentence.waitFor();
  await sentence.getByRole("button", { name: "month", exact: true }).click();
  const form = page.getByRole("form", { name: "Per what" });
  await form.getByLabel("per week").check();
  await stop("choosing");
  await form.getByRole("button", { name: "Apply" }).click();
  await sentence.getByRole("button", { name: "week", exact: true }).waitFor();
  assert.match(decodeURIComponent(page.url()), /"by":"week"/, "the address is the question");
  await verdict(page, /yes/i);
  await answer(page);
  await stop("built");
  await page.goBack();
  await sentence.getByRole("button", { name: "month", exact: true }).waitFor();
  await enterApplies(page, sentence);
  await formsKeepWhatTheyHold(page, sentence);
}

/** Enter in a date field applies the dates, and not the first period that is offered. */
async function enterApplies(page, sentence) {
  await page.goto(addressOf(SALES));
  await sentence.getByRole("button", { name: "2017", exact: true }).click();
  const form = page.getByRole("form", { name: "Which days" });
  await form.getByLabel("From").fill("2017-03-01");
  await form.getByLabel("From").press("Enter");
  await sentence.getByRole("button", { name: "1 Mar 2017 to 31 Dec 2017", exact: true }).waitFor();
}

/** Applying a form that was only opened leaves the question as it was. */
async function formsKeepWhatTheyHold(page, sentence) {
  const where = "did(*, within => '30 days') AND age > '19-24' AND (income = '35-49K' OR income = '50-74K')";
  await page.goto(addressOf({ ...FREQUENT, purpose: "analytics", where }));
  await sentence.waitFor();
  for (const index of [0, 1, 2]) {
    await page.locator(`#chip-e-part-${index}`).click();
    const form = page.getByRole("form", { name: "Change the condition" });
    const applied = page.waitForResponse((response) => response.url().includes("edit=part_set"));
    await form.getByRole("button", { name: "Apply" }).click();
    await applied;
    await form.waitFor({ state: "hidden" });
    const now = JSON.parse(new URL(page.url()).searchParams.get("q")).where;
    assert.equal(now, where, `part ${index} stays as it is`);
  }
}

/** Marketing: each of the kinds that are not asked every day has its picture and its table. */
async function marketerAsksMore({ page, stop, signInOf }) {
  await signIn(page, signInOf("marketer"));
  const period = { from: "2017-03-01", to: "2017-06-01" };
  const kinds = [
    ["Who comes back", { kind: "retention", start: "basket_paid", return: "basket_paid", by: "month", periods: 4 }],
    ["What it is owed to", { kind: "attribution", conversion: "coupon_redeemed", touch: "campaign_received", channel: "campaign_type" }],
    ["Which ways people went", { kind: "paths", from: "campaign_received", steps: 3 }],
    ["Which variant does better", { kind: "experiment", exposure: "campaign_received", variant: "campaign_type", metrics: ["people(coupon_redeemed)"] }],
    ["How large a test has to be", { kind: "power", exposure: "basket_paid", metric: { measure: "people(coupon_redeemed)", within: "30 days" }, lift: 0.5 }],
  ];
  for (const [picture, question] of kinds) {
    await page.goto(addressOf({ ...question, purpose: "analytics", period }));
    await verdict(page, /yes/i);
    assert.match(await (await answer(page, picture)).innerText(), /\d/);
    await stop(question.kind);
  }
}

/** Marketing: a question in SQL, a mistake in it, and what no SELECT may show. */
async function marketerWrites({ page, stop, signInOf }) {
  await signIn(page, signInOf("marketer"));
  await page.getByRole("link", { name: "Ask a question" }).click();
  await page.getByRole("link", { name: "In SQL" }).click();
  const form = page.getByRole("form", { name: "The SELECT" });
  const write = async (text) => {
    await form.getByLabel("SELECT").fill(text);
    await form.getByRole("button", { name: "Ask" }).click();
  };
  await write("SELECT count(*) AS baskets, count(DISTINCT person) AS people FROM basket_paid WHERE time >= '2017-01-01'");
  await verdict(page, /yes/i);
  // The page came with an answer to its own SELECT.
  const rows = page.getByRole("region", { name: "Answer", exact: true }).getByRole("table").filter({ hasText: /baskets/i });
  await rows.waitFor();
  assert.match(await rows.innerText(), /baskets[\s\S]*\d/i);
  await stop("answered");
  await write("SELECT count(*) FROM baskets");
  await page.getByText(/no event called/i).first().waitFor();
  await stop("mistaken");
  await write("SELECT person, sales_value FROM basket_paid");
  await page.getByText(/single people/i).first().waitFor();
  await stop("refused");
}

/** A newcomer: from a label to its word, from there to another one, and along the lineage of a metric on IT's face. */
async function wordsAreFound({ page, stop, signInOf }) {
  await signIn(page, signInOf("engineer"));
  await page.goto("/rules");
  await page.getByRole("link", { name: "Groups", exact: true }).first().click();
  await page.waitForURL(/\/glossary#minimum-group$/);
  await page.locator("#minimum-group").getByText("It is not:").waitFor();
  await stop("word");
  await page.getByLabel("Find a word").fill("false alarm");
  await page.locator("#minimum-group").waitFor({ state: "detached" });
  await page.locator("#alpha").waitFor();
  await stop("found");
  await page.goto("/metrics/net_sales?face=it");
  await page.getByRole("heading", { name: "Lineage" }).waitFor();
  await stop("lineage");
  await page.getByRole("main").getByRole("link", { name: "Net sales by month" }).first().click();
  await page.waitForURL(/\/ask\?q=.*face=it/);
  await page.getByRole("heading", { name: "Lineage" }).waitFor();
  await stop("lineage of a question");
}

/** Marketing: the pages of what both teams share. */
async function marketerLooksAround({ page, stop, signInOf }) {
  await signIn(page, signInOf("marketer"));
  for (const [address, words] of [
    ["/audiences", "Frequent, no coupon lately"],
    ["/metrics", "Net sales"],
    ["/sources", "Purchases"],
  ]) {
    await page.goto(address);
    await page.getByRole("link", { name: words }).first().waitFor();
    await stop(address.slice(1));
    await page.getByRole("link", { name: words }).first().click();
    await page.getByRole("heading", { name: words }).first().waitFor();
    await stop(`${address.slice(1)} one`);
  }
}

/** Marketing: a question onto a new dashboard, which is arranged, and every step taken back once. */
async function marketerMakesADashboard({ page, stop, signInOf, narrow }) {
  await signIn(page, signInOf("marketer"));
  await page.goto("/questions");
  await page.getByRole("link", { name: /net sales by month/i }).click();
  await verdict(page, /yes/i);
  await page.getByRole("main").getByRole("button", { name: "Put on a dashboard" }).click();
  const form = page.locator("form").filter({ has: page.getByRole("heading", { name: "Put on a dashboard" }) });
  await form.getByRole("combobox").selectOption("A new one");
  const title = `Walk ${narrow ? "narrow" : "wide"} ${Date.now() % 100_000}`;
  await form.getByLabel("Title of the new dashboard").fill(title);
  await stop("putting");
  await form.getByRole("button", { name: "Put on", exact: true }).click();
  const told = page.getByRole("status").filter({ hasText: title });
  await told.waitFor();
  await stop("put");
  await told.getByRole("link", { name: "Open" }).click();
  await page.getByRole("heading", { name: title }).waitFor();

  await page.getByRole("button", { name: "Add a tile" }).click();
  await page.getByLabel("Question or metric").selectOption("From campaign to coupon");
  await page.getByRole("button", { name: "Add", exact: true }).click();
  const headings = page.getByRole("region", { name: "Tiles" }).getByRole("heading", { level: 2 });
  await headings.nth(1).waitFor();
  const order = async () => (await headings.allInnerTexts()).join(", ");
  assert.equal(await order(), "Net sales by month, From campaign to coupon");
  await page.getByRole("img").first().waitFor();
  await page.getByRole("link", { name: "Arrange" }).click();
  await page.getByRole("button", { name: "Move From campaign to coupon up" }).click();
  await page.getByText("Moved up.").waitFor();
  assert.equal(await order(), "From campaign to coupon, Net sales by month");
  const focused = await page.evaluate(() => document.activeElement?.ariaLabel);
  assert.equal(focused, "Move From campaign to coupon up", "the keyboard stays where it was");
  await stop("arranging");
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByText("Moved up.").waitFor({ state: "detached" });
  assert.equal(await order(), "Net sales by month, From campaign to coupon");
  await page.getByRole("button", { name: "Take From campaign to coupon off" }).click();
  await page.getByText("Taken off.").waitFor();
  assert.equal(await order(), "Net sales by month");
  await page.getByRole("button", { name: "Undo" }).click();
  await headings.nth(1).waitFor();
  await page.getByRole("button", { name: "Remove this dashboard" }).click();
  await page.getByText(`Removed “${title}”.`).waitFor();
  await page.getByRole("link", { name: title }).waitFor({ state: "detached" });
  await stop("removed");
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByRole("heading", { name: title }).waitFor();
  await page.getByRole("img").first().waitFor();
}

/** Marketing: an answer that takes its time is stopped and asked again. */
async function marketerStops({ page, stop, signInOf }) {
  await signIn(page, signInOf("marketer"));
  let slow = true;
  let name = "";
  await page.route(/\/ask\/(answer|verdict)/, async (route) => {
    if (route.request().url().includes("/ask/answer")) name = route.request().headers()["x-request-id"];
    if (slow) await new Promise((resolve) => setTimeout(resolve, 4_000));
    await route.continue().catch(() => {});
  });
  await page.goto(addressOf(SALES));
  await page.route("**/api/v1/running", (route) =>
    route.fulfill({ json: { running: [{ name, seconds: 1, progress: 0.42 }] } }));
  await page.getByText("Still working on the answer.").waitFor();
  await page.waitForFunction(() => document.querySelector("#ask .still progress")?.value === 0.42);
  const given = page.waitForEvent("requestfailed", (request) => request.url().includes("/ask/answer"));
  await page.getByRole("button", { name: "Stop" }).click();
  await given;
  await page.getByText("Stopped before there was an answer.").first().waitFor();
  await stop("stopped");
  slow = false;
  await page.getByRole("button", { name: "Ask again" }).click();
  await verdict(page, /yes/i);
  await answer(page);
}

/** Everybody: the demo's dashboard, in both faces; who may not define sees no way to change it. */
async function everybodyLooksAtADashboard({ page, stop, signInOf }) {
  await signIn(page, signInOf("executive"));
  await page.goto("/dashboards");
  await stop("dashboards");
  await page.getByRole("link", { name: /monday morning/i }).click();
  await page.getByRole("heading", { name: "Monday morning" }).waitFor();
  const tiles = page.getByRole("region", { name: "Tiles" });
  await tiles.getByText(/people, data up to/).first().waitFor();
  assert.equal(await page.getByRole("button", { name: "Add a tile" }).count(), 0);
  await stop("monday");
  await otherFace(page);
  assert.match(await main(page), /question: net_sales_by_month/);
  await stop("monday for it");
  await page.goto("/questions");
  await stop("questions");
}

/** IT: the other face, the contract, and what a question cost. */
async function engineerLooks({ page, stop, signInOf }) {
  await signIn(page, signInOf("engineer"));
  await stop("home");
  await page.goto("/sources/purchases");
  await page.getByRole("heading", { name: "Purchases" }).first().waitFor();
  await stop("source");
  await otherFace(page);
  assert.match(await main(page), /kind: DataContract/);
  await stop("contract");

  await page.goto("/live");
  await page.getByRole("heading", { name: "On the way to the tables" }).waitFor();
  await stop("live");
  await page.getByRole("navigation", { name: "What arrives" }).getByRole("link", { name: "Kept aside" }).click();
  await page.getByRole("heading", { name: "Kept aside" }).waitFor();
  assert.match(await main(page), /shown to nobody/);
  await stop("quarantine");

  await page.goto(addressOf(SALES));
  await verdict(page, /yes/i);
  await answer(page);
  await otherFace(page);
  await answer(page);
  await page.getByText("What it cost").waitFor();
  await stop("trend for it");
}

async function otherFace(page) {
  await page.getByRole("link", { name: /show the it face/i }).click();
  await page.waitForURL(/face=it/);
  await page.waitForLoadState("networkidle");
}

/** The executive: figures, and nothing that the role may not do. */
async function executiveReads({ page, stop, signInOf }) {
  await signIn(page, signInOf("executive"));
  await page.getByText("Net sales").first().waitFor();
  await stop("home");
}

/** A customer: from the link in a mail to a no, and back to a yes, without signing in. */
async function customerChooses({ page, stop, linkOf }) {
  const link = linkOf(`walker-${Date.now()}`);
  await page.goto(link);
  const email = page.getByRole("region", { name: "E-mail" });
  await email.getByText("You have not agreed.").waitFor();
  await stop("before");
  await email.getByRole("button", { name: "Yes, you may" }).click();
  await page.getByText("Saved, and in force.").waitFor();
  await email.getByText("You said yes.").waitFor();
  await stop("yes");
  await page.getByRole("button", { name: "No to everything" }).click();
  await email.getByText("You said no.").waitFor();
  await page.getByRole("region", { name: "Ads" }).getByText("You said no.").waitFor();
  await stop("no");
  const bad = await page.request.get(`${link}x`);
  assert.equal(bad.status(), 403);
  assert.match(await bad.text(), /This link is not good/);
}

/** The privacy officer: rules, who agreed, who saw what, and what is proved. */
async function officerLooks({ page, stop, signInOf }) {
  await signIn(page, signInOf("privacy"));
  await page.getByRole("link", { name: "Rules" }).first().click();
  await page.getByRole("heading", { name: "Rules" }).waitFor();
  await stop("rules");
  await page.getByRole("link", { name: "Who agreed" }).click();
  await page.getByRole("heading", { name: "E-mail" }).waitFor();
  await page.getByRole("img", { name: /said yes/ }).first().waitFor();
  await stop("who agreed");
  await page.getByRole("link", { name: "Month" }).click();
  await page.waitForURL(/by=month/);
  await page.getByRole("link", { name: "Who saw what" }).click();
  await page.getByRole("heading", { name: "Who saw what" }).waitFor();
  await stop("who saw what");
  await page.getByRole("link", { name: "Promises" }).click();
  await page.getByRole("heading", { name: "Promises" }).waitFor();
  await page.getByText("cargo xtask twins").first().waitFor();
  await stop("promises");
}

/** Keys only: in, over to a question, to its other face and back. */
async function keyboardOnly({ page, stop, signInOf }) {
  await page.goto("/sign-in");
  const { name, secret } = signInOf("engineer");
  if (/^https?:/.test(secret)) {
    await page.goto(secret);
  } else {
    await tabTo(page, (element) => element.matches("input:not([type=hidden]):not([type=password])"));
    await page.keyboard.type(name);
    await tabTo(page, (element) => element.matches("input[type=password]"));
    await page.keyboard.type(secret);
    await page.keyboard.press("Enter");
  }
  await page.getByRole("navigation", { name: /main/i }).first().waitFor();
  await tabTo(page, (element) => element.matches("nav a") && /sources|data/i.test(element.textContent));
  assert.ok(await focusIsSeen(page), "one sees where the keyboard is");
  await stop("focus");
  await page.keyboard.press("Enter");
  await page.waitForURL(/sources/);
  await tabTo(page, (element) => element.matches("main a") && /purchases/i.test(element.textContent));
  await page.keyboard.press("Enter");
  await page.waitForURL(/sources\/purchases/);
  await page.keyboard.press("t");
  await page.waitForURL(/face=it/);
  await stop("other face");
}

/** Presses Tab until an element like this has the focus. */
async function tabTo(page, isIt) {
  for (let press = 0; press < 80; press += 1) {
    const found = await page.evaluate(`((element) => !!element && (${isIt})(element))(document.activeElement)`);
    if (found) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`80 tabs do not reach ${isIt}`);
}

async function focusIsSeen(page) {
  return page.evaluate(() => {
    const style = getComputedStyle(document.activeElement);
    return style.outlineStyle !== "none" || style.boxShadow !== "none";
  });
}

/**
 * All walks. `once`: in one view only. `long`: not with the fast tests. `sends`: after the libraries, in whose books it would
 * be otherwise.
 */
export const walks = [
  { name: "marketer-asks", go: marketerAsks },
  { name: "marketer-builds", go: marketerBuilds },
  { name: "marketer-asks-more", go: marketerAsksMore },
  { name: "marketer-writes", go: marketerWrites },
  { name: "marketer-refused", go: marketerIsRefused },
  { name: "marketer", go: newMarketer },
  { name: "gap", go: gapIsClosed },
  { name: "untrue", go: remedyBecomesUntrue, long: true },
  { name: "marketer-looks", go: marketerLooksAround },
  { name: "words", go: wordsAreFound },
  { name: "marketer-dashboards", go: marketerMakesADashboard },
  { name: "marketer-stops", go: marketerStops, once: true },
  { name: "executive-dashboards", go: everybodyLooksAtADashboard },
  { name: "engineer-looks", go: engineerLooks },
  { name: "executive-reads", go: executiveReads },
  { name: "customer-chooses", go: customerChooses, sends: true },
  { name: "officer-looks", go: officerLooks },
  { name: "keyboard-only", go: keyboardOnly, once: true },
  { name: "live", go: itTurns, once: true, long: true, sends: true },
];
