"use strict";
const { cases, columns, flags } = JSON.parse(document.getElementById("data").textContent);
const byId = (name) => document.getElementById(name);
const CHUNK = 240;
const numeric = new Set(columns.filter(([, , number]) => number).map(([key]) => key));
const text = new Intl.Collator("en", { numeric: true });
const wanted = { find: [], flag: "", sort: "", down: false, view: "grid" };
let shown = cases;
let drawn = 0;

function make(tag, className = "", ...content) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  // Only ever text: a case may be named like a tag.
  node.append(...content);
  return node;
}

function chips(one) {
  return one.flags.map((flag) => make("span", `chip ${flag}`, flags[flag]));
}

function picture(one, instead = one.error || "no picture", unfit = "picture not found") {
  if (!one.picture) return make("span", "none", instead);
  const image = make("img");
  image.loading = "lazy";
  image.decoding = "async";
  image.alt = `Contour of ${one.case_id}`;
  image.addEventListener("error", () => image.replaceWith(make("span", "none", unfit)));
  image.src = one.picture;
  return image;
}

function card(one, place) {
  const who = [one.patient_id === one.case_id ? "" : one.patient_id, one.modality, one.roi];
  const size = `${one.text.volume_mm3} ml · ${one.text.voxels} voxels`;
  const button = make(
    "button",
    one.error ? "card failed" : "card",
    picture(one),
    make("span", "name", one.case_id),
    make("span", "soft", who.filter(Boolean).join(" · ")),
    make("span", "soft", one.error ? one.stage : size),
    make("span", "marks", ...chips(one)),
  );
  button.type = "button";
  button.dataset.place = place;
  return make("li", "", button);
}

function row(one, place) {
  const open = make("button", one.error ? "open failed" : "open", picture(one, "", ""), one.case_id);
  open.type = "button";
  open.dataset.place = place;
  const head = make("th", "", open);
  head.scope = "row";
  const cells = columns.slice(1).map(([key]) => {
    if (key === "flags") return make("td", "", ...chips(one));
    return numeric.has(key) ? make("td", "n", one.text[key]) : make("td", "", one[key]);
  });
  return make("tr", "", head, ...cells);
}

function drawMore(most = CHUNK) {
  const end = Math.min(drawn + most, shown.length);
  const one = wanted.view === "grid" ? card : row;
  const nodes = shown.slice(drawn, end).map((each, step) => one(each, drawn + step));
  byId(wanted.view === "grid" ? "grid" : "rows").append(...nodes);
  drawn = end;
  // Observed anew, it tells at once whether the page's end is still in sight.
  watcher.unobserve(byId("more"));
  if (drawn < shown.length) watcher.observe(byId("more"));
}

const watcher = new IntersectionObserver(
  (seen) => seen.some((each) => each.isIntersecting) && drawMore(),
  { rootMargin: "1500px" },
);

function fits(one) {
  if (wanted.flag === "none" && one.flags.length) return false;
  if (wanted.flag && wanted.flag !== "none" && !one.flags.includes(wanted.flag)) return false;
  return wanted.find.every((word) => one.haystack.includes(word));
}

function valueOf(one) {
  const value = one[wanted.sort];
  // Failed cases weigh more than any number of other flags.
  if (wanted.sort === "flags") return value.length + 10 * value.includes("failed") || null;
  return value === "" ? null : value;
}

function inOrder(one, other) {
  const [a, b] = [valueOf(one), valueOf(other)];
  if (a === null || b === null) return (a === null) - (b === null);
  const order = typeof a === "string" ? text.compare(a, b) : a - b;
  return wanted.down ? -order : order;
}

function update() {
  shown = cases.filter(fits);
  if (wanted.sort) shown.sort(inOrder);
  else if (wanted.down) shown.reverse();
  drawn = 0;
  byId("grid").replaceChildren();
  byId("rows").replaceChildren();
  byId("grid").hidden = wanted.view !== "grid";
  byId("table").hidden = wanted.view !== "table";
  drawMore();
  tell();
  // What comes first in the new order is above, where the page has been scrolled down.
  if (byId("cases").getBoundingClientRect().top < 0) byId("cases").scrollIntoView();
}

function tell() {
  const all = cases.length.toLocaleString("en");
  const some = shown.length.toLocaleString("en");
  byId("told").textContent = shown.length < cases.length ? `${some} of ${all} cases` : `${all} cases`;
  byId("sort").value = wanted.sort;
  byId("direction").textContent = wanted.down ? "↓" : "↑";
  for (const head of byId("table").querySelectorAll("th[data-key]")) {
    mark(head, head.dataset.key === wanted.sort, wanted.down);
  }
}

function mark(head, sorted, down) {
  if (sorted) head.setAttribute("aria-sort", down ? "descending" : "ascending");
  else head.removeAttribute("aria-sort");
}

function sortBy(key, down) {
  wanted.sort = key;
  wanted.down = down;
  update();
}

function listenToControls() {
  for (const one of cases) {
    const told = [one.case_id, one.patient_id, one.modality, one.roi, one.error, one.message];
    one.haystack = told.join("\n").toLowerCase();
  }
  byId("controls").addEventListener("submit", (event) => event.preventDefault());
  byId("find").addEventListener("input", (event) => {
    wanted.find = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
    update();
  });
  byId("controls").addEventListener("change", ({ target }) => {
    if (target.type === "radio") wanted[target.name] = target.value;
    // What is worst comes first: most flags, most undefined features.
    if (target.id === "sort") sortBy(target.value, ["flags", "undefined"].includes(target.value));
    else if (target.type === "radio") update();
  });
  byId("direction").addEventListener("click", () => sortBy(wanted.sort, !wanted.down));
  byId("table").querySelector("thead").addEventListener("click", ({ target }) => {
    const key = target.closest("th")?.dataset.key;
    if (!key) return;
    const worst = ["flags", "undefined"].includes(key);
    sortBy(key, key === wanted.sort ? !wanted.down : worst);
  });
}

const viewer = byId("viewer");
let place = 0;

function facts(one) {
  const told = columns
    .filter(([key]) => !["case_id", "flags", "error", "undefined"].includes(key))
    .map(([key, heading]) => [heading, numeric.has(key) ? one.text[key] : one[key]]);
  if (one.volume_mm3 !== null) {
    told.push(["Volume, mm³", one.volume_mm3.toLocaleString("en", { maximumFractionDigits: 1 })]);
  }
  const long = ["image", "mask", "stage", "error", "message", "remedy"];
  const names = { message: "What happened", remedy: "What to do" };
  told.push(["Undefined", [one.text.undefined, ...one.reasons].join("; ")]);
  told.push(...long.map((key) => [names[key] ?? key[0].toUpperCase() + key.slice(1), one[key]]));
  return told.filter(([, value]) => value && value !== "–");
}

function show(next) {
  place = Math.max(0, Math.min(next, shown.length - 1));
  const one = shown[place];
  const image = picture(one);
  image.loading = "eager";
  viewer.querySelector(".frame").replaceChildren(image);
  viewer.querySelector(".frame").classList.toggle("failed", Boolean(one.error));
  byId("viewer-name").textContent = one.case_id;
  viewer.querySelector(".marks").replaceChildren(...chips(one));
  const pairs = facts(one).flatMap(([name, value]) => [make("dt", "", name), make("dd", "", value)]);
  viewer.querySelector(".told").replaceChildren(...pairs);
  viewer.querySelector(".place").textContent =
    `${(place + 1).toLocaleString("en")} of ${shown.length.toLocaleString("en")}`;
  viewer.querySelector('[value="-1"]').disabled = place === 0;
  viewer.querySelector('[value="1"]').disabled = place === shown.length - 1;
  if (!viewer.open) viewer.showModal();
}

function backToCase() {
  while (drawn <= place) drawMore();
  const button = document.querySelector(`#cases button[data-place="${place}"]`);
  button?.scrollIntoView({ block: "nearest" });
  button?.focus({ preventScroll: true });
}

function listenToViewer() {
  byId("cases").addEventListener("click", ({ target }) => {
    const button = target.closest("button[data-place]");
    if (button) show(Number(button.dataset.place));
  });
  viewer.addEventListener("close", backToCase);
  viewer.addEventListener("click", ({ target }) => {
    if (target === viewer || target.value === "close") viewer.close();
    else if (target.value) show(place + Number(target.value));
  });
  // Of the document: a button that has just been disabled hears no key.
  document.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step && viewer.open) show(place + step);
  });
  byId("grid").addEventListener("keydown", walk);
}

function walk(event) {
  const across = getComputedStyle(byId("grid")).gridTemplateColumns.split(" ").length;
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across }[event.key];
  const from = event.target.dataset.place;
  if (!step || from === undefined) return;
  const next = byId("grid").querySelector(`button[data-place="${Number(from) + step}"]`);
  if (!next) return;
  event.preventDefault();
  next.focus();
}

function sortable(table) {
  const body = table.tBodies[0];
  for (const head of table.tHead.rows[0].cells) {
    head.replaceChildren(make("button", "", head.textContent));
    head.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      const cell = (line) => line.cells[head.cellIndex].textContent;
      const lines = [...body.rows].sort((a, b) => text.compare(cell(a), cell(b)));
      body.append(...(down ? lines.reverse() : lines));
      for (const each of table.tHead.rows[0].cells) mark(each, each === head, down);
    });
  }
}

document.documentElement.classList.add("script");
if (byId("failures")) sortable(byId("failures"));
if (cases.length) {
  listenToControls();
  listenToViewer();
  window.addEventListener("beforeprint", () => {
    drawMore(shown.length);
    for (const image of document.querySelectorAll("#cases img")) image.loading = "eager";
  });
  update();
}
