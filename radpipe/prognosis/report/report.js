"use strict";
const text = new Intl.Collator("en", { numeric: true });

function key(row, place) {
  const cell = row.cells[place];
  return "sort" in cell.dataset ? Number(cell.dataset.sort) : cell.textContent.trim();
}

function compare(a, b) {
  // What has no number comes last, whichever way the others are turned.
  if (typeof a !== typeof b) return 0;
  return typeof a === "number" ? a - b : text.compare(a, b);
}

function sort(table, head) {
  const place = head.cellIndex;
  const down = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
  for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down === 1 ? "ascending" : "descending");
  const body = table.tBodies[0];
  const rows = Array.from(body.rows, (row) => [key(row, place), row]);
  const numeric = rows.some(([value]) => typeof value === "number");
  const lacks = (value) => (numeric && typeof value !== "number" ? 1 : 0);
  rows.sort(([a], [b]) => lacks(a) - lacks(b) || down * compare(a, b));
  body.append(...rows.map(([, row]) => row));
}

function hint() {
  for (const part of document.querySelectorAll(".scroll"))
    part.classList.toggle("wide", part.scrollWidth > part.clientWidth);
}

for (const table of document.querySelectorAll("table.sortable")) {
  if (table.tBodies[0].rows.length < 2) continue;
  for (const head of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(table, head));
    head.append(button);
  }
}

hint();
addEventListener("resize", hint);
