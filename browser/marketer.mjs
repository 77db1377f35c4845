// A new marketer, without a manual: from the sign-in page to an answer of her own; then a list that would name too few, the
// nearest yes, back, and again.

import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import path from "node:path";
import { YES, answer, figure, isViolet, saveAsQuestion, signIn, takes, verdict } from "./steps.mjs";

/** To an answer of her own; name and password are not counted, the button after them is. */
const CLICKS_MAX = 6;
/** What the shops sold in January 2017, in whole dollars. */
const SALES_OF_JANUARY = 370_886;

/** Counts what she does: each call is a click, a choice in a list, or a key that sends. */
function counter() {
  const act = (doing) => {
    act.count += 1;
    return doing();
  };
  act.count = 0;
  return act;
}

const sentenceOf = (page) => page.getByRole("group", { name: "The question" });

/** From the sign-in page to the figure that she wanted: what was sold, month by month. */
async function asksHerOwn(page, stop, user) {
  const act = counter();
  await page.goto("/");
  await page.getByRole("button", { name: /sign in/i }).waitFor();
  await stop("sign in");
  await act(() => signIn(page, user));
  await stop("home");
  await act(() => page.getByRole("link", { name: "Ask a question" }).click());
  // Something is shown at once, and each word of it that has a colour can be another one.
  await act(() => page.locator("#chip-e-measure").click());
  const form = page.getByRole("form", { name: "What to show" });
  await act(() => form.getByLabel("Measure").selectOption("Net sales"));
  await act(() => form.getByRole("button", { name: "Apply" }).click());
  await sentenceOf(page).getByRole("button", { name: "Net sales", exact: true }).waitFor();
  await verdict(page, /^\s*Yes\b/);
  const table = await answer(page);
  assert.match(await table.innerText(), figure(SALES_OF_JANUARY));
  assert.ok(act.count <= CLICKS_MAX, `an answer of her own takes ${act.count} clicks`);
  await stop("answered");
}

/** Opens a chip of the sentence and chooses in its form; the chip then says something else. */
async function chooses(page, [chip, title], choice, becomes) {
  await sentenceOf(page).getByRole("button", { name: chip, exact: true }).click();
  const form = page.getByRole("form", { name: title });
  await form.getByLabel(choice).check();
  await form.getByRole("button", { name: "Apply" }).click();
  await sentenceOf(page).getByRole("button", { name: becomes, exact: true }).waitFor();
}

/** A list for a mailing, of those who come so often that there are too few of them. */
async function asksForTooFew(page) {
  await page.getByRole("link", { name: "How many people, and who" }).click();
  await page.locator("#chip-e-part-0").click();
  const form = page.getByRole("form", { name: "Change the condition" });
  await form.getByLabel("What it is about").selectOption("how often, how much, how long ago");
  await form.getByLabel("What they did").selectOption("paid for a basket");
  await form.getByLabel("Number", { exact: true }).fill("10");
  await form.getByLabel("In the last").fill("7 days");
  await form.getByRole("button", { name: "Apply" }).click();
  await sentenceOf(page).getByRole("button", { name: /at least 10 times in the last 7 days/ }).waitFor();
  await chooses(page, ["analytics", "What may we use it for"], /e-mail/, "e-mail");
  await chooses(page, ["How many people", "How much of them"], /which people/, "Which people");
}

/** Takes the nearest yes with one click; gives how many people it was offered with, which is what comes. */
async function takesTheNearest(page) {
  const take = takes(page).first();
  const offer = await take.locator("..").innerText();
  assert.match(offer, /^\d+ people/, "an offer says what it brings");
  const people = Number.parseInt(offer, 10);
  await take.click();
  await verdict(page, YES);
  assert.match(await page.locator("#verdict").innerText(), figure(people));
  return people;
}

/** Marketing: her first morning. */
export async function newMarketer({ page, stop, signInOf, workspace, narrow }) {
  await asksHerOwn(page, stop, signInOf("marketer"));

  await asksForTooFew(page);
  await verdict(page, /not this way; the nearest yes/i);
  await verdict(page, /fewer than 75 people are left, too few to show for e-mail/i);
  assert.ok(await isViolet(page), "a nearest yes is violet, not red");
  await stop("refused");
  const people = await takesTheNearest(page);
  await stop("nearest yes");
  await page.goBack();
  await verdict(page, /not this way; the nearest yes/i);
  await stop("back");
  assert.equal(await takesTheNearest(page), people, "the same is offered again");
  const answered = page.getByRole("region", { name: "Answer", exact: true });
  const told = answered.getByText(/people, who may be used for e-mail/);
  await told.waitFor();
  assert.match(await told.innerText(), figure(people));

  const title = `Often this week ${narrow ? "narrow" : "wide"} ${Date.now() % 100_000}`;
  const file = await saveAsQuestion(page, title);
  try {
    await stop("saved");
    await page.goto("/questions");
    const line = page.locator("#standings li").filter({ hasText: title });
    await line.getByText(/^Yes, /).waitFor();
    assert.match(await line.innerText(), figure(people));
    await stop("kept");
  } finally {
    // Other walks count the questions that are there.
    if (workspace) rmSync(path.join(workspace, file));
  }
}
