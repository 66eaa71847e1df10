#include "stripe/sim/wire/form.h"

#include <algorithm>
#include <cstdint>

namespace payoutd::sim {
namespace {

using Field = std::pair<std::string, std::string>;

Error invalid(std::string code, std::string message, std::string param = {}) {
  return Error{Kind::invalid, std::move(code), std::move(message), std::move(param)};
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// False on a percent sign without two hex digits.
bool decode(std::string_view text, std::string& out) {
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      if (i + 2 >= text.size()) return false;
      const int high = hex_digit(text[i + 1]);
      const int low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return false;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return true;
}

// How many bytes the UTF-8 sequence at the start of `text` has (RFC 3629: no overlong forms, no
// surrogates, nothing above U+10FFFF), or 0.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xC2 && lead <= 0xDF   ? 2
                             : lead >= 0xE0 && lead <= 0xEF ? 3
                             : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                            : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const std::uint8_t second = byte(1);
  const bool bad = (lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) ||
                   (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F);
  return bad ? 0 : length;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

// "items[0][price]" → items, 0, price. Nothing when a bracket is open or text follows one.
std::vector<std::string> split_name(std::string_view name) {
  const std::size_t open = std::min(name.find('['), name.size());
  if (open == 0 || name.substr(0, open).contains(']')) return {};
  std::vector<std::string> parts{std::string(name.substr(0, open))};
  for (std::size_t at = open; at < name.size();) {
    const std::size_t close = name.find(']', at);
    if (name[at] != '[' || close == std::string_view::npos) return {};
    const std::string_view inner = name.substr(at + 1, close - at - 1);
    if (inner.contains('[')) return {};
    parts.emplace_back(inner);
    at = close + 1;
  }
  return parts;
}

// The element that `a[]` means: a further one, but `a[][x]=1&a[][y]=2` is one object with two
// fields.
Json& next_element(Json& list, const std::string* inner) {
  const bool same = inner && !inner->empty() && !list.empty() && list.back().is_object() &&
                    !list.back().contains(*inner);
  if (!same) list.push_back(nullptr);
  return list.back();
}

// False when the name was already used in another way.
bool put(Json& tree, const std::vector<std::string>& parts, const std::string& value) {
  Json* node = &tree[parts.front()];
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const bool list = parts[i].empty();
    if (node->is_null()) *node = list ? Json::array() : Json::object();
    if (list ? !node->is_array() : !node->is_object()) return false;
    if (list && parts[i - 1] == "metadata") return false;
    node = list ? &next_element(*node, i + 1 < parts.size() ? &parts[i + 1] : nullptr)
                : &(*node)[parts[i]];
  }
  if (!node->is_null() && !node->is_string()) return false;
  *node = value;
  return true;
}

bool is_index(const std::string& key) {
  return !key.empty() && key.size() <= 6 && (key.size() == 1 || key[0] != '0') &&
         std::ranges::all_of(key, [](char c) { return c >= '0' && c <= '9'; });
}

// {"0": a, "1": b} → [a, b], everywhere but directly under `metadata`.
void indices_to_arrays(Json& node, bool is_metadata = false) {
  if (!node.is_structured()) return;
  for (auto it = node.begin(); it != node.end(); ++it) {
    indices_to_arrays(*it, node.is_object() && it.key() == "metadata");
  }
  if (!node.is_object() || node.empty() || is_metadata) return;
  auto& fields = node.get_ref<Json::object_t&>();
  if (!std::ranges::all_of(fields, [](const auto& field) { return is_index(field.first); })) return;
  std::vector<std::pair<int, Json>> elements;
  for (auto& [index, element] : fields) elements.emplace_back(std::stoi(index), std::move(element));
  std::ranges::sort(elements, {}, &std::pair<int, Json>::first);
  Json list = Json::array();
  for (auto& [index, element] : elements) list.push_back(std::move(element));
  node = std::move(list);
}

Result<void> add(Json& tree, const std::string& name, const std::string& value) {
  if (!is_utf8(name) || !is_utf8(value)) {
    return invalid("parameter_invalid_encoding", "Invalid UTF-8 in the request's parameters.");
  }
  const auto parts = split_name(name);
  if (parts.empty()) {
    return invalid("parameter_invalid_encoding", "Invalid parameter name: " + name, name);
  }
  if (parts.size() > kMaxFormDepth) {
    return invalid("parameter_too_many", "Parameters are nested too deeply.", parts.front());
  }
  if (!put(tree, parts, value)) {
    return invalid("parameter_invalid_structure", "Invalid structure of parameter " + parts.front(),
                   parts.front());
  }
  return {};
}

Error too_many() { return invalid("parameter_too_many", "The request has too many parameters."); }

}  // namespace

Result<Json> parse_form(std::string_view text) {
  if (text.size() > kMaxFormBytes) return too_many();
  std::vector<Field> fields;
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(pair.size() + 1, text.size()));
    if (pair.empty()) continue;
    if (fields.size() == kMaxFormFields) return too_many();
    const std::size_t equals = std::min(pair.find('='), pair.size());
    Field field;
    if (!decode(pair.substr(0, equals), field.first) ||
        !decode(pair.substr(std::min(equals + 1, pair.size())), field.second)) {
      return invalid("parameter_invalid_encoding",
                     "Invalid %-encoding in the request's parameters.");
    }
    fields.push_back(std::move(field));
  }
  return form_tree(fields);
}

Result<Json> form_tree(const std::vector<Field>& decoded) {
  if (decoded.size() > kMaxFormFields) return too_many();
  Json tree = Json::object();
  for (const auto& [name, value] : decoded) {
    if (auto added = add(tree, name, value); !added) return added.error();
  }
  // Top-level names are parameters even where they look like indices.
  for (auto it = tree.begin(); it != tree.end(); ++it)
    indices_to_arrays(*it, it.key() == "metadata");
  return tree;
}

}  // namespace payoutd::sim
