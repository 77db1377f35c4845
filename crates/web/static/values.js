// The values of a field that enough people have, offered where one is compared with a value. Without them one types.

/** What was found lately, by its address: a form is opened again and again. */
const kept = new Map();

const KEPT_MS = 30_000;

async function valuesAt(address) {
  const known = kept.get(address);
  if (known && performance.now() - known.since < KEPT_MS) return known.values;
  const response = await fetch(address).catch(() => null);
  const { values = [] } = response?.ok ? await response.json() : {};
  kept.set(address, { values, since: performance.now() });
  return values;
}

/** Where the values of the field stand that a form compares; nothing without a purpose or a field. */
function addressOf(input) {
  const form = input.form;
  const field = form?.elements[input.dataset.values]?.value;
  let purpose;
  try {
    ({ purpose } = JSON.parse(form.elements.q.value));
  } catch {
    return "";
  }
  if (!field || typeof purpose !== "string") return "";
  const name = input.dataset.values === "event_property" ? `event.${field}` : field;
  return `/api/v1/values?${new URLSearchParams({ purpose, field: name })}`;
}

async function offer(input) {
  const list = document.getElementById("values");
  const address = addressOf(input);
  if (!list || list.dataset.of === address) return;
  list.replaceChildren();
  list.dataset.of = address;
  const values = address ? await valuesAt(address) : [];
  // Another field may have been chosen meanwhile.
  if (list.dataset.of !== address) return;
  list.replaceChildren(...values.map((value) => new Option(value, value)));
}

export function startValues() {
  document.addEventListener("focusin", ({ target }) => {
    if (target.dataset?.values) offer(target);
  });
  document.addEventListener("change", ({ target }) => {
    const input = target.name && target.form?.querySelector(`[data-values="${CSS.escape(target.name)}"]`);
    if (input) offer(input);
  });
}
