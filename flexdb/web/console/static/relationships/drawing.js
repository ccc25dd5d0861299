// Draws a graph as SVG: circles and lines, each record an element that has the focus, a name and a
// colour of its type.
const SVG = "http://www.w3.org/2000/svg";
const LETTER = 6.4; // px, about what one of a name takes
const MOST_EDGE_NAMES = 30;
const LONGEST = 28; // letters of a name

export function element(name, attributes = {}, parent = null) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent?.append(made);
  return made;
}

export class Drawing {
  constructor(svg) {
    this.svg = svg;
    this.view = { x: 0, y: 0, scale: 1 };
    const tips = element("defs", {}, svg);
    const tip = element("marker", {
      id: "tip", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7,
      markerUnits: "userSpaceOnUse", orient: "auto",
    }, tips);
    element("path", { d: "M0 1 7 4 0 7z", class: "tip" }, tip);
    this.world = element("g", { class: "world" }, svg);
    this.lines = element("g", {}, this.world);
    this.circles = element("g", {}, this.world);
    this.nodes = [];
    this.edges = [];
    this.elements = new Map();
  }

  // Shows these and no others; an element that was there stays, and keeps the focus.
  show(nodes, edges) {
    const there = new Map(nodes.map((node) => [node.id, node]));
    for (const [id, one] of this.elements) {
      if (there.has(id)) continue;
      one.remove();
      this.elements.delete(id);
    }
    this.nodes = nodes;
    this.edges = edges;
    this.byId = there;
    for (const node of nodes) {
      let one = this.elements.get(node.id);
      if (!one) {
        one = element("g", { tabindex: 0, role: "button", "data-id": node.id });
        element("title", {}, one);
        element("circle", {}, one);
        element("text", { dy: "1.15em" }, one);
        this.elements.set(node.id, one);
      }
      node.radius = 6 + Math.min(10, 1.6 * Math.sqrt(node.degree));
      one.querySelector("circle").setAttribute("r", node.radius);
      one.querySelector("text").setAttribute("y", node.radius);
      node.name = node.label.length > LONGEST ? `${node.label.slice(0, LONGEST - 1)}…` : node.label;
      one.querySelector("text").textContent = node.name;
      one.querySelector("title").textContent = [node.label, node.type].filter(Boolean).join(", ");
      one.setAttribute("aria-label", [node.label, node.type,
        `${node.degree} relationships shown`].filter(Boolean).join(", "));
      this.mark(node);
    }
    // In the order of the table, which Tab keeps to.
    nodes.forEach((node, place) => {
      const one = this.elements.get(node.id);
      if (this.circles.children[place] !== one) {
        this.circles.insertBefore(one, this.circles.children[place] ?? null);
      }
    });
    this.#connect();
    this.place();
  }

  mark(node) {
    const kept = [...this.elements.get(node.id).classList].filter((name) => ["named", "chosen"].includes(name));
    this.elements.get(node.id).setAttribute("class", ["node", node.hue, node.isStart && "start",
      node.isPath && "path", node.pinned && "pinned", ...kept].filter(Boolean).join(" "));
  }

  #connect() {
    this.lines.replaceChildren();
    const between = new Map();
    for (const edge of this.edges) {
      const pair = [edge.source, edge.target].sort().join();
      edge.turn = between.get(pair) ?? 0;
      between.set(pair, edge.turn + 1);
      edge.line = element("path", {
        class: edge.isPath ? "edge path" : "edge", "marker-end": "url(#tip)", "data-id": edge.id,
      }, this.lines);
      element("title", {}, edge.line).textContent =
        `${this.byId.get(edge.source).label} ${edge.type} ${this.byId.get(edge.target).label}`;
      edge.name = null;
      if (this.edges.length <= MOST_EDGE_NAMES) {
        edge.name = element("text", { class: "edge-name" }, this.lines);
        edge.name.textContent = edge.type;
      }
    }
  }

  // Puts everything where its node is, or only what belongs to one.
  place(only = null) {
    for (const node of only ? [only] : this.nodes) {
      this.elements.get(node.id).setAttribute("transform",
        `translate(${node.x.toFixed(1)} ${node.y.toFixed(1)})`);
    }
    for (const edge of this.edges) {
      if (only && edge.source !== only.id && edge.target !== only.id) continue;
      this.#draw(edge, this.byId.get(edge.source), this.byId.get(edge.target));
    }
    this.name();
  }

  #draw(edge, source, target) {
    let path;
    let middle;
    if (source === target) {
      const { x, y, radius } = source;
      path = `M${x - radius} ${y}C${x - 34} ${y - 46} ${x + 34} ${y - 46} ${x + radius + 2} ${y - 3}`;
      middle = [x, y - 38 - 12 * edge.turn];
    } else {
      // Several between the same two are bent, each its own way; seen from the same end.
      const side = (edge.turn % 2 ? -1 : 1) * Math.ceil(edge.turn / 2) * (source.id < target.id ? 1 : -1);
      const far = Math.hypot(target.x - source.x, target.y - source.y) || 1;
      const [ux, uy] = [(target.x - source.x) / far, (target.y - source.y) / far];
      const bend = side * 26;
      const [mx, my] = [(source.x + target.x) / 2 - uy * bend, (source.y + target.y) / 2 + ux * bend];
      const from = toward(source, [mx, my], source.radius);
      const to = toward(target, [mx, my], target.radius + 2);
      const at = (number) => number.toFixed(1);
      path = `M${from.map(at).join(" ")}${side ? `Q${at(mx)} ${at(my)} ` : "L"}${to.map(at).join(" ")}`;
      middle = [(mx + (source.x + target.x) / 2) / 2, (my + (source.y + target.y) / 2) / 2];
    }
    edge.line.setAttribute("d", path);
    edge.middle = middle;
    edge.name?.setAttribute("x", middle[0].toFixed(1));
    edge.name?.setAttribute("y", middle[1].toFixed(1));
  }

  // Names as many as there is room for: what matters more comes first.
  name() {
    const { scale } = this.view;
    const taken = this.nodes.map((node) => [(node.x - node.radius) * scale, (node.y - node.radius) * scale,
      (node.x + node.radius) * scale, (node.y + node.radius) * scale]);
    const place = (text, name, x, y, isSure = false) => {
      const half = (name.length * LETTER) / 2;
      const box = [x * scale - half, y - 7, x * scale + half, y + 6];
      const isFree = isSure || !taken.some((other) => overlaps(box, other));
      if (isFree) taken.push(box);
      text.classList.toggle("named", isFree);
    };
    const weight = (node) => (node.isPath || node.isStart ? 1000 : 0) + node.degree;
    for (const node of [...this.nodes].sort((one, other) => weight(other) - weight(one))) {
      place(this.elements.get(node.id), node.name, node.x, (node.y + node.radius) * scale + 9,
        node.isPath || node.isStart);
    }
    for (const { name, type, middle: [x, y] } of this.edges) if (name) place(name, type, x, y * scale - 4);
  }

  look(view) {
    this.view = view;
    this.world.setAttribute("transform", `translate(${view.x} ${view.y}) scale(${view.scale})`);
    this.world.setAttribute("font-size", 11.5 / view.scale);
    this.name();
  }

  // Looks so that all is in sight.
  fit() {
    const { width, height } = this.svg.getBoundingClientRect();
    if (!this.nodes.length || !width) return;
    const xs = this.nodes.map((node) => node.x);
    const ys = this.nodes.map((node) => node.y);
    const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    const scale = Math.min(1.6, (width - 110) / (right - left + 1), (height - 120) / (bottom - top + 1));
    this.look({ scale, x: width / 2 - (scale * (left + right)) / 2, y: height / 2 + 10 - (scale * (top + bottom)) / 2 });
  }
}

function toward(node, [x, y], far) {
  const all = Math.hypot(x - node.x, y - node.y) || 1;
  return [node.x + ((x - node.x) / all) * far, node.y + ((y - node.y) / all) * far];
}

function overlaps(one, other) {
  return one[0] < other[2] && other[0] < one[2] && one[1] < other[3] && other[1] < one[3];
}
