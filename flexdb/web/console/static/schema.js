// The editor of a schema: its buttons work without a new page, and the form of a record follows.
import { say } from "./copying.js";

const wait = 400; // milliseconds after the last key
let timer, asked = 0;

const editor = () => document.getElementById("editor");
document.documentElement.classList.add("scripted");

// Sends the form as a button would, and returns the page that answers.
async function send(button) {
  const form = editor();
  const data = new URLSearchParams(new FormData(form));
  data.append("do", button);
  const response = await fetch(form.action, { method: "POST", body: data, credentials: "same-origin" });
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  if (!page.getElementById("editor")) throw new Error(response.statusText);
  return page;
}

// Takes a part of the page that answered; what was open stays open.
function take(page, id) {
  const there = document.getElementById(id);
  const open = [...there.querySelectorAll("details[open][data-of]")].map((one) => one.dataset.of);
  there.replaceWith(page.getElementById(id));
  for (const one of document.getElementById(id).querySelectorAll("details[data-of]")) {
    if (open.includes(one.dataset.of)) one.open = true;
  }
}

async function act(button) {
  const { value, title } = button;
  editor().setAttribute("aria-busy", "true");
  const turn = ++asked;
  try {
    const page = await send(value);
    if (turn !== asked) return;
    take(page, "editor");
    take(page, "preview");
    (editor().querySelector("[autofocus]:not([name=name])")
      ?? editor().querySelector(`[value="add:${value.slice(value.indexOf(":") + 1).replace(/\.\d+$/, "")}"]`))?.focus();
    if (title) say(`${title}: done.`);
  } catch {
    // The plain form does the same.
    editor().removeAttribute("aria-busy");
    if (!(button instanceof HTMLElement)) return;
    button.dataset.plain = "";
    editor().requestSubmit(button);
  }
}

async function preview() {
  const turn = ++asked;
  try {
    const page = await send("preview");
    if (turn === asked) take(page, "preview");
  } catch {
    // The next key asks again.
  }
}

document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (event.target.id !== "editor" || !button?.matches("[data-part]") || "plain" in button.dataset) return;
  event.preventDefault();
  act(button);
});

document.addEventListener("input", (event) => {
  if (!event.target.closest("#editor")) return;
  clearTimeout(timer);
  timer = setTimeout(preview, wait);
});

document.addEventListener("change", (event) => {
  if (!event.target.matches("#editor [data-refresh]")) return;
  clearTimeout(timer);
  const id = event.target.id;
  act({ value: "preview" }).then(() => document.getElementById(id)?.focus());
});
