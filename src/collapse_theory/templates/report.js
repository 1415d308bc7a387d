"use strict";
// The table without this script is whole: it only gets sorting and filters.
(() => {
  const table = document.getElementById("table");
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const headers = [...table.tHead.rows[0].cells];
  const form = document.getElementById("filters");
  const shown = document.getElementById("shown");
  const words = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const compareText = new Intl.Collator("en", { numeric: true }).compare;

  function keyOf(row, column) {
    const cell = row.cells[column];
    if (cell.dataset.value === undefined) return cell.textContent.trim();
    return cell.dataset.value === "" ? null : Number(cell.dataset.value);
  }

  function sortBy(column) {
    const header = headers[column];
    const sign = header.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    const keys = new Map(rows.map((row) => [row, keyOf(row, column)]));
    rows.sort((one, other) => {
      const a = keys.get(one), b = keys.get(other);
      if (a === null || b === null) return (a === null) - (b === null); // no number: last either way
      return sign * (typeof a === "number" ? a - b : compareText(a, b));
    });
    body.append(...rows);
    headers.forEach((h) => h.removeAttribute("aria-sort"));
    header.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
  }

  function filter() {
    const value = (name) => document.getElementById(`by-${name}`).value;
    const asked = value("text").toLowerCase().split(/\s+/).filter(Boolean);
    const [paper, workflow, status] = ["paper", "workflow", "status"].map(value);
    let count = 0;
    for (const row of rows) {
      const data = row.dataset;
      const fits = asked.every((word) => words.get(row).includes(word))
        && (!paper || data.paper === paper)
        && (!workflow || data.workflow === workflow)
        && (!status || data.status === status || (status === "unexpected" && data.agreement !== "expected"));
      row.hidden = !fits;
      count += fits;
    }
    shown.textContent = `${count} of ${rows.length} rows shown`;
  }

  headers.forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = header.textContent;
    button.addEventListener("click", () => sortBy(column));
    header.replaceChildren(button);
  });
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("all").addEventListener("click", () => {
    form.reset();
    filter();
  });
  form.hidden = false;
  filter(); // a browser may have kept what was typed before
})();
