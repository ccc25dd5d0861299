// What is asked of the records: one more condition, what may be chosen, columns further up.
export function watchAsked() {
  const filter = document.querySelector("[data-filter-rows]");
  if (filter) watchRows(filter);
  const columns = document.querySelector("[data-columns]");
  columns?.addEventListener("click", (event) => {
    const up = event.target.closest("[name=up]");
    if (!up) return;
    event.preventDefault();
    const item = up.closest("li");
    item.previousElementSibling?.before(item);
    item.querySelector("input").checked = true;
    up.focus();
  });
  if (location.hash === "#columns") columns?.closest("details").setAttribute("open", "");
}

function watchRows(filter) {
  const more = filter.querySelector("[data-add-row]");
  more.hidden = false;
  more.addEventListener("click", () => {
    const last = [...filter.querySelectorAll(".row")].at(-1);
    const row = last.cloneNode(true);
    row.querySelector("[name=value]").value = "";
    row.querySelector("[name=path]").value = "";
    row.querySelector(".wrong")?.remove();
    row.setAttribute("aria-label", `Condition ${filter.querySelectorAll(".row").length + 1}`);
    last.after(row);
    row.querySelector("[name=path]").focus();
  });
  filter.addEventListener("change", (event) => fit(event.target.closest(".row")));
  for (const row of filter.querySelectorAll(".row")) fit(row);
}

// What may stand in a row's value follows from its member; two operators want none.
function fit(row) {
  if (!row) return;
  const value = row.querySelector("[name=value]");
  const choices = document.querySelector(
    `datalist[data-of="${CSS.escape(row.querySelector("[name=path]").value)}"]`);
  if (choices) value.setAttribute("list", choices.id);
  else value.removeAttribute("list");
  value.hidden = ["there", "missing"].includes(row.querySelector("[name=op]").value);
}
