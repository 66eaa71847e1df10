#include "pg/pool.h"

#include <fmt/format.h>

namespace payoutd::pg {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kLeftAlone{5};

}  // namespace

Pool::Pool(Connection::Settings settings, int max_connections, int wait_ms)
    : settings_(std::move(settings)), max_connections_(max_connections), wait_ms_(wait_ms) {
  CHECK(max_connections > 0 && wait_ms > 0);
}

Pool::Lease Pool::begin(const std::string& begin) {
  const Deadline deadline = steady_clock::now() + milliseconds{wait_ms_};
  for (;;) {
    auto connection = take(deadline);
    const bool kept = connection != nullptr;
    try {
      if (!kept) connection = Connection::open(settings_, deadline);
      if (kept && !connection->open_still()) throw Lost("the server hung up");
      connection->command(begin);
      return Lease(*this, std::move(connection));
    } catch (const Lost&) {
      connection.reset();
      give_up_slot();
      if (!kept) throw;
      ++losses_;
      drop_idle();
    } catch (...) {
      connection.reset();
      give_up_slot();
      throw;
    }
  }
}

std::unique_ptr<Connection> Pool::take(Deadline deadline) {
  std::unique_lock lock(mutex_);
  ++waiting_;
  const bool had =
      freed_.wait_until(lock, deadline, [&] { return !idle_.empty() || open_ < max_connections_; });
  --waiting_;
  if (!had) {
    throw Crowded(fmt::format("no database connection of {} became free within {} ms",
                              max_connections_, wait_ms_));
  }
  if (idle_.empty()) {
    ++open_;
    return nullptr;
  }
  auto connection = std::move(idle_.back());
  idle_.pop_back();
  return connection;
}

void Pool::put_back(std::unique_ptr<Connection> connection) {
  if (!connection) return;
  if (!connection->open_still()) ++losses_;
  if (connection->open_still() && connection->idle() && !connection->retired_) {
    const std::scoped_lock lock(mutex_);
    idle_.push_back(std::move(connection));
    freed_.notify_one();
    return;
  }
  connection.reset();
  give_up_slot();
}

void Pool::give_up_slot() {
  const std::scoped_lock lock(mutex_);
  --open_;
  freed_.notify_one();
}

void Pool::drop_idle() {
  std::vector<std::unique_ptr<Connection>> dropped;
  const std::scoped_lock lock(mutex_);
  open_ -= static_cast<int>(idle_.size());
  dropped.swap(idle_);
  freed_.notify_all();
}

PoolState Pool::state() const {
  const std::scoped_lock lock(mutex_);
  return {open_, static_cast<int>(idle_.size()), waiting_, transactions_, conflicts_, losses_};
}

bool Pool::away() const { return steady_clock::now().time_since_epoch().count() < away_until_; }

void Pool::set_away() {
  away_until_ = (steady_clock::now() + kLeftAlone).time_since_epoch().count();
}

}  // namespace payoutd::pg
