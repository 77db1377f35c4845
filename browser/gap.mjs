// From a gap to its closing: marketing asks for what a contract does not allow, IT follows the link, signs in, finds the file
// with the change made, and the question that is still open on marketing's page is a yes by itself; until IT, who has been
// elsewhere meanwhile, takes it back.

import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { TURN_MS_MAX, YES, addressOf, assertSame, mark, put, saveAsQuestion, signIn, verdict } from "./steps.mjs";

/** The contract lists nothing but analytics for `kids_count`. */
const FAMILIES = {
  kind: "audience",
  purpose: "email",
  where: "kids_count <> '0' AND did(basket_paid, within => '60 days')",
  as_of: "2017-08-15T00:00:00Z",
};
const CONTRACT = "contracts/households.odcs.yaml";

/** Marketing: what stands against it, who can change that, and the link to take there. */
async function findsTheGap(page) {
  await page.goto(addressOf(FAMILIES));
  await verdict(page, /Children may not be used for e-mail/);
  await verdict(page, /Allow children for e-mail\s*Data team, usually within 2 days/);
  return gapOf(page).getAttribute("data-copy-link");
}

const gapOf = (page) => page.locator("#verdict").getByRole("button", { name: "Copy the link" });

/** IT: follows the link, has to sign in, and is where it leads. */
async function followsTheLink(page, link, user) {
  if (/^https?:/.test(user.secret)) {
    await signIn(page, user);
    await page.goto(link);
    return;
  }
  await page.goto(link);
  await page.getByLabel("Name").fill(user.name);
  await page.getByLabel("Password").fill(user.secret);
  await page.getByRole("button", { name: /sign in/i }).click();
  await page.waitForURL((url) => url.pathname === `/definitions/${CONTRACT}` && url.searchParams.has("change"));
}

/** IT: what differs, that nothing is wrong with it, and that marketing's question turns. */
async function looksAtTheChange(page, title) {
  await page.getByRole("heading", { name: "The contract of Households" }).waitFor();
  const lines = await page.getByLabel("Lines that go and come").innerText();
  assert.match(lines, /− .*\[analytics\]/);
  assert.match(lines, /\+ .*\[analytics, email\]/);
  const turn = page.getByRole("listitem").filter({ hasText: title }).filter({ hasText: "for Marketer" });
  await turn.waitFor();
  assert.match(await turn.innerText(), /Not this way[\s\S]*Yes/);
  await page.getByText("Nothing is wrong with it").waitFor();
}

/** IT: saves, and could take it back at once. */
async function saves(page) {
  await page.getByRole("button", { name: "Save", exact: true }).click();
  const told = page.getByRole("status").filter({ hasText: `Saved ${CONTRACT}.` });
  const undo = told.getByRole("button", { name: "Undo" });
  await undo.waitFor();
}

/** IT: goes on to the question that led here, comes back, and takes the change back from the page itself. */
async function undoesLater(page) {
  await page.getByRole("link", { name: "Judge the question again" }).click();
  await page.waitForURL((url) => url.pathname === "/ask" && url.searchParams.get("q").includes("kids_count"));
  await page.locator("#verdict .verdict .word").waitFor();
  await page.goBack();
  await page.reload();
  const changes = page.getByRole("article").filter({ has: page.getByRole("heading", { name: "Who changed it" }) });
  // Where the walk was here before, the same change brings back what was taken back then.
  await changes.getByRole("listitem").first().getByText(/changed it|took that back/).waitFor();
  await changes.getByRole("button", { name: /Undo the last change|Bring it back/ }).click();
  await page.getByText("Taken back.").waitFor();
  await changes.getByRole("listitem").first().getByText("took that back").waitFor();
}

/** Both teams: a gap, closed and open again. */
export async function gapIsClosed({ page, another, stop, signInOf, workspace, narrow }) {
  // Of a server that runs already, no contract is changed.
  if (!workspace) return;
  const contract = path.join(workspace, CONTRACT);
  const before = readFileSync(contract, "utf8");
  let file;
  try {
    await signIn(page, signInOf("marketer"));
    const link = await findsTheGap(page);
    const title = `Families ${narrow ? "narrow" : "wide"} ${Date.now() % 100_000}`;
    // What is saved is looked at before a rule changes.
    file = await saveAsQuestion(page, title);
    await stop("gap");
    await mark(page);

    const engineers = await another();
    await followsTheLink(engineers, link, signInOf("engineer"));
    await looksAtTheChange(engineers, title);
    await stop("proposed", engineers);
    await saves(engineers);
    await verdict(page, YES, TURN_MS_MAX);
    assert.equal(await gapOf(page).count(), 0, "what was missing is there");
    await assertSame(page);
    await stop("closed");
    await stop("written", engineers);

    await undoesLater(engineers);
    await verdict(page, /Children may not be used for e-mail/, TURN_MS_MAX);
    await gapOf(page).waitFor();
    await assertSame(page);
    assert.equal(readFileSync(contract, "utf8"), before, "taken back to the letter");
    await stop("open again");
  } finally {
    if (readFileSync(contract, "utf8") !== before) put(contract, before);
    if (file) rmSync(path.join(workspace, file));
  }
}
