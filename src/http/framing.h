// Where a request ends, decided in one strict way: what two programs in a row could read
// differently (RFC 9112 section 11.2, request smuggling) is refused and the connection closed.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/limits.h"

namespace payoutd::http {

struct Refusal {
  int status = 400;
  std::string code;
  std::string message;
};

struct Head {
  std::string method;
  std::string target;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case, in order
  std::size_t content_length = 0;
  bool keep_alive = true;
  bool wants_continue = false;
};

class Framer {
 public:
  enum class State { incomplete, complete, refused };

  explicit Framer(const Limits& limits) : limits_(&limits) {}

  // `bytes` is all that has arrived since the request's first byte; each byte is looked at once,
  // however they arrive. `complete` means the head is: the body is the content_length bytes that
  // follow at head_size().
  State look(std::string_view bytes);

  Head& head() { return head_; }
  std::size_t head_size() const { return line_start_; }
  const Refusal& refusal() const { return refusal_; }
  void reset();  // for the next request

 private:
  bool take_line(std::string_view line);
  bool take_request_line(std::string_view line);
  bool take_header(std::string_view line);
  bool note(const std::string& name, std::string_view value);
  bool finish();
  bool refuse(int status, std::string code, std::string message);

  const Limits* limits_;
  Head head_;
  Refusal refusal_;
  State state_ = State::incomplete;
  std::size_t line_start_ = 0;
  std::size_t scanned_ = 0;
  std::size_t first_header_ = 0;  // where the header section begins
  std::size_t header_count_ = 0;
  int minor_version_ = 1;
  int hosts_ = 0;
  int content_lengths_ = 0;
  bool has_request_line_ = false;
  bool skipped_empty_line_ = false;
  bool transfer_encoding_ = false;
  bool says_close_ = false;
};

}  // namespace payoutd::http
