// Buttons with data-dismiss: ask, then end or remove the job.
import { call, showProblem } from "./http.js";
import { el } from "./dom.js";

const ENDED = ["successful", "failed", "dismissed"];

function ask(question, word) {
  return new Promise((resolve) => {
    const form = el("form", { method: "dialog" },
      el("button", { value: "no", class: "quiet", autofocus: true }, "Keep it"), " ",
      el("button", { value: "yes", class: "danger" }, word));
    const box = el("dialog", { "aria-labelledby": "ask-title" }, el("h2", { id: "ask-title" }, question), el("p", {}, "This cannot be undone."), form);
    box.addEventListener("close", () => {
      box.remove();
      resolve(box.returnValue === "yes");
    });
    document.body.append(box);
    box.showModal();
  });
}

// `done(ended)` is called when the server has taken it; ended: the job was removed from the list.
export function handleDismissals(box, done) {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-dismiss]");
    if (!button) return;
    const ended = ENDED.includes(button.dataset.status);
    const name = button.dataset.name;
    if (!(await ask(ended ? `Remove job ${name} and its results?` : `Dismiss job ${name}?`, ended ? "Remove" : "Dismiss"))) {
      button.focus();
      return;
    }
    try {
      await call(button.dataset.dismiss, { method: "DELETE" });
      box().hidden = true;
      await done(ended, button);
    } catch (error) {
      showProblem(box(), error);
    }
  });
}
