#include "stripe/sim/sim.h"

#include <algorithm>

#include "base/check.h"
#include "base/log.h"
#include "stripe/sim/activity.h"
#include "stripe/sim/demo.h"
#include "stripe/sim/resources/accounts.h"
#include "stripe/sim/resources/payouts.h"
#include "stripe/sim/world/events.h"

namespace payoutd::sim {
namespace {

constexpr std::chrono::milliseconds kTick{50};

template <class MovedClock>
Options with_clock(Options options, MovedClock& clock) {
  if (!options.advance_clock)
    options.advance_clock = [&clock](std::chrono::microseconds by) { clock.advance(by); };
  return options;
}

WebhookEndpoint endpoint_of(const Document& document) {
  WebhookEndpoint out{.id = document.id,
                      .url = document.str("url"),
                      .account = document.account,
                      .connect = document.hidden["connect"].get<bool>(),
                      .livemode = document.flag("livemode"),
                      .enabled = document.str("status") == "enabled"};
  out.enabled_events.clear();
  for (const auto& type : document.json["enabled_events"])
    out.enabled_events.push_back(type.get<std::string>());
  out.secrets.push_back({.secret = Secret(document.hidden["secret"].get<std::string>())});
  if (document.hidden.contains("rolled_secret"))
    out.secrets.push_back(
        {.secret = Secret(document.hidden["rolled_secret"].get<std::string>()),
         .expires = from_unix(document.hidden["rolled_until"].get<std::int64_t>())});
  return out;
}

// What a form could say: every leaf a string.
Json as_form(const Json& value) {
  if (value.is_structured()) {
    Json out = value;
    for (auto& [key, inner] : out.items()) inner = as_form(inner);
    return out;
  }
  return value.is_string() ? value : value.is_null() ? Json("") : Json(dump(value));
}

bool undone(const Document& object) {
  const auto status = object.str("status");
  return object.flag("reversed") || status == "failed" || status == "canceled" ||
         !object.str("reversed_by").empty();
}

}  // namespace

Sim::Sim(MovableClock& clock, Options options)
    : Sim(static_cast<const Clock&>(clock), with_clock(std::move(options), clock)) {}

Sim::Sim(ManualClock& clock, Options options)
    : Sim(static_cast<const Clock&>(clock), with_clock(std::move(options), clock)) {}

Sim::Sim(const Clock& clock, Options options)
    : clock_(clock),
      options_(std::move(options)),
      sender_(clock, faults_,
              {.body = [this](const std::string& event,
                              const WebhookEndpoint& to) { return webhook_body(event, to); },
               .acknowledged = [this](const std::string& event,
                                      const std::string&) { acknowledged(event); }},
              options_.webhooks) {
  build();
}

Sim::~Sim() { stop(); }

void Sim::build() {
  open_journal();
  const std::int64_t now = journal_ ? journal_->header().epoch : to_unix(clock_.now());
  world_ = std::make_unique<World>(options_, now - history_of(options_.demo));
  world_->history_until = now;
  keys_ = options_.api_keys;
  if (keys_.empty()) keys_.emplace_back(world_->ids.secret("sk_test_51", 24));
  world_->livemode = keys_.front().reveal().find("_live_") != std::string::npos;
  std::unique_lock lock(mutex_);
  make_demo(*world_);
  advance_to(*world_, now);
  dispatch_ = std::make_unique<Dispatch>(*world_, mutex_, clock_, faults_);
  for (const auto& key : keys_) dispatch_->allow_key(key.reveal());
  world_->endpoint_changed = [this](const Document& endpoint) { follow_endpoint(endpoint); };
  lock.unlock();
  if (journal_) replay();
  lock.lock();
  connect_outside();
}

void Sim::open_journal() {
  if (options_.journal.empty()) return;
  auto opened = Journal::open(
      options_.journal, {options_.seed, static_cast<int>(options_.demo), to_unix(clock_.now())});
  if (opened) journal_ = std::move(*opened);
  else journal_error_ = opened.error();
}

// Everything is done again in its order and at its own second; nobody outside hears of it twice.
void Sim::replay() {
  replaying_ = true;
  for (const Json& entry : journal_->entries()) replay(entry);
  journal_->forget_entries();
  clock_.live();
  replaying_ = false;
  dispatch_->record_with([this](const Call& call, std::int64_t now) {
    record({{"t", now},
            {"call",
             {{"method", call.method},
              {"path", call.path},
              {"params", call.params},
              {"key", call.key},
              {"account", call.account},
              {"idempotency_key", call.idempotency_key},
              {"version", call.version}}}});
  });
  tick();
}

void Sim::replay(const Json& entry) {
  if (const auto by = entry.find("advance_us"); by != entry.end()) {
    options_.advance_clock(std::chrono::microseconds(by->get<std::int64_t>()));
    return;
  }
  clock_.replay(entry.at("t").get<std::int64_t>());
  if (const auto call = entry.find("call"); call != entry.end()) {
    handle({.method = call->at("method"),
            .path = call->at("path"),
            .params = call->at("params"),
            .key = call->at("key"),
            .account = call->at("account"),
            .idempotency_key = call->at("idempotency_key"),
            .version = call->at("version")});
  } else if (const auto made = entry.find("activity"); made != entry.end()) {
    (void)activity(made->at("account"), made->at("counts"));
  } else if (const auto roll = entry.find("roll"); roll != entry.end()) {
    (void)roll_webhook_secret(roll->at("endpoint"),
                              std::chrono::seconds(roll->at("overlap").get<std::int64_t>()));
  } else {
    std::unique_lock lock(mutex_);
    advance_to(*world_, to_unix(clock_.now()));
    live_a_little(*world_);
  }
}

void Sim::record(OrderedJson entry) {
  if (journal_ && !replaying_) journal_->append(entry);
}

void Sim::connect_outside() {
  world_->publish = [this](const WebhookEvent& event) { return sender_.publish(event); };
  world_->twin = [this](std::string_view type) { return faults_.match_twin(type); };
  world_->endpoint_changed = [this](const Document& endpoint) { follow_endpoint(endpoint); };
}

void Sim::follow_endpoint(const Document& endpoint) {
  if (!endpoint.listed) return sender_.remove(endpoint.id);
  if (auto ok = sender_.put(endpoint_of(endpoint)); !ok)
    log::warn("a webhook endpoint can't be delivered to",
              {{"endpoint", endpoint.id}, {"why", ok.error().message}});
}

std::optional<std::string> Sim::webhook_body(const std::string& id, const WebhookEndpoint& to) {
  std::shared_lock lock(mutex_);
  const Event* event = world_->store.event(id);
  if (!event) return std::nullopt;  // beyond the horizon
  const Document* endpoint = world_->store.find(to.id);
  const auto version = endpoint ? endpoint->str("api_version") : std::string();
  std::string body;
  event->append_version(body, version.empty() ? kApiVersion : std::string_view(version));
  return body;
}

void Sim::acknowledged(const std::string& id) {
  std::unique_lock lock(mutex_);
  if (Event* event = world_->store.event(id); event && event->pending_webhooks > 0)
    --event->pending_webhooks;
}

Result<void> Sim::start() {
  CHECK(!server_);
  if (journal_error_) return *journal_error_;
  server_ =
      std::make_unique<http::Server>(router(), http::Server::Options{.host = options_.host,
                                                                     .port = options_.port,
                                                                     .workers = options_.workers,
                                                                     .server_name = "stripe-sim"});
  dispatch_->may_hold(true);
  if (auto ok = server_->start(); !ok) {
    server_.reset();
    return ok;
  }
  sender_.start();
  stopping_ = false;
  keeper_ = std::thread([this] { keep_time(); });
  return {};
}

void Sim::stop() {
  {
    std::lock_guard lock(keeper_mutex_);
    stopping_ = true;
  }
  keeper_wakes_.notify_all();
  if (keeper_.joinable()) keeper_.join();
  sender_.stop();
  if (!server_) return;
  dispatch_->may_hold(false);
  server_->stop();
  options_.port = server_->port();
  server_.reset();
}

std::uint16_t Sim::port() const { return server_ ? server_->port() : options_.port; }
std::string Sim::url() const { return "http://" + options_.host + ":" + std::to_string(port()); }

Answer Sim::handle(const Call& call) { return dispatch_->handle(call); }

Answer Sim::call(std::string method, std::string path, Json params, std::string account) {
  return handle({.method = std::move(method),
                 .path = std::move(path),
                 .params = params.is_null() ? Json::object() : as_form(params),
                 .key = api_key().reveal(),
                 .account = std::move(account)});
}

void Sim::expire_key(const Secret& key) { dispatch_->expire_key(key.reveal()); }

std::string Sim::platform() const {
  std::shared_lock lock(mutex_);
  return world_->platform().id;
}

std::vector<std::string> Sim::connected() const {
  std::shared_lock lock(mutex_);
  std::vector<std::string> out;
  for (const auto& account : world_->store.accounts())
    if (account->connected()) out.push_back(account->id);
  return out;
}

std::string Sim::second_tenant() const {
  std::shared_lock lock(mutex_);
  for (const auto& account : world_->store.accounts())
    if (account->object->hidden.contains("second_tenant")) return account->id;
  return "";
}

Result<Secret> Sim::add_webhook(const std::string& url, bool connect,
                                std::vector<std::string> events) {
  const Answer answer =
      call("POST", "/v1/webhook_endpoints",
           {{"url", url}, {"connect", connect ? "true" : "false"}, {"enabled_events", events}});
  const auto body = parse_json(answer.body);
  if (!body) return body.error();
  if (answer.status != 200)
    return Error{Kind::invalid, "webhook_refused", (*body)["error"].value("message", "")};
  return Secret((*body)["secret"].get<std::string>());
}

Result<Secret> Sim::roll_webhook_secret(const std::string& id, std::chrono::seconds overlap) {
  std::unique_lock lock(mutex_);
  record(
      {{"t", to_unix(clock_.now())}, {"roll", {{"endpoint", id}, {"overlap", overlap.count()}}}});
  Document* endpoint = world_->store.find(id);
  if (!endpoint || endpoint->kind != "webhook_endpoint" || !endpoint->listed)
    return Error{Kind::missing, "resource_missing", "no such webhook endpoint: " + id};
  OrderedJson& hidden = endpoint->hidden;
  hidden["rolled_secret"] = hidden["secret"];
  hidden["rolled_until"] = to_unix(clock_.now()) + overlap.count();
  hidden["secret"] = world_->ids.secret("whsec_");
  follow_endpoint(*endpoint);
  return Secret(hidden["secret"].get<std::string>());
}

bool Sim::wait_webhooks_drained(std::chrono::milliseconds timeout) const {
  return sender_.wait_drained(timeout);
}

void Sim::tick() {
  const std::int64_t now = to_unix(clock_.now());
  {
    std::shared_lock lock(mutex_);
    if (next_due(*world_) > now) return;
  }
  std::unique_lock lock(mutex_);
  advance_to(*world_, now);
}

Result<Time> Sim::advance(std::chrono::seconds by) {
  if (!options_.advance_clock)
    return Error{Kind::refused, "clock_fixed", "this clock can't be moved"};
  if (by < std::chrono::seconds::zero())
    return Error{Kind::invalid, "clock_backwards", "the clock only moves forward", "advance"};
  {
    std::unique_lock lock(mutex_);
    record({{"advance_us", std::chrono::microseconds(by).count()}});
  }
  options_.advance_clock(by);
  tick();
  sender_.clock_moved();
  return clock_.now();
}

OrderedJson Sim::payments() const {
  std::shared_lock lock(mutex_);
  OrderedJson out{{"data", OrderedJson::array()}};
  for (const auto& [object, key] : world_->payments)
    out["data"].push_back(
        {{"id", object->id},
         {"object", object->kind},
         {"account", object->account},
         {"amount", object->json["amount"]},
         {"currency", object->json["currency"]},
         {"idempotency_key", key.empty() ? OrderedJson(nullptr) : OrderedJson(key)},
         {"metadata", object->json["metadata"]},
         {"reversed", undone(*object)}});
  return out;
}

OrderedJson Sim::stats() const {
  const auto counts = dispatch_->counts();
  const auto webhooks = sender_.counts();
  return {{"requests", counts.requests},
          {"executed", counts.executed},
          {"replayed", counts.replayed},
          {"limited", counts.limited},
          {"refused", counts.refused},
          {"in_flight", counts.in_flight},
          {"peak_in_flight", counts.peak_in_flight},
          {"webhooks",
           {{"attempts", webhooks.attempts},
            {"acknowledged", webhooks.acknowledged},
            {"failed", webhooks.failed},
            {"given_up", webhooks.given_up},
            {"dropped", webhooks.dropped},
            {"lost", webhooks.lost},
            {"pending", webhooks.pending},
            {"in_flight", webhooks.in_flight}}}};
}

Result<OrderedJson> Sim::activity(const std::string& account, const Json& counts) {
  std::unique_lock lock(mutex_);
  advance_to(*world_, to_unix(clock_.now()));
  record({{"t", world_->now}, {"activity", {{"account", account}, {"counts", counts}}}});
  return make_activity(*world_, account, counts);
}

void Sim::inspect(const std::function<void(World&)>& look) {
  std::unique_lock lock(mutex_);
  look(*world_);
}

void Sim::keep_time() {
  using Steady = std::chrono::steady_clock;
  const std::chrono::milliseconds every(options_.activity_every_ms);
  auto next_activity = Steady::now() + every;
  std::unique_lock lock(keeper_mutex_);
  while (!keeper_wakes_.wait_for(lock, kTick, [this] { return stopping_; })) {
    tick();
    if (every.count() == 0 || Steady::now() < next_activity) continue;
    next_activity = Steady::now() + every;
    std::unique_lock world_lock(mutex_);
    advance_to(*world_, to_unix(clock_.now()));
    record({{"t", world_->now}, {"live", true}});
    live_a_little(*world_);
  }
}

}  // namespace payoutd::sim
