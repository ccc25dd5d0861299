// The keys of the whole console; `?` lists them. What a page has keys for, it takes before.
import { openPalette } from "./palette.js";

const { tenant } = document.body.dataset;
const within = tenant ? `/console/t/${tenant}` : null;
// After `g`.
const PLACES = {
  t: ["/console/", "the tenants"], s: ["/console/service", "health and figures"], a: ["/console/calls", "every call"],
  ...(within ? {
    o: [within, "the overview"], r: [`${within}/relationships`, "the relationships"],
    g: [`${within}/graph`, "the graph"], c: [`${within}/changes`, "the changes"],
    d: [`${within}/deleted`, "deleted records"], i: [`${within}/import`, "the import"], x: [`${within}/export`, "the export"],
  } : {}),
};
let isGoing = false;

document.querySelectorAll("[data-palette]").forEach((button) => {
  button.hidden = false;
  button.addEventListener("click", openPalette);
});

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    openPalette();
    return;
  }
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isWriting(event.target)
      || document.querySelector("dialog[open]")) return;
  const wasGoing = isGoing;
  isGoing = false;
  if (wasGoing) {
    if (PLACES[event.key]) location.assign(PLACES[event.key][0]);
  } else if (event.key === "g") isGoing = true;
  else if (event.key === "?") help();
  else if (event.key === "/") find(event);
  else if (event.key === "j") step(1);
  else if (event.key === "k") step(-1);
  else if (event.key === "n") document.querySelector("[data-key=n]")?.click();
});

function isWriting(target) {
  return target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
}

function find(event) {
  const field = document.querySelector("[data-find]:is(input)");
  event.preventDefault();
  if (field) field.focus();
  else openPalette();
}

// From row to row of the first table, by the link in each.
function step(by) {
  const links = [...document.querySelectorAll("main table tbody tr")]
    .map((row) => row.querySelector("a")).filter(Boolean);
  if (!links.length) return;
  const place = links.findIndex((link) => link.closest("tr").contains(document.activeElement));
  links[Math.min(Math.max(place + by, 0), links.length - 1)].focus();
}

function help() {
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-label", "Keys");
  const title = document.createElement("h2");
  title.textContent = "Keys";
  const list = document.createElement("dl");
  list.className = "keys";
  const told = [["Ctrl K", "go anywhere"], ["/", "to the filter, or go anywhere"], ["j  k", "to the next row, to the one before"],
    ["Enter", "open it"], ["n", "a new record, where there is one to make"], ["e", "edit the cell that has the focus"],
    ["x", "choose its row; with Shift all rows from the one before"],
    ["Ctrl S", "save"], ["Esc", "close what lies over the page"], ["?", "these keys"],
    ...Object.entries(PLACES).map(([key, [, name]]) => [`g ${key}`, `to ${name}`])];
  for (const [keys, does] of told) {
    const term = document.createElement("dt");
    for (const key of keys.split(/\s+(?=\S)/)) {
      const one = document.createElement("kbd");
      one.textContent = key;
      term.append(one, " ");
    }
    const meaning = document.createElement("dd");
    meaning.textContent = does;
    list.append(term, meaning);
  }
  dialog.append(title, list);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  document.body.append(dialog);
  dialog.showModal();
}
