// A form for a schema: which control each part gets, and the parts that hold others (arrays, records, choices).
import { el } from "./dom.js";
import { BoxControl } from "./bbox.js";
import { Control, FileControl, JSONControl, NumberControl, SelectControl, TextControl, bare } from "./controls.js";

const DIRECTORY = "inode/directory";
const BOX_NAME = /(^|[^a-z])(bbox|bounding[ _-]?box|aoi)([^a-z]|$)/i;
const FOUR = /^\s*-?[\d.]+(\s*,\s*-?[\d.]+){3}\s*$/;
const DEEPEST = 8;

const isLink = (schema) => schema?.type === "object" && schema.title === "Link";
const isFile = (schema) => schema?.type === "string"
  && ("contentMediaType" in schema || ["binary", "base64"].includes(schema.contentEncoding) || ["binary", "byte"].includes(schema.format));
const isArray = (schema) => schema.type === "array";
const numeric = (schema) => ["number", "integer"].includes(schema?.type);

function flat(schema) {
  const { allOf, ...rest } = schema || {};
  return Array.isArray(allOf) ? Object.assign({}, ...allOf.map(flat), rest) : rest;
}

function boxShape(schema, name) {
  if (schema.format === "ogc-bbox" || (schema.type === "object" && schema.properties?.bbox)) return "object";
  const named = BOX_NAME.test(name);
  const fourNumbers = isArray(schema) && numeric(schema.items) && (schema.minItems ?? 4) === 4 && (schema.maxItems ?? 4) === 4;
  if (named && fourNumbers) return "array";
  const sample = schema.default ?? schema.example;
  return named && schema.type === "string" && !schema.enum && (sample === undefined || FOUR.test(sample)) ? "string" : "";
}

const words = {
  minimum: (n, s) => `${s.exclusiveMinimum === true ? "more than" : "from"} ${n}`, maximum: (n, s) => `${s.exclusiveMaximum === true ? "less than" : "to"} ${n}`,
  multipleOf: (n) => `in steps of ${n}`, minLength: (n) => `at least ${n} characters`, maxLength: (n) => `at most ${n} characters`,
  minItems: (n) => `at least ${n}`, maxItems: (n) => `at most ${n}`, pattern: (text) => `matches ${text}`,
};

export function typeOf(schema) {
  if (isFile(schema)) return schema.contentMediaType === DIRECTORY ? "directory" : `file${schema.contentMediaType ? ` (${schema.contentMediaType})` : ""}`;
  if (schema.enum) return `one of ${schema.enum.length}`;
  if (isArray(schema)) return `list of ${typeOf(flat(schema.items))}`;
  const branches = (schema.oneOf || schema.anyOf || []).filter((part) => !isLink(part));
  if (branches.length) return [...new Set(branches.map((part) => typeOf(flat(part))))].join(" or ");
  return { "date-time": "date and time (UTC)", date: "date", uri: "address" }[schema.format] || { integer: "whole number", string: "text", object: "record", boolean: "yes or no" }[schema.type] || schema.type || "any";
}

function hintOf(schema) {
  return [typeOf(schema), ...Object.keys(words).filter((key) => schema[key] !== undefined).map((key) => words[key](schema[key], schema))].join(", ");
}

class Checkbox extends Control {
  constructor(schema, value) {
    super(schema);
    this.main = el("input", { id: this.id, type: "checkbox", checked: value === true });
    this.node = this.main;
  }

  read() {
    return this.main.checked;
  }
}

// Parts that hold others.
class Group extends Control {
  at(parts) {
    const child = this.child(parts[0]);
    return child ? child.at(parts.slice(1)) : this;
  }

  async readAll(entries, issues, whole) {
    const found = [];
    for (const [key, control] of entries) {
      const value = await control.read(issues, whole);
      if (value !== undefined) found.push([key, value]);
      else if (control.required && !issues.some(([own]) => own === control)) found.push([key, undefined]);
    }
    return found;
  }

  clear() {
    super.clear();
    this.children().forEach((child) => child.clear());
  }
}

class ArrayControl extends Group {
  constructor(schema, value, required, depth) {
    super(schema);
    this.depth = depth;
    this.items = [];
    this.list = el("ol", { class: "items-edit" });
    this.main = el("button", { type: "button", class: "small quiet", id: this.id, on: { click: () => this.add(undefined, true) } }, "Add");
    this.node = el("div", {}, this.list, this.main);
    const values = Array.isArray(value) ? value : [];
    values.forEach((item) => this.add(item));
    const least = Math.max(schema.minItems || 0, required && !Array.isArray(value) ? 1 : 0);
    while (this.items.length < least) this.add();
    this.allow();
  }

  add(value, byHand = false) {
    const schema = flat(this.schema.items);
    const control = controlOf(schema, value, false, "", this.depth + 1);
    const remove = el("button", { type: "button", class: "small quiet remove" }, "Remove");
    const row = el("li", {}, el("div", { class: "item" }, control.node, control.wrong), remove);
    control.main.setAttribute("aria-label", `Value ${this.items.length + 1}`);
    remove.addEventListener("click", () => {
      this.items.splice(this.items.indexOf(control), 1);
      row.remove();
      this.allow();
      this.main.focus();
      this.main.dispatchEvent(new Event("input", { bubbles: true }));
    });
    this.items.push(control);
    this.list.append(row);
    this.allow();
    if (byHand) control.main.focus();
  }

  allow() {
    this.main.disabled = this.items.length >= (this.schema.maxItems ?? Infinity);
  }

  children() {
    return this.items;
  }

  child(key) {
    return this.items[Number(key)];
  }

  async read(issues, whole) {
    const found = await this.readAll(this.items.map((item, at) => [at, item]), issues, whole);
    if (!found.length && !(this.required && this.items.length === 0)) return undefined;
    return found.map(([, value]) => value);
  }
}

class RecordControl extends Group {
  constructor(schema, value, depth) {
    super(schema);
    const needed = schema.required || [];
    this.members = Object.entries(schema.properties).map(([name, part]) => [name, field(name, part, value?.[name], needed.includes(name), depth + 1)]);
    this.node = el("div", { class: "record" }, ...this.members.map(([, member]) => member.field));
    this.main = this.members[0][1].main;
  }

  children() {
    return this.members.map(([, member]) => member);
  }

  child(key) {
    return this.members.find(([name]) => name === key)?.[1];
  }

  async read(issues, whole) {
    const found = await this.readAll(this.members, issues, whole);
    const given = found.filter(([, value]) => value !== undefined);
    if (!given.length && !this.required) return undefined;
    found.filter(([, value]) => value === undefined).forEach(([name]) => this.child(name).refuse(issues, "This is required."));
    return Object.fromEntries(given);
  }
}

class ChoiceControl extends Group {
  constructor(branches, value, required, depth) {
    super({});
    this.options = branches;
    const first = Math.max(0, branches.findIndex((branch) => fits(branch, value)));
    this.pick = el("select", { id: this.id, "aria-label": "Form of the value" }, ...branches.map((branch, at) => el("option", { value: at, selected: at === first }, branch.title || typeOf(branch))));
    this.place = el("div", { class: "branch" });
    this.node = el("div", {}, this.pick, this.place);
    this.pick.addEventListener("change", () => this.choose(Number(this.pick.value), undefined, required, depth));
    this.choose(first, value, required, depth);
  }

  choose(at, value, required, depth) {
    this.inner = controlOf(this.options[at], fits(this.options[at], value) ? value : this.options[at].default, required, "", depth + 1);
    this.inner.main.setAttribute("aria-label", this.options[at].title || typeOf(this.options[at]));
    this.main = this.inner.main;
    this.place.replaceChildren(this.inner.node, this.inner.wrong);
  }

  children() {
    return [this.inner];
  }

  at(parts) {
    return this.inner.at(parts);
  }

  read(issues, whole) {
    return this.inner.read(issues, whole);
  }
}

function fits(schema, value) {
  if (value === undefined || value === null) return false;
  if (isFile(schema)) return typeof value === "object" && !Array.isArray(value);
  if (schema.enum) return schema.enum.includes(value);
  if (isArray(schema)) return Array.isArray(value);
  if (schema.type === "integer") return Number.isInteger(value);
  return (schema.type || "object") === typeof value;
}

function fileOf(schema, value) {
  const branches = (schema.oneOf || schema.anyOf || [schema]).filter((part) => !isLink(part)).map(flat);
  if (!branches.length || !branches.every(isFile)) return null;
  const types = branches.map((part) => part.contentMediaType);
  return new FileControl(schema, value, types, types.includes(DIRECTORY));
}

function composite(schema, value, required, depth) {
  if (isArray(schema) && schema.items && depth < DEEPEST) return new ArrayControl(schema, value, required, depth);
  const whole = schema.contentMediaType || /^geojson/.test(schema.format || "");
  if (schema.type === "object" && !whole && Object.keys(schema.properties || {}).length && depth < DEEPEST) return new RecordControl(schema, value, depth);
  const branches = (schema.oneOf || schema.anyOf || []).map(flat);
  return branches.length && depth < DEEPEST ? new ChoiceControl(branches, value, required, depth) : null;
}

export function controlOf(raw, given, required, name, depth = 0) {
  const schema = flat(raw);
  const file = fileOf(schema, given);
  if (file) return file;
  const before = given === undefined ? schema.default : given;
  const value = schema.properties?.value ? before : bare(before);
  const shape = boxShape(schema, name);
  if (shape) return new BoxControl(schema, value, shape);
  if (schema.enum) return new SelectControl(schema, value, required);
  if (schema.type === "boolean") return required || value !== undefined ? new Checkbox(schema, value) : new SelectControl({ ...schema, enum: [true, false] }, value, false);
  if (numeric(schema)) return new NumberControl(schema, value);
  if (schema.type === "string") return new TextControl(schema, value);
  return composite(schema, value, required, depth) || new JSONControl(schema, value);
}

// A control with its label, hint and place for errors; `field` is the element.
export function field(name, raw, value, required, depth = 0, text = {}) {
  const schema = flat(raw);
  const control = controlOf(schema, value, required, name, depth);
  control.required = required;
  const title = text.title || schema.title || name;
  const description = text.description || schema.description;
  const must = required ? [" ", el("span", { class: "must" }, "required")] : [];
  const hint = el("p", { class: "hint kind", id: `${control.id}-hint` }, title === name ? null : el("code", {}, name), title === name ? null : " ", control instanceof BoxControl ? "bounding box" : hintOf(schema));
  const more = description && description !== title ? el("p", { class: "hint pre" }, description) : null;
  const several = control instanceof Group || control instanceof BoxControl || control instanceof FileControl;
  const heading = several ? el("legend", {}, title, ...must) : el("label", { for: control.id }, title, ...must);
  const checkbox = control instanceof Checkbox;
  control.main.setAttribute("aria-describedby", `${control.id}-hint ${control.wrong.id}`);
  control.field = several
    ? el("fieldset", { class: "field", "data-id": name }, heading, hint, more, control.node, control.wrong)
    : el("div", { class: checkbox ? "field check" : "field", "data-id": name }, ...(checkbox ? [control.node, heading] : [heading]), hint, more, checkbox ? null : control.node, control.wrong);
  return control;
}

// The field of an input description (Part 1 inputDescription.yaml).
export function inputField(name, input, value) {
  const own = flat(input.schema || {});
  const { minOccurs: least = 1, maxOccurs: most = 1 } = input;
  const several = most !== 1 && !(numeric(own) && BOX_NAME.test(name));
  const schema = several ? { type: "array", items: own, minItems: least > 1 ? least : undefined, maxItems: most === "unbounded" ? undefined : most, default: own.default } : most === 1 ? own : { type: "array", items: own };
  const items = several && value !== undefined && !Array.isArray(value) ? [value] : value;
  const required = least !== 0 && own.default === undefined;
  return field(name, schema, items, required, 0, input);
}
