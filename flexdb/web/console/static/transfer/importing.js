// The page of imports: a look at the beginning of the file that is chosen, and the import under way.
import { say } from "../copying.js";
import { ask } from "../pages.js";
import { bytesOf, formOf, pieces } from "./cutting.js";
import { Run, bodyOf, newKey } from "./sending.js";

const form = document.getElementById("import");
if (form) begin();

function begin() {
  const area = document.getElementById("progress");
  const head = document.getElementById("at");
  const preview = document.getElementById("preview");
  const part = (name) => area.querySelector(`[data-do="${name}"]`);
  const place = { kept: form.dataset.kept, pieces: form.dataset.pieces };
  const file = () => form.elements.file.files[0];
  const fields = () => [...new FormData(form)].filter(([name]) => !["file", "do"].includes(name));
  let run = null;
  let doing = "";

  form.querySelector("[data-plain]").remove();

  // Shows what an import does; "" is what it did before.
  function tell(what, told = "") {
    doing = what || doing;
    const { state } = run;
    const count = (number) => number.toLocaleString("en");
    area.hidden = false;
    head.textContent = { running: "Importing", paused: "Paused", done: "Imported",
      stopped: "Stopped", waiting: "Not done yet", cancelled: "Cancelled" }[doing];
    area.querySelector("progress").value = doing === "done" ? 1 : run.part;
    area.querySelector("[data-counts]").textContent = `${count(state.created)} created`
      + (state.before ? `, ${count(state.before)} were there already` : "")
      + `, ${count(state.refused)} refused.`;
    area.querySelector("[data-told]").textContent = told || (state.isCut
      ? "More rows are refused than are kept: mend these, and import the whole file again." : "");
    showRefused(state.told);
    const isOver = ["done", "cancelled"].includes(doing);
    part("pause").hidden = doing !== "running";
    part("go").hidden = !["paused", "stopped"].includes(doing);
    part("cancel").hidden = isOver;
    part("open").hidden = !isOver;
    part("open").href = form.getAttribute("action").replace(/import$/, `types/${state.type}`);
    offerRefused(state);
    for (const button of form.querySelectorAll("button")) button.disabled = doing === "running";
    if (what && what !== "running") say(head.textContent);
  }

  function showRefused(rows) {
    const table = area.querySelector("[data-refused]");
    table.hidden = rows.length === 0;
    table.querySelector("tbody").replaceChildren(...rows.map(([line, why]) => {
      const row = document.createElement("tr");
      row.append(cell("number", line), cell("wrap", why));
      return row;
    }));
  }

  function cell(kind, text) {
    const made = document.createElement("td");
    made.className = kind;
    made.textContent = text;
    return made;
  }

  function offerRefused(state) {
    const link = part("save");
    link.hidden = !state.rows || doing === "running";
    if (link.hidden) return;
    if (link.href.startsWith("blob:")) URL.revokeObjectURL(link.href);
    link.href = URL.createObjectURL(new Blob([state.rows]));
    link.download = `refused.${state.form === "csv" ? "csv" : "ndjson"}`;
  }

  async function look() {
    const one = file();
    if (!one) return;
    preview.setAttribute("aria-busy", "true");
    try {
      const chosen = form.elements.format.value || formOf(one.name);
      const { value: first } = await pieces(await bytesOf(one), chosen, 100).next();
      const body = bodyOf(fields(), { do: "preview", format: chosen },
        first ? [first.head, ...first.bytes] : [], one.name.replace(/\.gz$/i, ""));
      const { page } = await ask(form.action, { method: "POST", body });
      const told = page.querySelector(".faults, .lead");
      preview.replaceChildren(...(told ? [told] : page.getElementById("preview").childNodes));
    } catch (error) {
      const told = document.createElement("p");
      told.className = "wrong";
      told.textContent = error.message;
      preview.replaceChildren(told);
    }
    preview.removeAttribute("aria-busy");
  }

  // Offers to go on with what was not done when the page was left.
  function offer() {
    if (doing === "running") return;
    const found = Run.kept(place, tell);
    if (!found) return;
    run = found;
    if (run.isOf(file())) {
      run.file = file();
      tell("paused");
      return;
    }
    const unit = run.state.form === "json" ? "item" : "line";
    tell("waiting", `The import of ${run.state.name} is not done: choose that file again to go on `
      + `at ${unit} ${run.state.next.toLocaleString("en")}.`);
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (event.submitter?.value === "preview") {
      look();
      return;
    }
    form.elements.key.value = newKey();
    const one = file();
    run = Run.begin(one, fields(), form.elements.format.value || formOf(one.name),
      form.elements.type.value, place, tell);
    run.go();
    area.scrollIntoView({ block: "nearest" });
  });

  form.elements.file.addEventListener("change", () => {
    preview.replaceChildren();
    offer();
    if (!run || !run.isOf(file())) look();
  });
  form.elements.type.addEventListener("change", look);
  form.elements.format.addEventListener("change", look);

  area.addEventListener("click", (event) => {
    const what = event.target.closest("button")?.dataset.do;
    if (what === "pause") run.pause();
    else if (what === "go") run.go();
    else if (what === "cancel") run.end("cancelled");
  });

  offer();
}
