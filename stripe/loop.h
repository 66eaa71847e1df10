// The client's thread: takes calls in, starts their sends in order of priority as the budget
// allows, drives libcurl, and hands the answers out.
#pragma once

#include <curl/curl.h>

#include <atomic>
#include <map>
#include <mutex>
#include <random>
#include <thread>
#include <unordered_map>
#include <vector>

#include "stripe/curl_send.h"
#include "stripe/server_time.h"

namespace payoutd::stripe {

class Loop {
 public:
  explicit Loop(Client::Options options);
  ~Loop();

  Client::Ticket submit(Request request, Client::Callback callback);
  void cancel(Client::Ticket ticket);
  void stop(std::chrono::milliseconds drain);
  Client::Counts counts() const;
  bool on_own_thread() const { return std::this_thread::get_id() == thread_.get_id(); }

 private:
  struct Call;
  using Owned = std::unique_ptr<Call>;
  // Priority first, then age: a call that is sent again keeps its place.
  using Place = std::pair<Priority, Client::Ticket>;

  void run();
  bool take_in();  // false: stopping, and nothing is left
  void begin_stop(Instant now);
  void take_back(Client::Ticket ticket);
  void wake_paused(Instant now);
  void start_what_may(Instant now);
  bool may_start(const Call& call) const;
  bool creations_are_full(const Call& call) const;
  void start(Owned call);
  Owned take_from_sending(CURL* easy);
  void collect();
  void date(Sent& sent);
  void conclude(Owned call, Sent sent);
  void pause(Owned call, Pause wanted);
  void end(Owned call, Answer answer);
  void end_early(Owned call, std::string code, std::string message);
  void cut(CURL* easy, const char* code, const char* message);
  std::chrono::milliseconds next_wait(Instant now) const;
  Instant now() const { return std::chrono::steady_clock::now(); }

  const Client::Options options_;
  CURLM* multi_;

  std::mutex mutex_;  // guards what callers hand in
  std::vector<Owned> inbox_;
  std::vector<Client::Ticket> canceled_;
  bool stop_wanted_ = false;
  bool closed_ = false;
  std::chrono::milliseconds drain_{0};
  Client::Ticket last_ticket_ = 0;

  // The thread's own.
  std::map<Place, Owned> waiting_;        // for the budget or a slot
  std::multimap<Instant, Owned> paused_;  // before a repeat
  std::unordered_map<CURL*, Owned> sending_;
  std::size_t creating_ = 0;  // of them, POST /v1/payouts
  std::vector<CURL*> idle_handles_;
  std::optional<Instant> ask_budget_at_;
  std::optional<Instant> drain_until_;
  std::minstd_rand random_;
  ServerTime server_time_;
  bool said_implausible_ = false;

  struct {
    std::atomic<std::uint64_t> calls{0}, sends{0}, repeats{0}, limited{0}, connections{0};
    std::atomic<std::size_t> in_flight{0}, peak{0}, waiting{0};
  } counts_;

  std::once_flag join_once_;
  std::thread thread_;  // last: starts when all else is made
};

}  // namespace payoutd::stripe
