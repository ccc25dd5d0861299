// An import under way: it sends piece after piece, and what it has done outlives the page.
import { read } from "../pages.js";
import { bytesOf, isPacked, pieces } from "./cutting.js";

// How many characters of refused rows are kept, how many of them are shown, and how often a piece
// is sent that is not answered.
const MOST_KEPT = 200000, SHOWN = 20, TRIES = 8;

const wait = (seconds) => new Promise((done) => { setTimeout(done, seconds * 1000); });

// A key of which the service makes the ids of rows: a UUID of version 7.
export function newKey() {
  const bytes = [...crypto.getRandomValues(new Uint8Array(9))];
  const random = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const time = Date.now().toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-8${random.slice(3, 6)}-`
    + random.slice(6);
}

// The form of a piece: the fields of the page, others beside, and the bytes as a file.
export function bodyOf(entries, more, parts, name) {
  const data = new FormData();
  for (const [key, value] of entries) data.append(key, value);
  for (const [key, value] of Object.entries(more)) data.set(key, value);
  data.set("file", new Blob(parts), name);
  return data;
}

export class Run {
  // `tell` is called with what it does, and with what went wrong, whenever that changes.
  constructor(state, place, tell) {
    Object.assign(this, { state, place, tell, file: null, isOver: false, last: Promise.resolve() });
    this.part = 0;
    this.turn = 0;
  }

  static begin(file, fields, form, type, place, tell) {
    const run = new Run({
      name: file.name, size: file.size, modified: file.lastModified, fields, form, type, next: 1,
      created: 0, before: 0, refused: 0, told: [], rows: "", isCut: false }, place, tell);
    run.file = file;
    run.save();
    return run;
  }

  static kept(place, tell) {
    try {
      const state = JSON.parse(localStorage.getItem(place.kept));
      return state && new Run(state, place, tell);
    } catch {
      return null;
    }
  }

  isOf(file) {
    const { name, size, modified } = this.state;
    return Boolean(file) && file.name === name && file.size === size
      && file.lastModified === modified;
  }

  save() {
    if (!this.isOver) localStorage.setItem(this.place.kept, JSON.stringify(this.state));
  }

  // Goes on where it was; what is sent at the moment is waited for first.
  go() {
    this.turn += 1;
    const turn = this.turn;
    this.last = this.last.then(() => this.send(turn));
    this.tell("running");
  }

  pause() {
    this.turn += 1;
    this.tell("paused");
  }

  end(how) {
    this.turn += 1;
    this.isOver = true;
    localStorage.removeItem(this.place.kept);
    this.tell(how);
  }

  async send(turn) {
    try {
      let read = 0;
      const packed = await isPacked(this.file);
      const stream = await bytesOf(this.file, (count) => { read = count; });
      for await (const piece of pieces(stream, this.state.form)) {
        if (piece.next <= this.state.next) continue;
        if (turn !== this.turn) return;
        const found = await this.answer(piece, turn);
        this.add(found, piece.next);
        if (found.stopped) throw new Error(found.stopped);
        this.part = (packed ? read : piece.end) / Math.max(this.file.size, 1);
        this.tell(turn === this.turn ? "running" : "");
      }
      if (turn === this.turn) this.end("done");
    } catch (error) {
      if (turn !== this.turn) return;
      this.turn += 1;
      this.tell("stopped", error.message);
    }
  }

  // Sends a piece until it is answered: a row that was made is not made again.
  async answer(piece, turn) {
    for (let tried = 1; ; tried += 1) {
      let told = "The service does not answer.", seconds = tried, isLast = tried === TRIES;
      const body = bodyOf(this.state.fields, {
        first: piece.first, head: piece.head, format: this.state.form }, piece.bytes,
      this.state.name);
      try {
        const response = await fetch(this.place.pieces, { method: "POST", body });
        // Numbers in it are counts; rows are text.
        if (response.ok) return await response.json();
        const page = await read(response);
        told = page.querySelector(".lead")?.textContent ?? response.statusText;
        seconds = Number(response.headers.get("Retry-After"));
        isLast ||= !seconds && ![502, 504].includes(response.status);
      } catch {
        // There was no answer.
      }
      if (isLast) throw new Error(told);
      this.tell("running", `${told} It is tried again.`);
      await wait(seconds || tried);
      if (turn !== this.turn) throw new Error(told);
    }
  }

  add(found, next) {
    const { state } = this;
    for (const name of ["created", "before", "refused"]) state[name] += found[name];
    state.told = [...state.told, ...found.told].slice(0, SHOWN);
    // Those of each piece have the line with the names of the columns before them.
    const rows = state.form === "csv" && state.rows ? found.kept.replace(/^.*\n/, "") : found.kept;
    if (state.rows.length + rows.length <= MOST_KEPT) state.rows += rows;
    else state.isCut = true;
    state.isCut ||= found.is_cut;
    state.next = next;
    this.save();
  }
}
