// "This page as code", fetched when it is opened where it is not there yet: headings become tabs, and
// each piece has a button that copies it.
import { copy } from "./copying.js";
import { ask } from "./pages.js";

const KEPT = "flexdb-code";
const place = document.getElementById("code");

async function load(link) {
  const { response, page } = await ask(link.href);
  const sections = page.querySelectorAll("#code .snippet");
  if (!sections.length) throw new Error(response.statusText);
  link.parentElement.replaceWith(...sections);
  dress();
}

function dress() {
  const sections = [...place.querySelectorAll(".snippet")];
  const list = document.createElement("div");
  list.className = "tabs";
  list.setAttribute("role", "tablist");
  list.setAttribute("aria-label", "Languages");
  place.querySelector("summary").after(list);

  const tabs = sections.map((section) => {
    const heading = section.querySelector("h2");
    const tab = document.createElement("a");
    tab.href = `#${section.id}`;
    tab.id = `tab-${section.id}`;
    tab.textContent = heading.textContent;
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", section.id);
    section.setAttribute("role", "tabpanel");
    section.setAttribute("aria-labelledby", tab.id);
    heading.hidden = true;
    list.append(tab);

    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.addEventListener("click", () => copy(section.querySelector("code").textContent, button));
    section.prepend(button);
    return tab;
  });

  function choose(chosen) {
    tabs.forEach((tab, at) => {
      tab.setAttribute("aria-selected", at === chosen);
      tab.tabIndex = at === chosen ? 0 : -1;
      sections[at].hidden = at !== chosen;
    });
    localStorage.setItem(KEPT, tabs[chosen].textContent);
  }

  list.addEventListener("click", (event) => {
    const at = tabs.indexOf(event.target.closest("a"));
    if (at < 0) return;
    event.preventDefault();
    choose(at);
  });

  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = (tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length;
    choose(next);
    tabs[next].focus();
  });

  choose(Math.max(tabs.findIndex((tab) => tab.textContent === localStorage.getItem(KEPT)), 0));
}

const link = place.querySelector("[data-code]");
if (link) {
  const open = () => {
    link.setAttribute("aria-busy", "true");
    load(link).catch(() => location.assign(link.href));
  };
  place.addEventListener("toggle", open, { once: true });
} else {
  dress();
}
