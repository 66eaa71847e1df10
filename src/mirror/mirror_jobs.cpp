#include "mirror/mirror_jobs.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <future>

#include "access/connected_accounts.h"
#include "base/log.h"
#include "jobs/queue.h"
#include "mirror/embedded_list.h"

namespace payoutd::mirror {

namespace {

struct PathOfType {
  std::string_view type, collection;
};
constexpr PathOfType kPaths[] = {
    {"account", "accounts"},
    {"application_fee", "application_fees"},
    {"balance_transaction", "balance_transactions"},
    {"charge", "charges"},
    {"customer", "customers"},
    {"dispute", "disputes"},
    {"payment_intent", "payment_intents"},
    {"payout", "payouts"},
    {"refund", "refunds"},
    {"subscription", "subscriptions"},
    {"transfer", "transfers"},
};

constexpr std::size_t kFetchedAtOnce = 8;
// While Stripe does not answer an hour passes between two attempts: this is for weeks.
constexpr int kFindAccountAttempts = 1000;
constexpr std::chrono::seconds kAskAgainAfter{2};
// An answer may count as one of the second before the one in which it was asked for.
constexpr std::chrono::seconds kSecondsTruncated{1};
constexpr const char* kAccountNotActive = "account_not_active";

bool is_deauthorized(const Error& error) { return error.code == "account_invalid"; }

// A refusal of this object, not of the key, the account or the rate.
bool is_about_the_object(const stripe::Answer& answer) {
  const int status = answer.response.status;
  return answer.refusal && answer.refusal->type == "invalid_request_error" &&
         (status == 400 || status == 404) && !is_deauthorized(answer.error);
}

// `not_before` is a second of Stripe's, and the job began by our clock, which may be ahead.
Result<void> came_late_enough(jobs::Run& run, std::optional<Time> sent_at) {
  const Time not_before = from_unix(run.payload().value("not_before", std::int64_t{0}));
  if (!sent_at || *sent_at >= not_before) return {};
  if (run.last_attempt()) {
    log::warn("two versions of one second stay unordered until the next sync",
              {{"account", run.payload().at("account").get<std::string>()},
               {"id", run.payload().at("id").get<std::string>()}});
    return {};
  }
  run.retry_after(kAskAgainAfter * run.attempt());
  return Error{Kind::retry, "refetch_too_early",
               "Stripe's clock was not past the second of the two versions"};
}

// A key that expired or lacks a permission says nothing of an object.
bool may_be_fetched_later(const Error& error) {
  return error.kind == Kind::retry || (error.kind == Kind::upstream && !is_deauthorized(error));
}

Result<void> refetch(jobs::Run& run, pg::Database& db, stripe::Client& client,
                     const Appliers& appliers) {
  const std::string account_id = run.payload().at("account");
  const auto account = db.read([&](pg::Tx& tx) -> Result<std::optional<access::ConnectedAccount>> {
    return access::find_account(tx, account_id);
  });
  if (!account) return account.error();
  if (!*account || (*account)->organization != run.organization() || !(*account)->active) {
    return Error{Kind::unprocessable, kAccountNotActive,
                 fmt::format("{} is no active account of this organization", account_id)};
  }
  Fetch fetch{.organization = (*account)->organization,
              .account = account_id,
              .stripe_header = std::string((*account)->stripe_header()),
              .type = run.payload().at("type"),
              .stripe_ids = {run.payload().at("id")}};
  if (fetch.type == "account") fetch.stripe_header.clear();  // the platform's word on its accounts
  const auto applied = fetch_and_apply(db, client, appliers, fetch);
  if (!applied) return applied.error();
  for (const std::string& why : applied->not_shown) {
    log::warn("an object that was to be fetched again is not shown",
              {{"account", account_id}, {"why", why}});
    // The event that told of it could not be read: a person sees the dead job.
    if (run.payload().value("instead", false))
      return Error{Kind::unprocessable, "object_not_shown", why};
  }
  for (const Verdict& verdict : applied->verdicts) {
    if (verdict.outcome == Outcome::refused)
      return Error{Kind::unprocessable, "refetch_refused", verdict.error};
    if (verdict.outcome == Outcome::ignored && run.payload().value("instead", false))
      return Error{Kind::unprocessable, "refetch_ignored", "Stripe shows another kind of object"};
  }
  return came_late_enough(run, applied->sent_at);
}

std::optional<WaitingEvent> event_of(const jobs::Run& run) {
  const auto found = run.payload().find("event");
  if (found == run.payload().end()) return std::nullopt;
  return WaitingEvent{found->at("id"), from_unix(found->at("created").get<std::int64_t>()),
                      found->at("misfit")};
}

// The event and the job end together. A job that no event waits for ends as its error says.
Result<void> tell_event(jobs::Run& run, pg::Database& db, const FetchEnded& ended,
                        const Result<void>& done) {
  const WaitingEvent event = *event_of(run);
  bool waited = false;
  const auto told = db.transact([&](pg::Tx& tx) -> Result<void> {
    waited = ended(tx, *run.organization(), event, done ? nullptr : &done.error());
    if (waited) run.finish(tx);
    return {};
  });
  if (!told) return told;
  return waited ? Result<void>{} : done;
}

Result<void> refetch_and_tell(jobs::Run& run, pg::Database& db, stripe::Client& client,
                              const Appliers& appliers, const FetchEnded& ended) {
  const Result<void> done = refetch(run, db, client, appliers);
  if (!event_of(run) || !ended) {
    // The next sync tells of the account.
    const bool account_gone =
        !done && (done.error().code == kAccountNotActive || is_deauthorized(done.error()));
    return account_gone ? Result<void>{} : done;
  }
  if (done || !may_be_fetched_later(done.error())) return tell_event(run, db, ended, done);
  if (!run.last_attempt() || run.stopping())
    return Error{Kind::retry, done.error().code, done.error().message};
  // That Stripe is away says nothing of the event: it goes on waiting, and is taken again.
  log::warn("an event's object could not be fetched; the event is tried again later",
            {{"event", event_of(run)->id}, {"error", done.error().message}});
  return {};
}

}  // namespace

std::optional<std::string> path_of(std::string_view type, std::string_view stripe_id) {
  const auto* found = std::ranges::find(kPaths, type, &PathOfType::type);
  if (found == std::end(kPaths)) return std::nullopt;
  return stripe::v1_path({found->collection, stripe_id});
}

void enqueue_adoption(pg::Tx& tx) {
  jobs::enqueue(tx,
                {.kind = kAdoptEventsJob, .priority = jobs::Priority::prompt, .unique_key = "all"});
}

jobs::Job find_account_job(const std::string& account) {
  return {.kind = kFindAccountJob,
          .payload = {{"account", account}},
          .priority = jobs::Priority::normal,
          .unique_key = account.empty() ? "own" : account,
          .max_attempts = kFindAccountAttempts};
}

namespace {

jobs::Job refetch_job(const Refetch& refetch) {
  jobs::Job job{.kind = kRefetchJob,
                .organization = refetch.organization,
                .payload = {{"account", refetch.account},
                            {"type", refetch.type},
                            {"id", refetch.stripe_id},
                            {"not_before", to_unix(refetch.not_before)},
                            {"instead", refetch.instead}},
                .priority = jobs::Priority::normal,
                .unique_key = refetch.account + "/" + refetch.type + "/" + refetch.stripe_id,
                .run_at = refetch.not_before + kSecondsTruncated};
  if (const auto& event = refetch.event) {
    job.payload["event"] = {
        {"id", event->id}, {"created", to_unix(event->created)}, {"misfit", event->misfit}};
    job.unique_key = event->id;
  }
  return job;
}

}  // namespace

void enqueue_follow_ups(pg::Tx& tx, const Applied& applied) {
  std::vector<jobs::Job> wanted;
  for (const Refetch& refetch : applied.refetch) {
    if (!path_of(refetch.type, refetch.stripe_id)) continue;
    wanted.push_back(refetch_job(refetch));
  }
  for (const FollowUp& follow_up : applied.follow_ups) {
    const bool settles = follow_up.kind == FollowUpKind::settle_instruction;
    wanted.push_back({.kind = settles ? kSettleInstructionJob : kPayoutTransactionsJob,
                      .organization = follow_up.organization,
                      .payload = {{"account", follow_up.account}, {"payout", follow_up.stripe_id}},
                      .priority = settles ? jobs::Priority::money : jobs::Priority::normal,
                      .unique_key = follow_up.account + "/" + follow_up.stripe_id});
  }
  if (!wanted.empty()) jobs::enqueue(tx, wanted);
}

jobs::Job read_transactions_job(OrgId organization, const std::string& account) {
  return {.kind = kReadTransactionsJob,
          .organization = organization,
          .payload = {{"account", account}},
          .priority = jobs::Priority::sync,
          .unique_key = account};
}

void enqueue_after_events(pg::Tx& tx, const Applied& applied) {
  enqueue_follow_ups(tx, applied);
  std::vector<jobs::Job> readings;
  for (const Moved& moved : applied.moved)
    readings.push_back(read_transactions_job(moved.organization, moved.account));
  jobs::enqueue_missing(tx, readings);
}

Result<Applied> apply_all(pg::Database& db, const Appliers& appliers,
                          std::span<const Version> versions,
                          const std::function<void(pg::Tx&)>& also) {
  const auto apply_by = [&](auto how) {
    return db.transact([&](pg::Tx& tx) -> Result<Applied> {
      Applied applied = how(tx, appliers, versions);
      if (also) also(tx);  // before the jobs, which are locked last
      enqueue_follow_ups(tx, applied);
      return applied;
    });
  };
  try {
    auto applied = apply_by(mirror::apply);
    if (applied) return applied;
    log::warn("objects could not be written together; trying them one by one",
              {{"error", applied.error().message}});
  } catch (const pg::SqlError& e) {
    log::warn("objects could not be written together; trying them one by one",
              {{"error", e.what()}});
  } catch (const Broken& e) {
    log::error("objects could not be written together; trying them one by one",
               {{"error", e.what()}});
  }
  return apply_by(mirror::apply_one_by_one);
}

Result<Applied> apply_page(pg::Database& db, const Appliers& appliers, const PageOwner& owner,
                           const stripe::Page& page, const std::function<void(pg::Tx&)>& also) {
  std::vector<Version> versions;
  versions.reserve(page.items.size());
  for (const stripe::Item& item : page.items) {
    versions.push_back({.organization = owner.organization,
                        .account = owner.account,
                        .object = item.raw,
                        .shown_at = page.sent_at,
                        .listed_for_payout = owner.payout});
  }
  return apply_all(db, appliers, versions, also);
}

Result<Fetched> fetch_and_apply(pg::Database& db, stripe::Client& client, const Appliers& appliers,
                                const Fetch& fetch) {
  std::vector<std::string> not_shown;
  std::deque<stripe::Response> responses;
  for (std::size_t at = 0; at < fetch.stripe_ids.size(); at += kFetchedAtOnce) {
    std::vector<std::future<stripe::Answer>> answers;
    for (std::size_t i = at; i < std::min(at + kFetchedAtOnce, fetch.stripe_ids.size()); ++i) {
      const auto path = path_of(fetch.type, fetch.stripe_ids[i]);
      CHECK(path.has_value());
      std::promise<stripe::Answer> promise;
      answers.push_back(promise.get_future());
      client.submit(stripe::Request::get(*path)
                        .on(fetch.stripe_header)
                        .with(stripe::Priority::normal)
                        .with(fetch.retries),
                    [kept = std::move(promise)](stripe::Answer answer) mutable {
                      kept.set_value(std::move(answer));
                    });
    }
    std::optional<Error> failed;
    for (std::size_t i = 0; i < answers.size(); ++i) {
      stripe::Answer answer = answers[i].get();
      const auto leave_out = [&](const Error& why) {
        not_shown.push_back(fetch.stripe_ids[at + i] + ": " + why.message);
      };
      if (!answer.ok()) {
        if (is_about_the_object(answer)) leave_out(answer.error);
        else if (!failed) failed = answer.error;
        continue;
      }
      auto whole =
          with_whole_list(client, fetch.stripe_header, fetch.type, std::move(answer.response.body));
      if (whole) {
        answer.response.body = *std::move(whole);
        responses.push_back(std::move(answer.response));
      } else if (whole.error().code == "list_too_long") {
        leave_out(whole.error());
      } else if (!failed) {
        failed = whole.error();
      }
    }
    if (failed) return *failed;
  }
  std::vector<Version> versions;
  std::optional<Time> sent_at;
  for (const stripe::Response& response : responses) {
    sent_at = std::min(sent_at.value_or(response.sent_at), response.sent_at);
    versions.push_back({.organization = fetch.organization,
                        .account = fetch.account,
                        .object = response.body,
                        .shown_at = response.sent_at,
                        .source = Source::fetch});
  }
  auto applied = apply_all(db, appliers, versions);
  if (!applied) return applied.error();
  return Fetched{*std::move(applied), std::move(not_shown), sent_at};
}

std::vector<jobs::Handler> mirror_handlers(pg::Database& db, stripe::Client& client,
                                           const Appliers& appliers, FetchEnded ended) {
  return {{kRefetchJob, [&db, &client, &appliers, ended = std::move(ended)](jobs::Run& run) {
             return refetch_and_tell(run, db, client, appliers, ended);
           }}};
}

}  // namespace payoutd::mirror
