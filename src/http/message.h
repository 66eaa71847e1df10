// A request as a handler sees it, and a reply as it gives it. Nothing of cpp-httplib shows here.
#pragma once

#include <any>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace payoutd::http {

struct Request {
  std::string method;                                        // upper case
  std::string path;                                          // percent-decoded, without the query
  std::string target;                                        // as it stood in the request line
  std::vector<std::pair<std::string, std::string>> query;    // decoded, in order, repeats kept
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case, in order
  std::map<std::string, std::string, std::less<>> params;    // of the route's `:name` segments
  std::string body;                                          // the exact bytes
  std::string remote;                                        // the peer's address
  std::string request_id;                                    // "req_…", also sent as X-Request-Id
  std::any principal;  // what the authenticator found; access knows its type

  std::optional<std::string_view> header(std::string_view lower_case_name) const;  // the first
  std::optional<std::string_view> query_value(std::string_view name) const;        // the first
  std::string_view param(std::string_view name) const;  // CHECKs it is there
};

// "Prefer: respond-async, wait=10": one of the preferences.
bool prefers_async(const Request& request);

// How a reply leaves. Only a simulator of a failing server wants anything but `whole`.
enum class Wire {
  whole,
  truncated,  // half of the body, then the connection closes
  reset,      // not one byte: the connection is reset
};

struct Reply {
  int status = 200;
  std::string body;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  Wire wire = Wire::whole;

  static Reply json(int status, const OrderedJson& body);
  static Reply json(int status, const Json& body);
  static Reply text(int status, std::string body, std::string content_type = "text/plain");
  Reply&& with(std::string name, std::string value) &&;
};

int status_of(Kind kind);

// {"error": {"type", "code", "message", "param", "details", "request_id"}}. A `limited` or `retry`
// error carries `Retry-After: 1`; an `unauthorized` one `WWW-Authenticate: Bearer`.
Reply error_reply(const Error& error, std::string_view request_id);

// The same form for a status that no Kind has: 405, 408, 413, 414, 431, …
Reply error_reply(int status, const Error& error, std::string_view request_id);

}  // namespace payoutd::http
