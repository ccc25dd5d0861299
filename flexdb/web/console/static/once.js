// What is shown once: a reload leads to the page it belongs to and does not send the form again, and
// a page that is left keeps nothing of it.
const shown = document.querySelector("[data-once]");
history.replaceState(null, "", shown.dataset.once);
addEventListener("pagehide", () => {
  shown.querySelector(".secret").remove();
});
