// Routes are rows: a folder's `_api.cpp` offers its own, the app adds them all. Fixed segments win
// over `:name`; every path that begins with /api also answers without it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "http/hold.h"
#include "http/message.h"

namespace payoutd::http {

enum class Runs {
  on_worker,  // may block: the database, Stripe
  on_loop,    // must not block: runs on the thread that owns the sockets; may hold its reply
};

struct Context {
  const Request& request;
  Hold hold();  // the reply that this handler returns waits until the hold says so; see hold.h
};

using Handler = std::function<Reply(Context&)>;

// What /openapi.json says of a route. JSON in the form of OpenAPI 3.1.
struct Docs {
  std::string summary;
  std::string tag;
  Json parameters = Json::array();  // Parameter Objects; path parameters are added by the router
  Json request_body;                // Request Body Object, or null
  Json responses = Json::object();  // by status; the error answers that every route has are added
};

struct Route {
  std::string method;   // "GET"
  std::string pattern;  // "/api/payouts/:id"
  std::string access;   // "" for everybody, else what the authenticator is asked for: "read", "write",
                        // "approve", "admin", "system"
  Handler handler;
  Docs docs{};
  Runs runs = Runs::on_worker;
  std::size_t max_body = 64 * 1024;
};

// Called before the handler of a route with `access`; sets request.principal, or returns the reply
// (401, 403, 503) that ends the request. Runs where the handler runs.
using Authenticator = std::function<std::optional<Reply>(Request&, const Route&)>;

// Wraps each worker handler; access uses it for idempotency keys.
using Wrapper = std::function<Reply(Context&, const Route&, const Handler&)>;

class Router {
 public:
  void add(Route route);  // CHECKs that method and pattern are not taken
  void authenticate_with(Authenticator authenticator);
  void wrap_with(Wrapper wrapper);
  const std::vector<Route>& routes() const;
};

}  // namespace payoutd::http
