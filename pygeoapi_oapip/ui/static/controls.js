// Controls for single values. A control has: node, main (what gets the focus), read(issues, whole) and mark(message).
import { el, bytes } from "./dom.js";

let count = 0;
export const newId = () => `c${(count += 1)}`;

const TEXTUAL = /^text\/|[/+](json|xml|yaml|x-yaml|cwl)$/;
const TYPES = { date: "date", "date-time": "datetime-local", time: "time", uri: "url", email: "email", password: "password" };
const ANY_TYPE = "application/octet-stream";

export const limits = { upload: 20 * 1024 * 1024 };

// A qualified value (Part 1) without its qualifiers.
export const bare = (value) => (value && typeof value === "object" && "value" in value && ("mediaType" in value || Object.keys(value).length === 1) ? value.value : value);

export class Control {
  constructor(schema) {
    this.schema = schema;
    this.id = newId();
    this.wrong = el("p", { class: "wrong", id: `${this.id}-wrong`, hidden: true });
  }

  mark(message) {
    this.wrong.textContent = message;
    this.wrong.hidden = !message;
    if (message) this.main.setAttribute("aria-invalid", "true");
    else this.main.removeAttribute("aria-invalid");
  }

  refuse(issues, message) {
    issues.push([this, message]);
    return undefined;
  }

  // The control for a place below this one, for example ["2", "name"].
  at() {
    return this;
  }

  clear() {
    this.mark("");
  }
}

const utc = (text) => {
  const moment = new Date(text);
  return Number.isNaN(moment.getTime()) ? "" : moment.toISOString().slice(0, 19);
};

export class TextControl extends Control {
  constructor(schema, value) {
    super(schema);
    const { format, example, maxLength, minLength } = schema;
    const long = String(value ?? "").includes("\n") || maxLength > 400;
    const type = TYPES[format] || "text";
    this.main = long
      ? el("textarea", { id: this.id, rows: "4" })
      : el("input", { id: this.id, type, autocomplete: "off", spellcheck: "false", maxlength: maxLength, minlength: minLength, step: type === "datetime-local" || type === "time" ? "1" : undefined });
    if (typeof example === "string") this.main.placeholder = `for example ${example}`;
    if (value !== undefined && value !== null) this.main.value = type === "datetime-local" ? utc(value) : type === "time" ? String(value).slice(0, 8) : String(value);
    this.node = this.main;
  }

  read(issues) {
    const text = this.main.value;
    if (this.main.validity.badInput) return this.refuse(issues, "This is not complete.");
    if (text === "") return undefined;
    if (this.schema.pattern && !matches(this.schema.pattern, text)) return this.refuse(issues, `Must match ${this.schema.pattern}`);
    if (text.length < (this.schema.minLength || 0)) return this.refuse(issues, `Must have at least ${this.schema.minLength} characters.`);
    if (this.schema.format === "date-time") return `${text.length === 16 ? `${text}:00` : text}Z`;
    if (this.schema.format === "time") return `${text.length === 5 ? `${text}:00` : text}Z`;
    return text;
  }
}

// The server decides: a pattern that is none for this browser is left to it.
function matches(pattern, text) {
  try {
    return new RegExp(pattern, "u").test(text);
  } catch {
    return true;
  }
}

export class NumberControl extends Control {
  constructor(schema, value) {
    super(schema);
    const { minimum, maximum, multipleOf, type } = schema;
    this.main = el("input", { id: this.id, type: "number", min: minimum, max: maximum, step: multipleOf || (type === "integer" ? 1 : "any"), inputmode: type === "integer" && minimum >= 0 ? "numeric" : undefined });
    if (value !== undefined && value !== null) this.main.value = value;
    this.node = this.main;
  }

  read(issues) {
    if (this.main.validity.badInput) return this.refuse(issues, "This is not a number.");
    if (this.main.value === "") return undefined;
    const value = Number(this.main.value);
    const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, type } = this.schema;
    if (type === "integer" && !Number.isInteger(value)) return this.refuse(issues, "Must be a whole number.");
    if (value < minimum || (exclusiveMinimum === true && value === minimum)) return this.refuse(issues, `Must be ${exclusiveMinimum ? "more than" : "at least"} ${minimum}.`);
    if (value > maximum || (exclusiveMaximum === true && value === maximum)) return this.refuse(issues, `Must be ${exclusiveMaximum ? "less than" : "at most"} ${maximum}.`);
    return value;
  }
}

export class SelectControl extends Control {
  constructor(schema, value, required) {
    super(schema);
    this.options = schema.enum.filter((item) => item !== null);
    const chosen = this.options.findIndex((item) => JSON.stringify(item) === JSON.stringify(value));
    const none = required && chosen < 0 ? "choose…" : "";
    this.main = el("select", { id: this.id },
      ...(required && chosen >= 0 ? [] : [el("option", { value: "" }, none)]),
      ...this.options.map((item, at) => el("option", { value: String(at), selected: at === chosen }, typeof item === "string" ? item : JSON.stringify(item))));
    this.node = this.main;
  }

  read() {
    return this.main.value === "" ? undefined : this.options[Number(this.main.value)];
  }
}

export class JSONControl extends Control {
  constructor(schema, value) {
    super(schema);
    this.main = el("textarea", { id: this.id, rows: "4", spellcheck: "false", class: "code", placeholder: schema.example ? `for example ${JSON.stringify(schema.example)}` : schema.type === "object" ? '{"name": "value"}' : "JSON" });
    if (value !== undefined) this.main.value = JSON.stringify(value, null, 2);
    this.node = this.main;
  }

  read(issues) {
    if (this.main.value.trim() === "") return undefined;
    try {
      return JSON.parse(this.main.value);
    } catch (error) {
      return this.refuse(issues, `This is not JSON: ${error.message}`);
    }
  }
}

function base64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onerror = () => reject(reader.error);
    reader.onload = () => resolve(String(reader.result).split(",", 2)[1] || "");
    reader.readAsDataURL(file);
  });
}

async function inline(file, mediaType) {
  if (TEXTUAL.test(mediaType)) {
    try {
      return { value: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(await file.arrayBuffer()), mediaType };
    } catch {
      // not UTF-8: as bytes
    }
  }
  return { value: await base64(file), encoding: "base64", mediaType };
}

// A file: by address, from this computer, or written here. A directory: by address.
export class FileControl extends Control {
  constructor(schema, value, types, directory = false) {
    super(schema);
    this.types = types.filter((type) => type && type !== ANY_TYPE);
    this.kept = value && typeof value === "object" && "value" in value ? value : null;
    const address = el("input", { id: this.id, type: "url", placeholder: "https://…", autocomplete: "off", spellcheck: "false", "aria-label": "Address" });
    address.value = value?.href || "";
    this.parts = { address };
    if (!directory) {
      this.parts.file = el("input", { type: "file", "aria-label": "File of this computer" });
      this.parts.text = el("textarea", { rows: "4", spellcheck: "false", class: "code", "aria-label": "Content" });
      if (typeof this.kept?.value === "string" && !this.kept.encoding) this.parts.text.value = this.kept.value;
    }
    this.type = this.types.length > 1 ? el("select", { "aria-label": "Media type" }, ...this.types.map((type) => el("option", {}, type))) : null;
    this.parts.file?.addEventListener("change", () => this.chooseType());
    this.build(this.kept && this.parts.text?.value ? "text" : "address");
  }

  build(first) {
    const words = { address: "By address", file: "From this computer", text: "Written here" };
    const name = newId();
    const choices = Object.keys(this.parts).map((key) => el("label", {},
      el("input", { type: "radio", name, value: key, checked: key === first, on: { change: () => this.show(key) } }), ` ${words[key]}`));
    const size = el("p", { class: "hint", "data-for": "file" }, `Up to ${bytes(limits.upload)}; it is sent within the request. Larger files: by address.`);
    const kept = this.kept?.encoding ? el("p", { class: "hint" }, "The file of the earlier job is sent again where nothing else is given.") : null;
    this.size = size;
    this.node = el("div", { class: "filebox" }, choices.length > 1 ? el("div", { class: "choices", role: "radiogroup", "aria-label": "How the file is given" }, ...choices) : null, ...Object.values(this.parts), size, this.type, kept);
    this.show(first);
  }

  show(key) {
    this.mode = key;
    for (const [name, part] of Object.entries(this.parts)) part.hidden = name !== key;
    this.size.hidden = key !== "file";
    this.main = this.parts[key];
  }

  chooseType() {
    const type = this.parts.file.files[0]?.type;
    if (this.type && this.types.includes(type)) this.type.value = type;
  }

  mediaType(own) {
    return this.type ? this.type.value : this.types[0] || own;
  }

  async read(issues, whole) {
    const value = await this[this.mode](issues, whole);
    return value === undefined && this.kept && this.mode !== "text" && !issues.some(([control]) => control === this) ? this.kept : value;
  }

  address(issues) {
    const href = this.parts.address.value.trim();
    if (href === "") return undefined;
    if (!/^[a-z][a-z0-9+.-]*:/i.test(href)) return this.refuse(issues, "Must be a whole address, for example https://example.org/data.tif");
    const type = this.mediaType("");
    return type ? { href, type } : { href };
  }

  async file(issues, whole) {
    const file = this.parts.file.files[0];
    if (!file) return undefined;
    if (file.size > limits.upload) return this.refuse(issues, `This file has ${bytes(file.size)}; more than ${bytes(limits.upload)} must be given by address.`);
    const mediaType = this.mediaType(file.type || ANY_TYPE);
    return whole ? inline(file, mediaType) : { value: `(content of ${file.name} in base64)`, encoding: "base64", mediaType };
  }

  text() {
    const value = this.parts.text.value;
    return value === "" ? undefined : { value, mediaType: this.mediaType("text/plain") };
  }
}
