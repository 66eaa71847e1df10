#include "http/framing.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "base/ascii.h"
#include "http/target.h"

namespace payoutd::http {
namespace {

constexpr std::array<std::string_view, 7> kMethods = {"GET",   "HEAD",   "POST",   "PUT",
                                                      "PATCH", "DELETE", "OPTIONS"};

bool token_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, token_char);
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool has_word(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const auto comma = std::min(list.find(','), list.size());
    if (lower(trim(list.substr(0, comma))) == word) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

bool printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  });
}

bool valid_host(std::string_view host) {
  return std::ranges::all_of(host, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("-._~:[]%").find(c) != std::string_view::npos;
  });
}

// What a server in front would set, never a client: cpp-httplib and CGI keep the peer there.
bool names_the_peer(std::string_view name) {
  return name.starts_with("remote_") || name.starts_with("remote-") || name.starts_with("local_");
}

}  // namespace

void Framer::reset() { *this = Framer(*limits_); }

bool Framer::refuse(int status, std::string code, std::string message) {
  state_ = State::refused;
  refusal_ = {status, std::move(code), std::move(message)};
  return false;
}

Framer::State Framer::look(std::string_view bytes) {
  while (state_ == State::incomplete) {
    const auto newline = bytes.find('\n', scanned_);
    const std::size_t line_end = std::min(newline, bytes.size());
    if (line_end - line_start_ > limits_->max_line_bytes + 1) {
      has_request_line_ ? refuse(431, "header_too_large", "a header line is too long")
                        : refuse(414, "uri_too_long", "the request line is too long");
      break;
    }
    if (newline == std::string_view::npos) {
      // Another protocol's first byte (TLS: 0x16) is answered at once, not after the deadline.
      const bool odd = !has_request_line_ && line_end > line_start_ && bytes[line_start_] != '\r' &&
                       !token_char(bytes[line_start_]);
      if (odd) refuse(400, "invalid_request_line", "this is not HTTP/1.1");
      scanned_ = bytes.size();
      break;
    }
    std::string_view line = bytes.substr(line_start_, newline - line_start_);
    line_start_ = scanned_ = newline + 1;
    if (!line.ends_with('\r')) {
      refuse(400, "bare_line_feed", "a line must end with CR LF");
      break;
    }
    line.remove_suffix(1);
    if (!take_line(line)) break;
  }
  return state_;
}

bool Framer::take_line(std::string_view line) {
  if (!has_request_line_) {
    if (!line.empty()) return take_request_line(line);
    // RFC 9112 2.2: an empty line before the request line is to be ignored; one is.
    if (skipped_empty_line_)
      return refuse(400, "invalid_request_line", "the request line is empty");
    skipped_empty_line_ = true;
    return true;
  }
  if (line.empty()) return finish();
  if (line_start_ - first_header_ > limits_->max_header_bytes) {
    return refuse(431, "header_too_large",
                  fmt::format("the headers have more than {} bytes", limits_->max_header_bytes));
  }
  if (++header_count_ > limits_->max_headers) {
    return refuse(431, "too_many_headers",
                  fmt::format("there are more than {} headers", limits_->max_headers));
  }
  return take_header(line);
}

bool Framer::take_request_line(std::string_view line) {
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) {
    return refuse(400, "invalid_request_line", "the request line must be METHOD target HTTP/1.1");
  }
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  const bool visible = std::ranges::all_of(target, [](char c) { return c > 0x20 && c < 0x7f; });
  if (!is_token(method) || target.empty() || !visible || !version.starts_with("HTTP/")) {
    return refuse(400, "invalid_request_line", "the request line must be METHOD target HTTP/1.1");
  }
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    return refuse(505, "http_version", "this server speaks HTTP/1.1");
  }
  if (target.size() > limits_->max_uri_bytes) {
    return refuse(414, "uri_too_long",
                  fmt::format("the target has more than {} bytes", limits_->max_uri_bytes));
  }
  if (std::ranges::find(kMethods, method) == kMethods.end()) {
    return refuse(501, "method_unknown", "no path here has this method");
  }
  head_.method = method;
  head_.target = target;
  minor_version_ = version == "HTTP/1.1" ? 1 : 0;
  first_header_ = line_start_;
  has_request_line_ = true;
  return true;
}

bool Framer::take_header(std::string_view line) {
  if (line.front() == ' ' || line.front() == '\t') {
    return refuse(400, "folded_header", "a header must stand on one line");
  }
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
    return refuse(400, "invalid_header", "a header must be `name: value`");
  }
  const std::string_view value = trim(line.substr(colon + 1));
  if (!printable(value) || !valid_utf8(value)) {
    return refuse(400, "invalid_header", "a header has a control character or is not UTF-8");
  }
  std::string name = lower(line.substr(0, colon));
  if (!note(name, value)) return false;
  if (!names_the_peer(name)) head_.headers.emplace_back(std::move(name), value);
  return true;
}

// The headers that say where the request ends, and what becomes of the connection.
bool Framer::note(const std::string& name, std::string_view value) {
  if (name == "host") {
    ++hosts_;
    if (!valid_host(value)) return refuse(400, "invalid_host", "the Host header is not a host");
  } else if (name == "content-length") {
    const bool digits = !value.empty() && value.size() <= 15 &&
                        std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; });
    if (++content_lengths_ > 1 || !digits) {
      return refuse(400, "invalid_content_length", "Content-Length must be one whole number");
    }
    head_.content_length = std::stoull(std::string(value));
  } else if (name == "transfer-encoding") {
    transfer_encoding_ = true;
  } else if (name == "content-encoding") {
    if (lower(value) != "identity") {
      return refuse(415, "content_encoding", "send the body without Content-Encoding");
    }
  } else if (name == "expect") {
    if (lower(value) != "100-continue")
      return refuse(417, "expectation", "only 100-continue is known");
    head_.wants_continue = minor_version_ == 1;
  } else if (name == "connection") {
    says_close_ = says_close_ || has_word(value, "close");
  }
  return true;
}

bool Framer::finish() {
  if (transfer_encoding_) {
    if (content_lengths_ > 0 || minor_version_ == 0) {
      return refuse(400, "ambiguous_length", "Transfer-Encoding must not stand here");
    }
    return refuse(501, "transfer_encoding", "send the body with Content-Length, not in chunks");
  }
  if (hosts_ > 1 || (hosts_ == 0 && minor_version_ == 1)) {
    return refuse(400, "invalid_host", "there must be exactly one Host header");
  }
  head_.keep_alive = minor_version_ == 1 && !says_close_;
  state_ = State::complete;
  return false;
}

}  // namespace payoutd::http
