// Whom a job or a process is shared with: shown to those who may change it, and changed by PUT, which no other site can
// send in the name of the user.
import { call, showProblem } from "./http.js";

const section = document.getElementById("sharing");
const form = section.querySelector("form");
const names = form.querySelector(".names");
const problem = form.querySelector(".problem");
const done = form.querySelector(".done");

const chosen = () => new FormData(form).get("with");

function show({ public: everybody, groups }) {
  const now = everybody ? "public" : groups.length ? "groups" : "private";
  form.elements.with.value = now;
  form.elements.groups.value = groups.join("\n");
  names.hidden = now !== "groups";
}

function wanted() {
  const groups = form.elements.groups.value.split("\n").map((name) => name.trim()).filter(Boolean);
  return { public: chosen() === "public", groups: chosen() === "groups" ? groups : [] };
}

async function save(event) {
  event.preventDefault();
  done.textContent = "";
  try {
    const options = { method: "PUT", body: JSON.stringify(wanted()), headers: { "Content-Type": "application/json" } };
    show((await call(section.dataset.sharing, options)).body);
    problem.hidden = true;
    done.textContent = "Saved.";
  } catch (error) {
    showProblem(problem, error);
  }
}

form.addEventListener("change", () => {
  names.hidden = chosen() !== "groups";
  done.textContent = "";
});
form.addEventListener("submit", save);
call(section.dataset.sharing)
  .then(({ body }) => {
    show(body);
    section.hidden = false;
  })
  .catch(() => {
    // who may not share it is not shown the form
  });
