#include "payouts/ask_stripe.h"

#include "base/log.h"
#include "jobs/queue.h"
#include "mirror/mirror_jobs.h"
#include "payouts/ask_rules.h"
#include "payouts/payouts.h"
#include "payouts/stripe_payout.h"

namespace payoutd::payouts {
namespace {

using namespace std::chrono_literals;

constexpr auto kForgotten = 1h;  // its own job would have looked at it
constexpr std::int64_t kResolvedAtOnce = 10'000;

// For people: what an answer that decides nothing said.
std::string words_of(const stripe::Answer& answer) {
  if (answer.refusal) return answer.refusal->message;
  return answer.error.message.empty() ? "no answer from Stripe" : answer.error.message;
}

std::string code_of(const stripe::Answer& answer) {
  if (answer.response.replayed && answer.response.status >= 500) return kReplayedError;
  return answer.error.code;
}

stripe::Form form_of(const AskStripe::Wanted& wanted, PayoutId id, int attempt) {
  stripe::Form form;
  form.add("amount", wanted.money.minor).add("currency", wanted.money.currency.str());
  form.add("method", wanted.method);
  if (wanted.description) form.add("description", *wanted.description);
  for (const auto& [key, value] : wanted.metadata.items())
    form.metadata(key, value.get<std::string>());
  form.metadata(kPayoutIdKey, id.str()).metadata(kAttemptKey, std::to_string(attempt));
  if (wanted.external_id) form.metadata(kRequestKey, *wanted.external_id);
  return form;
}

NewPayout payout_of(const AskStripe::Wanted& wanted) {
  return {.organization = wanted.account.organization,
          .id = PayoutId::make(),
          .account = wanted.account.id(),
          .money = wanted.money,
          .method = wanted.method,
          .description = wanted.description,
          .external_id = wanted.external_id,
          .metadata = wanted.metadata,
          .actor = wanted.actor};
}

Instruction instruction_of(const AskStripe::Wanted& wanted, const NewPayout& payout) {
  return {.organization = payout.organization,
          .id = InstructionId::make(),
          .payout = payout.id,
          .account = payout.account,
          .money = payout.money,
          .attempt = 1,
          .key = "payoutd-" + payout.id.str() + "-1",
          .path = "/v1/payouts",
          .body = form_of(wanted, payout.id, 1).str(),
          .state = "sending"};
}

void enqueue_resolve(pg::Tx& tx, OrgId organization, PayoutId payout, Time at) {
  jobs::enqueue(tx, jobs::Job{.kind = kResolveJob,
                              .organization = organization,
                              .payload = {{"payout", payout.str()}},
                              .priority = jobs::Priority::money,
                              .unique_key = payout.str(),
                              .run_at = at,
                              .max_attempts = 1'000});
}

std::string id_in(const std::string& object) {
  const Json json = Json::parse(object, nullptr, false);
  const auto id = json.is_object() ? json.find("id") : json.end();
  return id != json.end() && id->is_string() ? id->get<std::string>() : std::string{};
}

// A replayed answer is as old as the send that it first answered: it shows the payout as made.
Time shown_at(const stripe::Response& answer) {
  if (!answer.replayed) return answer.sent_at;
  const Json json = Json::parse(answer.body, nullptr, false);
  const auto created = json.is_object() ? json.find("created") : json.end();
  if (created == json.end() || !created->is_number_integer()) return answer.sent_at;
  return std::min(answer.sent_at, from_unix(created->get<std::int64_t>()));
}

// A key is for one request. The layer of Idempotency-Keys sees to that, but for keys that a
// restored database has forgotten.
std::optional<Error> asks_for_another(const AskStripe::Wanted& wanted,
                                      const instructions::Asked& asked) {
  if (asked.account == wanted.account.id() && asked.money == wanted.money) return std::nullopt;
  return Error{Kind::unprocessable, "idempotency_key_reused",
               "this Idempotency-Key asked for another payout: " + to_decimal(asked.money) + " " +
                   asked.money.currency.str() + " of " + asked.account};
}

}  // namespace

Result<std::optional<PayoutId>> AskStripe::asked_before(const Wanted& wanted) {
  using Found = std::optional<instructions::Asked>;
  const OrgId organization = wanted.account.organization;
  bool matched = false;
  const auto find = [&](pg::Tx& tx) -> Result<Found> {
    matched = restored_.is_matched(tx, wanted.account);
    if (!wanted.external_id) return Found{};
    return instructions::find_by_external_id(tx, organization, *wanted.external_id);
  };
  auto found = db_.transact(find);
  if (found && !*found && !matched) {
    if (auto done = restored_.match(wanted.account); !done) return done.error();
    found = db_.transact(find);
  }
  if (!found) return found.error();
  if (!*found) return std::optional<PayoutId>{};
  if (auto another = asks_for_another(wanted, **found)) return *another;
  if (auto known = resolve(organization, (*found)->id);
      !known && known.error().kind != Kind::retry) {
    return known.error();
  }
  return std::optional<PayoutId>((*found)->id);
}

Result<PayoutId> AskStripe::pay_out(const Wanted& wanted) {
  // Matches the database, too.
  const auto before = asked_before(wanted);
  if (!before) return before.error();
  if (*before) return **before;
  const NewPayout payout = payout_of(wanted);
  const Instruction instruction = instruction_of(wanted, payout);
  const Allowed allowed{.at = clock_.now()};
  const auto made = db_.transact([&](pg::Tx& tx) -> Result<bool> {
    if (!restored_.is_matched(tx, wanted.account)) {
      return Error{Kind::retry, "database_changed",
                   "the database was started again meanwhile: ask again"};
    }
    if (!instructions::create(tx, payout, instruction, allowed.at)) return false;
    // Should this process end now, another finds out what became of it.
    enqueue_resolve(tx, payout.organization, payout.id, allowed.at + kSendTakes);
    return true;
  });
  if (!made) return made.error();
  if (!*made) {
    // Another thread began the same request meanwhile: it goes on from there, under the same key.
    const auto other = asked_before(wanted);
    if (!other) return other.error();
    if (*other) return **other;
    return Error{Kind::retry, "payout_in_progress", "the same payout was just refused: ask again"};
  }
  const auto sent = send(instruction, allowed);
  if (!sent && sent.error().code != kOutcomeUnknown) return sent.error();
  return payout.id;
}

Result<std::string> AskStripe::stripe_header(OrgId organization, const std::string& account) {
  const auto found = access::pick_account(db_, organization, account);
  if (!found) return found.error();
  return std::string(found->stripe_header());
}

Result<void> AskStripe::send(const Instruction& instruction, const Allowed& allowed) {
  const auto header = stripe_header(instruction.organization, instruction.account);
  if (!header) return header.error();
  settings_.at("committed");
  // Others may have sent and settled it by now, and Stripe may have forgotten the key.
  if (clock_.now() - allowed.at > kLastStart) {
    return Error{Kind::retry, kOutcomeUnknown, "the sending was held up; it is looked into"};
  }
  auto request = stripe::Request::post(instruction.path, stripe::IdempotencyKey(instruction.key),
                                       instruction.body)
                     .on(*header)
                     .with(stripe::Priority::money)
                     .with(stripe::Retries::money())
                     .with(settings_.timeout)
                     .until(allowed.began + kLastStart)
                     .earlier({.unknown = instruction.was_unknown,
                               .sends = instruction.was_unknown ? instruction.sends - 1 : 0});
  const stripe::Answer answer = client_.send(std::move(request));
  settings_.at("answered");
  return settle(instruction, answer);
}

Result<void> AskStripe::settle(const Instruction& instruction, const stripe::Answer& answer) {
  if (answer.outcome == stripe::Outcome::done) {
    return settle_done(instruction,
                       {answer.response.body, shown_at(answer.response),
                        answer.response.request_id});
  }
  Said said = Said::unknown;
  const auto written = db_.transact([&](pg::Tx& tx) -> Result<void> {
    const auto payout = lock_payout(tx, instruction.organization, instruction.payout);
    if (!payout) return payout.error();
    const auto known = instructions::lock_of(tx, instruction.organization, instruction.payout);
    said = known ? what_it_says(answer, instruction, *known) : Said::unknown;
    // A webhook or another instance has settled it meanwhile.
    if (!known || is_settled(*known)) return {};
    const Time now = clock_.now();
    if (payout->stripe_payout_id) {
      said = Said::done;
      instructions::done(tx, instruction, *payout->stripe_payout_id, answer.response.request_id,
                         now);
      return {};
    }
    switch (said) {
      case Said::done: break;
      case Said::refused:
        instructions::not_done(tx, instruction, code_of(answer), words_of(answer), now);
        break;
      case Said::not_arrived:
        instructions::not_arrived(tx, instruction, words_of(answer), now);
        enqueue_resolve(tx, instruction.organization, instruction.payout, now + 15s);
        break;
      case Said::unknown:
        instructions::unknown(tx, instruction, code_of(answer), words_of(answer), now);
        enqueue_resolve(tx, instruction.organization, instruction.payout, now + 1min);
    }
    return {};
  });
  if (!written) return written.error();
  if (said == Said::unknown) return Error{Kind::retry, kOutcomeUnknown, words_of(answer)};
  if (said == Said::refused) return answer.error;
  return {};
}

Result<void> AskStripe::settle_done(const Instruction& instruction, const Seen& seen) {
  const std::string stripe_id = id_in(seen.object);
  return db_.transact([&](pg::Tx& tx) -> Result<void> {
    const mirror::Version version{
        .organization = instruction.organization,
        .account = instruction.account,
        .object = seen.object,
        .shown_at = std::chrono::floor<std::chrono::seconds>(seen.sent_at),
        .source = mirror::Source::fetch};
    const mirror::Applied applied = mirror::apply(tx, appliers_, {&version, 1});
    mirror::enqueue_follow_ups(tx, applied);
    const auto payout = lock_payout(tx, instruction.organization, instruction.payout);
    if (!payout) return payout.error();
    const Time now = clock_.now();
    if (stripe_id.empty() || payout->stripe_payout_id != stripe_id) {
      instructions::needs_review(tx, instruction, kAnotherObject,
                                 "Stripe's answer is not of this payout: " + stripe_id, now);
      return {};
    }
    instructions::done(tx, instruction, stripe_id, seen.request_id, now);
    return {};
  });
}

std::vector<jobs::Handler> AskStripe::handlers() {
  const auto resolve_later = [this](jobs::Run& run) -> Result<void> {
    const auto id = PayoutId::parse(run.payload().value("payout", std::string{}));
    CHECK(id && run.organization());
    auto known = resolve(*run.organization(), *id);
    if (known) return known;
    if (known.error().kind == Kind::retry) {
      run.retry_after(std::min(std::chrono::milliseconds(1min) * run.attempt(),
                               std::chrono::milliseconds(30min)));
      return known;
    }
    // Stripe's definitive refusal is written down with the payout: the job is done.
    log::info("a payout was refused", {{"payout", id->str()}, {"code", known.error().code}});
    return {};
  };
  const auto settle_shown = [this](jobs::Run& run) -> Result<void> {
    const auto payout = db_.transact([&](pg::Tx& tx) {
      return find_payout(tx, *run.organization(), run.payload().value("payout", std::string{}));
    });
    if (!payout) return payout.error();
    return resolve(*run.organization(), payout->id);
  };
  const auto resolve_all = [this](jobs::Run&) -> Result<void> {
    return db_.transact([&](pg::Tx& tx) -> Result<void> {
      const Time now = clock_.now();
      for (const auto& one : instructions::unsettled(tx, now - kForgotten, kResolvedAtOnce)) {
        enqueue_resolve(tx, one.organization, one.payout, now);
      }
      return {};
    });
  };
  return {{kResolveJob, resolve_later},
          {kResolveAllJob, resolve_all},
          {mirror::kSettleInstructionJob, settle_shown}};
}

}  // namespace payoutd::payouts
