// Puts what happens above what is there, as long as somebody looks.
import { say } from "../copying.js";

const rows = document.querySelector("[data-live]");
const EVERY = 3000;

async function look() {
  if (document.hidden) return;
  const url = new URL(rows.dataset.live, location.href);
  url.searchParams.set("position", rows.dataset.at);
  const response = await fetch(url);
  // Another page of the console, or a log that was begun anew: the page itself says more.
  if (!response.ok || response.redirected) return;
  const part = document.createElement("template");
  const parsed = new DOMParser().parseFromString(`<table><tbody>${await response.text()}</tbody></table>`, "text/html");
  part.content.append(...parsed.querySelectorAll("tr"));
  const marks = [...part.content.querySelectorAll("tr[hidden]")];
  if (!marks.length) return;
  rows.dataset.at = marks[0].dataset.position;
  marks.forEach((mark) => mark.remove());
  const fresh = [...part.content.children];
  fresh.forEach((row) => row.classList.add("fresh"));
  rows.prepend(...fresh);
  if (fresh.length) say(`${fresh.length} more.`);
}

if (rows) setInterval(() => look().catch(() => {}), EVERY);
