// Puts text where it can be pasted, and says so.
export async function copy(text, beside) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Over plain HTTP to another machine there is no clipboard.
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "unseen";
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
    beside?.focus();
  }
  say("Copied.");
  beside?.classList.add("copied");
  setTimeout(() => beside?.classList.remove("copied"), 1200);
}

// Says something to who hears the page.
export function say(text) {
  const live = document.getElementById("live");
  if (live) live.textContent = text;
}
