// Saves a drawing as a file of its own, which looks as it does here without our styles.
const KEPT = ["fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-linejoin", "opacity", "paint-order",
  "font-family", "font-size", "font-weight", "text-anchor", "display"];

export function save(svg, name) {
  const copy = svg.cloneNode(true);
  const { width, height } = svg.getBoundingClientRect();
  const [from, to] = [svg, copy].map((one) => [...one.querySelectorAll("*")]);
  to.forEach((one, place) => {
    const look = getComputedStyle(from[place]);
    if (look.display === "none") one.dataset.gone = "";
    for (const attribute of KEPT) {
      if (["path", "circle", "text"].includes(one.tagName)) one.setAttribute(attribute, look.getPropertyValue(attribute));
    }
    for (const attribute of ["class", "tabindex", "role"]) one.removeAttribute(attribute);
  });
  copy.querySelectorAll("[data-gone]:not(defs):not(defs *)").forEach((one) => one.remove());
  const ground = document.createElementNS(svg.namespaceURI, "rect");
  for (const [key, value] of Object.entries({ width, height, fill: getComputedStyle(svg).backgroundColor })) {
    ground.setAttribute(key, value);
  }
  copy.prepend(ground);
  for (const [key, value] of Object.entries({
    xmlns: svg.namespaceURI, width, height, viewBox: `0 0 ${width} ${height}`, role: "img",
  })) copy.setAttribute(key, value);
  copy.removeAttribute("class");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([new XMLSerializer().serializeToString(copy)], { type: "image/svg+xml" }));
  link.download = `${name.replace(/[^\p{L}\p{N}._-]+/gu, "-").slice(0, 60) || "graph"}.svg`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
