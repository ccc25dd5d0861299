// Rows are chosen: one by one, from here to there, all that are shown; and copied.
import { copy, say } from "../copying.js";
import { ask } from "../pages.js";

const form = document.getElementById("chosen");
const all = document.querySelector("[data-choose-all]");
let last = null;

function boxes() {
  return [...form.querySelectorAll("[name=id]")];
}

export function watchChoice(rows) {
  all.hidden = false;
  all.addEventListener("change", () => {
    for (const box of boxes()) box.checked = all.checked;
    tell();
  });
  rows.addEventListener("click", (event) => {
    if (event.target.name === "id") choose(event.target, event.shiftKey, event.target.checked);
  });
  rows.addEventListener("extended", tell);
  form.querySelector("[data-all]")?.addEventListener("change", tell);
  form.addEventListener("submit", (event) => onSubmit(event).catch(
    () => say("The service did not answer: try again.")));
  tell();
}

// Chooses a row, or takes it back; with `range` all between it and the one before.
export function choose(box, range, checked = !box.checked) {
  box.checked = checked;
  const list = boxes();
  if (range && last && list.includes(last)) {
    const [from, to] = [list.indexOf(last), list.indexOf(box)].sort((a, b) => a - b);
    for (const one of list.slice(from, to + 1)) one.checked = checked;
  }
  last = box;
  tell();
}

function tell() {
  const list = boxes();
  const chosen = list.filter((box) => box.checked);
  for (const box of list) box.closest("tr").ariaSelected = box.checked ? "true" : null;
  all.checked = chosen.length === list.length;
  all.indeterminate = chosen.length > 0 && !all.checked;
  const takesAll = form.querySelector("[data-all]");
  form.querySelector("[data-chosen]").hidden = chosen.length === 0;
  form.querySelector("[data-number-chosen]").textContent =
    takesAll?.checked ? "All chosen" : `${chosen.length} chosen`;
  for (const button of form.querySelectorAll("[data-copied]")) {
    button.disabled = Boolean(takesAll?.checked);
    button.title = button.disabled ? "All of them are exported: see Export." : "";
  }
}

// What is copied is the service's own text: a script would round its numbers.
async function onSubmit(event) {
  const button = event.submitter;
  if (!button?.matches("[data-copied]")) return;
  event.preventDefault();
  button.setAttribute("aria-busy", "true");
  const { page } = await ask(button.formAction, {
    method: "POST", body: new URLSearchParams(new FormData(form, button)),
  }).finally(() => button.removeAttribute("aria-busy"));
  const text = page.querySelector("[data-text]");
  if (text) await copy(text.value, button);
  else say(page.querySelector(".lead, .message")?.textContent ?? "Not copied.");
}
