// Puts the rows of a list's next page below those that are there.
import { say } from "./copying.js";
import { ask } from "./pages.js";

// Returns whether the link is taken care of; else it leads to the next page.
export function extend(link) {
  const rows = document.getElementById(link.dataset.more);
  if (!rows) return false;
  load(link, rows).catch(() => location.assign(link.href));
  return true;
}

async function load(link, rows) {
  link.setAttribute("aria-busy", "true");
  const { response, page } = await ask(link.href);
  if (!response.ok) throw new Error(response.statusText);
  const more = [...page.getElementById(link.dataset.more).children];
  rows.append(...more);
  const next = page.querySelector(`[data-more="${link.dataset.more}"]`);
  if (next) {
    link.href = next.href;
    link.removeAttribute("aria-busy");
  } else {
    link.closest(".next").remove();
  }
  say(`${more.length} more.`);
  rows.dispatchEvent(new CustomEvent("extended", { bubbles: true }));
}
