// A form that is kept from being lost, and saved by Ctrl+S.
let isDirty = document.querySelector(".faults") !== null;

export function touch() {
  isDirty = true;
}

export function guard(form) {
  form.addEventListener("input", touch);
  form.addEventListener("submit", () => { isDirty = false; });
  // Who says that what was typed is not wanted is not asked again.
  for (const link of document.querySelectorAll("[data-leaves]")) link.addEventListener("click", () => { isDirty = false; });
  addEventListener("beforeunload", (event) => {
    if (isDirty) event.preventDefault();
  });
  addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.key.toLowerCase() !== "s") return;
    event.preventDefault();
    form.requestSubmit(form.querySelector("[data-save]"));
  });
}
