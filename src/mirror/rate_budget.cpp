#include "mirror/rate_budget.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "mirror/rate_budget_store.h"
#include "pg/outage.h"

namespace payoutd::mirror {

namespace {

using namespace std::chrono_literals;

constexpr std::string_view kAll = "";
constexpr std::string_view kPayoutCreation = "POST /v1/payouts";
// Routes are templates, so there are few; this bounds the table should one escape the template.
constexpr std::size_t kMostLines = 200;
constexpr auto kLateUse = 100ms;  // after this a slot is lost
constexpr auto kAskAgain = 2ms;   // while a block is on its way
constexpr auto kAhead = 50ms;     // a block is asked for so long before the last slot
constexpr auto kAfterLoss = 200ms;
constexpr auto kWhenLimited = 250ms;
constexpr double kBlocksPerSecond = 20;

std::chrono::microseconds interval_of(double rate) {
  return std::chrono::microseconds{static_cast<std::int64_t>(std::ceil(1e6 / rate))};
}

std::int64_t slots_in_block(double rate) {
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(rate / kBlocksPerSecond));
}

// What passes by itself is waited for.
std::optional<Error> refusal_by(const std::exception& error) {
  const auto* busy = dynamic_cast<const pg::Busy*>(&error);
  if (busy == nullptr || !busy->lasts()) return std::nullopt;
  const auto outage = pg::outage_of(error);
  return Error{Kind::retry, std::string(outage->code),
               fmt::format("{}, and requests to Stripe are counted there: ask again later. What "
                           "the mirror holds can be read",
                           outage->reason)};
}

}  // namespace

SharedBudget::SharedBudget(pg::Database& db, stripe::Rates rates) : db_(db), rates_(rates) {
  CHECK(rates.per_second > 0 && rates.per_route > 0 && rates.payout_creation > 0);
  thread_ = std::thread([this] { run(); });
}

SharedBudget::~SharedBudget() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

SharedBudget::Line& SharedBudget::line_of(std::string_view route) {
  const double rate = route == kPayoutCreation ? rates_.payout_creation : rates_.per_route;
  // What the whole may not pass, none of its parts does.
  if (route.empty() || rate >= rates_.per_second || lines_.size() >= kMostLines) route = kAll;
  const auto found = lines_.find(route);
  if (found != lines_.end()) return found->second;
  Line& line = lines_[std::string(route)];
  line.rate = route.empty() ? rates_.per_second : rate;
  return line;
}

std::chrono::nanoseconds SharedBudget::wait(Line& line, stripe::Instant now) {
  while (!line.slots.empty() && line.slots.front() + kLateUse < now) line.slots.pop_front();
  if (!line.wanted && (line.slots.empty() || line.slots.back() < now + kAhead)) {
    line.wanted = true;
    wanted_ = true;
    wake_.notify_one();
  }
  if (line.slots.empty()) return kAskAgain;
  return std::max(0ns, std::chrono::nanoseconds(line.slots.front() - now));
}

stripe::Wait SharedBudget::take(const stripe::Ask& ask, stripe::Instant now) {
  const std::scoped_lock lock(mutex_);
  Line& all = line_of(kAll);
  if (const auto time = wait(all, now); time.count() > 0) return {time, true, refused_};
  Line& route = line_of(ask.route);
  if (&route != &all) {
    if (const auto time = wait(route, now); time.count() > 0) return {time, false, refused_};
    route.slots.pop_front();
  }
  all.slots.pop_front();
  return {};
}

void SharedBudget::limited(const stripe::Ask& ask, std::string_view reason, stripe::Instant) {
  if (reason.empty() || reason == "resource-specific") return;  // one object is busy, not the rate
  const std::scoped_lock lock(mutex_);
  Line& line = line_of(reason.starts_with("global") ? kAll : ask.route);
  line.slots.clear();
  line.pause = kWhenLimited;
}

void SharedBudget::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    wake_.wait(lock, [&] { return wanted_ || stopping_; });
    if (stopping_) return;
    wanted_ = false;
    lock.unlock();
    const bool leased = lease();
    lock.lock();
    if (leased) continue;
    wanted_ = true;
    wake_.wait_for(lock, kAfterLoss, [&] { return stopping_; });
  }
}

bool SharedBudget::lease() {
  bool leased = false;
  std::optional<Error> refused;
  try {
    lease_wanted();
    leased = true;
    if (failing_.over()) log::info("requests to Stripe may be sent again");
  } catch (const std::exception& e) {
    failing_.write(log::Level::warn,
                   "no requests to Stripe may be sent, for the rate budget can't be read", e.what(),
                   {{"error", e.what()}});
    refused = refusal_by(e);
  }
  const std::scoped_lock lock(mutex_);
  refused_ = std::move(refused);
  return leased;
}

// One transaction a name: no instance holds one row while it waits for another.
void SharedBudget::lease_wanted() {
  struct Wanted {
    std::string name;
    double rate;
    std::chrono::microseconds pause;
  };
  std::vector<Wanted> wanted;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [name, line] : lines_) {
      if (line.wanted) wanted.push_back({name, line.rate, line.pause});
    }
  }
  for (const Wanted& each : wanted) {
    const auto interval = interval_of(each.rate);
    const std::int64_t count = slots_in_block(each.rate);
    const auto begins = db_.transact([&](pg::Tx& tx) -> Result<std::chrono::microseconds> {
      return rate_budget_store::lease(tx, each.name, interval * count, each.pause);
    });
    CHECK(begins.ok());
    const std::scoped_lock lock(mutex_);
    // Read after the answer: a slot may come a little late, never early.
    const stripe::Instant first = std::chrono::steady_clock::now() + *begins;
    Line& line = lines_.at(each.name);
    // Limited meanwhile: slots that know nothing of it are not used, and others are asked for.
    if (line.pause != each.pause) {
      wanted_ = true;
      continue;
    }
    for (std::int64_t i = 0; i < count; ++i) line.slots.push_back(first + interval * i);
    line.wanted = false;
    line.pause = 0us;
  }
}

}  // namespace payoutd::mirror
