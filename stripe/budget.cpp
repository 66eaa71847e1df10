#include "stripe/budget.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace payoutd::stripe {
namespace {

// Routes are templates, so there are few; this bounds the table should one escape the template.
constexpr std::size_t kMostRoutes = 1'000;
constexpr std::string_view kAll = "";

bool is_id(std::string_view segment) {
  return std::ranges::any_of(
      segment, [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || c == '%'; });
}

}  // namespace

std::string route_of(std::string_view method, std::string_view path) {
  std::string route(method);
  route += ' ';
  path = path.substr(0, path.find('?'));
  bool version = true;  // "v1" has a digit and is no id
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::string_view segment = path.substr(0, path.find('/'));
    route += '/';
    route += !version && is_id(segment) ? std::string_view(":id") : segment;
    version = false;
    path.remove_prefix(segment.size());
  }
  return route;
}

Bucket::Bucket(double per_second, Instant now)
    : rate_(per_second), size_(std::max(1.0, per_second / 10)), tokens_(size_), filled_(now) {
  CHECK(per_second > 0);
}

void Bucket::fill(Instant now) {
  if (now <= filled_) return;
  const double seconds = std::chrono::duration<double>(now - filled_).count();
  tokens_ = std::min(size_, tokens_ + seconds * rate_);
  filled_ = now;
}

std::chrono::nanoseconds Bucket::wait(Instant now) {
  fill(now);
  // The sum of many small fills may end a hair below a whole token.
  constexpr double kWhole = 1.0 - 1e-6;
  if (tokens_ >= kWhole) return std::chrono::nanoseconds{0};
  return std::chrono::nanoseconds{
      static_cast<std::int64_t>(std::ceil((1.0 - tokens_) / rate_ * 1e9))};
}

void Bucket::empty(Instant now) {
  filled_ = std::max(filled_, now);
  tokens_ = std::min(tokens_, 0.0);
}

Bucket& LocalBudget::of_route(std::string_view route, Instant now) {
  if (const auto found = buckets_.find(route); found != buckets_.end()) return found->second;
  double rate = rates_.per_route;
  if (route == kAll || buckets_.size() >= kMostRoutes) {
    route = kAll;
    rate = rates_.per_second;
  } else if (route == "POST /v1/payouts") {
    rate = rates_.payout_creation;
  }
  return buckets_.try_emplace(std::string(route), rate, now).first->second;
}

Wait LocalBudget::take(const Ask& ask, Instant now) {
  const std::lock_guard lock(mutex_);
  Bucket& all = of_route(kAll, now);
  if (const auto wait = all.wait(now); wait.count() > 0) return {wait, true};
  Bucket& route = of_route(ask.route, now);
  if (const auto wait = route.wait(now); wait.count() > 0) return {wait, false};
  all.take();
  if (&route != &all) route.take();
  return {};
}

void LocalBudget::limited(const Ask& ask, std::string_view reason, Instant now) {
  if (reason.empty() || reason == "resource-specific") return;  // one object is busy, not the rate
  const std::lock_guard lock(mutex_);
  of_route(reason.starts_with("global") ? kAll : ask.route, now).empty(now);
}

}  // namespace payoutd::stripe
