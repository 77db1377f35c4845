// An answer that takes its time says so and how far it is, and can be stopped: the request is given up, and the server
// stops its question.

const SLOW_MS = 1000;

/** The clocks of the parts that wait for an answer. */
const clocks = new Map();

/** The names of their requests, by which the server says how far they are. */
const names = new WeakMap();

/** The parts that ask the same question, and stop together: the answer and its verdict. */
const asking = (part) => (part.closest("#ask") ? document.querySelectorAll("#ask [data-patient], #verdict") : [part]);

function button(text, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.addEventListener("click", act);
  return made;
}

/** One line in place of what a part waits for, or above it. */
function line(text, ...more) {
  const made = document.createElement("p");
  made.className = "still";
  const words = document.createElement("span");
  words.setAttribute("role", "status");
  words.textContent = text;
  made.append(words, ...more);
  return made;
}

async function sayHowFar(part) {
  // The list, since the request may have ended by now.
  const response = await fetch("/api/v1/running").catch(() => null);
  const { running = [] } = response?.ok ? await response.json() : {};
  const progress = running.find(({ name }) => name === names.get(part))?.progress;
  const bar = part.querySelector(".still progress");
  if (bar && typeof progress === "number") bar.value = progress;
}

function sayHowLong(part, since) {
  const seconds = `${Math.round((performance.now() - since) / 1000)} s`;
  const shown = part.querySelector(".still .num");
  sayHowFar(part);
  if (shown) {
    shown.textContent = seconds;
    return;
  }
  part.querySelector(".still")?.remove();
  const time = document.createElement("span");
  time.className = "num muted";
  // Read out once, not every second.
  time.setAttribute("aria-hidden", "true");
  time.textContent = seconds;
  const bar = document.createElement("progress");
  bar.setAttribute("aria-label", "How much is done");
  part.prepend(line("Still working on the answer.", bar, time, button("Stop", () => stop(part))));
}

function stop(part) {
  const stopped = [...asking(part)].filter((one) => one.classList.contains("loading"));
  for (const one of stopped) {
    htmx.trigger(one, "htmx:abort");
    one.classList.remove("loading");
    one.removeAttribute("aria-busy");
    one.replaceChildren(line("Stopped before there was an answer."));
  }
  const again = button("Ask again", () => stopped.forEach(askAgain));
  part.querySelector(".still").append(again);
  again.focus();
}

function askAgain(part) {
  part.classList.add("loading");
  part.replaceChildren(line("Asking again."));
  htmx.trigger(part, "again");
}

function end({ detail: { elt } }) {
  clearInterval(clocks.get(elt));
  clocks.delete(elt);
}

export function startPatience() {
  document.addEventListener("htmx:configRequest", ({ detail: { elt, headers } }) => {
    if (elt.dataset.patient === undefined) return;
    names.set(elt, `page-${Math.random().toString(36).slice(2)}`);
    headers["X-Request-Id"] = names.get(elt);
  });
  document.addEventListener("htmx:beforeRequest", ({ detail: { elt } }) => {
    if (elt.dataset.patient === undefined) return;
    const since = performance.now();
    clocks.set(elt, setInterval(() => (elt.isConnected ? sayHowLong(elt, since) : end({ detail: { elt } })), SLOW_MS));
  });
  document.addEventListener("htmx:afterRequest", end);
}
