// The picture of a graph. What it shows is in the tables beside it, which the server makes for each
// step; the address says all steps, and behind # what is pinned and chosen.
import { say } from "../copying.js";
import { ask } from "../pages.js";
import { Drawing } from "./drawing.js";
import { arrange } from "./layout.js";
import { point, zoom } from "./pointing.js";
import { save } from "./saving.js";

const form = document.getElementById("asked");
const svg = document.getElementById("drawing");
const panel = document.getElementById("chosen");
const graph = document.querySelector(".graph");
const drawing = new Drawing(svg);
const known = new Map();
let chosen = "";
let asked = 0;

document.getElementById("picture").hidden = false;
const row = (id) => document.querySelector(`#nodes [data-node="${CSS.escape(id)}"]`);

// Reads the tables.
function draw() {
  const { start } = document.getElementById("shown").dataset;
  const nodes = [...document.querySelectorAll("#nodes [data-node]")].map((line) => {
    const id = line.dataset.node;
    const isNew = !known.has(id);
    if (isNew) known.set(id, {});
    return Object.assign(known.get(id), {
      id, isNew, label: line.querySelector("a").textContent, type: line.dataset.type,
      hue: line.dataset.hue, degree: line.cells[1].textContent.length ? Number(line.cells[1].textContent) : 0,
      isStart: id === start, isPath: "path" in line.dataset,
    });
  });
  const edges = [...document.querySelectorAll("#edges [data-edge]")].map((line) => ({
    id: line.dataset.edge, source: line.dataset.source, target: line.dataset.target,
    type: line.cells[1].textContent, isPath: "path" in line.dataset,
  }));
  const there = new Set(nodes.map((node) => node.id));
  for (const id of known.keys()) if (!there.has(id)) known.delete(id);
  arrange(nodes, edges);
  drawing.show(nodes, edges);
  drawing.fit();
  if (chosen && !there.has(chosen)) choose("");
}

// Shows what another address asks for, without leaving the page.
async function go(url, isBack = false) {
  const number = ++asked;
  graph.setAttribute("aria-busy", "true");
  try {
    const { page } = await ask(url);
    if (number !== asked) return;
    if (!page.getElementById("shown")) throw new Error("another page");
    const held = document.activeElement;
    const [inTables, inPicture] = [document.getElementById("shown").contains(held), svg.contains(held)];
    for (const id of ["shown", "steps", "wrong"]) document.getElementById(id).replaceWith(page.getElementById(id));
    if (!isBack) history.pushState(null, "", `${url.pathname}${url.search}${location.hash}`);
    shownAt = location.search;
    draw();
    // Who works with keys goes on where they were.
    const shown = document.getElementById("shown");
    if (inTables) (row(held.closest("[data-node]")?.dataset.node ?? "")?.querySelector("button:enabled") ?? shown).focus();
    if (inPicture && !svg.contains(document.activeElement)) drawing.elements.get(shown.dataset.start)?.focus();
    say(document.getElementById("told").textContent);
  } catch {
    if (number === asked) location.assign(url);
  } finally {
    if (number === asked) graph.removeAttribute("aria-busy");
  }
}

// What the form asks for, but for the steps.
function asks(data) {
  return new URLSearchParams([...data].filter(([name, value]) => name !== "step" && value)).toString();
}

let shownAt = location.search;
const begun = asks(new FormData(form));
form.addEventListener("submit", (event) => {
  const data = new FormData(form, event.submitter);
  const steps = data.getAll("step").map((step) => ["step", step]);
  // What changes the form itself is another page.
  if (asks(data) !== begun || event.submitter?.name !== "step") return;
  event.preventDefault();
  const url = new URL(location.pathname, location.href);
  url.search = new URLSearchParams([...new URLSearchParams(begun), ...steps]);
  go(url);
});
addEventListener("popstate", () => {
  // Not where a link within the page was followed.
  if (location.search !== shownAt) go(new URL(location.href), true);
});

function choose(id) {
  drawing.elements.get(chosen)?.classList.remove("chosen");
  chosen = id;
  drawing.elements.get(chosen)?.classList.add("chosen");
  for (const edge of drawing.edges) edge.line.classList.toggle("lit", id !== "" && (edge.source === id || edge.target === id));
  remember();
  if (!id) panel.hidden = true;
  else setTimeout(() => id === chosen && tell(id), 120);
}

// Shows the chosen record, in the server's words.
async function tell(id) {
  const { response, page } = await ask(`${graph.dataset.chosen}${encodeURIComponent(id)}`);
  if (id !== chosen || !response.ok) return;
  panel.replaceChildren(...page.body.children);
  panel.hidden = false;
}

function remember() {
  const pins = drawing.nodes.filter((node) => node.pinned)
    .map((node) => [node.id, Math.round(node.x), Math.round(node.y)].join("_"));
  const state = new URLSearchParams({ ...(pins.length && { pin: pins.join("~") }), ...(chosen && { chosen }) });
  history.replaceState(history.state, "", `${location.pathname}${location.search}${state.size ? `#${state}` : ""}`);
}

function recall() {
  const state = new URLSearchParams(location.hash.slice(1));
  for (const pin of (state.get("pin") ?? "").split("~").filter(Boolean)) {
    const [id, x, y] = pin.split("_");
    if (row(id) && Number.isFinite(Number(x)) && Number.isFinite(Number(y))) {
      known.set(id, { x: Number(x), y: Number(y), pinned: true });
    }
  }
  return state.get("chosen") ?? "";
}

function pin(node, isPinned = true) {
  node.pinned = isPinned;
  drawing.mark(node);
  remember();
}

// Returns the record that is next in a direction, as the eye would say.
function beyond(node, [ux, uy]) {
  let best = null;
  let least = Infinity;
  for (const other of drawing.nodes) {
    const [x, y] = [other.x - node.x, other.y - node.y];
    const ahead = x * ux + y * uy;
    const aside = Math.abs(x * uy - y * ux);
    if (other === node || ahead <= 0 || aside > ahead * 1.8) continue;
    if (ahead + 2 * aside < least) [best, least] = [other, ahead + 2 * aside];
  }
  return best;
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const VIEWS = {
  closer: () => zoom(drawing, 1.3),
  farther: () => zoom(drawing, 1 / 1.3),
  fit: () => drawing.fit(),
  arrange: () => {
    for (const node of drawing.nodes) if (!node.pinned) delete node.x;
    for (const node of drawing.nodes) node.isNew = true;
    arrange(drawing.nodes, drawing.edges);
    drawing.place();
    drawing.fit();
  },
  save: () => save(svg, document.title),
};
const KEYS = { "+": "closer", "=": "closer", "-": "farther", f: "fit", 0: "fit" };

svg.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const node = drawing.byId.get(event.target.closest(".node")?.dataset.id);
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (KEYS[key]) VIEWS[KEYS[key]]();
  else if (!node) return;
  else if (ARROWS[key]) drawing.elements.get(beyond(node, ARROWS[key])?.id)?.focus();
  else if (key === "e" || key === "h") row(node.id)?.querySelector(`[value^="${key === "e" ? "expand" : "hide"}."]`)?.click();
  else if (key === "p") pin(node, !node.pinned);
  else if (key === "Enter") location.assign(row(node.id).querySelector("a").href);
  else if (key === " ") choose(node.id);
  else return;
  event.preventDefault();
});
svg.addEventListener("focusin", (event) => {
  const id = event.target.closest(".node")?.dataset.id;
  if (id && id !== chosen) choose(id);
});
svg.addEventListener("dblclick", (event) => {
  const id = event.target.closest(".node")?.dataset.id;
  if (id) row(id)?.querySelector('[value^="expand."]')?.click();
});
document.querySelector(".tools").addEventListener("click", (event) => {
  VIEWS[event.target.closest("[data-view]")?.dataset.view]?.();
});
point(drawing, (node) => pin(node));

document.querySelector(".past").addEventListener("click", (event) => {
  event.preventDefault();
  document.getElementById("shown").focus();
});

const before = recall();
draw();
if (before) choose(before);
