// Making elements and keeping a page fresh. Texts of others only ever become text nodes.

export function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key === "on") for (const [event, action] of Object.entries(value)) node.addEventListener(event, action);
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export function bytes(size) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let at = 0;
  let amount = size;
  for (; amount >= 1024 && at < units.length - 1; at += 1) amount /= 1024;
  return `${at === 0 || amount >= 100 ? Math.round(amount) : amount.toFixed(1)} ${units[at]}`;
}

const SAFE = ["http:", "https:"];

export function safe(href, base = document.baseURI) {
  try {
    const url = new URL(href, base);
    return SAFE.includes(url.protocol) ? url.href : "";
  } catch {
    return "";
  }
}

// True for the address of a result of this service, the only ones that are read without being asked for: a tool can write
// any address into its results, also one that does something when it is read.
export function isResult(address) {
  const base = `${document.body.dataset.base}/jobs/`;
  return address.startsWith(base) && /^[^/?#]+\/results\/[^?#]+$/.test(address.slice(base.length)) && new URL(address).href === address;
}

function syncAttributes(old, fresh) {
  for (const { name } of [...old.attributes]) if (name !== "open" && !fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
}

// Make `old` like `fresh` with as few changes as there are differences, so that focus and scrolling stay.
// Elements with data-own belong to the scripts and stay as they are.
export function morph(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName) {
    old.replaceWith(document.importNode(fresh, true));
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    old.nodeValue = fresh.nodeValue;
    return;
  }
  if (old.hasAttribute("data-own")) return;
  syncAttributes(old, fresh);
  morphChildren(old, fresh);
}

function morphChildren(old, fresh) {
  const keyed = new Map([...old.children].filter((child) => child.dataset.key).map((child) => [child.dataset.key, child]));
  const kept = new Set();
  [...fresh.childNodes].forEach((child, at) => {
    const key = child.dataset?.key;
    const here = old.childNodes[at];
    const match = key ? keyed.get(key) : here;
    if (!match || (!key && match.dataset?.key)) {
      const made = document.importNode(child, true);
      old.insertBefore(made, here || null);
      kept.add(made);
      return;
    }
    if (match !== here) old.insertBefore(match, here || null);
    morph(match, child);
    kept.add(old.childNodes[at]);
  });
  [...old.childNodes].slice(fresh.childNodes.length).forEach((child) => { if (!kept.has(child)) child.remove(); });
}
