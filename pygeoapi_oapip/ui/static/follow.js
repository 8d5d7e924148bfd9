// Follows one job in its panel (templates/_job.html): state, steps, log and, at the end, results.
import { call, page, showProblem } from "./http.js";
import { el, morph } from "./dom.js";
import { previewAll } from "./preview.js";

const ENDED = ["successful", "failed", "dismissed"];
const TAIL = 200;
const KEPT = 1000;
const FIRST_WAIT = 500;
const LONGEST_WAIT = 3000;

class Log {
  constructor(box, url) {
    this.box = box;
    this.url = url;
    this.next = 0;
  }

  async read() {
    const { body } = await call(`${this.url}/logs?f=json&${this.next ? `offset=${this.next}` : `tail=${TAIL}`}`);
    this.next = body.nextOffset || 0;
    this.add(body.lines || []);
  }

  add(lines) {
    const box = this.box;
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
    box.append(...lines.map((line) => {
      const parts = [line.source && el("i", {}, `[${line.source}] `), line.text, "\n"];
      return el("span", { class: (line.level || "").toLowerCase() || undefined }, ...parts);
    }));
    while (box.childNodes.length > KEPT) box.firstChild.remove();
    if (atEnd) box.scrollTop = box.scrollHeight;
    box.classList.toggle("empty", box.childNodes.length === 0);
  }
}

export class Follower {
  // panel: the <article>; changed: called with the status after each change of it.
  constructor(panel, changed = () => {}) {
    this.panel = panel;
    this.url = panel.dataset.job;
    this.changed = changed;
    this.log = new Log(panel.querySelector(".tail"), this.url);
    this.wait = FIRST_WAIT;
    this.timer = 0;
    this.stopped = false;
    this.seen = "";
    panel.querySelector("[data-load]").addEventListener("toggle", (event) => this.loadInputs(event.target));
    panel.addEventListener("click", (event) => this.begin(event.target.closest("[data-start]")));
    this.onShow = () => { if (!document.hidden) this.soon(); };
    document.addEventListener("visibilitychange", this.onShow);
  }

  stop() {
    this.stopped = true;
    clearTimeout(this.timer);
    document.removeEventListener("visibilitychange", this.onShow);
  }

  // Part 4: a job that was created and waits to be started
  async begin(button) {
    if (!button) return;
    try {
      await call(button.dataset.start, { method: "POST" });
      this.soon();
    } catch (error) {
      showProblem(this.panel.querySelector(".problem"), error);
    }
  }

  get ended() {
    return ENDED.includes(this.panel.dataset.status);
  }

  soon() {
    if (this.stopped || this.ended) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.step(), 50);
  }

  async start() {
    await this.step(true);
  }

  async step(first = false) {
    try {
      if (!first || !this.ended) await this.refresh();
      await this.log.read();
      await this.tell();
      this.wait = Math.min(this.wait * 1.2, LONGEST_WAIT);
    } catch (error) {
      showProblem(this.panel.querySelector(".problem"), error);
      if (error.status === 404) this.stop();
      this.wait = Math.min(this.wait * 2, 30000);
    }
    if (!this.stopped && !this.ended && !document.hidden) this.timer = setTimeout(() => this.step(), this.wait);
  }

  async refresh() {
    const fresh = await page(`${this.url}?f=html`);
    if (this.stopped) return;
    morph(this.panel, fresh.getElementById("job"));
    const links = document.getElementById("links");
    if (links && fresh.getElementById("links")) morph(links, fresh.getElementById("links"));
  }

  async tell() {
    const { status } = this.panel.dataset;
    if (status === this.seen) return;
    this.seen = status;
    if (status === "successful") await this.showResults();
    this.changed(status);
  }

  async showResults() {
    const link = this.panel.querySelector("a.results");
    if (!link.hasAttribute("href")) return;
    const place = this.panel.querySelector(".outcome");
    const found = (await page(link.href)).getElementById("results");
    place.replaceChildren(el("h2", {}, "Results"), document.adoptNode(found));
    place.hidden = false;
    previewAll(found);
  }

  async loadInputs(details) {
    if (!details.open || details.dataset.loaded) return;
    details.dataset.loaded = "yes";
    try {
      const found = (await page(details.dataset.load)).getElementById("asked");
      details.lastElementChild.replaceChildren(document.adoptNode(found));
    } catch (error) {
      showProblem(details.lastElementChild, error);
    }
  }
}
