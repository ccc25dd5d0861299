// The editor of a schema: its buttons work without a new page, and the form of a record follows.
import { say } from "../copying.js";
import { guard, touch } from "../guard.js";
import { ask } from "../pages.js";

const wait = 400; // milliseconds after the last key
const form = document.getElementById("editor");
let timer, asked = 0;

// Sends the form as a button would, and returns the page that answers.
async function send(does) {
  const data = new URLSearchParams(new FormData(form));
  data.append("do", does);
  const { response, page } = await ask(form.action, { method: "POST", body: data });
  if (!page.getElementById("written")) throw new Error(response.statusText);
  return page;
}

// Takes a part of the page that answered; what was open stays open.
function take(page, id) {
  const there = document.getElementById(id), come = page.getElementById(id);
  const open = [...there.querySelectorAll("details[open]")].map((one) => one.dataset.of);
  for (const one of come.querySelectorAll("details")) if (open.includes(one.dataset.of)) one.open = true;
  there.replaceWith(come);
}

// Does what a button does, and goes on with what came of it.
async function act(does, where) {
  clearTimeout(timer);
  form.setAttribute("aria-busy", "true");
  const turn = ++asked;
  try {
    const page = await send(does);
    if (turn !== asked) return;
    take(page, "written");
    take(page, "preview");
    touch();
    (form.querySelector("[autofocus]:not([name=name])") ?? where?.())?.focus();
  } finally {
    if (turn === asked) form.removeAttribute("aria-busy");
  }
}

async function preview() {
  const turn = ++asked;
  const page = await send("preview");
  if (turn === asked) take(page, "preview");
}

document.documentElement.classList.add("scripted");
guard(form);
if ("unsaved" in form.dataset) touch();

form.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (!button?.matches("[data-part]") || "plain" in button.dataset) return;
  event.preventDefault();
  const list = button.closest(".members")?.parentElement ?? form;
  const place = [...list.querySelectorAll("[data-part]")].indexOf(button);
  act(button.value, () => {
    const buttons = form.querySelectorAll(".moves button, .members + button");
    return buttons[Math.min(place, buttons.length - 1)];
  }).then(() => say(`${button.title || "Added"}: done.`), () => {
    // The plain form does the same, or shows the page that says why not.
    button.dataset.plain = "";
    form.requestSubmit(button);
  });
});

form.addEventListener("input", () => {
  clearTimeout(timer);
  // What went wrong is tried again with the next key.
  timer = setTimeout(() => preview().catch(() => {}), wait);
});

form.addEventListener("change", (event) => {
  if (!event.target.matches("[data-refresh]")) return;
  const { id } = event.target;
  act("preview", () => document.getElementById(id)).catch(() => {});
});
