// Puts a call where it can be pasted.
for (const button of document.querySelectorAll("[data-copy]")) {
  const code = button.closest("figure").querySelector("code");
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "Copied";
    } catch {
      // Over plain HTTP to another machine there is no clipboard; what is chosen can be copied.
      getSelection().selectAllChildren(code);
      button.textContent = "Press Ctrl C";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
}
