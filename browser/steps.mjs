// What walks have in common: how one signs in, asks, reads what the page says, and changes the workspace behind its back.

import assert from "node:assert/strict";
import { readFileSync, renameSync, writeFileSync } from "node:fs";

/** How soon an open page says that something has turned. */
export const TURN_MS_MAX = 5_000;

/** The address of a question: the one place that knows how the page writes it. */
export function addressOf(question) {
  return `/ask?${new URLSearchParams({ q: JSON.stringify(question) })}`;
}

/** Figures as pages write them: `1 456` with any space or comma between groups of three. */
export function figure(number) {
  return new RegExp(`(^|\\D)${String(number).replace(/\B(?=(\d{3})+$)/g, "[\\s\\u202f\\u00a0,]?")}(\\D|$)`);
}

/** Signs in by what the program printed for the user: a link, or a password for the form. */
export async function signIn(page, { name, secret }) {
  if (/^https?:/.test(secret)) {
    await page.goto(secret);
  } else {
    await page.goto("/sign-in");
    await page.getByLabel("Name").fill(name);
    await page.getByLabel("Password").fill(secret);
    await page.getByRole("button", { name: /sign in/i }).click();
  }
  await page.getByRole("navigation", { name: /main/i }).first().waitFor();
}

/** Waits for a verdict that says this, for so many milliseconds or as long as for anything else. */
export async function verdict(page, words, timeout) {
  await page.locator("#verdict").filter({ hasText: words }).waitFor({ timeout });
}

/** A verdict of yes on an audience, with how many people. */
export const YES = /^\s*Yes\s*\d/;

/** Whether the verdict is violet, the colour of a nearest yes; red is for faults. */
export async function isViolet(page) {
  const shown = page.locator("#verdict > *").first();
  const colour = await shown.evaluate((element) => getComputedStyle(element).backgroundColor);
  const [red, green, blue] = colour.match(/[\d.]+/g).map(Number);
  return green < red && green < blue;
}

/** The ways out that a verdict offers, the nearest first. */
export function takes(page) {
  return page.locator("#verdict").getByRole("link", { name: /take/i });
}

/** The way out whose words are these. */
export function takeOf(page, words) {
  const take = page.getByRole("link", { name: /take/i });
  // The innermost part of the verdict that has both comes last.
  const offer = page.locator("#verdict div").filter({ hasText: words }).filter({ has: take }).last();
  return offer.getByRole("link", { name: /take/i });
}

/** Waits for an answer with its picture, and gives its table. */
export async function answer(page, picture) {
  const body = page.getByRole("region", { name: "Answer", exact: true });
  await (picture ? body.getByRole("heading", { name: picture }) : body.getByRole("img")).first().waitFor();
  // The picture may be a table too; the one of the rows comes last.
  const table = body.getByRole("table").last();
  await table.waitFor();
  return table;
}

/** Saves the audience that is asked for as a question; gives the path of its file. */
export async function saveAsQuestion(page, title) {
  await page.getByRole("main").getByRole("button", { name: "Save" }).first().click();
  const form = page.locator("form").filter({ has: page.getByRole("heading", { name: /save in the workspace/i }) });
  await form.getByLabel("Title").fill(title);
  await form.getByLabel("Save as").selectOption("a question: asked again as it stands");
  await form.getByRole("button", { name: "Save" }).click();
  const told = page.getByRole("status").filter({ hasText: `Saved “${title}”` });
  await told.waitFor();
  const [file] = (await told.innerText()).match(/questions\/\w+\.yaml/);
  return file;
}

/** Marks a page, so that a reload would show. */
export async function mark(page) {
  await page.evaluate(() => { globalThis.isSame = true; });
}

export async function assertSame(page) {
  assert.ok(await page.evaluate(() => globalThis.isSame), "the page was not loaded again");
}

/** Writes a file of the workspace; whoever reads meanwhile reads all of it, as it was or as it is. */
export function put(file, text) {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

/** Changes a file of the workspace; gives what puts it back. */
export function change(file, how) {
  const before = readFileSync(file, "utf8");
  const after = how(before);
  assert.notEqual(after, before, `${file} has what is to be changed`);
  put(file, after);
  return () => put(file, before);
}

/** A contract that allows a field of an object for nothing but e-mail. */
export function closeField(text, object, field) {
  const at = text.indexOf(`- name: ${field}\n`, text.indexOf(`- name: ${object}\n`));
  const rest = text.slice(at).replace(/(property: purposes, value: )\[[^\]]*\]/, "$1[email]");
  return text.slice(0, at) + rest;
}

/** A contract without a field of an object. */
export function dropField(text, object, field) {
  const at = text.indexOf(`- name: ${object}\n`);
  // Its lines are those that are set in further than its name.
  const rest = text.slice(at).replace(new RegExp(`^( +)- name: ${field}\\n(?:\\1  .*\\n|\\n)+`, "m"), "");
  return text.slice(0, at) + rest;
}
