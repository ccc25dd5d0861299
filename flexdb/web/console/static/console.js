// What every page does; a page works without it too.
import { copy } from "./copying.js";
import "./keys.js";
import { extend } from "./lists.js";

// The summary of what is wrong with a form is what a reader wants to hear first.
document.querySelector("[data-focus]")?.focus();

document.addEventListener("click", (event) => {
  const copied = event.target.closest("[data-copy]");
  if (copied) copy(copied.dataset.copy, copied);
  const more = event.target.closest("[data-more]");
  if (more && extend(more)) event.preventDefault();
});

// On a narrow page the menu is in the way until it is asked for.
const side = document.querySelector("details.side");
if (side && matchMedia("(max-width: 760px)").matches) side.open = false;

const retry = document.querySelector("[data-retry]");
if (retry) {
  let left = Number(retry.dataset.retry);
  setInterval(() => {
    left -= 1;
    retry.textContent = Math.max(left, 0);
    if (left === 0) location.reload();
  }, 1000);
}

// What is wider than the page is scrolled by keys too.
const wide = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }
});
for (const scroll of document.querySelectorAll(".scroll, pre")) wide.observe(scroll);
