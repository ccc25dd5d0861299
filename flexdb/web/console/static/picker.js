// Offers records while one types, in the fields that take a record (ARIA's combobox with a list:
// https://www.w3.org/WAI/ARIA/apg/patterns/combobox/). The records are those of the page that finds
// them; what is sent is the id of the one that was chosen, or else what was typed.
import { say } from "./copying.js";

const PAUSE = 150; // ms

for (const picker of document.querySelectorAll(".picker")) enhance(picker);

function enhance(picker) {
  const field = picker.querySelector("input");
  const list = document.createElement("ul");
  list.id = `${field.id}-offered`;
  list.className = "offered";
  list.hidden = true;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Records");
  field.after(list);
  for (const [name, value] of Object.entries({
    role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id,
  })) field.setAttribute(name, value);

  // People read the label; the form says the id.
  const sent = document.createElement("input");
  sent.type = "hidden";
  sent.name = field.name;
  picker.append(sent);
  if (field.dataset.label) choose(field.defaultValue, field.dataset.label);
  picker.querySelector("[data-is]")?.remove();

  let waiting = 0;
  let asked = 0;
  let isAsking = false;
  let isWanted = false;
  field.addEventListener("input", () => {
    sent.disabled = true;
    field.name = sent.name;
    clearTimeout(waiting);
    waiting = setTimeout(offer, PAUSE);
  });
  if (!field.dataset.label) sent.disabled = true;
  field.addEventListener("focus", () => field.select());
  field.addEventListener("blur", close);
  field.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" && list.hidden) offer();
    else if (event.key === "ArrowDown") move(1);
    else if (event.key === "ArrowUp") move(-1);
    else if (event.key === "Escape" && !list.hidden) close();
    else if (event.key === "Enter" && current()) take(current());
    else return;
    event.preventDefault();
  });
  // Before the field loses the focus.
  list.addEventListener("pointerdown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    event.preventDefault();
    const option = event.target.closest("[role=option]");
    if (option) take(option);
  });

  // One asks at a time: in a large tenant an answer may take longer than the next letter.
  async function offer() {
    isWanted = true;
    if (isAsking) return;
    isAsking = true;
    let text = "";
    while (isWanted) {
      isWanted = false;
      const number = ++asked;
      const answer = await ask(field.value).catch(() => "");
      if (number === asked) text = answer;
    }
    isAsking = false;
    if (text && document.activeElement === field) show(text);
  }

  async function ask(words) {
    // What the relationship is to be says which records may stand at its ends.
    const { end } = picker.dataset;
    const name = end && field.form.elements.relationship_type.value.trim();
    const asked = new URLSearchParams({ q: words, ...(name && { relationship_type: name, end }) });
    const url = `${picker.dataset.find}?${asked}`;
    const response = await fetch(url);
    return response.ok ? response.text() : "";
  }

  function show(text) {
    const page = new DOMParser().parseFromString(text, "text/html");
    const found = [...(page.getElementById("found")?.children ?? [])];
    found.forEach((option, place) => {
      option.id = `${list.id}-${place}`;
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", "false");
      // An option holds no link.
      const link = option.querySelector("a");
      const label = document.createElement("b");
      label.textContent = link.textContent;
      link.replaceWith(label);
    });
    list.replaceChildren(...found);
    list.hidden = found.length === 0;
    field.setAttribute("aria-expanded", String(found.length > 0));
    field.removeAttribute("aria-activedescendant");
    say(found.length ? `${found.length} records offered.` : "No record is called so.");
  }

  function current() {
    return list.hidden ? null : list.querySelector("[aria-selected=true]");
  }

  function move(step) {
    const options = [...list.children];
    const place = options.indexOf(current());
    const next = options[(place + step + options.length + (place < 0 && step < 0 ? 1 : 0)) % options.length];
    current()?.setAttribute("aria-selected", "false");
    next.setAttribute("aria-selected", "true");
    next.scrollIntoView({ block: "nearest" });
    field.setAttribute("aria-activedescendant", next.id);
  }

  function take(option) {
    choose(option.dataset.id, option.querySelector("b").textContent);
    field.dispatchEvent(new CustomEvent("picked", { bubbles: true }));
    close();
  }

  function choose(id, label) {
    sent.value = id;
    sent.disabled = false;
    field.removeAttribute("name");
    field.value = label;
  }

  function close() {
    clearTimeout(waiting);
    // What is still being asked is not shown.
    asked += 1;
    isWanted = false;
    list.hidden = true;
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  }
}
