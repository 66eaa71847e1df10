#include "stripe/sim/delivery/webhook_sender.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "stripe/sim/delivery/signing.h"
#include "stripe/sim/delivery/webhook_http.h"
#include "stripe/sim/delivery/webhook_queue.h"

namespace payoutd::sim {
namespace {

using Steady = std::chrono::steady_clock;

constexpr int kMaxWaitMs = 200;  // a clock that was moved without clock_moved() is seen this late

struct Receiver {
  std::shared_ptr<const WebhookEndpoint> config;
  std::string path;
  DeliveryQueue queue;
  int in_flight = 0;
};

}  // namespace

class WebhookSender::Impl {
 public:
  Impl(const Clock& clock, Faults& faults, Events events, Options options)
      : clock_(clock),
        faults_(faults),
        events_(std::move(events)),
        options_(options),
        http_(options.timeout_ms) {}

  void start();
  void stop();
  Result<void> put(WebhookEndpoint endpoint);
  void remove(const std::string& id);
  std::vector<WebhookEndpoint> endpoints() const;
  int publish(const WebhookEvent& event);
  void wake() { http_.wake(); }
  bool idle() const;
  bool wait_drained(std::chrono::milliseconds timeout) const;
  Counts counts() const;

 private:
  struct Attempt {
    Delivery delivery;
    std::shared_ptr<const WebhookEndpoint> endpoint;
  };

  void loop();
  std::vector<Attempt> take_due();
  bool may_start(const Receiver& endpoint) const;
  bool shape(Receiver& endpoint, Delivery& delivery);
  void send(Attempt attempt);
  void end(std::uint64_t ticket, int status);
  void settle(const std::string& endpoint_id);
  void retry_or_give_up(const Delivery& delivery);
  bool idle_locked() const;
  int wait_ms() const;
  void drop_all();

  const Clock& clock_;
  Faults& faults_;
  const Events events_;
  const Options options_;
  WebhookHttp http_;
  std::thread thread_;
  std::atomic<bool> stopping_{false};

  mutable std::mutex mutex_;
  mutable std::condition_variable ended_;
  std::map<std::string, Receiver> endpoints_;
  Counts counts_;  // pending is counted when asked for

  std::unordered_map<std::uint64_t, Delivery> in_flight_;  // the sender's thread only
  std::uint64_t next_ticket_ = 1;
};

void WebhookSender::Impl::start() {
  CHECK(!thread_.joinable());
  stopping_ = false;
  thread_ = std::thread([this] { loop(); });
}

void WebhookSender::Impl::stop() {
  stopping_ = true;
  http_.wake();
  if (thread_.joinable()) thread_.join();
  drop_all();
}

void WebhookSender::Impl::drop_all() {
  const std::lock_guard lock(mutex_);
  for (auto& [id, endpoint] : endpoints_) {
    counts_.dropped += endpoint.queue.size() + static_cast<std::size_t>(endpoint.in_flight);
    endpoint.queue.clear();
    endpoint.in_flight = 0;
  }
  counts_.in_flight = 0;
  ended_.notify_all();
}

Result<void> WebhookSender::Impl::put(WebhookEndpoint endpoint) {
  const auto path = webhook_url_path(endpoint.url);
  if (!path) return Error{Kind::invalid, "url_invalid", "Not a valid URL", "url"};
  const std::lock_guard lock(mutex_);
  Receiver& known = endpoints_[endpoint.id];
  known.path = *path;
  known.config = std::make_shared<const WebhookEndpoint>(std::move(endpoint));
  return {};
}

void WebhookSender::Impl::remove(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto found = endpoints_.find(id);
  if (found == endpoints_.end()) return;
  counts_.dropped += found->second.queue.size();
  endpoints_.erase(found);
  ended_.notify_all();
}

std::vector<WebhookEndpoint> WebhookSender::Impl::endpoints() const {
  const std::lock_guard lock(mutex_);
  std::vector<WebhookEndpoint> all;
  for (const auto& [id, endpoint] : endpoints_) all.push_back(*endpoint.config);
  return all;
}

int WebhookSender::Impl::publish(const WebhookEvent& event) {
  int wanted = 0;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [id, endpoint] : endpoints_) {
      if (!wants(*endpoint.config, event)) continue;
      ++wanted;
      if (stopping_ || endpoint.queue.size() >= options_.max_pending) {
        ++counts_.lost;
        continue;
      }
      endpoint.queue.add(Delivery{.event = event, .endpoint_id = id});
    }
  }
  if (wanted > 0) http_.wake();
  return wanted;
}

bool WebhookSender::Impl::idle_locked() const {
  const Time now = clock_.now();
  return counts_.in_flight == 0 && std::ranges::all_of(endpoints_, [&](const auto& known) {
           return known.second.queue.idle(now);
         });
}

bool WebhookSender::Impl::idle() const {
  const std::lock_guard lock(mutex_);
  return idle_locked();
}

bool WebhookSender::Impl::wait_drained(std::chrono::milliseconds timeout) const {
  const auto deadline = Steady::now() + timeout;
  std::unique_lock lock(mutex_);
  while (!idle_locked()) {
    // In slices: a delivery that comes due by the clock alone notifies nobody.
    const auto slice = std::min(deadline, Steady::now() + std::chrono::milliseconds{20});
    if (ended_.wait_until(lock, slice) == std::cv_status::timeout && Steady::now() >= deadline) {
      return idle_locked();
    }
  }
  return true;
}

WebhookSender::Counts WebhookSender::Impl::counts() const {
  const std::lock_guard lock(mutex_);
  Counts counts = counts_;
  for (const auto& [id, endpoint] : endpoints_) counts.pending += endpoint.queue.size();
  return counts;
}

void WebhookSender::Impl::loop() {
  Steady::time_point drained_by = Steady::time_point::max();
  while (true) {
    if (stopping_ && drained_by == Steady::time_point::max()) {
      drained_by = Steady::now() + std::chrono::milliseconds{options_.drain_ms};
    }
    if (!stopping_) {
      for (Attempt& attempt : take_due()) send(std::move(attempt));
    } else if (in_flight_.empty() || Steady::now() >= drained_by) {
      return;
    }
    for (const WebhookHttp::Outcome& outcome : http_.run(wait_ms())) {
      end(outcome.ticket, outcome.status);
    }
  }
}

int WebhookSender::Impl::wait_ms() const {
  if (stopping_) return 20;
  const std::lock_guard lock(mutex_);
  const bool startable =
      std::ranges::any_of(endpoints_, [&](const auto& known) { return may_start(known.second); });
  if (startable) return 0;
  return kMaxWaitMs;
}

bool WebhookSender::Impl::may_start(const Receiver& endpoint) const {
  return endpoint.queue.ready() && endpoint.in_flight < options_.max_parallel_per_endpoint &&
         counts_.in_flight < static_cast<std::size_t>(options_.max_parallel);
}

// One delivery of each endpoint in turn, so that a slow or dead one delays nobody else.
std::vector<WebhookSender::Impl::Attempt> WebhookSender::Impl::take_due() {
  const std::lock_guard lock(mutex_);
  std::vector<Attempt> attempts;
  for (auto& [id, endpoint] : endpoints_) endpoint.queue.release_due(clock_.now(), Steady::now());
  for (bool found = true; found;) {
    found = false;
    for (auto& [id, endpoint] : endpoints_) {
      if (!may_start(endpoint)) continue;
      found = true;
      Delivery delivery = endpoint.queue.take();
      if (!shape(endpoint, delivery)) continue;
      ++endpoint.in_flight;
      ++counts_.in_flight;
      attempts.push_back({std::move(delivery), endpoint.config});
    }
  }
  return attempts;
}

// Applies what was injected. False: the delivery does not leave now.
bool WebhookSender::Impl::shape(Receiver& endpoint, Delivery& delivery) {
  if (!endpoint.config->enabled) {
    ++counts_.dropped;
    ended_.notify_all();
    return false;
  }
  if (std::exchange(delivery.shaped, false) || delivery.copy) return true;
  const auto fault = faults_.match_delivery(delivery.event.type, endpoint.path);
  if (!fault) return true;
  const std::chrono::milliseconds pause{fault->ms};
  Delivery shaped = delivery;
  shaped.shaped = true;
  switch (fault->what) {
    case Fault::Do::drop:
      ++counts_.dropped;
      ended_.notify_all();
      return false;
    case Fault::Do::duplicate:
      shaped.copy = true;
      endpoint.queue.add(std::move(shaped));
      return true;
    case Fault::Do::delay:
      endpoint.queue.add_at(clock_.now() + pause, std::move(shaped));
      return false;
    case Fault::Do::reorder:
      endpoint.queue.hold(std::move(shaped), Steady::now() + pause);
      return false;
    case Fault::Do::latency:
    case Fault::Do::reset_before:
    case Fault::Do::reset_after:
    case Fault::Do::truncate:
    case Fault::Do::status:
    case Fault::Do::status_after:
    case Fault::Do::alter:
    case Fault::Do::twin: break;  // no fault of a delivery
  }
  return true;
}

void WebhookSender::Impl::send(Attempt attempt) {
  const std::uint64_t ticket = next_ticket_++;
  Delivery& delivery = attempt.delivery;
  const WebhookEndpoint& endpoint = *attempt.endpoint;
  const Time now = clock_.now();
  if (delivery.attempts++ == 0) delivery.first_attempt = now;
  std::optional<std::string> body;
  try {
    body = events_.body(delivery.event.id, endpoint);
  } catch (const std::exception& e) {
    log::error("a webhook could not be rendered",
               {{"event", delivery.event.id}, {"why", e.what()}});
  }
  if (!body) {
    const std::lock_guard lock(mutex_);
    ++counts_.dropped;
    settle(delivery.endpoint_id);
    return;
  }
  std::vector<Secret> secrets;
  for (const WebhookSecret& held : endpoint.secrets) {
    if (!held.expires || now < *held.expires) secrets.push_back(held.secret);
  }
  const std::string signature = signature_header(*body, secrets, now, delivery.event.livemode);
  const bool sent = http_.post(ticket, endpoint.url, std::move(*body), signature);
  in_flight_.emplace(ticket, std::move(delivery));
  {
    const std::lock_guard lock(mutex_);
    ++counts_.attempts;
  }
  if (!sent) end(ticket, 0);
}

void WebhookSender::Impl::end(std::uint64_t ticket, int status) {
  auto ended = in_flight_.extract(ticket);
  CHECK(!ended.empty());
  const Delivery& delivery = ended.mapped();
  const bool arrived = status >= 200 && status < 300;
  if (arrived && !delivery.copy) {
    try {
      events_.acknowledged(delivery.event.id, delivery.endpoint_id);
    } catch (const std::exception& e) {
      log::error("a delivered webhook could not be noted",
                 {{"event", delivery.event.id}, {"why", e.what()}});
    }
  }
  if (!arrived) {
    log::debug("a webhook was not accepted", {{"event", delivery.event.id}, {"status", status}});
  }
  const std::lock_guard lock(mutex_);
  if (arrived && !delivery.copy) ++counts_.acknowledged;
  if (!arrived) ++counts_.failed;
  if (!arrived && !delivery.copy) retry_or_give_up(delivery);
  settle(delivery.endpoint_id);
}

// Under the lock. What was held back behind this delivery may go now.
void WebhookSender::Impl::settle(const std::string& endpoint_id) {
  --counts_.in_flight;
  const auto found = endpoints_.find(endpoint_id);
  if (found != endpoints_.end()) {
    Receiver& endpoint = found->second;
    endpoint.in_flight =
        std::max(endpoint.in_flight - 1, 0);  // it may have been removed and put again
    endpoint.queue.release_held();
  }
  ended_.notify_all();
}

// Under the lock.
void WebhookSender::Impl::retry_or_give_up(const Delivery& delivery) {
  const auto found = endpoints_.find(delivery.endpoint_id);
  if (found == endpoints_.end()) {
    ++counts_.dropped;
    return;
  }
  const auto due = options_.retries.next(delivery.attempts, delivery.first_attempt, clock_.now());
  if (due) {
    found->second.queue.add_at(*due, delivery);
    return;
  }
  ++counts_.given_up;
  log::info("a webhook was given up", {{"event", delivery.event.id},
                                       {"endpoint", delivery.endpoint_id},
                                       {"attempts", delivery.attempts}});
}

WebhookSender::WebhookSender(const Clock& clock, Faults& faults, Events events, Options options)
    : impl_(std::make_unique<Impl>(clock, faults, std::move(events), options)) {}
WebhookSender::WebhookSender(const Clock& clock, Faults& faults, Events events)
    : WebhookSender(clock, faults, std::move(events), Options{}) {}
WebhookSender::~WebhookSender() { stop(); }
void WebhookSender::start() { impl_->start(); }
void WebhookSender::stop() { impl_->stop(); }
Result<void> WebhookSender::put(WebhookEndpoint endpoint) {
  return impl_->put(std::move(endpoint));
}
void WebhookSender::remove(const std::string& id) { impl_->remove(id); }
std::vector<WebhookEndpoint> WebhookSender::endpoints() const { return impl_->endpoints(); }
int WebhookSender::publish(const WebhookEvent& event) { return impl_->publish(event); }
void WebhookSender::clock_moved() { impl_->wake(); }
bool WebhookSender::idle() const { return impl_->idle(); }
bool WebhookSender::wait_drained(std::chrono::milliseconds timeout) const {
  return impl_->wait_drained(timeout);
}
WebhookSender::Counts WebhookSender::counts() const { return impl_->counts(); }

}  // namespace payoutd::sim
