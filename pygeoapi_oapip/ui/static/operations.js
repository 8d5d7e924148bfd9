// Lists the operations of the OpenAPI document that the element names.
import { call, showProblem } from "./http.js";

const place = document.getElementById("operations");
const METHODS = ["get", "post", "put", "patch", "delete"];

function operation(method, path, details) {
  const item = document.createElement("li");
  const name = document.createElement("span");
  name.className = `method ${method}`;
  name.textContent = method.toUpperCase();
  const address = document.createElement("code");
  address.textContent = path;
  item.append(name, address, ` ${details.summary || ""}`);
  return item;
}

try {
  const { body } = await call(place.dataset.document);
  for (const [path, item] of Object.entries(body.paths || body.channels || {})) {
    const methods = METHODS.filter((method) => method in item);
    for (const method of methods) place.append(operation(method, path, item[method]));
    if (!methods.length) place.append(operation("", path, item));
  }
} catch (error) {
  showProblem(document.getElementById("problem"), error);
}
