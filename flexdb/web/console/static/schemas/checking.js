// Checks records page by page, each by the same form that a button sends; it can be paused.
import { say } from "../copying.js";
import { ask } from "../pages.js";

const most = 1000; // rows that are shown
const form = document.getElementById("check");
const button = form?.querySelector("[data-check]");
let runs = false, paused = false;

async function next() {
  const data = new URLSearchParams(new FormData(form));
  data.append("do", "check");
  const { response, page } = await ask(form.action, { method: "POST", body: data });
  if (!response.ok || !page.getElementById("progress")) {
    throw new Error(page.querySelector("main .lead")?.textContent ?? response.statusText);
  }
  document.getElementById("progress").replaceWith(page.getElementById("progress"));
  const clashes = page.getElementById("clashes");
  if (!clashes.hidden) document.getElementById("clashes").replaceWith(clashes);
  const rows = document.querySelector("#refused tbody"), more = page.querySelectorAll("#refused tbody > tr");
  for (const row of more) if (rows.children.length < most) rows.append(row);
  document.getElementById("refused").hidden = rows.children.length === 0;
  return page;
}

async function run() {
  runs = true;
  paused = false;
  button.textContent = "Pause";
  form.setAttribute("aria-busy", "true");
  let page = null;
  try {
    while (!paused && !done()) page = await next();
  } catch (error) {
    paused = true;
    say(`The check stopped: ${error.message}`);
    fault(error.message);
  }
  runs = false;
  form.removeAttribute("aria-busy");
  button.disabled = false;
  button.textContent = "Go on";
  if (done() && page) {
    // The buttons of the last page say what may follow.
    form.querySelector(".does").replaceWith(page.querySelector("#check .does"));
  }
  if (!paused || done()) say(document.querySelector("#progress p").textContent);
}

const done = () => document.getElementById("progress").dataset.done === "1";

function fault(text) {
  const told = document.createElement("p");
  told.className = "wrong";
  told.textContent = `The check stopped: ${text}`;
  document.getElementById("progress").append(told);
}

if (button) {
  form.addEventListener("submit", (event) => {
    if (event.submitter !== button) return;
    event.preventDefault();
    if (!runs) {
      run();
    } else {
      // What was asked for is waited for.
      paused = true;
      button.disabled = true;
      button.textContent = "Pausing …";
    }
  });
  if ("running" in button.dataset) run();
}
