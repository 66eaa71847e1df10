// The one thread that owns the sockets: accepts, reads whole requests, hands them out, writes
// answers.
#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "http/connection.h"
#include "http/core.h"
#include "http/deadlines.h"
#include "http/listener.h"
#include "http/pools.h"
#include "http/recorder.h"

namespace payoutd::http {

class Loop {
 public:
  Loop(Core& core, Listener& listener, Pools& pools);
  ~Loop();

  void run();   // until stop() and everything is answered, or the time for it is over
  void stop();  // from any thread
  bool finished_all() const { return finished_all_.load(); }

 private:
  enum class Turn { go_on, wait, gone };

  // Events, in loop.cpp.
  void wait_for_events();
  void on_event(std::uint32_t slot, std::uint32_t epoch, std::uint32_t events);
  void accept_waiting();
  void take(Listener::Accepted accepted);
  void read_mail();
  void give_turns();
  void end_overdue();
  void begin_drain();
  bool drained() const;
  int timeout_ms() const;
  Connection* find(Ticket ticket);

  // One connection, in exchange.cpp.
  void advance(Connection& c);
  Turn step(Connection& c);
  Turn read_more(Connection& c);
  Turn drop_input(Connection& c);
  Turn flush(Connection& c);
  bool take_request(Connection& c);
  void judge_head(Connection& c);
  bool count_body(Connection& c);
  Connection* slowest_body();
  void dispatch(Connection& c);
  Request make_request(Connection& c);
  void begin_answering(Connection& c);
  void refuse_unmatched(Connection& c);
  void refuse_and_close(Connection& c, int status, std::string code, std::string message);
  void accept_answer(Connection& c, Answer answer);
  void release(Connection& c);
  void refuse(Connection& c, Error error);
  void deliver(Connection& c, Answer answer);
  void finish_request(Connection& c);
  void close(Connection& c);
  void reset(Connection& c);

  Core& core_;
  const Limits& limits_;
  Listener& listener_;
  Pools& pools_;
  Recorder recorder_;
  int epoll_fd_;
  Deadlines deadlines_;
  std::vector<std::unique_ptr<Connection>> slots_;
  std::vector<std::uint32_t> free_;
  std::vector<std::uint32_t> epochs_;
  std::deque<std::uint32_t> turns_;  // have more to do than one turn allows
  std::size_t open_ = 0;
  std::size_t extra_ = 0;
  std::size_t bodies_ = 0;  // bytes of bodies that have arrived and are not answered yet
  std::uint64_t next_exchange_ = 1;
  Moment now_;
  std::optional<Moment> drain_until_;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> finished_all_ = false;
  std::vector<char> scratch_;
};

}  // namespace payoutd::http
