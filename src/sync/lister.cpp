#include "sync/lister.h"

#include <algorithm>
#include <atomic>

namespace payoutd::sync {

namespace {

constexpr int kPageSize = 100;

const Error kStopped{Kind::retry, "sync_stopped",
                     "the sync was stopped; the next one goes on from there"};

bool says_not_itemisable(const stripe::Answer& answer) {
  return answer.response.status == 400 && answer.refusal &&
         answer.refusal->message.find("can only be filtered on automatic") != std::string::npos;
}

// A payout of an account that was given up, or of Stripe's other mode.
bool does_not_know_it(const stripe::Answer& answer) {
  const int status = answer.response.status;
  return (status == 400 || status == 404) && answer.refusal &&
         answer.refusal->type == "invalid_request_error" && answer.refusal->param == "payout";
}

}  // namespace

struct Lister::Reading {
  std::shared_ptr<Pass> pass;
  Range range;
  std::string payout{};  // whose transactions are listed

  // These belong to the thread that has taken the reading's page.
  std::int64_t at = 0;
  std::int64_t page_span = 0;
  bool restarted = false;

  // Under the lister's mutex.
  std::optional<stripe::Answer> answer{};
  bool storing = false;

  std::atomic<stripe::Client::Ticket> ticket{0};
};

// An answer, and what becomes of it.
struct Lister::Arrived {
  ReadingPtr reading;
  stripe::Answer answer;
  StoredPage page{};
  std::optional<Range> below{};  // cut off, for another reading
  std::optional<Error> error{};
  bool sent_again = false;
};

Lister::Lister(pg::Database& db, stripe::Client& client, const mirror::Appliers& appliers,
               Options options)
    : db_(db), client_(client), appliers_(appliers), options_(options) {
  CHECK(options.writers > 0 && options.lanes > 0 && options.pages_per_commit > 0);
  CHECK(options.pages_per_commit * kPageSize <= mirror::kMaxVersions);
  for (int i = 0; i < options_.writers; ++i) writers_.emplace_back([this] { write(); });
}

Lister::~Lister() {
  stop();
  {
    std::unique_lock lock(mutex_);
    over_.wait(lock, [&] { return under_way_.empty() && in_flight_ == 0; });
  }
  arrived_.notify_all();
  for (std::thread& writer : writers_) writer.join();
}

void Lister::stop() {
  std::vector<ReadingPtr> to_end;
  std::vector<ReadingPtr> to_cancel;
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    to_end.assign(waiting_.begin(), waiting_.end());
    waiting_.clear();
    to_cancel.assign(under_way_.begin(), under_way_.end());
  }
  for (const ReadingPtr& reading : to_end) end(reading, kStopped);
  for (const ReadingPtr& reading : to_cancel) client_.cancel(reading->ticket);
  arrived_.notify_all();
}

void Lister::add(std::shared_ptr<Pass> pass) {
  std::vector<ReadingPtr> to_send;
  {
    const std::scoped_lock lock(mutex_);
    const auto wait = [&](Range range, std::string payout) {
      auto reading = std::make_shared<Reading>();
      reading->pass = pass;
      reading->range = std::move(range);
      reading->payout = std::move(payout);
      waiting_.push_back(std::move(reading));
      ++pass->open;
    };
    for (const Range& range : pass->ranges) wait(range, "");
    for (const std::string& payout : pass->payouts) wait({}, payout);
    if (stopping_) {
      pass->error = kStopped;
      std::erase_if(waiting_, [&](const ReadingPtr& reading) { return reading->pass == pass; });
      pass->open = 0;
    }
    start_waiting(to_send);
  }
  for (const ReadingPtr& reading : to_send) send(reading);
}

void Lister::wait(const std::shared_ptr<Pass>& pass) {
  std::unique_lock lock(mutex_);
  over_.wait(lock, [&] { return pass->open == 0; });
}

Lister::State Lister::state() const {
  const std::scoped_lock lock(mutex_);
  State state{.counts = counts_, .under_way = under_way_.size(), .waiting = waiting_.size()};
  if (!waiting_.empty()) return state;
  std::int64_t left = 0;
  for (const ReadingPtr& reading : under_way_) {
    // Both are written by a writer meanwhile; an estimate may be a page off.
    const std::int64_t span = std::atomic_ref(reading->page_span).load(std::memory_order_relaxed);
    const std::int64_t at = std::atomic_ref(reading->at).load(std::memory_order_relaxed);
    const std::int64_t lower =
        std::atomic_ref(reading->range.lower).load(std::memory_order_relaxed);
    if (!reading->payout.empty()) continue;
    if (lower == 0 || span == 0) return state;
    left += std::max<std::int64_t>(0, at - lower) * kPageSize / span;
  }
  state.rows_left = left;
  return state;
}

// Under the mutex; the caller sends them after it.
void Lister::start_waiting(std::vector<ReadingPtr>& to_send) {
  while (!waiting_.empty() && under_way_.size() < options_.lanes) {
    to_send.push_back(waiting_.front());
    under_way_.insert(waiting_.front());
    waiting_.pop_front();
  }
}

void Lister::send(const ReadingPtr& reading) {
  const Stream& stream = reading->pass->stream;
  stripe::Form query;
  if (!stream.filter.empty()) query.add(stream.filter, stream.value);
  if (!reading->payout.empty()) query.add("payout", reading->payout);
  if (reading->range.lower > 0) query.add("created[gte]", reading->range.lower);
  if (reading->range.upper > 0) query.add("created[lte]", reading->range.upper);
  query.add("limit", kPageSize);
  if (!reading->range.after.empty()) query.add("starting_after", reading->range.after);
  auto request = stripe::Request::get(std::string(stream.path), query)
                     .on(reading->pass->target.stripe_header)
                     .with(stripe::Priority::sync);
  {
    const std::scoped_lock lock(mutex_);
    ++in_flight_;
  }
  reading->ticket = client_.submit(std::move(request), [this, reading](stripe::Answer answer) {
    const std::scoped_lock lock(mutex_);
    --in_flight_;
    over_.notify_all();
    reading->answer = std::move(answer);
    if (reading->storing) return;
    ready_.push_back(reading);
    arrived_.notify_one();
  });
  const std::scoped_lock lock(mutex_);
  if (stopping_) client_.cancel(reading->ticket);
}

void Lister::write() {
  for (;;) {
    std::vector<Arrived> arrived = take();
    if (arrived.empty()) return;
    std::vector<ReadingPtr> to_send;
    for (Arrived& each : arrived) prepare(each, to_send);
    for (const ReadingPtr& reading : to_send)
      send(reading);  // the next page comes while this one is stored
    store(arrived);
    finish(arrived);
  }
}

std::vector<Lister::Arrived> Lister::take() {
  std::unique_lock lock(mutex_);
  arrived_.wait(lock, [&] { return !ready_.empty() || (stopping_ && under_way_.empty()); });
  std::vector<Arrived> arrived;
  while (!ready_.empty() && arrived.size() < options_.pages_per_commit) {
    ReadingPtr reading = std::move(ready_.front());
    ready_.pop_front();
    reading->storing = true;
    stripe::Answer answer = *std::exchange(reading->answer, std::nullopt);
    arrived.push_back({.reading = std::move(reading), .answer = std::move(answer)});
  }
  return arrived;
}

// Answers that end the reading of one payout's transactions, and nothing else.
bool Lister::tolerate(Reading& reading, const stripe::Answer& answer, StoredPage& page) {
  if (!reading.payout.empty() && answer.error.code == "payout_reconciliation_not_ready")
    return true;
  if (!reading.payout.empty() && says_not_itemisable(answer)) {
    const std::scoped_lock lock(mutex_);
    reading.pass->not_itemisable.push_back(reading.payout);
    return true;
  }
  if (!reading.payout.empty() && does_not_know_it(answer)) {
    page.counts.refused = 1;
    page.refused = reading.payout + ": " + answer.error.message;
    return true;
  }
  return false;
}

void Lister::note_asked(Pass& pass, Time sent_at) {
  const std::scoped_lock lock(mutex_);
  pass.asked_since = std::min(pass.asked_since.value_or(sent_at), sent_at);
}

void Lister::prepare(Arrived& arrived, std::vector<ReadingPtr>& to_send) {
  Reading& reading = *arrived.reading;
  StoredPage& stored = arrived.page;
  stored.pass = reading.pass.get();
  stored.payout = reading.payout;
  stored.counts.requests = std::max(1, arrived.answer.history.sends);
  if (!arrived.answer.ok()) {
    // The object of the cursor is gone: the range is read again from its top.
    if (arrived.answer.error.param == "starting_after" && !std::exchange(reading.restarted, true)) {
      reading.range.after.clear();
      arrived.sent_again = true;
      to_send.push_back(arrived.reading);
      return;
    }
    stored.done = tolerate(reading, arrived.answer, stored);
    if (!stored.done) arrived.error = arrived.answer.error;
    return;
  }
  auto page = cut_page(arrived.answer.response.body);
  if (!page) {
    arrived.error = page.error();
    return;
  }
  stored.page = *std::move(page);
  stored.sent_at = arrived.answer.response.sent_at;
  note_asked(*reading.pass, stored.sent_at);
  stored.counts.pages = 1;
  stored.counts.rows = std::ssize(stored.page.items);
  stored.done = !stored.page.has_more ||
                (reading.range.lower > 0 && stored.page.last_created < reading.range.lower);
  if (!stored.done) {
    move_down(reading, stored.page);
    arrived.below = cut(reading, stored.page);
    to_send.push_back(arrived.reading);
  }
  if (!reading.payout.empty()) return;
  const Pass& pass = *reading.pass;
  const cursors_store::Place place{pass.target.organization, pass.target.account,
                                   std::string(pass.stream.name)};
  stored.changes.push_back(
      {.place = place, .range = reading.range, .done = stored.done, .resumable = pass.resumable});
  if (arrived.below) {
    stored.changes.push_back(
        {.place = place, .range = *arrived.below, .resumable = pass.resumable});
  }
}

void Lister::move_down(Reading& reading, const ListPage& page) {
  reading.range.after = page.last_id;
  std::atomic_ref(reading.at).store(page.last_created, std::memory_order_relaxed);
  std::atomic_ref(reading.page_span)
      .store(std::max<std::int64_t>(1, page.first_created - page.last_created),
             std::memory_order_relaxed);
}

std::optional<Range> Lister::cut(Reading& reading, const ListPage& page) {
  if (!reading.payout.empty() || page.last_created == 0) return std::nullopt;
  {
    const std::scoped_lock lock(mutex_);
    if (stopping_ || !waiting_.empty() || under_way_.size() >= options_.lanes) return std::nullopt;
  }
  // A request that waits for the rate would wait behind more of them.
  if (client_.counts().waiting > 0) return std::nullopt;
  const auto at = cut_at({.lower = reading.range.lower,
                          .at = page.last_created,
                          .page_span = reading.page_span,
                          .covered = reading.pass->top - page.last_created});
  if (!at) return std::nullopt;
  Range below{.lower = reading.range.lower, .upper = *at - 1};
  std::atomic_ref(reading.range.lower).store(*at, std::memory_order_relaxed);
  return below;
}

void Lister::store(std::vector<Arrived>& arrived) {
  std::vector<StoredPage*> pages;
  for (Arrived& each : arrived) {
    if (!each.error && !each.sent_again && each.answer.ok()) pages.push_back(&each.page);
  }
  const auto error =
      store_pages(db_, appliers_, pages, options_.patience, [this] { return stopped(); });
  if (!error) return;
  for (Arrived& each : arrived) {
    if (std::ranges::find(pages, &each.page) != pages.end()) each.error = error;
  }
}

bool Lister::stopped() const {
  const std::scoped_lock lock(mutex_);
  return stopping_;
}

void Lister::finish(std::vector<Arrived>& arrived) {
  std::vector<ReadingPtr> to_send;
  std::vector<std::pair<ReadingPtr, std::optional<Error>>> ended;
  {
    const std::scoped_lock lock(mutex_);
    for (Arrived& each : arrived) {
      const ReadingPtr& reading = each.reading;
      Pass& pass = *reading->pass;
      counts_ += each.page.counts;
      pass.counts += each.page.counts;
      if (pass.refused.empty()) pass.refused = std::move(each.page.refused);
      if (each.below && !each.error) {
        auto below = std::make_shared<Reading>();
        below->pass = reading->pass;
        below->range = *each.below;
        ++pass.open;
        under_way_.insert(below);
        to_send.push_back(std::move(below));
      }
      if (each.page.done || each.error) {
        ended.emplace_back(reading, each.error);
        continue;
      }
      reading->storing = false;
      if (!reading->answer) continue;
      ready_.push_back(reading);
      arrived_.notify_one();
    }
  }
  for (auto& [reading, error] : ended) end(reading, std::move(error));
  {
    const std::scoped_lock lock(mutex_);
    start_waiting(to_send);
  }
  for (const ReadingPtr& reading : to_send) send(reading);
}

void Lister::end(const ReadingPtr& reading, std::optional<Error> error) {
  // A page that is still to come has nobody to wait for it.
  client_.cancel(reading->ticket);
  const std::scoped_lock lock(mutex_);
  Pass& pass = *reading->pass;
  if (error && !pass.error) pass.error = std::move(error);
  CHECK(pass.open > 0);
  --pass.open;
  under_way_.erase(reading);
  if (stopping_ && under_way_.empty()) arrived_.notify_all();
  over_.notify_all();
}

}  // namespace payoutd::sync
