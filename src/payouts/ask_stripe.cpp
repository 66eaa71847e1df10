#include "payouts/ask_stripe.h"

#include <fmt/format.h>

#include "base/log.h"
#include "jobs/queue.h"
#include "mirror/mirror_jobs.h"
#include "payouts/in_doubt.h"
#include "payouts/payouts.h"
#include "payouts/stripe_payout.h"

namespace payoutd::payouts {
namespace {

using namespace std::chrono_literals;

constexpr auto kForgotten = 1h;  // overdue: its own job would have looked at it
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

// As callers give it: without our own keys, and without empty values, which Stripe does not keep.
Json given_metadata(const Json& metadata) {
  Json given = Json::object();
  for (const auto& [key, value] : metadata.items()) {
    if (key != kPayoutIdKey && key != kAttemptKey && key != kRequestKey && value != "")
      given[key] = value;
  }
  return given;
}

// The fields in which a request differs from the one that a key was used for.
std::string differences(const AskStripe::Wanted& wanted, const instructions::Asked& asked) {
  std::string names;
  const auto note = [&](bool differs, const char* name) {
    if (differs) names += (names.empty() ? "" : ", ") + std::string(name);
  };
  note(asked.money.minor != wanted.money.minor, "amount");
  note(asked.money.currency != wanted.money.currency, "currency");
  note(asked.account != wanted.account.id(), "account");
  note(asked.method.value_or("standard") != wanted.method, "method");
  note(asked.description.value_or("") != wanted.description.value_or(""), "description");
  note(given_metadata(asked.metadata) != given_metadata(wanted.metadata), "metadata");
  return names;
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
  const std::string names = differences(wanted, asked);
  if (names.empty()) return std::nullopt;
  // Metadata may have been edited at Stripe since: what was sent tells.
  const bool same_account = asked.account == wanted.account.id();
  if (same_account && asked.body == form_of(wanted, asked.id, 1).str()) return std::nullopt;
  return Error{
      Kind::unprocessable, "idempotency_key_reused",
      fmt::format("this Idempotency-Key asked for payout {}, which differs in {}: a key is "
                  "for one request",
                  asked.id.str(), names)};
}

}  // namespace

Result<std::optional<PayoutId>> AskStripe::asked_before(const Wanted& wanted) {
  if (auto ours = own_account_.check(wanted.account); !ours) return ours.error();
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
  const PayoutId id = (*found)->id;
  const auto known =
      or_in_doubt(may_be_paid(id, wanted.external_id), [&] { return resolve(organization, id); });
  if (!known && known.error().kind != Kind::retry) return known.error();
  return std::optional<PayoutId>(id);
}

Result<PayoutId> AskStripe::pay_out(const Wanted& wanted) {
  // Also makes sure that this database has seen every payout that Stripe has.
  const auto before = asked_before(wanted);
  if (!before) return before.error();
  if (*before) return **before;
  const NewPayout payout = payout_of(wanted);
  const Allowed allowed{.at = clock_.now()};
  Instruction instruction = instruction_of(wanted, payout);
  // Should this process end now, another finds out what became of it.
  instruction.next_look_at = allowed.at + kSendTakes;
  const auto made = commit_intent(wanted, payout, instruction, allowed.at);
  if (!made) return made.error();
  if (!*made) {
    // Another thread began the same request meanwhile: it goes on from there, under the same key.
    const auto other = asked_before(wanted);
    if (!other) return other.error();
    if (*other) return **other;
    return Error{Kind::retry, "payout_in_progress", "the same payout was just refused: ask again"};
  }
  return or_in_doubt(may_be_paid(payout.id, wanted.external_id), [&]() -> Result<PayoutId> {
    const auto verdict = send(instruction, std::string(wanted.account.stripe_header()), allowed);
    if (!verdict) return may_be_paid(payout.id, wanted.external_id);
    if (verdict->said == Said::refused) return verdict->refusal;
    settings_.at("kept");
    return payout.id;
  });
}

// False: the payout is there already. A commit in doubt may stand: then the job that it made sends
// the payout.
Result<bool> AskStripe::commit_intent(const Wanted& wanted, const NewPayout& payout,
                                      const Instruction& instruction, Time now) {
  try {
    return db_.transact([&](pg::Tx& tx) -> Result<bool> {
      if (!restored_.is_matched(tx, wanted.account)) {
        return Error{Kind::retry, "database_changed",
                     "the database was started again meanwhile: ask again"};
      }
      if (!instructions::create(tx, payout, instruction, now)) return false;
      enqueue_resolve(tx, payout.organization, payout.id, *instruction.next_look_at);
      return true;
    });
  } catch (const pg::InDoubt& lost) {
    log::error("the commit of a payout is in doubt",
               {{"payout", payout.id.str()}, {"what", std::string_view(lost.what())}});
    return may_be_paid(payout.id, wanted.external_id);
  }
}

Result<std::string> AskStripe::stripe_header(OrgId organization, const std::string& account) {
  const auto found = access::pick_account(db_, organization, account);
  if (!found) return found.error();
  if (auto ours = own_account_.check(*found); !ours) return ours.error();
  return std::string(found->stripe_header());
}

Result<AskStripe::Verdict> AskStripe::send(const Instruction& instruction,
                                           const std::string& header, const Allowed& allowed) {
  settings_.at("committed");
  // Others may have sent and settled it by now, and Stripe may have forgotten the key.
  if (clock_.now() - allowed.at > kLastStart) return Verdict{};
  auto request = stripe::Request::post(instruction.path, stripe::IdempotencyKey(instruction.key),
                                       instruction.body)
                     .on(header)
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

Result<AskStripe::Verdict> AskStripe::settle(const Instruction& instruction,
                                             const stripe::Answer& answer) {
  if (answer.outcome == stripe::Outcome::done) {
    const auto said = settle_done(
        instruction, {answer.response.body, shown_at(answer.response), answer.response.request_id});
    if (!said) return said.error();
    return Verdict{*said};
  }
  return db_.transact([&](pg::Tx& tx) -> Result<Verdict> {
    const auto payout = lock_payout(tx, instruction.organization, instruction.payout);
    if (!payout) return payout.error();
    const auto known = instructions::lock_of(tx, instruction.organization, instruction.payout);
    const Said said = known ? what_it_says(answer, instruction, *known) : Said::unknown;
    // A webhook or another instance has settled it meanwhile.
    if (!known || is_settled(*known)) return Verdict{};
    const Time now = clock_.now();
    if (payout->stripe_payout_id) {
      instructions::done(tx, instruction, *payout->stripe_payout_id, answer.response.request_id,
                         now);
      return Verdict{Said::done};
    }
    switch (said) {
      case Said::done: break;
      case Said::refused:
        instructions::not_done(tx, instruction, code_of(answer), words_of(answer), now);
        break;
      case Said::not_arrived:
        instructions::not_arrived(tx, instruction, words_of(answer), now);
        look_later(tx, *known, now);
        break;
      case Said::unknown:
        instructions::unknown(tx, instruction, code_of(answer), words_of(answer), now);
        look_later(tx, *known, now);
    }
    return Verdict{said, answer.error};
  });
}

Result<Said> AskStripe::settle_done(const Instruction& instruction, const Seen& seen) {
  const MatchedPayout shown = match_of(seen.object, instruction);
  return db_.transact([&](pg::Tx& tx) -> Result<Said> {
    if (shown.match != Match::nothing) {
      const mirror::Version version{
          .organization = instruction.organization,
          .account = instruction.account,
          .object = seen.object,
          .shown_at = std::chrono::floor<std::chrono::seconds>(seen.sent_at),
          .source = mirror::Source::fetch};
      mirror::enqueue_follow_ups(tx, mirror::apply(tx, appliers_, {&version, 1}));
    }
    const auto payout = lock_payout(tx, instruction.organization, instruction.payout);
    if (!payout) return payout.error();
    const auto known = instructions::lock_of(tx, instruction.organization, instruction.payout);
    return settle_shown(tx, {*payout, known.value_or(instruction)}, shown, seen);
  });
}

Result<Said> AskStripe::settle_shown(pg::Tx& tx, const Standing& standing,
                                     const MatchedPayout& shown, const Seen& seen) {
  const auto& [payout, instruction] = standing;
  const Time now = clock_.now();
  const auto& named = payout.stripe_payout_id;
  if (named && (named == shown.stripe_id || shown.match != Match::its_payout)) {
    instructions::done(tx, instruction, *named, named == shown.stripe_id ? seen.request_id : "",
                       now);
    return Said::done;
  }
  if (named) {
    instructions::needs_review(tx, instruction, kSecondObject,
                               "Stripe has a second payout of it: " + shown.stripe_id, now);
    return Said::done;
  }
  if (is_settled(instruction)) return Said::done;
  if (shown.match == Match::another_amount) {
    instructions::needs_review(tx, instruction, kAnotherObject,
                               "Stripe's payout of it has another amount: " + shown.stripe_id, now);
    return Said::done;
  }
  const bool kept = shown.match == Match::nothing;
  instructions::unknown(tx, instruction, kept ? kAnotherAnswer : kNotKept,
                        kept ? "Stripe's answer does not show the payout"
                             : "Stripe shows the payout, and it could not be written down",
                        now);
  look_later(tx, instruction, now);
  return Said::unknown;
}

// The job of the first look is made here. It is the one that looks later, too: it waits for the
// time that stands with the instruction.
void AskStripe::look_later(pg::Tx& tx, const Instruction& known, Time now) {
  const Time next = next_look(known, now);
  instructions::plan(tx, known, known.looks, next);
  if (known.looks == 0) enqueue_resolve(tx, known.organization, known.payout, next);
}

std::chrono::milliseconds AskStripe::until_next_look(OrgId organization, PayoutId id) {
  const auto next = db_.transact([&](pg::Tx& tx) -> Result<OptionalTime> {
    const auto known = instructions::find_of(tx, organization, id);
    return known ? known->next_look_at : OptionalTime{};
  });
  const Time now = clock_.now();
  if (!next || !*next) return kFirstLook;
  return std::max<std::chrono::milliseconds>(
      1s, std::chrono::ceil<std::chrono::milliseconds>(**next - now));
}

std::vector<jobs::Handler> AskStripe::handlers() {
  const auto resolve_later = [this](jobs::Run& run) -> Result<void> {
    const auto id = PayoutId::parse(run.payload().value("payout", std::string{}));
    CHECK(id && run.organization());
    auto known = resolve(*run.organization(), *id);
    if (known) return known;
    if (known.error().kind == Kind::retry) {
      run.retry_after(until_next_look(*run.organization(), *id));
      return known;
    }
    // Stripe's definitive refusal is written down with the payout: the job is done.
    log::info("a payout was refused", {{"payout", id->str()}, {"code", known.error().code}});
    return {};
  };
  const auto settle_adopted = [this](jobs::Run& run) -> Result<void> {
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
          {mirror::kSettleInstructionJob, settle_adopted}};
}

}  // namespace payoutd::payouts
