// Views of a table that were saved under a name, in this browser: each is the query of a URL.
// They are nobody's data: what others shall see as well is sent to them as the URL itself.
import { say } from "../copying.js";

const MOST = 50;

export function offerViews() {
  const place = document.querySelector("[data-views]");
  if (!place) return;
  const key = `flexdb-views-${place.dataset.views}`;
  show(place, key);
  place.hidden = false;
}

function read(key) {
  try {
    const found = JSON.parse(localStorage.getItem(key) ?? "{}");
    return Object.entries(found).filter(([, query]) => typeof query === "string");
  } catch {
    return [];
  }
}

function write(key, views) {
  try {
    localStorage.setItem(key, JSON.stringify(Object.fromEntries(views)));
  } catch {
    say("This browser keeps nothing for this page.");
  }
}

function query() {
  const said = new URLSearchParams(location.search);
  said.delete("page_token");
  return said.toString();
}

function show(place, key) {
  const views = read(key);
  const found = views.find(([, said]) => said === query())?.[0];
  const parts = [];
  if (views.length) {
    const select = document.createElement("select");
    select.setAttribute("aria-label", "Saved views");
    select.add(new Option("Views …", ""));
    for (const [name] of views) select.add(new Option(name, name, false, name === found));
    select.addEventListener("change", () => {
      const chosen = views.find(([name]) => name === select.value);
      if (chosen) location.search = chosen[1];
    });
    parts.push(select);
  }
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = found ? "Forget this view" : "Save view …";
  button.addEventListener("click", () => {
    if (found) {
      write(key, views.filter(([name]) => name !== found));
      show(place, key);
    } else {
      ask(place, key);
    }
  });
  if (found || query()) parts.push(button);
  place.replaceChildren(...parts);
}

function ask(place, key) {
  const form = document.createElement("form");
  form.className = "inline";
  const field = document.createElement("input");
  field.setAttribute("aria-label", "Name of the view");
  field.placeholder = "Name of the view";
  field.maxLength = 60;
  field.required = true;
  const save = document.createElement("button");
  save.textContent = "Save";
  form.append(field, save);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const name = field.value.trim();
    if (!name) return;
    write(key, [...read(key).filter(([one]) => one !== name), [name, query()]].slice(-MOST));
    show(place, key);
    say(`Saved the view ${name} in this browser.`);
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") show(place, key);
  });
  place.replaceChildren(form);
  field.focus();
}
