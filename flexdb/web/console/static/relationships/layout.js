// Where the records of a graph are drawn: those that are related near each other, all others apart
// (Fruchterman and Reingold, 1991). Every pair is looked at, so it is for some hundreds of records.
const APART = 64; // px between two that are related
const NEAREST = 34; // px between any two
const WORK = 26000; // rounds times nodes: more of them have fewer rounds each
const GOLDEN = Math.PI * (3 - Math.sqrt(5));

// Places the nodes, each {id, x, y, isNew, pinned}, along edges, each {source, target}. Those that
// were there keep about where they are, so that who looks does not lose the way.
export function arrange(nodes, edges) {
  const at = new Map(nodes.map((node, place) => [node.id, place]));
  const pairs = edges.map((edge) => [at.get(edge.source), at.get(edge.target)])
    .filter(([source, target]) => source !== target);
  begin(nodes, pairs);
  const count = nodes.length;
  const moves = nodes.map((node) => (node.pinned ? 0 : node.isNew ? 1 : 0.15));
  const [xs, ys] = [Float64Array.from(nodes, (node) => node.x), Float64Array.from(nodes, (node) => node.y)];
  const [dx, dy] = [new Float64Array(count), new Float64Array(count)];
  const rounds = Math.min(240, Math.max(80, Math.round(WORK / count)));
  for (let round = 0; round < rounds; round += 1) {
    dx.fill(0);
    dy.fill(0);
    push(count, xs, ys, dx, dy);
    pull(pairs, xs, ys, dx, dy);
    const most = APART * 0.6 * (1 - round / rounds) + 0.5;
    for (let place = 0; place < count; place += 1) {
      const far = Math.hypot(dx[place], dy[place]) || 1;
      const step = (Math.min(far, most) / far) * moves[place];
      xs[place] += dx[place] * step;
      ys[place] += dy[place] * step;
    }
  }
  nodes.forEach((node, place) => Object.assign(node, { x: xs[place], y: ys[place] }));
}

// Puts the ones that have no place yet around one that has, in a spiral.
function begin(nodes, pairs) {
  const beside = nodes.map(() => []);
  for (const [source, target] of pairs) {
    beside[source].push(target);
    beside[target].push(source);
  }
  const turns = new Map();
  const place = (index, around) => {
    const turn = (turns.get(around) ?? 0) + 1;
    turns.set(around, turn);
    const far = around < 0 && turn === 1 ? 0 : APART * (0.6 + 0.28 * Math.sqrt(turn));
    nodes[index].x = (nodes[around]?.x ?? 0) + far * Math.cos(turn * GOLDEN);
    nodes[index].y = (nodes[around]?.y ?? 0) + far * Math.sin(turn * GOLDEN);
  };
  const placed = nodes.map((node) => node.x !== undefined);
  const queue = nodes.map((_, index) => index).filter((index) => placed[index]);
  for (let index = 0; index < nodes.length; index += 1) {
    if (!queue.length && !placed[index]) {
      place(index, -1);
      placed[index] = true;
      queue.push(index);
    }
    while (queue.length) {
      const around = queue.shift();
      for (const next of beside[around]) {
        if (placed[next]) continue;
        place(next, around);
        placed[next] = true;
        queue.push(next);
      }
    }
  }
}

function push(count, xs, ys, dx, dy) {
  for (let one = 0; one < count; one += 1) {
    for (let other = one + 1; other < count; other += 1) {
      const x = xs[one] - xs[other] || 0.01 * (one - other);
      const y = ys[one] - ys[other] || 0.01;
      const square = x * x + y * y;
      // Beyond some distance nobody is in the way; two that overlap must part.
      if (square > 400 * 400) continue;
      const force = (APART * APART * (square < NEAREST * NEAREST ? 2.5 : 0.8)) / square;
      dx[one] += x * force;
      dy[one] += y * force;
      dx[other] -= x * force;
      dy[other] -= y * force;
    }
    // All hold together.
    dx[one] -= xs[one] * 0.04;
    dy[one] -= ys[one] * 0.04;
  }
}

function pull(pairs, xs, ys, dx, dy) {
  for (const [source, target] of pairs) {
    const x = xs[target] - xs[source];
    const y = ys[target] - ys[source];
    const force = Math.sqrt(x * x + y * y) / APART;
    dx[source] += x * force;
    dy[source] += y * force;
    dx[target] -= x * force;
    dy[target] -= y * force;
  }
}
