// The filter of the job list: shows what is filtered now, and leaves empty parameters out of the address.
const form = document.getElementById("filter");
const now = new URLSearchParams(window.location.search);
const controls = [...form.querySelectorAll("input, select")];
const enable = () => controls.forEach((control) => { control.disabled = false; });

controls.forEach((control) => { control.value = now.get(control.name) || ""; });
form.addEventListener("submit", () => controls.forEach((control) => { control.disabled = control.value === ""; }));
window.addEventListener("pageshow", enable);
