// Tables that sort by a click on a column, and that copy themselves for a spreadsheet.

const compare = new Intl.Collator("en", { numeric: true }).compare;

function sort(table, column, header) {
  const descending = header.getAttribute("aria-sort") === "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", descending ? "descending" : "ascending");
  const rows = [...table.tBodies[0].rows];
  const value = (row) => row.cells[column].dataset.sort;
  const numeric = header.classList.contains("n");
  rows.sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    // What is missing or withheld stays at the end, either way.
    if (x === "" || y === "") return (x === "") - (y === "");
    const order = numeric ? Number(x) - Number(y) : compare(x, y);
    return descending ? -order : order;
  });
  table.tBodies[0].append(...rows);
}

/**
 * A cell as it may stand in a spreadsheet: a text that would run as a formula gets a leading quote, and what would end
 * the cell becomes a space.
 */
function plain(text) {
  const line = text.replace(/[\t\r\n]+/g, " ");
  return /^\s*[=+\-@]/.test(line) && Number.isNaN(Number(line)) ? `'${line}` : line;
}

function asText(table) {
  const head = [...table.tHead.rows[0].cells].map((cell) => plain(cell.textContent.trim()));
  const rows = [...table.tBodies[0].rows].map((row) => [...row.cells].map((cell) => plain(cell.dataset.sort)));
  return [head, ...rows].map((row) => row.join("\t")).join("\n");
}

/** Starts the tables of a part of the page. */
export function startTables(root, say) {
  for (const table of root.querySelectorAll("table[data-sortable]:not([data-started])")) {
    table.dataset.started = "";
    [...table.tHead.rows[0].cells].forEach((header, column) => {
      header.addEventListener("click", () => sort(table, column, header));
    });
    const copy = table.closest(".tile")?.querySelector("[data-copy-table]");
    copy?.addEventListener("click", async () => {
      await navigator.clipboard.writeText(asText(table));
      say("Table copied.");
    });
  }
}
