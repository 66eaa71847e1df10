#include "app/docs_page.h"

namespace payoutd::app {
namespace {

constexpr std::string_view kPage = R"html(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>payoutd API</title>
<style>
  :root { color-scheme: light dark; --line: #8884; --soft: #8882; --ok: #2a7; --post: #47c; --del: #c44; }
  body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
  h1 { margin-bottom: 0 } h2 { margin-top: 2.5rem; text-transform: capitalize }
  code, pre { font: 13px/1.45 ui-monospace, monospace }
  pre { background: var(--soft); padding: .7rem; overflow: auto; border-radius: 6px }
  details { border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0; padding: .4rem .8rem }
  summary { cursor: pointer } summary code { font-weight: 600 }
  .method { display: inline-block; min-width: 4.2rem; font-weight: 700; color: var(--ok) }
  .POST, .PUT { color: var(--post) } .DELETE { color: var(--del) }
  table { border-collapse: collapse; width: 100% } td, th { text-align: left; vertical-align: top;
    padding: .25rem .6rem .25rem 0; border-bottom: 1px solid var(--line) }
  input { font: inherit; padding: .3rem .5rem; width: 100%; box-sizing: border-box }
</style>
</head>
<body>
<h1>payoutd API</h1>
<p id="about">Loading the contract…</p>
<input id="filter" placeholder="Filter routes" aria-label="Filter routes">
<main id="routes"></main>
<script>
const make = (tag, text, cls) => { const e = document.createElement(tag);
  if (text !== undefined) e.textContent = text; if (cls) e.className = cls; return e; };
const pre = value => make("pre", typeof value === "string" ? value : JSON.stringify(value, null, 2));

function resolve(doc, node) {
  if (node && node.$ref) return node.$ref.slice(2).split("/").reduce((at, key) => at[key], doc);
  return node || {};
}
function parameters(doc, list) {
  const table = make("table"), head = make("tr");
  for (const name of ["name", "in", "type", "description"]) head.append(make("th", name));
  table.append(head);
  for (const given of list) {
    const p = resolve(doc, given), row = make("tr"), schema = resolve(doc, p.schema);
    row.append(make("td", p.name + (p.required ? " *" : "")), make("td", p.in),
      make("td", schema.enum ? schema.enum.join(" | ") : schema.type || ""), make("td", p.description || ""));
    table.append(row);
  }
  return table;
}
function content(doc, box, holder) {
  for (const [type, body] of Object.entries(holder.content || {})) {
    if (body.example !== undefined) box.append(make("div", type + " example"), pre(body.example));
    for (const [name, e] of Object.entries(body.examples || {})) box.append(make("div", name), pre(e.value));
    const fold = make("details"); fold.append(make("summary", "schema"), pre(resolve(doc, body.schema)));
    box.append(fold);
  }
}
function operation(doc, path, method, op) {
  const box = make("details"), line = make("summary");
  line.append(make("span", method, "method " + method), make("code", path), " ", make("span", op.summary || ""));
  box.append(line);
  box.dataset.text = (method + " " + path + " " + (op.summary || "")).toLowerCase();
  if (op.description) box.append(make("p", op.description));
  if ((op.parameters || []).length) box.append(parameters(doc, op.parameters));
  if (op.requestBody) { box.append(make("h4", "Request")); content(doc, box, resolve(doc, op.requestBody)); }
  for (const [status, given] of Object.entries(op.responses || {})) {
    const r = resolve(doc, given);
    box.append(make("h4", status + " " + (r.description || "")));
    if (status < 400) content(doc, box, r);
  }
  return box;
}
function show(doc) {
  document.getElementById("about").textContent = (doc.info.description || "") + " Version " + doc.info.version + ".";
  const groups = new Map();
  for (const [path, item] of Object.entries(doc.paths))
    for (const [method, op] of Object.entries(item)) {
      if (!op.responses) continue;
      const tag = (op.tags || ["other"])[0];
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(operation(doc, path, method.toUpperCase(), op));
    }
  const routes = document.getElementById("routes");
  for (const [tag, boxes] of [...groups].sort()) { routes.append(make("h2", tag), ...boxes); }
  document.getElementById("filter").addEventListener("input", event => {
    const wanted = event.target.value.toLowerCase();
    for (const box of routes.querySelectorAll(":scope > details"))
      box.hidden = !box.dataset.text.includes(wanted);
  });
}
fetch("openapi.json").then(r => r.json()).then(show)
  .catch(e => { document.getElementById("about").textContent = "The contract could not be read: " + e; });
</script>
</body>
</html>
)html";

}  // namespace

std::string_view docs_page() { return kPage; }

}  // namespace payoutd::app
