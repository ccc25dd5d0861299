// One cell is changed where it stands: the form comes from the service, and what it answers.
import { say } from "../copying.js";
import { ask } from "../pages.js";

export function isChanging(element) {
  return Boolean(element.closest("td form"));
}

// Puts the form of a cell's member into it.
export async function changeCell(cell) {
  const path = cell.closest("table").tHead.rows[0].cells[cell.cellIndex]?.dataset.path;
  if (!path) return say("This cannot be changed.");
  const body = cell.closest("tbody");
  const id = cell.parentElement.querySelector("[name=id]").value;
  // The answer shows the row alone, with the columns of this page.
  const next = new URL(location.href);
  next.search = new URLSearchParams({
    ...Object.fromEntries(["fields", "expand"].flatMap((name) =>
      (next.searchParams.has(name) ? [[name, next.searchParams.get(name)]] : []))),
    filter: JSON.stringify({ id }),
  });
  const asked = new URLSearchParams({ path, next: next.pathname + next.search });
  const shown = [...cell.childNodes];
  const { page } = await ask(`${body.dataset.nodes}${id}/cell?${asked}`);
  const form = page.querySelector("[data-change]");
  if (form) put(cell, form, shown);
  else say(page.querySelector(".lead")?.textContent ?? "This cannot be changed.");
}

function put(cell, form, shown) {
  const table = cell.closest("table");
  cell.replaceChildren(form);
  // Whoever begins to type means a value.
  form.elements.value.addEventListener("input", () => {
    if (form.elements.state) form.elements.state.value = "value";
  });
  form.elements.value.focus();
  cell.scrollIntoView({ block: "nearest", inline: "nearest" });
  form.elements.value.select?.();
  function leave() {
    cell.replaceChildren(...shown);
    cell.tabIndex = -1;
    cell.focus();
  }
  form.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Escape") leave();
    if (event.key === "Enter" && event.target.matches("textarea") && !event.shiftKey) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  form.querySelector("[data-leave]").addEventListener("click", (event) => {
    event.preventDefault();
    leave();
  });
  // The table stands in a form of its own, which is not meant.
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    event.stopPropagation();
    save(cell, form, shown, table).catch(() => say("The service did not answer: try again."));
  });
}

async function save(cell, form, shown, table) {
  form.setAttribute("aria-busy", "true");
  const { page } = await ask(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) })
    .finally(() => form.removeAttribute("aria-busy"));
  const again = page.querySelector("[data-change]");
  if (again) return put(cell, again, shown);
  const row = page.querySelector("#rows tr");
  if (!row) return say(page.querySelector(".lead, .empty")?.textContent ?? "Not saved.");
  const at = cell.cellIndex;
  row.querySelector("[name=id]").checked = cell.parentElement.querySelector("[name=id]").checked;
  cell.parentElement.replaceWith(row);
  row.cells[at].tabIndex = -1;
  row.cells[at].focus();
  const message = page.querySelector("main > .message");
  document.querySelector("main > .message")?.remove();
  if (message) table.closest("main").prepend(message);
  say(message?.firstElementChild.textContent ?? "Saved.");
}
