// Cuts a file into pieces of whole rows, as bytes: nothing in it is read as a value.
const LINE = 10, RETURN = 13, QUOTE = 34, COMMA = 44, BACKSLASH = 92, SPACE = 32, TAB = 9;
const OPEN = new Set([91, 123]), CLOSE = new Set([93, 125]);
const MARK = [0xef, 0xbb, 0xbf];

// The format of a file, by its name, as the service tells it.
export function formOf(name) {
  const plain = name.toLowerCase().replace(/\.gz$/, "");
  if (/\.[ct]sv$/.test(plain)) return "csv";
  return plain.endsWith(".json") ? "json" : "ndjson";
}

// Tells whether a file is gzipped (RFC 1952, section 2.3.1).
export async function isPacked(file) {
  const start = new Uint8Array(await file.slice(0, 2).arrayBuffer());
  return start[0] === 0x1f && start[1] === 0x8b;
}

// The bytes of a file, unpacked where it is gzipped; `watch` is told how many were read of it.
export async function bytesOf(file, watch = () => {}) {
  let read = 0;
  const told = new TransformStream({
    transform(chunk, controller) {
      read += chunk.length;
      watch(read);
      controller.enqueue(chunk);
    },
  });
  const stream = file.stream().pipeThrough(told);
  return await isPacked(file) ? stream.pipeThrough(new DecompressionStream("gzip")) : stream;
}

// Gives pieces: what is to be sent, the numbers of the line or item that it and the next one begin
// with, how many bytes there were until then, and for CSV the line with the names of the columns.
export async function* pieces(stream, form, most = 1000, size = 1 << 20) {
  const cutter = form === "json" ? new Items() : new Lines(form === "csv");
  let held = [], length = 0, rows = 0, end = 0;
  const made = () => {
    const piece = { ...cutter.piece(held, rows), end };
    held = [];
    length = rows = 0;
    return piece;
  };
  const reader = stream.getReader();
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      let from = 0;
      for (let at = 0; at < value.length; at += 1) {
        if (!cutter.ends(value[at])) continue;
        rows += 1;
        length += at + 1 - from;
        end += at + 1 - from;
        held.push(value.subarray(from, at + 1));
        from = at + 1;
        if (cutter.takesHead(held)) {
          held = [];
          length = rows = 0;
        } else if (rows === most || length >= size) yield made();
      }
      if (from < value.length) {
        held.push(value.subarray(from));
        length += value.length - from;
        end += value.length - from;
      }
    }
    cutter.finish();
    if (held.length) {
      rows += 1;
      yield made();
    }
  } finally {
    // Who has enough of it lets go of the file.
    reader.cancel().catch(() => {});
  }
}

// Lines, or records of CSV, which go on over several lines within quotes.
class Lines {
  constructor(isCsv) {
    this.isCsv = isCsv;
    this.head = null;
    this.isOpen = false;
    this.line = 1;
    this.first = 1;
  }

  ends(byte) {
    if (byte === QUOTE && this.isCsv) this.isOpen = !this.isOpen;
    if (byte !== LINE) return false;
    this.line += 1;
    return !this.isOpen;
  }

  takesHead(held) {
    if (!this.isCsv || this.head !== null) return false;
    const text = new TextDecoder().decode(joined(held));
    if (text.trim() !== "") this.head = text;
    this.first = this.line;
    return true;
  }

  piece(held) {
    const last = held.at(-1);
    // The last line of a file need not end.
    const next = last[last.length - 1] === LINE ? this.line : this.line + 1;
    const made = { bytes: held, first: this.first, next, head: this.head ?? "" };
    this.first = next;
    return made;
  }

  finish() {}
}

// The items of a JSON array.
class Items {
  constructor() {
    this.depth = 0;
    this.inText = this.isEscaped = this.isDone = false;
    this.seen = 0;
    this.item = 1;
  }

  ends(byte) {
    if (this.inText) {
      if (this.isEscaped) this.isEscaped = false;
      else if (byte === BACKSLASH) this.isEscaped = true;
      else if (byte === QUOTE) this.inText = false;
      return false;
    }
    if (byte === SPACE || byte === LINE || byte === RETURN || byte === TAB) return false;
    if (this.depth === 0) {
      if (this.seen < 3 && byte === MARK[this.seen]) {
        this.seen += 1;
        return false;
      }
      if (this.isDone) throw new Error("The file goes on behind its JSON array.");
      if (byte !== 91) throw new Error("The file is no JSON array: it must begin with [.");
      this.depth = 1;
      return false;
    }
    if (byte === QUOTE) this.inText = true;
    else if (OPEN.has(byte)) this.depth += 1;
    else if (CLOSE.has(byte)) this.depth -= 1;
    if (this.depth === 0) this.isDone = true;
    return this.depth === 1 && byte === COMMA;
  }

  takesHead() {
    return false;
  }

  // The text between the brackets, or between them and commas; what is no item the service tells.
  piece(held, rows) {
    const text = joined(held);
    let from = 0, end = text.length;
    if (this.item === 1) from = text.indexOf(91) + 1;
    if (text[end - 1] === COMMA) end -= 1;
    else end = text.lastIndexOf(93);
    const made = {
      bytes: ["[", text.subarray(from, end), "]"], first: this.item, next: this.item + rows, head: "",
    };
    this.item += rows;
    return made;
  }

  finish() {
    if (!this.isDone) throw new Error("The file ends before its JSON array does.");
  }
}

function joined(parts) {
  const made = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    made.set(part, at);
    at += part.length;
  }
  return made;
}
