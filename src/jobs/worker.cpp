#include "jobs/worker.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/log.h"
#include "jobs/schedules.h"

namespace payoutd::jobs {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kShortestPause{5};
constexpr milliseconds kLongestRecovery{2000};
constexpr milliseconds kPromoteEvery{100};
constexpr milliseconds kLongestTakeOverPause{5000};

std::string host_and_process() {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host = {'?'};
  return fmt::format("{}:{}", host.data(), ::getpid());
}

WorkerOptions checked(WorkerOptions options) {
  CHECK(options.threads >= 1 && options.poll > milliseconds{0});
  CHECK(options.lease >= milliseconds{1000});
  options.urgent_threads = std::clamp(options.urgent_threads, 0, options.threads - 1);
  if (options.name.empty()) options.name = host_and_process();
  return options;
}

}  // namespace

// What one transaction with the queue is about, and what it found. It may run more than once.
struct Worker::Turn {
  Monotonic::time_point begun = Monotonic::now();
  bool extends = false;
  bool takes_over = false;
  bool promotes = false;
  int idle = 0;
  Uuid lease = Uuid::v7();
  std::vector<Held> held;

  Turns turns;
  std::vector<JobId> finished;
  std::vector<JobId> extended;
  std::size_t taken_over = 0;
  bool more_due = false;
  std::vector<Claimed> claimed;
};

Worker::Worker(pg::Database& db, const Clock& clock, std::vector<Handler> handlers,
               WorkerOptions options)
    : db_(db), clock_(clock), options_(checked(std::move(options))) {
  runner_ = std::make_unique<Runner>(std::move(handlers), clock_, options_.threads, [this] {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  });
  coordinator_ = std::thread([this] { coordinate(); });
  if (options_.listen_url) {
    listener_ = std::make_unique<pg::Listener>(
        pg::Listener::Options{.url = *options_.listen_url, .channels = {"payoutd_jobs"}});
    hearing_ = std::thread([this] { hear(); });
  }
}

Worker::~Worker() { stop(); }

void Worker::wake() {
  const std::lock_guard lock(mutex_);
  woken_ = true;
  changed_.notify_all();
}

void Worker::begin_stop() {
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_) drain_until_ = Monotonic::now() + options_.drain;
    stopping_ = true;
    woken_ = true;
    changed_.notify_all();
  }
  runner_->stop();
}

bool Worker::stop() {
  begin_stop();
  if (listener_) listener_->interrupt();
  if (hearing_.joinable()) hearing_.join();
  if (coordinator_.joinable()) coordinator_.join();
  return runner_->busy() == 0;
}

WorkerCounters Worker::counters() const {
  const std::lock_guard lock(mutex_);
  WorkerCounters now = counters_;
  now.running = runner_->busy();
  return now;
}

// Hearing of jobs only makes it quicker: what is missed, polling finds.
void Worker::hear() {
  while (true) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
    }
    const pg::Woken woken = listener_->wait(60'000);
    if (woken.look_anyway || !woken.notifications.empty()) wake();
  }
}

void Worker::coordinate() {
  while (!over()) {
    try {
      const bool found = work();
      database_lost_ = false;
      if (failing_.over()) log::info("the job queue is back");
      pause_ = found ? kShortestPause : std::min(pause_ * 2 + kShortestPause, options_.poll);
    } catch (const std::exception& thrown) {
      recover(thrown);
    }
    wait();
  }
}

// Nothing runs and everything is written down, or the time to wait for that has passed.
bool Worker::over() {
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_) return false;
    if (Monotonic::now() > drain_until_) return true;
  }
  if (runner_->busy() > 0) return false;
  unwritten_.append(runner_->collect());
  return unwritten_.size() == 0;
}

// True if there may be more to do at once.
bool Worker::work() {
  bool woken = false;
  bool stopping = false;
  {
    const std::lock_guard lock(mutex_);
    woken = std::exchange(woken_, false);
    ended_ = false;
    stopping = stopping_;
  }
  Turn turn;
  unwritten_.append(runner_->collect());
  turn.extends = turn.begun >= extend_at_;
  turn.takes_over = !stopping && turn.begun >= take_over_at_;
  turn.promotes = !stopping && (woken || turn.begun >= promote_at_);
  turn.idle = stopping ? 0 : runner_->idle();
  take_turn(turn);
  const bool found = woken || turn.more_due || !turn.claimed.empty() || !turn.finished.empty();
  keep_result(turn);
  const bool fires = options_.fires_schedules && !stopping && (woken || turn.begun >= fire_at_);
  return (fires && fire_schedules()) || found;
}

void Worker::take_turn(Turn& turn) {
  if (turn.extends) turn.held = runner_->held();
  const bool writes = unwritten_.size() > 0 || !turn.held.empty() || doubtful_lease_;
  if (!writes && !turn.takes_over && !turn.promotes && turn.idle == 0) return;
  try {
    const auto result = db_.transact([&](pg::Tx& tx) -> Result<void> {
      turn.turns = turns_;
      turn.claimed.clear();
      lease_store::use_indexes(tx);
      write_down(tx, turn);
      extend_and_take_over(tx, turn);
      take_more(tx, turn);
      return {};
    });
    CHECK(result.ok());
  } catch (const pg::InDoubt&) {
    doubtful_lease_ = turn.lease;
    throw;
  }
  doubtful_lease_.reset();
}

// What was written already, in a commit that was in doubt, is written again without effect.
void Worker::write_down(pg::Tx& tx, Turn& turn) {
  turn.finished.clear();
  if (!unwritten_.done.empty()) {
    std::vector<Held> done;
    for (const auto& one : unwritten_.done) done.push_back(one.held);
    turn.finished = lease_store::finish(tx, done);
  }
  if (!unwritten_.returned.empty()) lease_store::give_back(tx, unwritten_.returned);
  if (!unwritten_.dead.empty()) lease_store::bury(tx, unwritten_.dead);
  if (doubtful_lease_) lease_store::abandon(tx, *doubtful_lease_);
}

void Worker::extend_and_take_over(pg::Tx& tx, Turn& turn) {
  if (!turn.held.empty()) turn.extended = lease_store::extend(tx, turn.held, options_.lease);
  if (turn.takes_over) turn.taken_over = lease_store::take_over(tx);
}

void Worker::take_more(pg::Tx& tx, Turn& turn) {
  if (turn.promotes) turn.more_due = lease_store::promote(tx, clock_.now());
  if (turn.idle == 0 || runner_->kinds().empty()) return;
  Claim wish{.kinds = runner_->kinds(),
             .last = Priority::prompt,
             .limit = turn.idle,
             .lease = turn.lease,
             .holder = options_.name,
             .lease_for = options_.lease};
  turn.claimed = lease_store::claim(tx, wish, turn.turns);
  wish.first = Priority::normal;
  wish.last = Priority::sync;
  wish.limit = turn.idle - static_cast<int>(turn.claimed.size()) - options_.urgent_threads;
  if (wish.limit <= 0) return;
  std::ranges::move(lease_store::claim(tx, wish, turn.turns), std::back_inserter(turn.claimed));
}

// After the commit.
void Worker::keep_result(Turn& turn) {
  const Outcomes written = std::exchange(unwritten_, {});
  const auto lease_end = turn.begun + options_.lease;
  if (turn.extends) {
    runner_->extended(turn.extended, turn.held, lease_end);
    extend_at_ = turn.begun + options_.lease / 3;
  }
  if (turn.takes_over) {
    take_over_at_ = turn.begun + std::min(options_.lease / 4, kLongestTakeOverPause);
  }
  if (turn.promotes) promote_at_ = turn.more_due ? turn.begun : turn.begun + kPromoteEvery;
  if (turn.idle > 0) turns_ = turn.turns;
  const std::lock_guard lock(mutex_);
  count(turn, written);
  if (!turn.claimed.empty()) runner_->take(std::move(turn.claimed), lease_end);
}

// Together with their start: whoever reads that a job waited long reads that it runs, too.
void Worker::count(const Turn& turn, const Outcomes& written) {
  WorkerCounters& c = counters_;
  c.claimed += std::ssize(turn.claimed);
  const auto committed = std::ranges::count_if(written.done, &Outcomes::Done::committed);
  const std::int64_t finished = std::ssize(turn.finished);
  c.done += finished + committed;
  c.lost += std::ssize(written.done) - finished - committed + written.lost;
  const auto tried = std::ranges::count_if(written.returned,
                                           [](const Returned& r) { return r.error.has_value(); });
  c.failed += tried;
  c.given_back += std::ssize(written.returned) - tried;
  c.dead += std::ssize(written.dead);
  c.taken_over += static_cast<std::int64_t>(turn.taken_over);
  if (turn.idle > 0) c.waited = {};
  for (const Claimed& job : turn.claimed) c.waited = std::max(c.waited, job.waited);
}

bool Worker::fire_schedules() {
  const auto fired = db_.transact([&](pg::Tx& tx) { return fire_due(tx, clock_.now()); });
  if (!fired) {
    const std::string& error = fired.error().message;
    unfired_.write(log::Level::error, "schedules can't fire", error, {{"error", error}});
    fire_at_ = Monotonic::now() + options_.poll;
    return false;
  }
  // A full batch means that more are due.
  fire_at_ = Monotonic::now() + (*fired == kFiredAtOnce ? milliseconds{0} : options_.poll);
  const std::lock_guard lock(mutex_);
  counters_.fired += static_cast<std::int64_t>(*fired);
  return *fired > 0;
}

// The leases keep everybody else away from what is running meanwhile. What can't be written for
// another reason than the database's absence is left to them, too.
void Worker::recover(const std::exception& thrown) {
  const bool away = dynamic_cast<const pg::Unavailable*>(&thrown) != nullptr ||
                    dynamic_cast<const pg::InDoubt*>(&thrown) != nullptr ||
                    dynamic_cast<const pg::Conflict*>(&thrown) != nullptr;
  if (!away) {
    failing_.write(log::Level::error, "the job queue refused a worker", thrown.what(),
                   {{"error", thrown.what()}});
    unwritten_ = {};
  } else {
    database_lost_ = true;
    failing_.write(log::Level::warn, "the job queue is away", thrown.what(),
                   {{"error", thrown.what()}});
  }
  pause_ = std::clamp(pause_ * 2, milliseconds{100}, kLongestRecovery);
}

void Worker::wait() {
  std::unique_lock lock(mutex_);
  const bool hurries = !database_lost_;
  changed_.wait_for(lock, pause_, [&] { return hurries && (woken_ || ended_); });
  if (stopping_) pause_ = std::min(pause_, milliseconds{20});
}

}  // namespace payoutd::jobs
