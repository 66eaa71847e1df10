#include "stripe/loop.h"

#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>

#include <algorithm>

#include "base/log.h"

namespace payoutd::stripe {
namespace {

constexpr const char* kCanceled = "stripe_call_canceled";
constexpr const char* kCanceledMessage = "the call to Stripe was canceled";
constexpr const char* kStopping = "stripe_client_stopping";
constexpr const char* kStoppingMessage =
    "payoutd is stopping; the call to Stripe was not made or not awaited";

constexpr const char* kTooLate = "stripe_too_late";
constexpr const char* kTooLateMessage = "the call to Stripe waited too long for its turn";
constexpr std::string_view kCreatePayout = "POST /v1/payouts";

std::string_view without_query(std::string_view path) { return path.substr(0, path.find('?')); }

// A write to a connection that the other end closed raises SIGPIPE in OpenSSL; signals of the
// process belong to other threads.
void block_signals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

// Sends that libcurl repeated by itself.
History with_lost(History history, int sends) {
  for (; sends > 0; --sends) history = after(history, {.reach = Reach::lost});
  return history;
}

Error no_answer(const Sent& sent) {
  if (sent.last.send.reach == Reach::not_sent)
    return {Kind::retry, "stripe_unreachable", "Stripe could not be reached: " + sent.failure};
  return {Kind::retry, "stripe_no_answer", "Stripe gave no whole answer: " + sent.failure};
}

// A proxy or gateway on the way: whether the request reached Stripe is not known.
Error gateway_answered(int status) {
  return {
      Kind::retry, "stripe_gateway_answered",
      fmt::format("a gateway before Stripe answered {}: the answer is not Stripe's own", status)};
}

Error error_of(const Sent& sent) {
  if (sent.last.send.reach != Reach::answered) return no_answer(sent);
  if (sent.refusal) return to_error(*sent.refusal);
  return gateway_answered(sent.response.status);
}

}  // namespace

struct Loop::Call {
  Client::Ticket ticket = 0;
  Request request;
  Client::Callback callback;
  std::string route;
  History history;
  Tries tries{};
  Instant started{};
  std::unique_ptr<CurlSend> send{};

  Place place() const { return {request.priority, ticket}; }
  Ask ask() const { return {request.priority, request.account, route}; }
  bool is_late(Instant now) const { return request.last_start && now > *request.last_start; }
};

Loop::Loop(Client::Options options)
    : options_(std::move(options)), multi_(curl_multi_init()), random_(std::random_device{}()) {
  CHECK(multi_ != nullptr);
  CHECK(options_.budget != nullptr && options_.clock != nullptr && options_.pause);
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(options_.max_in_flight));
  // The server may allow fewer; beyond its number further connections are made.
  curl_multi_setopt(multi_, CURLMOPT_MAX_CONCURRENT_STREAMS,
                    static_cast<long>(options_.max_in_flight));
  curl_multi_setopt(multi_, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_MULTIPLEX));
  thread_ = std::thread([this] {
    block_signals();
    run();
  });
}

Loop::~Loop() {
  stop(std::chrono::milliseconds{0});
  for (CURL* easy : idle_handles_) curl_easy_cleanup(easy);
  curl_multi_cleanup(multi_);
}

Client::Ticket Loop::submit(Request request, Client::Callback callback) {
  std::string route = route_of(name_of(request.method), request.path);
  const History history = request.history;
  auto call = std::make_unique<Call>(Call{.request = std::move(request),
                                          .callback = std::move(callback),
                                          .route = std::move(route),
                                          .history = history});
  ++counts_.calls;
  bool closed = false;
  bool full = false;
  Client::Ticket ticket = 0;
  {
    const std::lock_guard lock(mutex_);
    ticket = call->ticket = ++last_ticket_;
    closed = closed_ || stop_wanted_;
    full = inbox_.size() + counts_.waiting >= options_.max_waiting;
    if (!closed && !full) inbox_.push_back(std::move(call));
  }
  if (closed) end_early(std::move(call), kStopping, kStoppingMessage);
  else if (full)
    end_early(std::move(call), "stripe_queue_full", "too many calls to Stripe are waiting");
  else curl_multi_wakeup(multi_);
  return ticket;
}

void Loop::cancel(Client::Ticket ticket) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    canceled_.push_back(ticket);
  }
  curl_multi_wakeup(multi_);
}

void Loop::stop(std::chrono::milliseconds drain) {
  CHECK(!on_own_thread());
  {
    const std::lock_guard lock(mutex_);
    if (!stop_wanted_) drain_ = drain;
    stop_wanted_ = true;
  }
  curl_multi_wakeup(multi_);
  std::call_once(join_once_, [this] { thread_.join(); });
}

Client::Counts Loop::counts() const {
  return {.calls = counts_.calls,
          .sends = counts_.sends,
          .repeats = counts_.repeats,
          .limited = counts_.limited,
          .connections = counts_.connections,
          .in_flight = counts_.in_flight,
          .peak_in_flight = counts_.peak,
          .waiting = counts_.waiting};
}

void Loop::run() {
  while (take_in()) {
    wake_paused(now());
    start_what_may(now());
    int running = 0;
    CHECK(curl_multi_perform(multi_, &running) == CURLM_OK);
    collect();
    counts_.waiting = waiting_.size() + paused_.size();
    const auto wait = next_wait(now());
    CHECK(curl_multi_poll(multi_, nullptr, 0, static_cast<int>(wait.count()), nullptr) == CURLM_OK);
  }
}

bool Loop::take_in() {
  std::vector<Owned> calls;
  std::vector<Client::Ticket> canceled;
  bool stopping = false;
  {
    const std::lock_guard lock(mutex_);
    calls.swap(inbox_);
    canceled.swap(canceled_);
    stopping = stop_wanted_;
  }
  for (Owned& call : calls) {
    const Place place = call->place();
    waiting_.emplace(place, std::move(call));
  }
  if (!calls.empty()) ask_budget_at_.reset();
  for (const auto ticket : canceled) take_back(ticket);
  if (stopping) begin_stop(now());
  if (!stopping || !sending_.empty()) return true;
  const std::lock_guard lock(mutex_);
  if (!inbox_.empty()) return true;
  closed_ = true;
  return false;
}

// A POST in flight is worth waiting for: cut, its outcome would be unknown.
void Loop::begin_stop(Instant now) {
  if (!drain_until_) drain_until_ = now + drain_;
  while (!waiting_.empty()) {
    end_early(std::move(waiting_.extract(waiting_.begin()).mapped()), kStopping, kStoppingMessage);
  }
  while (!paused_.empty()) {
    end_early(std::move(paused_.extract(paused_.begin()).mapped()), kStopping, kStoppingMessage);
  }
  std::vector<CURL*> cutting;
  for (const auto& [easy, call] : sending_) {
    if (now >= *drain_until_ || call->request.method != Method::post) cutting.push_back(easy);
  }
  for (CURL* easy : cutting) cut(easy, kStopping, kStoppingMessage);
}

// Looks everywhere: cancellations are rare.
void Loop::take_back(Client::Ticket ticket) {
  const auto is_it = [ticket](const auto& entry) { return entry.second->ticket == ticket; };
  if (const auto it = std::ranges::find_if(waiting_, is_it); it != waiting_.end()) {
    end_early(std::move(waiting_.extract(it).mapped()), kCanceled, kCanceledMessage);
  } else if (const auto late = std::ranges::find_if(paused_, is_it); late != paused_.end()) {
    end_early(std::move(paused_.extract(late).mapped()), kCanceled, kCanceledMessage);
  } else if (const auto out = std::ranges::find_if(sending_, is_it); out != sending_.end()) {
    cut(out->first, kCanceled, kCanceledMessage);
  }
}

void Loop::wake_paused(Instant now) {
  while (!paused_.empty() && paused_.begin()->first <= now) {
    Owned call = std::move(paused_.extract(paused_.begin()).mapped());
    const Place place = call->place();
    waiting_.emplace(place, std::move(call));
    ask_budget_at_.reset();
  }
}

void Loop::start_what_may(Instant now) {
  if (waiting_.empty() || (ask_budget_at_ && now < *ask_budget_at_)) return;
  ask_budget_at_.reset();
  std::vector<std::string> refused;  // routes that must wait: their later calls need not ask
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    const Call& call = *it->second;
    if (call.is_late(now)) {
      end_early(std::move(waiting_.extract(it++).mapped()), kTooLate, kTooLateMessage);
      continue;
    }
    if (!may_start(call)) break;
    if (creations_are_full(call) || std::ranges::find(refused, call.route) != refused.end()) {
      ++it;
      continue;
    }
    const Wait wait = options_.budget->take(call.ask(), now);
    if (wait.refused) {
      end_early(std::move(waiting_.extract(it++).mapped()), wait.refused->code,
                wait.refused->message);
      continue;
    }
    if (wait.time.count() > 0) {
      const Instant again = now + wait.time;
      ask_budget_at_ = ask_budget_at_ ? std::min(*ask_budget_at_, again) : again;
      if (wait.everyone) break;
      refused.push_back(call.route);
      ++it;
      continue;
    }
    start(std::move(waiting_.extract(it++).mapped()));
  }
}

// Money finds a free slot even while a sync fills the line.
bool Loop::may_start(const Call& call) const {
  const std::size_t most = options_.max_in_flight;
  switch (call.request.priority) {
    case Priority::money: return sending_.size() < most;
    case Priority::normal: return sending_.size() < most - most / 16;
    case Priority::sync: return sending_.size() < most - most / 8;
  }
  return false;
}

bool Loop::creations_are_full(const Call& call) const {
  return creating_ >= options_.max_payout_creations && call.route == kCreatePayout;
}

void Loop::start(Owned call) {
  CURL* easy = nullptr;
  if (idle_handles_.empty()) {
    easy = curl_easy_init();
    CHECK(easy != nullptr);
  } else {
    easy = idle_handles_.back();
    idle_handles_.pop_back();
  }
  call->started = now();
  call->send = std::make_unique<CurlSend>(options_, call->request, options_.clock->now(), easy);
  CHECK(curl_multi_add_handle(multi_, easy) == CURLM_OK);
  if (call->route == kCreatePayout) ++creating_;
  sending_.emplace(easy, std::move(call));
  ++counts_.sends;
  counts_.in_flight = sending_.size();
  counts_.peak = std::max<std::size_t>(counts_.peak, sending_.size());
}

Loop::Owned Loop::take_from_sending(CURL* easy) {
  Owned call = std::move(sending_.extract(easy).mapped());
  if (call->route == kCreatePayout) --creating_;
  counts_.in_flight = sending_.size();
  return call;
}

void Loop::collect() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* easy = message->easy_handle;
    const CURLcode result = message->data.result;  // the message dies with the handle's removal
    curl_multi_remove_handle(multi_, easy);
    Owned call = take_from_sending(easy);
    Sent sent = call->send->finish(result);
    date(sent);
    call->send.reset();
    idle_handles_.push_back(easy);
    ask_budget_at_.reset();  // a slot is free
    conclude(std::move(call), std::move(sent));
  }
}

// A gateway's own clock may be anything: only Stripe's answers are read, and an implausible Date
// counts as none.
void Loop::date(Sent& sent) {
  if (!sent.date || !sent.last.send.parsed) return;
  const auto differs = std::chrono::abs(*sent.date - sent.response.sent_at);
  if (differs <= kDateDiffers) {
    sent.response.sent_at = server_time_.sent_at(sent.left, sent.dated, *sent.date);
  } else if (!std::exchange(said_implausible_, true)) {
    log::warn("Stripe's answers are dated more than a day from this machine's clock",
              {{"date", to_iso(*sent.date)}, {"clock", to_iso(sent.response.sent_at)}});
  }
}

void Loop::conclude(Owned call, Sent sent) {
  call->history = with_lost(call->history, sent.lost_before);
  const Outcome outcome = classify(call->history, sent.last.send);
  call->history = after(call->history, sent.last.send);
  counts_.connections += static_cast<std::uint64_t>(sent.connections);
  const auto took = std::chrono::duration_cast<Pause>(now() - call->started);
  call->tries.spent += took;
  log::debug("called Stripe", {{"method", name_of(call->request.method)},
                               {"path", without_query(call->request.path)},
                               {"account", call->request.account},
                               {"status", sent.response.status},
                               {"stripe_request", sent.response.request_id},
                               {"ms", took.count()}});
  if (outcome == Outcome::done) {
    return end(std::move(call), {.outcome = outcome, .response = std::move(sent.response)});
  }
  ++(is_limited(sent.last) ? call->tries.limited : call->tries.failures);
  if (is_limited(sent.last)) {
    ++counts_.limited;
    options_.budget->limited(call->ask(), sent.response.rate_limited_reason, now());
  }
  const double jitter = std::uniform_real_distribution<double>{0, 1}(random_);
  const auto again = pause_before_retry(call->request.retries, call->tries, sent.last, jitter);
  if (again && !drain_until_) {
    log::info("will call Stripe again", {{"method", name_of(call->request.method)},
                                         {"path", without_query(call->request.path)},
                                         {"why", error_of(sent).message},
                                         {"ms", again->count()}});
    return pause(std::move(call), *again);
  }
  Error error = error_of(sent);
  end(std::move(call), {.outcome = outcome,
                        .response = std::move(sent.response),
                        .refusal = std::move(sent.refusal),
                        .error = std::move(error)});
}

void Loop::pause(Owned call, Pause wanted) {
  ++counts_.repeats;
  call->tries.spent += wanted;
  paused_.emplace(now() + options_.pause(wanted), std::move(call));
}

void Loop::end(Owned call, Answer answer) {
  answer.history = call->history;
  try {
    call->callback(std::move(answer));
  } catch (const std::exception& wrong) {
    log::error("a callback of a call to Stripe threw", {{"what", wrong.what()}});
  }
}

// Nothing more is sent: what is known is what the sends so far said.
void Loop::end_early(Owned call, std::string code, std::string message) {
  const Outcome outcome = call->history.unknown ? Outcome::unknown : Outcome::not_done;
  end(std::move(call),
      {.outcome = outcome, .error = {Kind::retry, std::move(code), std::move(message)}});
}

void Loop::cut(CURL* easy, const char* code, const char* message) {
  Owned call = take_from_sending(easy);
  curl_multi_remove_handle(multi_, easy);
  const Sent sent = call->send->finish(CURLE_ABORTED_BY_CALLBACK);
  call->send.reset();
  idle_handles_.push_back(easy);
  call->history = after(with_lost(call->history, sent.lost_before), sent.last.send);
  end_early(std::move(call), code, message);
}

// libcurl's own timers shorten this further.
std::chrono::milliseconds Loop::next_wait(Instant now) const {
  if (drain_until_ && sending_.empty()) return {};
  // A slot became free after the last look.
  const auto may = [this](const auto& each) {
    return may_start(*each.second) && !creations_are_full(*each.second);
  };
  if (!ask_budget_at_ && std::ranges::any_of(waiting_, may)) return {};
  Instant next = now + std::chrono::seconds{10};
  if (!paused_.empty()) next = std::min(next, paused_.begin()->first);
  if (ask_budget_at_ && !waiting_.empty()) next = std::min(next, *ask_budget_at_);
  if (drain_until_) next = std::min(next, *drain_until_);
  return std::max(std::chrono::milliseconds{0},
                  std::chrono::ceil<std::chrono::milliseconds>(next - now));
}

}  // namespace payoutd::stripe
