// cpp-httplib, driven from memory: its process_request() runs on a stream of bytes that were framed
// before, and writes the response into a string.
//
// It is given the method and a constant path, not the client's own head: its parser decodes percent
// signs in header values, runs std::regex over Range and routes, lets REMOTE_ADDR be set from
// outside, compresses at 11 ms a page, and refuses a second question mark. What a handler sees of
// the request comes from framing.h and target.h.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "http/mailbox.h"
#include "http/message.h"

namespace payoutd::http {

class Engine {
 public:
  explicit Engine(std::string server_name);
  ~Engine();

  // Calls `make` on this thread and writes its reply as an HTTP/1.1 response without a Connection
  // header. A reply that can't be written (a header with a line break) becomes a bare 500.
  Answer respond(std::string_view method, const std::string& request_id,
                 const std::function<Reply()>& make);

 private:
  class Httplib;
  std::unique_ptr<Httplib> httplib_;
};

// Adds `Connection: close` to a response; `truncated` ones lose half of their body.
void mark_last(std::string& response);
void cut_short(std::string& response);

}  // namespace payoutd::http
