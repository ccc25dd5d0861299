// Leads anywhere by the keyboard: pages of the menu, and records (or tenants) by name or id.
import { say } from "./copying.js";
import { ask } from "./pages.js";

const PAUSE = 150; // ms
const MOST = 12;

let dialog, field, list, waiting;
let asked = 0;

export function openPalette() {
  if (!dialog) make();
  field.value = "";
  show(pages(""));
  dialog.showModal();
}

function make() {
  dialog = document.createElement("dialog");
  dialog.className = "palette";
  dialog.setAttribute("aria-label", "Go to");
  field = document.createElement("input");
  field.type = "search";
  field.placeholder = "A page, a node type, a record by name or id";
  list = document.createElement("ul");
  list.id = "palette-list";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Where to go");
  for (const [name, value] of Object.entries({
    role: "combobox", "aria-label": "Go to", "aria-expanded": "true", "aria-controls": list.id,
    "aria-autocomplete": "list", autocomplete: "off",
  })) field.setAttribute(name, value);
  dialog.append(field, list);
  document.body.append(dialog);
  field.addEventListener("input", () => {
    show(pages(field.value));
    clearTimeout(waiting);
    waiting = setTimeout(look, PAUSE);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") move(1);
    else if (event.key === "ArrowUp") move(-1);
    else if (event.key === "Enter") go(chosen());
    else return;
    event.preventDefault();
  });
  list.addEventListener("click", (event) => go(event.target.closest("[role=option]")));
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
}

// The pages of the menu that have all words in their names.
function pages(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return [...document.querySelectorAll(".side a")]
    .map((link) => option(link.href, link.textContent.trim(), link.querySelector(".dot")))
    .filter((one) => words.every((word) => one.textContent.toLowerCase().includes(word)));
}

function option(href, name, dot, kind = "") {
  const item = document.createElement("li");
  item.setAttribute("role", "option");
  item.dataset.href = href;
  if (dot) item.append(dot.cloneNode());
  item.append(name);
  if (kind) {
    const told = document.createElement("span");
    told.className = "dim";
    told.textContent = kind;
    item.append(" ", told);
  }
  return item;
}

// Records of the tenant, or tenants where the page is in none: the pages that find them say which.
async function look() {
  const words = field.value.trim();
  const number = ++asked;
  if (!words) return;
  const { tenant } = document.body.dataset;
  const url = tenant ? `/console/t/${tenant}/find?q=${encodeURIComponent(words)}`
    : `/console/?name=${encodeURIComponent(words)}`;
  const answer = await ask(url).catch(() => null);
  if (number !== asked || !answer?.response.ok) return;
  const { page } = answer;
  const found = tenant
    ? [...page.querySelectorAll("#found > li")].map((one) => option(
      one.querySelector("a").href, one.querySelector("a").textContent, one.querySelector(".dot"), "record"))
    : [...page.querySelectorAll("#rows td:first-child a")].map((one) => option(
      one.href, one.textContent, null, "tenant"));
  show([...pages(words), ...found]);
}

function show(options) {
  list.replaceChildren(...options.slice(0, MOST));
  [...list.children].forEach((one, place) => { one.id = `palette-${place}`; });
  choose(list.firstElementChild);
  say(options.length ? `${options.length} places.` : "Nothing is called so.");
}

function chosen() {
  return list.querySelector("[aria-selected=true]");
}

function choose(one) {
  chosen()?.setAttribute("aria-selected", "false");
  one?.setAttribute("aria-selected", "true");
  one?.scrollIntoView({ block: "nearest" });
  if (one) field.setAttribute("aria-activedescendant", one.id);
  else field.removeAttribute("aria-activedescendant");
}

function move(step) {
  const options = [...list.children];
  if (options.length) choose(options[(options.indexOf(chosen()) + step + options.length) % options.length]);
}

function go(one) {
  if (!one) return;
  dialog.close();
  location.assign(one.dataset.href);
}
