#include "app/docs_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace payoutd::app {
namespace {

constexpr std::string_view kHead = R"html(<!doctype html>
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
)html";

// The filter is the only thing that needs a script, so the script shows it.
constexpr std::string_view kTail = R"html(</main>
<script>
const filter = document.getElementById("filter");
filter.hidden = false;
filter.addEventListener("input", () => {
  for (const box of document.querySelectorAll("main > details"))
    box.hidden = !box.querySelector("summary").textContent.toLowerCase().includes(filter.value.toLowerCase());
});
</script>
</body>
</html>
)html";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string text_of(const OrderedJson& node, const char* field) {
  return escaped(node.value(field, ""));
}

// A field that may not be there, by reference: items() of a temporary would not live.
const OrderedJson& part(const OrderedJson& node, const char* field) {
  static const OrderedJson kNone;
  const auto found = node.find(field);
  return found == node.end() ? kNone : *found;
}

class Page {
 public:
  explicit Page(const OrderedJson& document) : document_(document) {}

  std::string text() {
    const OrderedJson& about = document_.at("info");
    out_ += kHead;
    out_ += fmt::format(
        "<p>{} Version {}. The same for programs: <a href=\"openapi.json\">openapi.json</a>.</p>\n",
        text_of(about, "description"), text_of(about, "version"));
    out_ +=
        "<input id=\"filter\" placeholder=\"Filter routes\" aria-label=\"Filter routes\" "
        "hidden>\n<main>\n";
    for (const auto& [tag, operations] : by_tag()) {
      out_ += fmt::format("<h2>{}</h2>\n", escaped(tag));
      for (const Operation& one : operations) add(one);
    }
    out_ += kTail;
    return std::move(out_);
  }

 private:
  struct Operation {
    std::string method, path;
    const OrderedJson* says;
  };

  std::map<std::string, std::vector<Operation>> by_tag() const {
    std::map<std::string, std::vector<Operation>> groups;
    for (const auto& [path, item] : document_.at("paths").items()) {
      for (const auto& [method, operation] : item.items()) {
        std::string upper = method;
        std::ranges::transform(upper, upper.begin(),
                               [](unsigned char c) { return std::toupper(c); });
        const OrderedJson& tags = part(operation, "tags");
        groups[tags.empty() ? "other" : tags[0].get<std::string>()].push_back(
            {upper, path, &operation});
      }
    }
    return groups;
  }

  const OrderedJson& resolved(const OrderedJson& node) const {
    const auto reference = node.find("$ref");
    if (reference == node.end()) return node;
    return document_.at(OrderedJson::json_pointer(reference->get<std::string>().substr(1)));
  }

  void add(const Operation& one) {
    const OrderedJson& says = *one.says;
    out_ += fmt::format(
        "<details><summary><span class=\"method {0}\">{0}</span> <code>{1}</code> {2}</summary>\n",
        one.method, escaped(one.path), text_of(says, "summary"));
    if (says.contains("x-access"))
      out_ += fmt::format("<p>Needs a key that may {}.</p>\n", text_of(says, "x-access"));
    add_parameters(part(says, "parameters"));
    if (says.contains("requestBody")) {
      out_ += "<h4>Request</h4>\n";
      add_content(resolved(says.at("requestBody")));
    }
    for (const auto& [status, given] : says.at("responses").items()) {
      const OrderedJson& response = resolved(given);
      out_ += fmt::format("<h4>{} {}</h4>\n", status, text_of(response, "description"));
      if (status < "300") add_content(response);
    }
    out_ += "</details>\n";
  }

  void add_parameters(const OrderedJson& parameters) {
    if (parameters.empty()) return;
    out_ += "<table><tr><th>parameter</th><th>in</th><th>type</th><th></th></tr>\n";
    for (const OrderedJson& given : parameters) {
      const OrderedJson& one = resolved(given);
      out_ +=
          fmt::format("<tr><td><code>{}</code>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                      text_of(one, "name"), one.value("required", false) ? " *" : "",
                      text_of(one, "in"), type_of(one.at("schema")), text_of(one, "description"));
    }
    out_ += "</table>\n";
  }

  void add_content(const OrderedJson& holder) {
    for (const auto& [type, body] : part(holder, "content").items()) {
      const OrderedJson& schema = resolved(body.at("schema"));
      out_ += "<table><tr><th>field</th><th>type</th><th></th></tr>\n";
      add_fields(schema, "");
      out_ += "</table>\n";
      if (body.contains("example"))
        out_ += fmt::format("<pre>{}</pre>\n", escaped(body.at("example").dump(2)));
    }
  }

  // One row to a field, "data[].amount" for those inside.
  void add_fields(const OrderedJson& schema, const std::string& at) {
    const OrderedJson& required = part(schema, "required");
    for (const auto& [name, given] : part(schema, "properties").items()) {
      const OrderedJson& one = resolved(given);
      const std::string here = at.empty() ? name : at + "." + name;
      const bool always = std::ranges::find(required, OrderedJson(name)) != required.end();
      out_ +=
          fmt::format("<tr><td><code>{}</code>{}</td><td>{}</td><td>{}</td></tr>\n", escaped(here),
                      always ? "" : " (optional)", type_of(one), text_of(one, "description"));
      add_fields(one, here);
      if (one.contains("items")) add_fields(resolved(one.at("items")), here + "[]");
    }
  }

  static std::string type_of(const OrderedJson& schema) {
    const auto listed = [](const OrderedJson& words) {
      std::string all;
      for (const OrderedJson& word : words) {
        if (!all.empty()) all += " | ";
        all += word.is_string() ? word.get<std::string>() : word.dump();
      }
      return escaped(all);
    };
    if (schema.contains("enum")) return listed(schema.at("enum"));
    if (schema.contains("const")) return listed({schema.at("const")});
    const OrderedJson type = schema.value("type", OrderedJson("any"));
    const std::string format = text_of(schema, "format");
    return (type.is_array() ? listed(type) : escaped(type.get<std::string>())) +
           (format.empty() ? "" : ", " + format);
  }

  const OrderedJson& document_;
  std::string out_;
};

}  // namespace

std::string docs_page(const OrderedJson& document) { return Page(document).text(); }

}  // namespace payoutd::app
