// Routes are rows: a folder's `_api.cpp` offers its own, the app adds them all. Fixed segments win
// over `:name`; every path that begins with /api also answers without it; HEAD is answered by GET.
#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "http/hold.h"
#include "http/message.h"

namespace payoutd::http {

enum class Runs {
  on_worker,         // may wait for the database
  on_stripe_worker,  // may wait for Stripe, too
  on_sync_worker,    // may read much of Stripe, for minutes
  on_probe_worker,   // says how the service does, while all else waits; waits a second or two
  // Must not block: runs on the thread that owns the sockets; may hold its reply. The last, for it
  // has no pool.
  on_loop,
};

// Where a request's hold comes from; the server makes it.
struct HoldSource {
  std::shared_ptr<Mailbox> mailbox;
  Ticket ticket;
  bool held = false;
};

struct Context {
  // Without a source (a handler called outside a server) a hold holds nothing.
  explicit Context(const Request& r, HoldSource* source = nullptr) : request(r), source_(source) {}

  const Request& request;
  Hold hold();  // the reply that this handler returns waits until the hold says so; see hold.h

 private:
  HoldSource* source_;
};

using Handler = std::function<Reply(Context&)>;

// What /openapi.json says of a route. JSON in the form of OpenAPI 3.1.
struct Docs {
  std::string summary;
  std::string tag;
  Json parameters = Json::array();  // Parameter Objects; path parameters are added by the router
  Json request_body = nullptr;      // Request Body Object, or null
  Json responses = Json::object();  // by status; the error answers that every route has are added
};

struct Route {
  std::string method;   // "GET"
  std::string pattern;  // "/api/payouts/:id"
  std::string access;   // "" for everybody, else what the authenticator is asked for: "read",
                        // "write", "approve", "admin", "system"
  Handler handler;
  Docs docs{};
  Runs runs = Runs::on_worker;
  std::size_t max_body = 64 * 1024;
  bool keeps_keys_for_ever = false;  // Idempotency-Keys of its requests; otherwise 30 days
  std::optional<Runs> runs_async{};  // of a request that prefers `respond-async`, if elsewhere
};

// Called before the handler of a route with `access`; sets request.principal, or returns the reply
// (401, 403, 503) that ends the request. Runs where the handler runs.
using Authenticator = std::function<std::optional<Reply>(Request&, const Route&)>;

// Wraps each handler that runs on workers; access uses it for idempotency keys.
using Wrapper = std::function<Reply(Context&, const Route&, const Handler&)>;

// What a handler's exception means to the client (a lost database: 503), or nothing: then it is a
// 500 that says no more than its request id. The exception is logged in either case.
using Explainer = std::function<std::optional<Reply>(const std::exception&, const Request&)>;

// The form of the server's own refusals (404, 405, 413, 500, …). Default: error_reply.
using ErrorForm = std::function<Reply(int status, const Error&, std::string_view request_id)>;

class Router {
 public:
  Router();

  void add(Route route);  // CHECKs that method and pattern are not taken
  void authenticate_with(Authenticator authenticator);
  void wrap_with(Wrapper wrapper);
  void explain_with(Explainer explainer);
  void form_errors_with(ErrorForm form);
  const std::vector<Route>& routes() const { return routes_; }

  // What a path leads to. `route` is null when nothing does (404), or, with `allow` set
  // ("GET, HEAD, POST"), when something does with another method (405).
  struct Match {
    const Route* route = nullptr;
    std::map<std::string, std::string, std::less<>> params;
    std::string allow;
  };
  Match match(std::string_view method, std::span<const std::string> segments) const;

  // Authenticates, wraps, calls the handler; what it throws becomes a reply.
  Reply run(Request& request, const Route& route, HoldSource& source) const;
  Reply refuse(int status, const Error& error, std::string_view request_id) const;

 private:
  struct Entry {
    std::size_t route = 0;
    bool without_api = false;  // gives way to a route that is written so
    std::vector<std::string> names;
  };
  struct Node {
    std::map<std::string, std::size_t, std::less<>> fixed;
    std::size_t any = 0;  // of `:name`; 0: none
    std::map<std::string, Entry, std::less<>> methods;
  };

  void insert(std::size_t route, std::string_view pattern, bool without_api);
  std::size_t child(std::size_t node, std::string_view segment);
  const Node* find(std::size_t node, std::span<const std::string> segments,
                   std::vector<std::string>& values) const;
  Reply call(Request& request, const Route& route, HoldSource& source) const;
  Reply explain(const std::exception& error, const Request& request) const;

  std::vector<Route> routes_;
  std::vector<Node> nodes_;
  Authenticator authenticator_;
  Wrapper wrapper_;
  Explainer explainer_;
  ErrorForm form_;
};

}  // namespace payoutd::http
