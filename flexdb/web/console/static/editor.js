// Makes an editor of each textarea[data-editor]: what stands in it is what is sent, and where Ace is
// not installed it stays as it is. `data-marks` has a line for each mark: the number of the line that
// is marked, a space, what is said of it. A link with `data-line` leads to a line.
import { guard } from "./guard.js";

const BASE = "/console/assets";
// The colours are in editor.css, which follows the page's.
const THEME = { cssClass: "ace-flexdb", isDark: false, cssText: "" };

function script(url) {
  return new Promise((resolve, reject) => {
    const made = document.createElement("script");
    made.src = url;
    made.onload = resolve;
    made.onerror = () => reject(new Error(`${url} is not there`));
    document.head.append(made);
  });
}

function sheet(url) {
  return new Promise((resolve, reject) => {
    const made = document.createElement("link");
    made.rel = "stylesheet";
    made.href = url;
    made.onload = resolve;
    made.onerror = () => reject(new Error(`${url} is not there`));
    // Ours has the last word.
    document.head.prepend(made);
  });
}

function mark(editor, area) {
  const { Range } = window.ace.require("ace/range");
  for (const line of (area.dataset.marks ?? "").split("\n").filter(Boolean)) {
    const row = Number.parseInt(line, 10) - 1;
    editor.session.addMarker(new Range(row, 0, row, 1), "wrong-line", "fullLine");
    editor.session.addGutterDecoration(row, "wrong-row");
  }
}

// Returns the editor that stands in a textarea's place.
export function edit(area) {
  const { ace } = window;
  const box = document.createElement("div");
  box.className = "editor";
  area.before(box);
  const editor = ace.edit(box, {
    value: area.value, mode: "ace/mode/json", tabSize: 2, useSoftTabs: true, showPrintMargin: false,
    fontSize: 13, minLines: 8, maxLines: 40, wrap: true, showFoldWidgets: true,
    readOnly: area.readOnly, newLineMode: "unix",
  });
  editor.setTheme(THEME);
  // Tab leads on, as everywhere on the page.
  editor.commands.bindKey("Tab", null);
  editor.commands.bindKey("Shift-Tab", null);
  const input = editor.textInput.getElement();
  const label = document.querySelector(`label[for="${CSS.escape(area.id)}"]`)?.textContent.trim();
  input.setAttribute("aria-label", label || area.getAttribute("aria-label") || "JSON");
  editor.on("change", () => {
    area.value = editor.getValue();
    area.dispatchEvent(new Event("input", { bubbles: true }));
  });
  area.addEventListener("replaced", () => {
    if (area.value !== editor.getValue()) editor.setValue(area.value, -1);
  });
  area.hidden = true;
  mark(editor, area);
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-line]");
    if (!link) return;
    event.preventDefault();
    editor.gotoLine(Number(link.dataset.line), 0, true);
    editor.focus();
  });
  return editor;
}

const areas = [...document.querySelectorAll("textarea[data-editor]")];
const form = areas[0]?.closest("[data-form]");
// A form of fields is guarded by what makes those.
if (form && !form.querySelector("[data-fields]")) guard(form);

// What is ready once every editor stands; it stays away where there is none.
export const ready = areas.length === 0 ? Promise.resolve([]) : Promise.all([
  script(`${BASE}/ace.js`), sheet(`${BASE}/ace.css`)]).then(() => {
  window.ace.config.set("useStrictCSP", true);
  window.ace.config.set("loadWorkerFromBlob", false);
  window.ace.config.set("basePath", BASE);
  return areas.map(edit);
}).catch(() => []);
