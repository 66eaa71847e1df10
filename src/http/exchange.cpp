// One connection's requests and answers, in order.
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "base/check.h"
#include "base/ids.h"
#include "base/log.h"
#include "http/loop.h"

namespace payoutd::http {
namespace {

constexpr int kStepsPerTurn = 64;
constexpr std::size_t kKeptBytes = 16 * 1024;      // of an idle connection's buffers
constexpr std::size_t kUnmatchedBody = 64 * 1024;  // read and dropped before a 404
constexpr std::size_t kWriteProgress = 64 * 1024;

std::string make_request_id() { return "req_" + random_text(20); }

void empty_out(std::string& buffer) {
  buffer.clear();
  if (buffer.capacity() > kKeptBytes) buffer.shrink_to_fit();
}

}  // namespace

void Loop::advance(Connection& c) {
  const std::uint32_t slot = c.slot;
  try {
    for (int i = 0; i < kStepsPerTurn; ++i) {
      if (step(c) != Turn::go_on) return;
    }
  } catch (const std::exception& error) {
    log::error("a connection was given up", {{"what", std::string_view(error.what())}});
    return close(c);
  }
  if (c.waits_its_turn) return;
  c.waits_its_turn = true;
  turns_.push_back(slot);
}

Loop::Turn Loop::step(Connection& c) {
  if (const Turn turn = flush(c); turn != Turn::go_on) return turn;
  switch (c.phase) {
    case Phase::answering: return Turn::wait;
    case Phase::idle:
    case Phase::head:
    case Phase::body: return take_request(c) ? Turn::go_on : read_more(c);
    case Phase::lingering: return drop_input(c);
    case Phase::closing: break;
  }
  if (c.reset_when_flushed) {
    reset(c);
    return Turn::gone;
  }
  if (!c.lingers || c.ended) {
    close(c);
    return Turn::gone;
  }
  // Closing a socket with unread bytes resets it, and the reset can overtake the answer.
  ::shutdown(c.fd, SHUT_WR);
  c.phase = Phase::lingering;
  c.readable = true;
  deadlines_.set(c.deadline, Deadlines::Kind::linger, c.slot, now_);
  return Turn::go_on;
}

Loop::Turn Loop::read_more(Connection& c) {
  if (c.ended) {
    close(c);
    return Turn::gone;
  }
  if (c.readable) {
    const ssize_t n = ::recv(c.fd, scratch_.data(), scratch_.size(), 0);
    if (n > 0) {
      const auto size = static_cast<std::size_t>(n);
      c.in.append(scratch_.data(), size);
      // The kernel's buffer is empty, and what comes next is a new edge.
      if (size < scratch_.size() && !c.half_closed) c.readable = false;
      return Turn::go_on;
    }
    if (n == 0) c.ended = true;
    if (n == 0 || errno == EINTR) return Turn::go_on;
    if (errno != EAGAIN && errno != EWOULDBLOCK) {
      close(c);
      return Turn::gone;
    }
    c.readable = false;
  }
  const bool idle = drain_until_ && c.phase == Phase::idle;
  if (!idle) return Turn::wait;
  // Whoever has just connected is about to ask.
  const bool fresh =
      !c.has_asked && now_ - c.accepted < std::chrono::milliseconds(limits_.linger_ms);
  if (fresh) {
    if (c.deadline.kind != Deadlines::Kind::linger) {
      deadlines_.set(c.deadline, Deadlines::Kind::linger, c.slot, now_);
    }
    return Turn::wait;
  }
  close(c);
  return Turn::gone;
}

Loop::Turn Loop::drop_input(Connection& c) {
  if (!c.readable) return Turn::wait;
  const ssize_t n = ::recv(c.fd, scratch_.data(), scratch_.size(), 0);
  if (n > 0) return Turn::go_on;
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
    c.readable = false;
    return Turn::wait;
  }
  close(c);
  return Turn::gone;
}

Loop::Turn Loop::flush(Connection& c) {
  while (c.sent < c.out.size()) {
    if (!c.writable) return Turn::wait;
    const ssize_t n = ::send(c.fd, c.out.data() + c.sent, c.out.size() - c.sent, MSG_NOSIGNAL);
    if (n > 0) {
      const std::size_t before = c.sent;
      c.sent += static_cast<std::size_t>(n);
      const bool progress = c.sent / kWriteProgress > before / kWriteProgress;
      if (progress && c.deadline.kind == Deadlines::Kind::write) {
        deadlines_.set(c.deadline, Deadlines::Kind::write, c.slot, now_);
      }
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      c.writable = false;
      if (c.deadline.kind != Deadlines::Kind::write && c.phase != Phase::body) {
        deadlines_.set(c.deadline, Deadlines::Kind::write, c.slot, now_);
      }
      return Turn::wait;
    } else if (errno != EINTR) {
      close(c);
      return Turn::gone;
    }
  }
  if (c.out.empty()) return Turn::go_on;
  empty_out(c.out);
  c.sent = 0;
  if (c.phase == Phase::idle) deadlines_.set(c.deadline, Deadlines::Kind::idle, c.slot, now_);
  return Turn::go_on;
}

bool Loop::take_request(Connection& c) {
  if (c.unread().empty()) return false;
  if (c.phase == Phase::idle) {
    c.phase = Phase::head;
    c.begun = now_;
    deadlines_.set(c.deadline, Deadlines::Kind::request, c.slot, now_);
  }
  if (c.phase == Phase::head) {
    switch (c.framer.look(c.unread())) {
      case Framer::State::incomplete: return false;
      case Framer::State::complete: judge_head(c); return true;
      case Framer::State::refused:
        const Refusal refusal = c.framer.refusal();
        refuse_and_close(c, refusal.status, refusal.code, refusal.message);
        return true;
    }
  }
  if (!count_body(c)) return true;
  if (c.body_bytes < c.framer.head().content_length) return false;
  dispatch(c);
  return true;
}

// Whoever only announces a body holds nothing. What passes the budget is made room for by the
// bodies that have held most for longest; with only whole ones left, `c` gives way: false.
bool Loop::count_body(Connection& c) {
  const std::size_t arrived =
      std::min(c.unread().size() - c.framer.head_size(), c.framer.head().content_length);
  bodies_ += arrived - std::exchange(c.body_bytes, arrived);
  while (bodies_ > limits_.max_bodies_bytes) {
    Connection* slowest = slowest_body();
    Connection& ended = slowest != nullptr ? *slowest : c;
    refuse_and_close(ended, 503, "overloaded", "there is no room for this body now; try again");
    if (&ended == &c) return false;
    if (std::exchange(ended.waits_its_turn, true)) continue;
    turns_.push_back(ended.slot);
  }
  return true;
}

// Of those whose body is not whole yet. Looks at all: the budget is seldom used up, and each that
// is ended takes its bytes with it.
Connection* Loop::slowest_body() {
  Connection* slowest = nullptr;
  double most = 0;
  for (const auto& one : slots_) {
    if (one == nullptr || one->phase != Phase::body) continue;
    if (one->body_bytes == one->framer.head().content_length) continue;
    const std::chrono::duration<double> waited = now_ - one->begun;
    const double held = static_cast<double>(one->body_bytes) * (waited.count() + 0.001);
    if (held <= most) continue;
    most = held;
    slowest = one.get();
  }
  return slowest;
}

// Decides from the head alone what need not wait for the body.
void Loop::judge_head(Connection& c) {
  const Head& head = c.framer.head();
  auto target = parse_target(head.target);
  if (!target) return refuse_and_close(c, 400, target.error().code, target.error().message);
  c.target = *std::move(target);
  c.match = core_.router.match(head.method, c.target.segments);
  const Route* route = c.match.route;
  const std::size_t max_body =
      route != nullptr ? std::min(route->max_body, limits_.max_body_bytes) : kUnmatchedBody;
  if (head.content_length > max_body) {
    return refuse_and_close(c, 413, "body_too_large",
                            fmt::format("the body must not have more than {} bytes", max_body));
  }
  c.phase = Phase::body;
  const bool waits = c.unread().size() < c.framer.head_size() + head.content_length;
  if (head.wants_continue && waits) c.out += "HTTP/1.1 100 Continue\r\n\r\n";
}

void Loop::dispatch(Connection& c) {
  begin_answering(c);
  Request request = make_request(c);
  const Route* route = c.match.route;
  if (route == nullptr) return refuse_unmatched(c);
  const Ticket ticket{c.slot, c.exchange};
  const Runs runs = route->runs_async && prefers_async(request) ? *route->runs_async : route->runs;
  if (runs == Runs::on_loop) {
    return accept_answer(c, core_.answer(request, *route, ticket));
  }
  auto job = [&core = core_, route, ticket, request = std::move(request)]() mutable {
    core.mailbox->answered(ticket, core.answer(request, *route, ticket));
  };
  if (pools_.of(runs).submit(std::move(job))) return;
  ++core_.tallies.rejected;
  deliver(c, core_.refuse(c.method, c.request_id, 503,
                          {Kind::retry, "overloaded", "there is too much to do now; try again"}));
}

void Loop::refuse_unmatched(Connection& c) {
  if (c.match.allow.empty()) {
    return deliver(
        c, core_.refuse(c.method, c.request_id, 404,
                        {Kind::missing, "path_not_found", "there is nothing at this path"}));
  }
  const Error error{Kind::invalid, "method_not_allowed", "this path takes " + c.match.allow};
  deliver(c, core_.refuse(c.method, c.request_id, 405, error, c.match.allow));
}

void Loop::begin_answering(Connection& c) {
  c.phase = Phase::answering;
  c.exchange = next_exchange_++;
  c.request_id = make_request_id();
  c.method = c.framer.head().method;
  c.keep_alive = c.framer.head().keep_alive;
  c.started = now_;
  c.held.reset();
  c.decided.reset();
  c.released = false;
  c.has_asked = true;
  deadlines_.clear(c.deadline);
  ++core_.tallies.requests;
  ++core_.tallies.in_flight;
}

// Takes the request's bytes out of the buffer; those of later requests stay.
Request Loop::make_request(Connection& c) {
  Head& head = c.framer.head();
  Request request;
  request.method = head.method;
  request.path = c.target.path();
  request.target = std::move(head.target);
  request.query = std::move(c.target.query);
  request.headers = std::move(head.headers);
  request.params = std::move(c.match.params);
  request.body = c.unread().substr(c.framer.head_size(), head.content_length);
  request.remote = c.remote;
  request.request_id = c.request_id;
  c.begin += c.framer.head_size() + head.content_length;
  if (c.begin == c.in.size()) {
    empty_out(c.in);
    c.begin = 0;
  } else if (c.begin > kKeptBytes) {
    c.in.erase(0, c.begin);
    c.begin = 0;
  }
  c.framer.reset();
  return request;
}

void Loop::accept_answer(Connection& c, Answer answer) {
  if (!answer.held || c.released) return deliver(c, std::move(answer));
  c.held = std::move(answer);
  if (c.decided) refuse(c, *std::exchange(c.decided, std::nullopt));
}

void Loop::release(Connection& c) {
  c.released = true;  // the hold may be faster than the handler's return
  if (c.held) deliver(c, *std::exchange(c.held, std::nullopt));
}

void Loop::refuse(Connection& c, Error error) {
  if (!c.held) {
    c.decided = std::move(error);
    return;
  }
  c.held.reset();
  deliver(c, core_.refuse(c.method, c.request_id, status_of(error.kind), error));
}

void Loop::deliver(Connection& c, Answer answer) {
  const bool more = !c.unread().empty();
  const bool last = !c.keep_alive || answer.wire != Wire::whole || (drain_until_ && !more);
  recorder_.record({c.match.route, c.method, c.request_id, answer.status, now_ - c.started});
  finish_request(c);
  if (answer.wire == Wire::truncated) cut_short(answer.bytes);
  if (last) mark_last(answer.bytes);
  if (answer.wire == Wire::reset) {
    c.reset_when_flushed = true;
  } else if (c.out.empty()) {
    c.out = std::move(answer.bytes);
  } else {
    c.out += answer.bytes;
  }
  c.phase = last ? Phase::closing : Phase::idle;
  c.lingers = more;
  deadlines_.set(c.deadline, last ? Deadlines::Kind::write : Deadlines::Kind::idle, c.slot, now_);
}

void Loop::refuse_and_close(Connection& c, int status, std::string code, std::string message) {
  ++core_.tallies.rejected;
  const std::string& method = c.framer.head().method;
  const std::string request_id = make_request_id();
  Answer answer = core_.refuse(method.empty() ? "GET" : method, request_id, status,
                               {Kind::invalid, std::move(code), std::move(message)});
  recorder_.record(
      {c.match.route, method.empty() ? "none" : method, request_id, answer.status, {}});
  finish_request(c);
  mark_last(answer.bytes);
  c.out += answer.bytes;
  empty_out(c.in);
  c.begin = 0;
  c.phase = Phase::closing;
  c.lingers = true;
  deadlines_.set(c.deadline, Deadlines::Kind::write, c.slot, now_);
}

void Loop::finish_request(Connection& c) {
  if (c.phase == Phase::answering) --core_.tallies.in_flight;
  bodies_ -= std::exchange(c.body_bytes, 0);
  c.match = {};
}

void Loop::reset(Connection& c) {
  const linger at_once{1, 0};
  ::setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close(c);
}

void Loop::close(Connection& c) {
  finish_request(c);
  deadlines_.clear(c.deadline);
  ::close(c.fd);
  --open_;
  if (c.extra) --extra_;
  core_.tallies.open_connections = open_;
  const std::uint32_t slot = c.slot;
  free_.push_back(slot);
  slots_[slot].reset();
}

}  // namespace payoutd::http
