// Shows what /openapi.json describes, and sends requests to this server alone. All text is set as text, never as markup.
"use strict";

const LONGEST = 200000;

function make(name, text, attributes) {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  for (const [key, value] of Object.entries(attributes || {})) element.setAttribute(key, value);
  return element;
}

function operationOf(path, method, operation) {
  const details = make("details");
  const summary = make("summary");
  summary.append(make("b", method.toUpperCase()), make("code", path), " " + (operation.summary || ""));
  details.append(summary);
  if (operation.description) details.append(make("p", operation.description));

  const inputs = [];
  if ((operation.parameters || []).length) {
    const table = make("table");
    for (const parameter of operation.parameters) {
      const row = make("tr");
      const input = make("input", undefined, { "aria-label": parameter.name });
      const value = make("td");
      value.append(input);
      const name = make("td");
      name.append(make("code", parameter.name), " " + parameter.in);
      row.append(name, value, make("td", parameter.description || ""));
      table.append(row);
      inputs.push({ parameter, input });
    }
    details.append(table);
  }

  let body = null;
  let media = null;
  let file = null;
  const content = operation.requestBody && operation.requestBody.content;
  if (content) {
    media = make("select", undefined, { "aria-label": "media type" });
    for (const type of Object.keys(content)) media.append(make("option", type));
    body = make("textarea", undefined, { "aria-label": "body" });
    file = make("input", undefined, { type: "file", multiple: "", "aria-label": "files" });
    details.append(make("p", operation.requestBody.description || "Body"), media, body, file);
  }

  const responses = make("table");
  for (const [status, response] of Object.entries(operation.responses || {})) {
    const row = make("tr");
    const types = Object.keys(response.content || {}).join(", ");
    row.append(make("td", status), make("td", response.description || ""), make("td", types));
    responses.append(row);
  }
  const button = make("button", "Send");
  const answer = make("pre", "");
  answer.hidden = true;
  button.addEventListener("click", () => send({ path, method, inputs, body, media, file, answer }));
  details.append(responses, button, answer);
  return details;
}

async function send({ path, method, inputs, body, media, file, answer }) {
  const headers = {};
  const query = new URLSearchParams();
  let address = path;
  for (const { parameter, input } of inputs) {
    if (parameter.in === "path") address = address.replace("{" + parameter.name + "}", encodeURIComponent(input.value));
    else if (input.value && parameter.in === "query") query.set(parameter.name, input.value);
    else if (input.value) headers[parameter.name] = input.value;
  }
  const token = document.getElementById("token").value;
  if (token) headers.Authorization = "Bearer " + token;
  let sent;
  if (body) {
    if (media.value === "multipart/form-data") {
      sent = new FormData();
      for (const one of file.files) sent.append("file", one);
    } else {
      headers["Content-Type"] = media.value;
      // A text field has line feeds only; a file is sent as it is.
      sent = file.files.length ? file.files[0] : body.value;
    }
  }
  if (query.size) address += "?" + query;
  answer.hidden = false;
  answer.textContent = "…";
  try {
    const response = await fetch(address, { method: method.toUpperCase(), headers, body: sent });
    const lines = [response.status + " " + response.statusText];
    for (const [name, value] of response.headers) lines.push(name + ": " + value);
    const text = await response.text();
    answer.textContent = lines.join("\n") + "\n\n" + text.slice(0, LONGEST).replaceAll("\r", "\n");
  } catch {
    answer.textContent = "The answer broke off, or none came.";
  }
}

async function show() {
  const about = document.getElementById("about");
  let description;
  try {
    description = await (await fetch("/openapi.json")).json();
  } catch {
    about.textContent = "The description could not be loaded.";
    return;
  }
  about.textContent = description.info.description + " Version " + description.info.version + ".";
  const groups = new Map((description.tags || []).map((tag) => [tag.name, [tag.description, []]]));
  for (const [path, methods] of Object.entries(description.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const name = (operation.tags || ["other"])[0];
      if (!groups.has(name)) groups.set(name, ["", []]);
      groups.get(name)[1].push(operationOf(path, method, operation));
    }
  }
  const main = document.getElementById("operations");
  for (const [name, [text, operations]] of groups) {
    main.append(make("h2", name), make("p", text), ...operations);
  }
  const problems = document.getElementById("problems");
  for (const { type, title, status } of description["x-problems"] || []) {
    const name = type.split("#")[1];
    problems.append(make("dt", name, { id: name }), make("dd", status + ": " + title));
  }
  // What the address names was not there yet when the page was loaded.
  if (location.hash) location.hash = location.hash;
}

show();
