#include "stripe/form.h"

#include "base/check.h"

namespace payoutd::stripe {
namespace {

bool unreserved(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
         c == '_' || c == '.' || c == '~';
}

void encode_onto(std::string& out, std::string_view text, bool keep_brackets) {
  for (const char c : text) {
    if (unreserved(c) || (keep_brackets && (c == '[' || c == ']'))) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += "0123456789ABCDEF"[byte >> 4];
    out += "0123456789ABCDEF"[byte & 15];
  }
}

}  // namespace

std::string percent_encode(std::string_view text) {
  std::string out;
  encode_onto(out, text, false);
  return out;
}

Form& Form::add(std::string_view name, std::string_view value) {
  CHECK(!name.empty());
  if (!text_.empty()) text_ += '&';
  encode_onto(text_, name, true);
  text_ += '=';
  encode_onto(text_, value, false);
  return *this;
}

Form& Form::add(std::string_view name, std::int64_t value) {
  return add(name, std::to_string(value));
}

Form& Form::add(std::string_view name, bool value) {
  return add(name, std::string_view(value ? "true" : "false"));
}

Form& Form::metadata(std::string_view key, std::string_view value) {
  if (!text_.empty()) text_ += '&';
  text_ += "metadata[";
  encode_onto(text_, key, false);
  text_ += "]=";
  encode_onto(text_, value, false);
  return *this;
}

std::string v1_path(std::initializer_list<std::string_view> segments) {
  std::string path = "/v1";
  for (const std::string_view segment : segments) {
    CHECK(!segment.empty());
    path += '/';
    // "." and ".." would climb: their dots are encoded.
    if (segment == "." || segment == "..") {
      for (std::size_t i = 0; i < segment.size(); ++i) path += "%2E";
    } else {
      encode_onto(path, segment, false);
    }
  }
  return path;
}

}  // namespace payoutd::stripe
