#include "pg/listen.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>

#include "base/check.h"
#include "pg/connection.h"

namespace payoutd::pg {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kPauseBetweenListens{100};
constexpr std::chrono::seconds kConnectTimeout{5};

std::string listen_command(PGconn* raw, const std::string& channel) {
  char* quoted = PQescapeIdentifier(raw, channel.data(), channel.size());
  CHECK(quoted != nullptr);
  std::string command = std::string("LISTEN ") + quoted;
  PQfreemem(quoted);
  return command;
}

}  // namespace

Listener::Listener(Options options)
    : options_(std::move(options)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  CHECK(!options_.channels.empty() && wake_ >= 0);
}

Listener::~Listener() { ::close(wake_); }

Woken Listener::wait(int timeout_ms) {
  const Deadline deadline = steady_clock::now() + milliseconds{timeout_ms};
  do {
    if (interrupted()) return {};
    if (connection_ && !connection_->open_still()) connection_.reset();
    if (!connection_) {
      if (connect(deadline)) return {{}, true};
      wait_for(-1, std::min(deadline, steady_clock::now() + kPauseBetweenListens));
      continue;
    }
    if (auto some = arrived(); !some.empty()) return {std::move(some), false};
    wait_for(PQsocket(connection_->raw()), deadline);
  } while (steady_clock::now() < deadline);
  return {connection_ ? arrived() : std::vector<Notification>{}, false};
}

void Listener::interrupt() {
  const std::uint64_t one = 1;
  CHECK(::write(wake_, &one, sizeof one) == sizeof one);
}

bool Listener::connect(Deadline deadline) {
  try {
    connection_ =
        Connection::open({.url = options_.url, .application_name = options_.application_name},
                         std::min(deadline, steady_clock::now() + kConnectTimeout));
    for (const auto& channel : options_.channels) {
      connection_->command(listen_command(connection_->raw(), channel));
    }
    return true;
  } catch (const Lost&) {
    connection_.reset();
    return false;
  }
}

std::vector<Notification> Listener::arrived() {
  std::vector<Notification> some;
  while (PGnotify* notify = PQnotifies(connection_->raw())) {
    some.push_back({notify->relname, notify->extra});
    PQfreemem(notify);
  }
  return some;
}

bool Listener::interrupted() {
  std::uint64_t count = 0;
  return ::read(wake_, &count, sizeof count) == sizeof count;
}

// On the socket, if there is one, and on interrupt().
bool Listener::wait_for(int socket, Deadline deadline) {
  const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now()).count();
  pollfd polled[] = {{wake_, POLLIN, 0}, {socket, POLLIN, 0}};
  const auto wait_ms = std::clamp<std::int64_t>(left, 0, 3'600'000);
  return ::poll(polled, 2, static_cast<int>(wait_ms)) > 0;
}

}  // namespace payoutd::pg
