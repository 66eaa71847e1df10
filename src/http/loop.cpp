#include "http/loop.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/check.h"
#include "base/log.h"

namespace payoutd::http {
namespace {

constexpr std::uint32_t kListenerSlot = UINT32_MAX;
constexpr std::uint32_t kMailboxSlot = UINT32_MAX - 1;
constexpr std::size_t kScratchBytes = 64 * 1024;
constexpr int kAcceptsPerTurn = 256;
constexpr int kMaxWaitMs = 1'000;

void watch(int epoll_fd, int fd, std::uint32_t events, std::uint32_t slot, std::uint32_t epoch) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = (static_cast<std::uint64_t>(epoch) << 32) | slot;
  CHECK(::epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0);
}

}  // namespace

Loop::Loop(Core& core, Listener& listener, Pools& pools)
    : core_(core),
      limits_(core.options.limits),
      listener_(listener),
      pools_(pools),
      recorder_(core.options.metrics),
      epoll_fd_(::epoll_create1(EPOLL_CLOEXEC)),
      deadlines_(core.options.limits),
      now_(std::chrono::steady_clock::now()),
      scratch_(kScratchBytes) {
  CHECK(epoll_fd_ >= 0);
  watch(epoll_fd_, listener_.fd(), EPOLLIN, kListenerSlot, 0);
  watch(epoll_fd_, core_.mailbox->fd(), EPOLLIN, kMailboxSlot, 0);
}

Loop::~Loop() { ::close(epoll_fd_); }

void Loop::stop() {
  stopping_ = true;
  core_.mailbox->wake();
}

void Loop::run() {
  while (true) {
    if (stopping_ && !drain_until_) begin_drain();
    if (drain_until_ && (drained() || now_ >= *drain_until_)) break;
    wait_for_events();
    give_turns();
    end_overdue();
  }
  finished_all_ = drained();
  for (const auto& connection : slots_) {
    if (connection != nullptr) close(*connection);
  }
}

void Loop::wait_for_events() {
  std::array<epoll_event, 512> events;
  const int size = static_cast<int>(events.size());
  const int count = ::epoll_wait(epoll_fd_, events.data(), size, timeout_ms());
  now_ = std::chrono::steady_clock::now();
  CHECK(count >= 0 || errno == EINTR);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    const auto slot = static_cast<std::uint32_t>(event.data.u64);
    const auto epoch = static_cast<std::uint32_t>(event.data.u64 >> 32);
    if (slot == kListenerSlot) {
      accept_waiting();
    } else if (slot == kMailboxSlot) {
      read_mail();
    } else {
      on_event(slot, epoch, event.events);
    }
  }
}

int Loop::timeout_ms() const {
  if (!turns_.empty()) return 0;
  auto first = deadlines_.first();
  if (drain_until_ && (!first || *drain_until_ < *first)) first = drain_until_;
  if (!first) return kMaxWaitMs;
  const auto left = *first - std::chrono::steady_clock::now();
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(left);
  return static_cast<int>(std::clamp<long>(wait.count(), 0, kMaxWaitMs));
}

void Loop::on_event(std::uint32_t slot, std::uint32_t epoch, std::uint32_t events) {
  Connection* c = slots_[slot].get();
  if (c == nullptr || c->epoch != epoch) return;  // closed earlier in this round
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) return close(*c);
  if ((events & EPOLLRDHUP) != 0) c->half_closed = true;
  if ((events & (EPOLLIN | EPOLLRDHUP)) != 0) c->readable = true;
  if ((events & EPOLLOUT) != 0) c->writable = true;
  advance(*c);
}

void Loop::accept_waiting() {
  for (int i = 0; i < kAcceptsPerTurn && listener_.is_open(); ++i) {
    auto accepted = listener_.accept();
    if (!accepted) return;
    take(*std::move(accepted));
  }
}

void Loop::take(Listener::Accepted accepted) {
  ++core_.tallies.connections;
  const bool extra = open_ - extra_ >= limits_.max_connections;
  if (extra && extra_ >= limits_.max_connections / 8 + 64) {
    ++core_.tallies.rejected;
    ::close(accepted.fd);
    return;
  }
  std::uint32_t slot = static_cast<std::uint32_t>(slots_.size());
  if (free_.empty()) {
    slots_.emplace_back();
    epochs_.push_back(0);
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  slots_[slot] = std::make_unique<Connection>(accepted.fd, slot, ++epochs_[slot],
                                              std::move(accepted.remote), limits_);
  Connection& c = *slots_[slot];
  c.extra = extra;
  c.accepted = now_;
  ++open_;
  if (extra) ++extra_;
  core_.tallies.open_connections = open_;
  watch(epoll_fd_, c.fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, slot, c.epoch);
  deadlines_.set(c.deadline, Deadlines::Kind::idle, slot, now_);
  if (!extra) return;
  refuse_and_close(c, 503, "too_many_connections", "there are too many connections; try again");
  advance(c);
}

Connection* Loop::find(Ticket ticket) {
  Connection* c = ticket.slot < slots_.size() ? slots_[ticket.slot].get() : nullptr;
  const bool waits = c != nullptr && c->exchange == ticket.exchange && c->phase == Phase::answering;
  return waits ? c : nullptr;
}

void Loop::read_mail() {
  Mail mail = core_.mailbox->take();
  for (auto& [ticket, answer] : mail.answered) {
    Connection* c = find(ticket);
    if (c == nullptr) continue;
    accept_answer(*c, std::move(answer));
    advance(*c);
  }
  for (const Ticket ticket : mail.released) {
    Connection* c = find(ticket);
    if (c == nullptr) continue;
    release(*c);
    advance(*c);
  }
  for (auto& [ticket, error] : mail.refused) {
    Connection* c = find(ticket);
    if (c == nullptr) continue;
    refuse(*c, std::move(error));
    advance(*c);
  }
}

void Loop::give_turns() {
  for (std::size_t left = turns_.size(); left > 0; --left) {
    const std::uint32_t slot = turns_.front();
    turns_.pop_front();
    Connection* c = slots_[slot].get();
    if (c == nullptr || !c->waits_its_turn) continue;
    c->waits_its_turn = false;
    advance(*c);
  }
}

void Loop::end_overdue() {
  while (const auto slot = deadlines_.over(now_)) {
    Connection& c = *slots_[*slot];
    switch (*c.deadline.kind) {
      case Deadlines::Kind::idle:
      case Deadlines::Kind::linger: close(c); break;
      case Deadlines::Kind::write:
        ++core_.tallies.timeouts;
        close(c);
        break;
      case Deadlines::Kind::request:
        ++core_.tallies.timeouts;
        refuse_and_close(c, 408, "request_timeout", "the request did not arrive in time");
        advance(c);
        break;
    }
  }
}

// Who waits in the kernel's queue has connected, and is served too.
void Loop::begin_drain() {
  now_ = std::chrono::steady_clock::now();
  drain_until_ = now_ + std::chrono::milliseconds(limits_.drain_ms);
  while (auto accepted = listener_.accept()) take(*std::move(accepted));
  ::epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, listener_.fd(), nullptr);
  listener_.close();
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
    Connection* c = slots_[slot].get();
    if (c == nullptr || c->phase == Phase::answering) continue;
    c->readable = true;
    advance(*c);
  }
}

bool Loop::drained() const { return open_ == 0; }

}  // namespace payoutd::http
