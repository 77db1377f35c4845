// What pages need beyond HTML and htmx: keys, the palette, popovers, messages with undo, copying, imports.
// Nothing here knows a rule or a figure; without it every page still reads and every form still works.

import { startKeeping } from "./kept.js";
import { startPatience } from "./patience.js";
import { startTables } from "./table.js";
import { startValues } from "./values.js";

const find = (selector, from = document) => from.querySelector(selector);

/** Loads the chart module only where there is a chart. */
async function drawCharts(from) {
  if (!find("[data-chart]", from)) return;
  const { draw } = await import("./chart.js");
  for (const figure of from.querySelectorAll("[data-chart]:not([data-drawn])")) draw(figure);
}

/** Shows a message for a while; with `undo` it has a button that calls it. */
function say(text, undo) {
  const toast = document.createElement("div");
  toast.className = "toast";
  const words = document.createElement("span");
  words.textContent = text;
  toast.append(words);
  if (undo) {
    const button = document.createElement("button");
    button.textContent = "Undo";
    button.addEventListener("click", () => { toast.remove(); undo(); });
    toast.append(button);
  }
  find("#toasts")?.replaceChildren(toast);
  expire(toast);
}

function expire(toast) {
  let timer = setTimeout(() => toast.remove(), 8000);
  toast.addEventListener("focusin", () => clearTimeout(timer));
  toast.addEventListener("pointerenter", () => clearTimeout(timer));
  toast.addEventListener("pointerleave", () => { timer = setTimeout(() => toast.remove(), 4000); });
}

/** The same address with the other face. */
function otherFace() {
  const url = new URL(location.href);
  if (url.searchParams.get("face") === "it") url.searchParams.delete("face");
  else url.searchParams.set("face", "it");
  // The whole address: a path of two slashes would be another site.
  return url.href;
}

// ---- the palette

function openPalette() {
  const palette = find("#palette");
  if (!palette || palette.open) return;
  palette.showModal();
  const input = find("input", palette);
  input.value = "";
  htmx.trigger(input, "open");
}

/** Nothing opens by itself any more: other words are typed, or the palette is closed. */
function forgetToOpen() {
  find("#palette").removeAttribute("data-opens");
}

find("#palette")?.addEventListener("close", forgetToOpen);
find("#palette input")?.addEventListener("input", forgetToOpen);

function choose(step) {
  const links = [...document.querySelectorAll("#found a")];
  if (!links.length) return;
  const now = links.findIndex((link) => link.ariaSelected === "true");
  links[now]?.setAttribute("aria-selected", "false");
  const next = links[now < 0 && step < 0 ? links.length - 1 : (now + step + links.length) % links.length];
  next.setAttribute("aria-selected", "true");
  next.scrollIntoView({ block: "nearest" });
  find("#palette input").setAttribute("aria-activedescendant", next.id);
}

/** Opens what is chosen, or the first; what was found for other words is waited out, and nothing found opens nothing. */
function openFound() {
  const words = find("#palette input").value.trim().toLowerCase();
  const isCurrent = find("#found [data-words]")?.dataset.words === words;
  find("#palette").toggleAttribute("data-opens", !isCurrent);
  if (isCurrent) (find("#found [aria-selected=true]") ?? find("#found [role=option]"))?.click();
}

function paletteKeys(event) {
  if (event.key === "ArrowDown") choose(1);
  else if (event.key === "ArrowUp") choose(-1);
  else if (event.key === "Enter") openFound();
  else return;
  event.preventDefault();
}

// ---- keys

/** Whether keys are meant for what has the focus: a field, or a form that a shortcut would leave behind. */
const isTyping = (target) => target.closest?.("input, textarea, select, [contenteditable], [popover], dialog");

document.addEventListener("keydown", (event) => {
  if (event.target.closest?.("#palette")) return paletteKeys(event);
  if (event.key === "k" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    return openPalette();
  }
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  if (event.key === "/") {
    event.preventDefault();
    openPalette();
  } else if (event.key === "t" && find("[data-face]")) {
    location.assign(otherFace());
  }
});

document.addEventListener("click", async (event) => {
  const target = event.target;
  if (target.id === "palette") return target.close();
  if (target.closest("[data-palette]")) {
    event.preventDefault();
    openPalette();
  } else if (target.closest("[data-face]")) {
    event.preventDefault();
    location.assign(otherFace());
  } else if (target.closest("[data-copy-link]")) {
    const other = target.closest("[data-copy-link]").getAttribute("data-copy-link");
    if (other) event.preventDefault();
    const link = new URL(other || location.href, location.href);
    // How this page was reached is nothing to whoever gets the link.
    for (const how of ["led", "taken", "saved"]) if (link.searchParams.has(how)) link.searchParams.delete(how);
    await navigator.clipboard.writeText(link.href);
    say(other ? "Link copied. Send it to whoever decides." : "Link copied. It asks the same question again.");
  }
});

// ---- popovers of the builder

let lastChip = "";

document.addEventListener("toggle", (event) => {
  const popover = event.target;
  if (!popover.matches?.("form[popover]")) return;
  if (event.newState === "open") {
    lastChip = document.activeElement?.id ?? "";
    const field = find("input:checked", popover) ?? find("select, textarea, input:not([type=hidden])", popover);
    field?.focus();
  } else if (find("#verdict") && popover.isConnected) {
    // Typing showed the verdict of a change that was not applied.
    htmx.trigger("#verdict", "refresh");
  }
}, true);

// ---- htmx

/** The address before a change that can be undone. */
let before = "";

document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.elt.closest("[data-undo], .popover, .kinds")) before = location.pathname + location.search;
});

document.addEventListener("htmx:afterSwap", (event) => {
  const { target, requestConfig, successful } = event.detail;
  if (target?.id === "found") {
    find("#palette input").removeAttribute("aria-activedescendant");
    if (find("#palette[data-opens]")) openFound();
  }
  if (successful && requestConfig?.elt?.matches("form[popover]") && target?.id === "toasts") {
    requestConfig.elt.hidePopover();
    find(".result", requestConfig.elt).replaceChildren();
  }
  target?.classList.remove("loading");
  target?.removeAttribute("aria-busy");
  const text = requestConfig?.elt?.dataset?.undo;
  if (text) {
    const back = before;
    say(text, () => location.assign(back));
  }
});

document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target?.id !== "main") return;
  document.getElementById(lastChip)?.focus({ preventScroll: true });
  lastChip = "";
});

/** Where the tables of a part that loads itself again were scrolled to. */
let scrolled = [];

document.addEventListener("htmx:beforeSwap", ({ detail: { target } }) => {
  if (target?.dataset.live === undefined) return;
  scrolled = [...target.querySelectorAll(".scroll")].map(({ scrollLeft, scrollTop }) => ({ scrollLeft, scrollTop }));
});

document.addEventListener("htmx:afterSwap", ({ detail: { target } }) => {
  if (target?.dataset.live === undefined) return;
  target.querySelectorAll(".scroll").forEach((table, n) => Object.assign(table, scrolled[n]));
  find(".if-lost")?.classList.remove("lost");
});

/** Whether a part that looks for news was told that the server cannot be reached; it says so once. */
let isLost = false;

document.addEventListener("htmx:afterOnLoad", () => { isLost = false; });

function unreachable(event) {
  if (event.detail.target?.dataset.live !== undefined) return find(".if-lost")?.classList.add("lost");
  if (event.detail.elt?.dataset.watch !== undefined) {
    if (!isLost) say("The server cannot be reached. Verdicts and answers are those of before.");
    isLost = true;
    return;
  }
  say("The server cannot be reached. What you wrote is kept in the address.");
  const { target } = event.detail;
  if (!target?.classList?.contains("loading")) return;
  // A tile that waits for its first content would look busy for ever.
  const words = document.createElement("p");
  words.className = "muted";
  words.textContent = "Not loaded: the server cannot be reached.";
  target.classList.remove("loading");
  target.removeAttribute("aria-busy");
  target.replaceChildren(words);
}

document.addEventListener("htmx:sendError", unreachable);
document.addEventListener("htmx:timeout", unreachable);

// ---- a condition that is being written survives a reload

const draftKey = () => `draft${location.search}`;

document.addEventListener("input", (event) => {
  if (event.target.id === "where-text") sessionStorage.setItem(draftKey(), event.target.value);
});

function restoreDraft(root) {
  const field = find("#where-text", root);
  const draft = field && sessionStorage.getItem(draftKey());
  if (!draft || draft === field.value) return;
  field.value = draft;
  field.closest("details").open = true;
}

// ---- the text of a definition: drafts survive a reload, and what is wrong leads to its line

const textDraftKey = ({ dataset }) => `text${location.pathname}#${dataset.base}`;

document.addEventListener("input", ({ target }) => {
  if (target.id === "definition-text") sessionStorage.setItem(textDraftKey(target), target.value);
});

function restoreText(root) {
  const field = find("#definition-text", root);
  const draft = field && sessionStorage.getItem(textDraftKey(field));
  if (!draft || draft === field.value || new URLSearchParams(location.search).has("change")) return;
  field.value = draft;
  htmx.trigger(field, "input");
  say("This is what you wrote before. “Back to how it was” brings the file back.");
}

function forgetText() {
  const field = find("#definition-text");
  if (field) sessionStorage.removeItem(textDraftKey(field));
}

/** Scrolls the text to a line, with some before it. */
function scrollToLine(field, line) {
  field.scrollTop = Math.max(0, (line - 4) * parseFloat(getComputedStyle(field).lineHeight));
}

/** A change that is proposed may be far down. */
function showProposed(root) {
  const field = find("#definition-text[data-first]", root);
  if (field) scrollToLine(field, Number(field.dataset.first));
}

/** Puts the cursor where something is wrong. */
function goTo({ dataset: { line, column } }) {
  const field = find("#definition-text");
  if (!field) return;
  const lines = field.value.split("\n");
  const start = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0);
  const text = lines[line - 1] ?? "";
  field.focus();
  field.setSelectionRange(start + Math.min(column - 1, text.length), start + text.length);
  scrollToLine(field, line);
}

document.addEventListener("click", ({ target }) => {
  const place = target.closest?.("[data-line]");
  if (place) goTo(place);
  else if (target.closest?.("[data-forget]")) forgetText();
});

// ---- a file to import

async function importFile(form) {
  const file = form.elements.file.files[0];
  const result = find(".result", form);
  const query = new URLSearchParams({ file_name: file.name, object: form.elements.object.value });
  const headers = JSON.parse(document.body.getAttribute("hx-headers"));
  result.textContent = "Importing …";
  try {
    const response = await fetch(`${form.dataset.import}?${query}`, { method: "POST", body: file, headers });
    const body = await response.json();
    result.textContent = response.ok
      ? `Received ${body.received}: stored ${body.stored}, there already ${body.duplicate}, rejected ${body.rejected}.`
      : `${body.detail}. ${body.hint ?? ""}`;
    // The books stand above the form, and are others by now.
    const books = { target: "#books", select: "#books", swap: "outerHTML" };
    if (response.ok) htmx.ajax("GET", location.pathname + location.search, books);
  } catch {
    result.textContent = "The file could not be sent.";
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.import) {
    event.preventDefault();
    importFile(form);
  } else if (form.id === "definition") {
    forgetText();
  } else if (find("#where-text", form)) {
    sessionStorage.removeItem(draftKey());
  } else if (form.closest("#palette")) {
    event.preventDefault();
  }
});

/** A field that leaves of a list only what has its words; it changes nothing of the form, which is not told. */
function startNarrowing(field) {
  field.dataset.started = "";
  const list = document.getElementById(field.dataset.narrows);
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    // It chooses the first that is left, and does not send the form yet.
    event.preventDefault();
    list.value = [...list.options].find((option) => !option.hidden)?.value ?? list.value;
    list.dispatchEvent(new Event("input", { bubbles: true }));
    list.focus();
  });
  field.closest("label").hidden = false;
  field.addEventListener("input", (event) => {
    event.stopPropagation();
    const words = field.value.trim().toLowerCase().split(/\s+/);
    for (const option of list.options) {
      const text = `${option.parentElement.label ?? ""} ${option.label}`.toLowerCase();
      option.hidden = !words.every((word) => text.includes(word));
    }
    for (const group of list.querySelectorAll("optgroup")) group.hidden = [...group.children].every((option) => option.hidden);
  });
}

/** Gives new parts of the page what they need. */
function start(root) {
  root.querySelectorAll("[data-narrows]:not([data-started])").forEach(startNarrowing);
  drawCharts(root);
  restoreDraft(root);
  restoreText(root);
  showProposed(root);
  startTables(root, say);
  for (const toast of root.querySelectorAll("[data-toast]")) expire(toast);
}

startKeeping(say);
startPatience();
startValues();
document.addEventListener("htmx:load", (event) => start(event.detail.elt.parentElement ?? document));
start(document);
