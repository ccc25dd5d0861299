// The table of records by keyboard: rows and cells are walked, records opened, chosen and changed.
import { changeCell, isChanging } from "./cell_edit.js";
import { choose, watchChoice } from "./choosing.js";
import { watchAsked } from "./asked.js";
import { offerViews } from "./views.js";

const rows = document.getElementById("rows");
const MOVES = {
  ArrowDown: [1, 0], j: [1, 0], ArrowUp: [-1, 0], k: [-1, 0],
  ArrowRight: [0, 1], l: [0, 1], ArrowLeft: [0, -1], h: [0, -1],
};

watchAsked();
offerViews();
if (rows) {
  watchChoice(rows);
  rows.addEventListener("dblclick", (event) => {
    const cell = event.target.closest("td");
    if (cell && !event.target.closest("a, input, button, td form")) changeCell(cell);
  });
}

// The cell that the keys are about: the one with the focus, or that holds what has it.
function current() {
  return document.activeElement?.closest?.("#rows td") ?? null;
}

function stand(cell) {
  for (const other of rows.querySelectorAll("td[tabindex]")) other.removeAttribute("tabindex");
  cell.tabIndex = -1;
  cell.focus();
  cell.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function move(down, right) {
  const cell = current();
  // Beside the box that chooses a row stands what is looked at.
  if (!cell) return stand(rows.rows[0].cells[1] ?? rows.rows[0].cells[0]);
  const row = rows.rows[cell.parentElement.sectionRowIndex + down];
  const next = row?.cells[Math.max(cell.cellIndex + right, 0)];
  if (next) stand(next);
}

let before = "";

// What every page has keys for is taken here before it gets there; but what follows `g` leads away.
document.addEventListener("keydown", (event) => {
  const after = before;
  before = event.key;
  if (after === "g" || event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.closest("input:not([type=checkbox]), textarea, select, dialog");
  if (typing || isChanging(event.target) || document.querySelector("dialog[open]")) return;
  if (event.key === "/") {
    const field = document.querySelector("[data-filter-rows] [name=path]")
      ?? document.getElementById("f-filter");
    if (!field) return;
    event.preventDefault();
    field.closest("details")?.setAttribute("open", "");
    field.focus();
    return;
  }
  if (!rows?.rows.length) return;
  const cell = current();
  // Elsewhere arrows scroll, and letters are nobody's but the page's.
  if (MOVES[event.key] && (cell || event.target === document.body || event.target.id === "main")) {
    event.preventDefault();
    move(...MOVES[event.key]);
  } else if (cell && event.key === "Enter" && !event.target.closest("a, button")) {
    event.preventDefault();
    cell.parentElement.querySelector("a")?.click();
  } else if (cell && event.key.toLowerCase() === "x") {
    event.preventDefault();
    choose(cell.parentElement.querySelector("[name=id]"), event.shiftKey);
  } else if (cell && event.key === "e") {
    event.preventDefault();
    changeCell(cell);
  }
}, true);
