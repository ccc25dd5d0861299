// Moves what a graph shows by pointer and wheel: its ground to look elsewhere, a record to pin it.
const STILL = 4; // px that a hand moves without meaning to

export function point(drawing, onPinned) {
  const { svg } = drawing;
  let held = null;

  svg.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    const node = drawing.byId?.get(event.target.closest(".node")?.dataset.id) ?? null;
    held = { node, x: event.clientX, y: event.clientY, view: drawing.view, at: node && { x: node.x, y: node.y } };
  });
  svg.addEventListener("pointermove", (event) => {
    if (!held) return;
    const [x, y] = [event.clientX - held.x, event.clientY - held.y];
    if (!held.moved) {
      if (Math.hypot(x, y) < STILL) return;
      // Not before: a click on what captured the pointer is a click on the whole drawing.
      svg.setPointerCapture(event.pointerId);
      svg.classList.add("moved");
      held.moved = true;
    }
    if (held.node) {
      held.node.x = held.at.x + x / drawing.view.scale;
      held.node.y = held.at.y + y / drawing.view.scale;
      drawing.place(held.node);
    } else {
      drawing.look({ ...held.view, x: held.view.x + x, y: held.view.y + y });
    }
  });
  const end = () => {
    if (held?.moved && held.node) onPinned(held.node);
    svg.classList.remove("moved");
    held = null;
  };
  svg.addEventListener("pointerup", end);
  svg.addEventListener("pointercancel", end);

  // A wheel alone moves the page; with Ctrl, as a pinch is told too, it zooms.
  svg.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const box = svg.getBoundingClientRect();
    zoom(drawing, Math.exp(-event.deltaY / 300), event.clientX - box.left, event.clientY - box.top);
  }, { passive: false });
}

// Zooms by a factor around a place, in pixels from the corner; around the middle without one.
export function zoom(drawing, factor, x, y) {
  const { width, height } = drawing.svg.getBoundingClientRect();
  const [cx, cy] = [x ?? width / 2, y ?? height / 2];
  const before = drawing.view;
  const scale = Math.min(6, Math.max(0.08, before.scale * factor));
  drawing.look({
    scale, x: cx - ((cx - before.x) * scale) / before.scale, y: cy - ((cy - before.y) * scale) / before.scale,
  });
}
