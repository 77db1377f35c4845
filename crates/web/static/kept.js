// Answers and verdicts follow the rules and the data: the page looks every few seconds whether what they rest on has moved,
// and then its parts ask again. Nothing is looked at while nobody sees the page.

const find = (selector, from = document) => from.querySelector(selector);

/** Whether a request was made because what answers rest on has moved. */
const isKept = (requestConfig) => requestConfig?.triggeringEvent?.type === "moved";

/** One line in place of what may not be shown any more. */
function takeAway(part) {
  const words = document.createElement("p");
  words.className = "muted";
  words.textContent = "The rules have changed. Asking again …";
  part.classList.add("loading");
  part.setAttribute("aria-busy", "true");
  part.replaceChildren(words);
}

export function startKeeping(say) {
  // The server tells these from the first time: it does not ask by itself what would be counted.
  document.addEventListener("htmx:configRequest", ({ detail }) => {
    if (isKept(detail)) detail.parameters.kept = "yes";
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    const { elt, requestConfig } = event.detail;
    if (elt.dataset.watch !== undefined && document.hidden) return event.preventDefault();
    if (!isKept(requestConfig)) return;
    // Beside an open form stands the verdict of what is being typed; it is asked for when the form closes.
    if (elt.id === "verdict" && find("form[popover]:popover-open")) return event.preventDefault();
    if (requestConfig.triggeringEvent.detail?.rules) takeAway(elt);
  });
  document.addEventListener("moved", ({ detail }) => {
    if (detail?.rules) say("The rules have changed. What is shown here is asked again.");
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    for (const watch of document.querySelectorAll("[data-watch]")) htmx.trigger(watch, "look");
  });
}
