#include "stripe/sim/api/dispatch.h"

#include <fmt/format.h>

#include <chrono>
#include <exception>

#include "base/log.h"
#include "stripe/sim/wire/random.h"

namespace payoutd::sim {
namespace {

std::string masked(const std::string& key) {
  const auto second = key.find('_', key.find('_') == std::string::npos ? 0 : key.find('_') + 1);
  const std::string prefix = second == std::string::npos ? "" : key.substr(0, second + 1);
  return prefix + "****" + (key.size() > prefix.size() + 4 ? key.substr(key.size() - 4) : "");
}

void alter(std::string& body, const Fault& fault) {
  for (std::size_t at = body.find(fault.find); at != std::string::npos;
       at = body.find(fault.find, at + fault.with.size())) {
    body.replace(at, fault.find.size(), fault.with);
  }
}

Refused unauthorized(std::string code, std::string message) {
  return Refused(Refusal{.status = 401, .code = std::move(code), .message = std::move(message)});
}

Refusal broken_inside() {
  return {.status = 500,
          .type = "api_error",
          .message = "Sorry! There was an error while talking to one of our backends."};
}

}  // namespace

struct Dispatch::Passage {
  const Call& call;
  std::string request_id;
  Answer answer{};
  Match match{};
  Account* account = nullptr;
  Expansions expansions{};
  std::optional<Fault> fault{};
  RateLimiter::Permit permit{};

  void header(std::string name, std::string value) {
    answer.headers.emplace_back(std::move(name), std::move(value));
  }
  void refuse(const Refusal& refusal) {
    answer.status = refusal.status;
    answer.body = error_body(refusal);
  }
  void inject(const Fault& injected) {
    const http::Reply reply = fault_reply(injected);
    if (injected.body) answer.headers.clear();  // a gateway's
    answer.status = reply.status;
    answer.body = reply.body;
    for (const auto& [name, value] : reply.headers) header(name, value);
  }
  bool faulty(Fault::Do what) const { return fault && fault->what == what; }
};

Dispatch::Dispatch(World& world, std::shared_mutex& mutex, const Clock& clock, Faults& faults)
    : world_(world),
      platform_(world.platform().id),
      mutex_(mutex),
      clock_(clock),
      faults_(faults),
      limiter_(world.options.limits) {}

Answer Dispatch::handle(const Call& call) {
  ++requests_;
  const int now_in_flight = ++in_flight_;
  for (int peak = peak_;
       now_in_flight > peak && !peak_.compare_exchange_weak(peak, now_in_flight);) {
  }
  Passage passage{.call = call, .request_id = next_request_id()};
  passage.header("Request-Id", passage.request_id);
  passage.header("Stripe-Version", call.version.empty() ? std::string(kApiVersion) : call.version);
  if (!call.account.empty()) passage.header("Stripe-Account", call.account);
  if (call.method == "POST" && !call.idempotency_key.empty())
    passage.header("Idempotency-Key", call.idempotency_key);
  try {
    pass(passage);
  } catch (const std::exception& error) {
    log::error("simulated Stripe failed", {{"path", call.path}, {"error", error.what()}});
    passage.refuse(broken_inside());
  }
  if (passage.answer.status >= 400) ++refused_;
  --in_flight_;
  return std::move(passage.answer);
}

void Dispatch::pass(Passage& passage) {
  const Call& call = passage.call;
  if (auto ok = authenticate(call); !ok) return passage.refuse(ok.error());
  const auto match = routes_.match(call.method, call.path);
  if (!match)
    return passage.refuse(
        {.status = 404,
         .message = fmt::format("Unrecognized request URL ({}: {}). If you are trying to list "
                                "objects, remove the trailing slash. If you are trying to "
                                "retrieve an object, make sure you passed a valid (non-empty) "
                                "identifier in your code.",
                                call.method, call.path)});
  passage.match = *match;
  if (limited(passage)) return;
  passage.fault = faults_.match(call.method, call.path);
  if (call.idempotency_key.empty() && !sit_out_latency(passage)) return;
  auto account = account_of(call);
  if (!account) return passage.refuse(account.error());
  passage.account = *account;
  if (auto ok = check_params(match->route->rules, call.params); !ok)
    return passage.refuse(ok.error());
  const Params params(call.params);
  auto expansions = read_expansions(params);
  if (!expansions) return passage.refuse(expansions.error());
  passage.expansions = std::move(*expansions);
  with_idempotency(passage);
}

Try<void> Dispatch::authenticate(const Call& call) const {
  if (call.key.empty())
    return unauthorized(
        "",
        "You did not provide an API key. You need to provide your API key in the "
        "Authorization header, using Bearer auth (e.g. 'Authorization: Bearer "
        "YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for details.");
  if (call.key.starts_with("pk_"))
    return unauthorized("secret_key_required",
                        "This API call cannot be made with a publishable API key. Please "
                        "use a secret API key. You can find a list of your API keys at "
                        "https://dashboard.stripe.com/account/apikeys.");
  std::shared_lock lock(keys_mutex_);
  if (expired_.contains(call.key))
    return unauthorized("api_key_expired", "Expired API Key provided: " + masked(call.key));
  if (!keys_.contains(call.key))
    return unauthorized("", "Invalid API Key provided: " + masked(call.key));
  return {};
}

bool Dispatch::limited(Passage& passage) {
  const Route& route = *passage.match.route;
  auto permit = limiter_.check({.account = platform_,
                                .livemode = world_.livemode,
                                .method = route.endpoint.method,
                                .endpoint = route.endpoint.path,
                                .list = route.list},
                               std::chrono::steady_clock::now());
  if (permit) {
    passage.permit = std::move(*permit);
    return false;
  }
  ++limited_;
  passage.header("Stripe-Rate-Limited-Reason", std::string(header_value(permit.error())));
  passage.refuse({.status = 429,
                  .code = "rate_limit",
                  .message =
                      "Request rate limit exceeded. You can learn more about rate limits here "
                      "https://stripe.com/docs/rate-limits."});
  return true;
}

// False: the call is cut off instead.
bool Dispatch::sit_out_latency(Passage& passage) {
  if (!passage.fault || passage.fault->ms == 0) return true;
  std::unique_lock lock(held_mutex_);
  held_.wait_for(lock, std::chrono::milliseconds(passage.fault->ms), [this] { return !may_hold_; });
  if (!may_hold_) passage.answer.cut = Cut::reset;
  return may_hold_;
}

void Dispatch::may_hold(bool allowed) {
  const std::lock_guard lock(held_mutex_);
  may_hold_ = allowed;
  held_.notify_all();
}

Try<Account*> Dispatch::account_of(const Call& call) {
  std::shared_lock lock(mutex_);
  Account& platform = world_.platform();
  if (call.account.empty() || call.account == platform.id) return &platform;
  Account* found = world_.store.account(call.account);
  if (found && found->platform == platform.id && !found->object->hidden.contains("deauthorized"))
    return found;
  return Refused(Refusal{
      .status = 403,
      .code = "account_invalid",
      .message = fmt::format("The provided key '{}' does not have access to account '{}' (or "
                             "that account does not exist). Application access may have been "
                             "revoked.",
                             masked(call.key), call.account)});
}

void Dispatch::with_idempotency(Passage& passage) {
  const Call& call = passage.call;
  if (call.method != "POST" || call.idempotency_key.empty()) return run(passage);
  if (call.idempotency_key.size() > kMaxIdempotencyKeyBytes)
    return passage.refuse({.type = "idempotency_error",
                           .message = "Idempotency keys can be at most 255 characters long."});
  auto begun = idempotency_.begin({passage.account->id, world_.livemode}, call.idempotency_key,
                                  fingerprint(call.method, call.path, call.params), clock_.now());
  if (std::holds_alternative<IdempotencyStore::InFlight>(begun))
    return passage.refuse({.status = 409,
                           .type = "idempotency_error",
                           .code = "idempotency_key_in_use",
                           .message = key_in_use_message(call.idempotency_key)});
  if (std::holds_alternative<IdempotencyStore::Mismatch>(begun))
    return passage.refuse(
        {.type = "idempotency_error", .message = key_mismatch_message(call.idempotency_key)});
  if (auto* replay = std::get_if<IdempotencyStore::Replay>(&begun)) {
    ++replayed_;
    passage.answer.status = replay->reply.status;
    passage.answer.body = std::move(replay->reply.body);
    passage.header("Idempotent-Replayed", "true");
    passage.header("Original-Request", replay->reply.request_id);
    return;
  }
  auto& ticket = std::get<IdempotencyStore::Fresh>(begun).ticket;
  if (!sit_out_latency(passage)) return;
  passage.header("Original-Request", passage.request_id);
  const bool ran = !passage.faulty(Fault::Do::status) && !passage.faulty(Fault::Do::reset_before);
  run(passage);
  if (ran && !passage.faulty(Fault::Do::status_after)) {
    passage.header("Stripe-Should-Retry", "false");
    ticket.finish({passage.answer.status, passage.answer.body, passage.request_id});
  }
  if (!passage.fault) return;
  const StoredReply real{passage.answer.status, passage.answer.body, passage.request_id};
  if (passage.faulty(Fault::Do::status) && passage.fault->stored) ticket.finish(real);
  if (passage.faulty(Fault::Do::status_after)) {
    passage.inject(*passage.fault);
    ticket.finish(passage.fault->stored
                      ? StoredReply{passage.answer.status, passage.answer.body, passage.request_id}
                      : real);
  }
}

// Executes, unless a fault stands before; what a fault does after it is done here, too, where no
// idempotency key has to remember the real answer.
void Dispatch::run(Passage& passage) {
  if (passage.faulty(Fault::Do::reset_before)) {
    passage.answer.cut = Cut::reset;
    return;
  }
  if (passage.faulty(Fault::Do::status)) return passage.inject(*passage.fault);
  auto body = execute(passage);
  if (body) passage.answer.body = std::move(*body);
  else passage.refuse(body.error());
  if (passage.faulty(Fault::Do::reset_after)) passage.answer.cut = Cut::reset;
  if (passage.faulty(Fault::Do::alter)) alter(passage.answer.body, *passage.fault);
  if (passage.faulty(Fault::Do::truncate)) passage.answer.cut = Cut::truncate;
  const bool keyed = passage.call.method == "POST" && !passage.call.idempotency_key.empty();
  if (passage.faulty(Fault::Do::status_after) && !keyed) passage.inject(*passage.fault);
}

Try<std::string> Dispatch::execute(Passage& passage) {
  ++executed_;
  const Call& call = passage.call;
  const Params params(call.params);
  const auto ask_at = [&](std::int64_t now) {
    return Ask{.world = world_,
               .account = *passage.account,
               .params = params,
               .ids = passage.match.ids,
               .now = now,
               .path = call.path};
  };
  const auto run = passage.match.route->endpoint.run;
  const std::int64_t now = to_unix(clock_.now());
  if (call.method == "GET") {
    catch_up(now);
    std::shared_lock lock(mutex_);
    const Ask ask = ask_at(std::max(now, world_.now));
    auto shown = run(ask);
    if (!shown) return Refused(shown.error());
    return render(ask, std::move(*shown), passage.expansions, true);
  }
  std::unique_lock lock(mutex_);
  advance_to(world_, now);
  if (recorder_) recorder_(call, world_.now);
  world_.cause = {passage.request_id, call.idempotency_key};
  const Ask ask = ask_at(world_.now);
  auto shown = run(ask);
  world_.cause = {};
  if (!shown) return Refused(shown.error());
  return render(ask, std::move(*shown), passage.expansions, false);
}

Try<std::string> Dispatch::render(const Ask& ask, Shown shown, const Expansions& paths,
                                  bool reads) const {
  std::string out;
  if (const auto* page = std::get_if<Page>(&shown); page && paths.empty()) {
    out = R"({"object":"list","data":[)";
    for (const Record* record : page->data) {
      record->append_text(out);
      out += ',';
    }
    if (!page->data.empty()) out.pop_back();
    out += R"(],"has_more":)";
    out += page->has_more ? "true" : "false";
    out += R"(,"url":)";
    append_quoted(out, page->url);
    out += '}';
    return out;
  }
  if (const auto* record = std::get_if<const Record*>(&shown); record && paths.empty()) {
    (*record)->append_text(out);
    return out;
  }
  OrderedJson object;
  if (auto* page = std::get_if<Page>(&shown)) {
    object = {{"object", "list"},
              {"data", OrderedJson::array()},
              {"has_more", page->has_more},
              {"url", page->url}};
    for (const Record* record : page->data) object["data"].push_back(record->object());
  } else if (const auto* record = std::get_if<const Record*>(&shown)) {
    object = (*record)->object();
  } else {
    object = std::move(std::get<OrderedJson>(shown));
  }
  auto expanded = expand(ask, object, paths);
  // What was done is answered with, unexpanded where the path leads nowhere.
  if (!expanded && reads) return Refused(expanded.error());
  return dump(object);
}

void Dispatch::catch_up(std::int64_t now) {
  {
    std::shared_lock lock(mutex_);
    if (next_due(world_) > now) return;
  }
  std::unique_lock lock(mutex_);
  advance_to(world_, now);
}

void Dispatch::expire_key(const std::string& key) {
  std::unique_lock lock(keys_mutex_);
  expired_.insert(key);
}

std::string Dispatch::next_request_id() {
  Random random(world_.options.seed ^ (++request_serial_ * 0x2545f4914f6cdd1du));
  return "req_" + random.text(14);
}

Dispatch::Counts Dispatch::counts() const {
  return {.requests = requests_,
          .executed = executed_,
          .replayed = replayed_,
          .limited = limited_,
          .refused = refused_,
          .in_flight = in_flight_,
          .peak_in_flight = peak_};
}

}  // namespace payoutd::sim
