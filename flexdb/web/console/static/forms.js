// Forms of schemas: what a button in them does is asked of the service and put in its place, so that
// there is one who makes fields. Data is never read here.
import { say } from "./copying.js";
import { guard, touch } from "./guard.js";
import { ask } from "./pages.js";

const form = document.querySelector("[data-form]");

function fields() {
  return form.querySelector("[data-fields]");
}

async function change(button) {
  const kind = button.value.split(":")[0];
  const sent = new URLSearchParams(new FormData(form, button));
  form.setAttribute("aria-busy", "true");
  const { page } = await ask(form.action, { method: "POST", body: sent });
  const made = page.querySelector("[data-fields]");
  if (!made) throw new Error("no form came back");
  const before = new Set([...fields().querySelectorAll("[id]")].map((one) => one.id));
  const place = [...fields().querySelectorAll("button[name=do]")].indexOf(button);
  fields().replaceWith(made);
  form.removeAttribute("aria-busy");
  ready();
  touch();
  // What came is gone on with; else what stands where the button stood.
  const come = kind === "remove" || kind === "up" ? null : [...made.querySelectorAll(
    "input, textarea, select")].find((one) => one.id && !before.has(one.id) && !one.closest("details"));
  const buttons = made.querySelectorAll("button[name=do]:not([hidden])");
  (come ?? buttons[Math.min(place, buttons.length - 1)])?.focus();
  say({ add: "Added.", remove: "Removed.", up: "Moved up." }[kind] ?? "Shown.");
}

function ready() {
  for (const button of form.querySelectorAll("[data-show]")) button.hidden = true;
}

if (form) {
  ready();
  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-fields] button[name=do]");
    if (!button) return;
    event.preventDefault();
    // Whatever goes wrong is shown as the page that says so.
    change(button).catch(() => form.requestSubmit(button));
  });
  form.addEventListener("change", (event) => {
    if (event.target.matches("[data-shows]")) event.target.closest(".variants").querySelector("[data-show]").click();
  });
  guard(form);
}
