#include "http/target.h"

#include <optional>

namespace payoutd::http {
namespace {

constexpr std::size_t kMaxParameters = 200;

Error invalid(std::string message) {
  return Error{Kind::invalid, "invalid_target", "the request target " + std::move(message)};
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

enum class Plus { stays, is_space };

// Nothing for a bad percent sign, a NUL, or what is not UTF-8: PostgreSQL's text takes neither.
std::optional<std::string> decode(std::string_view text, Plus plus) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus == Plus::is_space) {
      out += ' ';
    } else if (text[i] == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_value(text[i + 1]);
      const int low = hex_value(text[i + 2]);
      if (high < 0 || low < 0 || (high == 0 && low == 0)) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += text[i];
    }
  }
  if (!valid_utf8(out)) return std::nullopt;
  return out;
}

Result<void> add_segments(std::string_view path, std::vector<std::string>& segments) {
  path.remove_prefix(1);
  if (path.ends_with('/')) path.remove_suffix(1);
  while (!path.empty()) {
    const auto slash = path.find('/');
    auto segment = decode(path.substr(0, slash), Plus::stays);
    if (!segment) return invalid("has a bad percent sign, a NUL, or is not UTF-8");
    segments.push_back(*std::move(segment));
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
    if (path.empty()) segments.emplace_back();
  }
  return {};
}

Result<void> add_query(std::string_view query,
                       std::vector<std::pair<std::string, std::string>>& into) {
  while (!query.empty()) {
    const auto end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    auto name = decode(pair.substr(0, equals), Plus::is_space);
    auto value =
        decode(equals == std::string_view::npos ? "" : pair.substr(equals + 1), Plus::is_space);
    if (!name || !value) return invalid("has a query that can't be decoded");
    if (into.size() == kMaxParameters) return invalid("has more than 200 query parameters");
    into.emplace_back(*std::move(name), *std::move(value));
  }
  return {};
}

// The length of the UTF-8 sequence at `i`, or 0.
std::size_t sequence_at(std::string_view text, std::size_t i) {
  const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(text[k]); };
  const auto rest = [&](std::size_t n) {
    if (i + n > text.size()) return false;
    for (std::size_t k = i + 1; k < i + n; ++k) {
      if ((byte(k) & 0xc0) != 0x80) return false;
    }
    return true;
  };
  const unsigned first = byte(i);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return rest(2) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    if (!rest(3)) return 0;
    const bool overlong = first == 0xe0 && byte(i + 1) < 0xa0;
    const bool surrogate = first == 0xed && byte(i + 1) >= 0xa0;
    return overlong || surrogate ? 0 : 3;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    if (!rest(4)) return 0;
    const bool overlong = first == 0xf0 && byte(i + 1) < 0x90;
    const bool too_high = first == 0xf4 && byte(i + 1) >= 0x90;
    return overlong || too_high ? 0 : 4;
  }
  return 0;
}

}  // namespace

std::string Target::path() const {
  if (segments.empty()) return "/";
  std::string path;
  for (const std::string& segment : segments) path.append("/").append(segment);
  return path;
}

Result<Target> parse_target(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!target.starts_with(scheme)) continue;
    const auto path = target.find_first_of("/?", scheme.size());
    if (path == std::string_view::npos || target[path] == '?') {
      return invalid("must name a path after its host");
    }
    target.remove_prefix(path);
    break;
  }
  if (!target.starts_with('/')) return invalid("must begin with a slash");
  if (target.find('#') != std::string_view::npos) return invalid("must not have a fragment");
  const auto question = target.find('?');
  Target parsed;
  if (auto ok = add_segments(target.substr(0, question), parsed.segments); !ok) return ok.error();
  if (question != std::string_view::npos) {
    if (auto ok = add_query(target.substr(question + 1), parsed.query); !ok) return ok.error();
  }
  return parsed;
}

bool valid_utf8(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const std::size_t length = sequence_at(text, i);
    if (length == 0) return false;
    i += length;
  }
  return true;
}

}  // namespace payoutd::http
