#include "payouts/ask_stripe.h"

#include <simdjson.h>

#include "base/log.h"
#include "jobs/queue.h"
#include "mirror/mirror_jobs.h"
#include "payouts/payouts.h"
#include "payouts/stripe_payout.h"
#include "stripe/pages.h"

namespace payoutd::payouts {
namespace {

using namespace std::chrono_literals;

constexpr auto kKeyLife = 23h;       // Stripe forgets a key after a day; never sent later than this
constexpr auto kSendTakes = 150s;    // a send that began longer ago is over, whoever made it
constexpr auto kQuiet = 10min;       // after the last send, before a list can prove absence
constexpr auto kGiveUp = 24h * 7;    // then a person decides
constexpr const char* kReplayedError = "replayed_error";

// For people: what an answer that decides nothing said.
std::string words_of(const stripe::Answer& answer) {
  if (answer.refusal) return answer.refusal->message;
  return answer.error.message.empty() ? "no answer from Stripe" : answer.error.message;
}

std::string code_of(const stripe::Answer& answer) {
  if (answer.response.replayed && answer.response.status >= 500) return kReplayedError;
  return answer.error.code;
}

bool refused(const stripe::Answer& answer) {
  return answer.refusal && answer.refusal->status >= 400 && answer.refusal->status < 500 &&
         answer.refusal->status != 429;
}

stripe::Form form_of(const AskStripe::Wanted& wanted, PayoutId id, int attempt) {
  stripe::Form form;
  form.add("amount", wanted.money.minor).add("currency", wanted.money.currency.str());
  form.add("method", wanted.method);
  if (wanted.description) form.add("description", *wanted.description);
  for (const auto& [key, value] : wanted.metadata.items()) form.metadata(key, value.get<std::string>());
  form.metadata(kPayoutIdKey, id.str()).metadata(kAttemptKey, std::to_string(attempt));
  return form;
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

// Whether a payout in a list is the one that this instruction asked for.
bool is_of(const simdjson::dom::object& object, const Instruction& instruction) {
  std::string_view id, attempt, currency;
  std::int64_t amount = 0;
  return object.at_pointer(std::string("/metadata/") + kPayoutIdKey).get(id) == simdjson::SUCCESS &&
         object.at_pointer(std::string("/metadata/") + kAttemptKey).get(attempt) == simdjson::SUCCESS &&
         object["currency"].get(currency) == simdjson::SUCCESS &&
         object["amount"].get(amount) == simdjson::SUCCESS && id == instruction.payout.str() &&
         attempt == std::to_string(instruction.attempt) &&
         currency == instruction.money.currency.str() && amount == instruction.money.minor;
}

std::string id_in(const std::string& object) {
  const Json json = Json::parse(object, nullptr, false);
  const auto id = json.is_object() ? json.find("id") : json.end();
  return id != json.end() && id->is_string() ? id->get<std::string>() : std::string{};
}

Error unresolved(const Instruction& instruction) {
  return Error{Kind::retry, "outcome_unknown",
               "what became of the payout at Stripe is not known yet: " +
                   instruction.outcome_message.value_or("it is being sent")};
}

bool settled(const Instruction& instruction) {
  return instruction.state == "done" || instruction.state == "not_done" ||
         instruction.state == "needs_review";
}

}  // namespace

Result<PayoutId> AskStripe::pay_out(const Wanted& wanted) {
  const OrgId organization = wanted.account.organization;
  NewPayout payout{.organization = organization,
                   .id = PayoutId::make(),
                   .account = wanted.account.id(),
                   .money = wanted.money,
                   .method = wanted.method,
                   .description = wanted.description,
                   .external_id = wanted.external_id,
                   .metadata = wanted.metadata,
                   .actor = wanted.actor};
  Instruction instruction{.organization = organization,
                          .id = InstructionId::make(),
                          .payout = payout.id,
                          .account = payout.account,
                          .money = payout.money,
                          .attempt = 1,
                          .key = "payoutd-" + payout.id.str() + "-1",
                          .path = "/v1/payouts",
                          .body = form_of(wanted, payout.id, 1).str(),
                          .state = "sending"};
  const auto earlier = db_.transact([&](pg::Tx& tx) -> Result<std::optional<PayoutId>> {
    const Time now = clock_.now();
    if (instructions::create(tx, payout, instruction, now)) {
      // Should this process end now, another finds out what became of it.
      enqueue_resolve(tx, organization, payout.id, now + kSendTakes);
      return std::optional<PayoutId>{};
    }
    return instructions::find_by_external_id(tx, organization, *payout.external_id);
  });
  if (!earlier) return earlier.error();
  if (*earlier) {
    // The same request was begun before: it goes on from there, under the same key.
    if (auto known = resolve(organization, **earlier); !known && known.error().kind != Kind::retry) {
      return known.error();
    }
    return **earlier;
  }
  crash_.at("committed");
  if (auto sent = send(instruction); !sent && sent.error().code != "outcome_unknown") return sent.error();
  return payout.id;
}

Result<std::string> AskStripe::stripe_header(OrgId organization, const std::string& account) {
  const auto found = access::pick_account(db_, organization, account);
  if (!found) return found.error();
  return std::string(found->stripe_header());
}

Result<void> AskStripe::send(const Instruction& instruction) {
  const auto header = stripe_header(instruction.organization, instruction.account);
  if (!header) return header.error();
  auto request = stripe::Request::post(instruction.path, stripe::IdempotencyKey(instruction.key), instruction.body)
                     .on(*header)
                     .with(stripe::Priority::money)
                     .with(stripe::Retries::money())
                     .with(20s)
                     .earlier({.unknown = instruction.was_unknown, .sends = instruction.was_unknown ? instruction.sends : 0});
  const stripe::Answer answer = client_.send(std::move(request));
  crash_.at("answered");
  return settle(instruction, answer);
}

Result<void> AskStripe::settle(const Instruction& instruction, const stripe::Answer& answer) {
  if (answer.outcome == stripe::Outcome::done) {
    return settle_done(instruction, answer.response.body, answer.response.sent_at, answer.response.request_id);
  }
  const auto written = db_.transact([&](pg::Tx& tx) -> Result<void> {
    if (auto row = lock_payout(tx, instruction.organization, instruction.payout); !row) return row.error();
    const auto now_known = instructions::lock_of(tx, instruction.organization, instruction.payout);
    // A webhook or another instance has settled it meanwhile.
    if (!now_known || settled(*now_known)) return {};
    const Time now = clock_.now();
    if (answer.outcome == stripe::Outcome::unknown) {
      instructions::unknown(tx, instruction, code_of(answer), words_of(answer), now);
      enqueue_resolve(tx, instruction.organization, instruction.payout, now + 1min);
    } else if (refused(answer)) {
      instructions::not_done(tx, instruction, code_of(answer), words_of(answer), now);
    } else {
      instructions::not_arrived(tx, instruction, words_of(answer), now);
      enqueue_resolve(tx, instruction.organization, instruction.payout, now + 15s);
    }
    return {};
  });
  if (!written) return written.error();
  if (answer.outcome == stripe::Outcome::unknown) {
    return Error{Kind::retry, "outcome_unknown", words_of(answer)};
  }
  if (refused(answer)) return answer.error;
  return {};
}

Result<void> AskStripe::settle_done(const Instruction& instruction, const std::string& object, Time shown_at,
                                    const std::string& request_id) {
  const std::string stripe_id = id_in(object);
  return db_.transact([&](pg::Tx& tx) -> Result<void> {
    const mirror::Version version{.organization = instruction.organization,
                                  .account = instruction.account,
                                  .object = object,
                                  .shown_at = std::chrono::floor<std::chrono::seconds>(shown_at),
                                  .source = mirror::Source::fetch};
    const mirror::Applied applied = mirror::apply(tx, appliers_, {&version, 1});
    mirror::enqueue_follow_ups(tx, applied);
    const auto payout = lock_payout(tx, instruction.organization, instruction.payout);
    if (!payout) return payout.error();
    const Time now = clock_.now();
    if (stripe_id.empty() || payout->stripe_payout_id != stripe_id) {
      instructions::needs_review(tx, instruction, "Stripe's answer is not of this payout: " + stripe_id, now);
      return {};
    }
    instructions::done(tx, instruction, stripe_id, request_id, now);
    return {};
  });
}

Result<void> AskStripe::resolve(OrgId organization, PayoutId id) {
  enum class Next { nothing, wait, send, look };
  Next next = Next::nothing;
  std::optional<Instruction> instruction;
  const auto begun = db_.transact([&](pg::Tx& tx) -> Result<void> {
    next = Next::nothing;
    const auto payout = lock_payout(tx, organization, id);
    if (!payout) return payout.error();
    instruction = instructions::lock_of(tx, organization, id);
    if (!instruction || settled(*instruction)) return {};
    const Time now = clock_.now();
    if (payout->stripe_payout_id) {
      instructions::done(tx, *instruction, *payout->stripe_payout_id, "", now);
      return {};
    }
    const auto age = now - instruction->first_sent_at.value_or(now);
    if (instruction->state == "sending" && now - instruction->last_sent_at.value_or(now) < kSendTakes) {
      next = Next::wait;
    } else if (age > kGiveUp) {
      instructions::needs_review(tx, *instruction, "a week of looking decided nothing", now);
    } else if (age < kKeyLife && instruction->outcome_code != kReplayedError) {
      // Whoever was sending it ended meanwhile: it may have arrived.
      if (instruction->state == "sending") instruction->was_unknown = true;
      instructions::sending(tx, *instruction, now);
      next = Next::send;
    } else {
      next = Next::look;
    }
    return {};
  });
  if (!begun) return begun.error();
  switch (next) {
    case Next::nothing: return {};
    case Next::wait: return unresolved(*instruction);
    case Next::send: return send(*instruction);
    case Next::look: return look_for(*instruction);
  }
  return {};
}

Result<void> AskStripe::look_for(const Instruction& instruction) {
  const auto header = stripe_header(instruction.organization, instruction.account);
  if (!header) return header.error();
  const Time began = clock_.now();
  const auto since = to_unix(instruction.first_sent_at.value_or(began)) - 3'600;
  stripe::Pages pages = client_.list({.path = "/v1/payouts",
                                      .query = stripe::Form{}.add("created[gte]", since),
                                      .account = *header,
                                      .priority = stripe::Priority::money});
  for (const stripe::Page& page : pages) {
    for (const stripe::Item& item : page.items) {
      if (is_of(item.object, instruction)) {
        return settle_done(instruction, std::string(item.raw), page.sent_at, std::string(page.request_id));
      }
    }
  }
  if (auto whole = pages.finished(); !whole) return Error{Kind::retry, whole.error().code, whole.error().message};
  const auto proven = db_.transact([&](pg::Tx& tx) -> Result<bool> {
    if (auto row = lock_payout(tx, instruction.organization, instruction.payout); !row) return row.error();
    const auto known = instructions::lock_of(tx, instruction.organization, instruction.payout);
    if (!known || settled(*known)) return true;
    // Nobody may have sent it since this list began.
    const bool quiet = known->last_sent_at.value_or(began) + kQuiet <= began;
    if (quiet && known->absent_since && *known->absent_since < began) {
      instructions::not_done(tx, *known, "not_at_stripe", "two complete lists of Stripe's do not show it",
                             clock_.now());
      return true;
    }
    instructions::absent(tx, *known, began);
    return false;
  });
  if (!proven) return proven.error();
  if (!*proven) return unresolved(instruction);
  return {};
}

Result<void> AskStripe::cancel(OrgId organization, PayoutId id, const std::string& actor) {
  const auto refuse = [](std::string reason) {
    return Error{Kind::refused, "payout_not_cancelable", std::move(reason)};
  };
  const auto at_stripe = db_.transact([&](pg::Tx& tx) -> Result<std::optional<Payout>> {
    auto payout = lock_payout(tx, organization, id);
    if (!payout) return payout.error();
    if (payout->status == "canceled") return refuse("the payout is canceled already");
    if (payout->automatic.value_or(false)) {
      return refuse("Stripe made this payout by its schedule; only manual ones can be canceled");
    }
    if (!payout->stripe_payout_id) {
      const auto instruction = instructions::lock_of(tx, organization, id);
      if (!instruction || instruction->state != "ready" || payout->status != "queued") {
        return refuse("the payout is " + payout->status + ": it can be canceled before it is sent, or once "
                      "Stripe shows it as pending");
      }
      instructions::canceled(tx, *instruction, actor, clock_.now());
      return std::optional<Payout>{};
    }
    if (payout->status != "pending") {
      return refuse("the payout is " + payout->status + "; Stripe cancels only pending ones");
    }
    return std::optional<Payout>(std::move(*payout));
  });
  if (!at_stripe) return at_stripe.error();
  if (!*at_stripe) return {};
  return cancel_at_stripe(**at_stripe);
}

Result<void> AskStripe::cancel_at_stripe(const Payout& payout) {
  const auto header = stripe_header(payout.organization, *payout.account);
  if (!header) return header.error();
  const stripe::Answer answer =
      client_.send(stripe::Request::post(stripe::v1_path({"payouts", *payout.stripe_payout_id, "cancel"}),
                                         stripe::IdempotencyKey("payoutd-cancel-" + payout.id.str()), "")
                       .on(*header)
                       .with(stripe::Priority::money)
                       .with(stripe::Retries::money())
                       .with(20s));
  // Whatever was answered, the payout itself says how it stands.
  const auto shown = mirror::fetch_and_apply(db_, client_, appliers_,
                                             {.organization = payout.organization,
                                              .account = *payout.account,
                                              .stripe_header = *header,
                                              .type = "payout",
                                              .stripe_ids = {*payout.stripe_payout_id},
                                              .retries = stripe::Retries::money()});
  if (!shown) return Error{Kind::retry, "outcome_unknown", "Stripe does not answer; ask again"};
  const auto status = db_.read([&](pg::Tx& tx) -> Result<std::string> {
    const auto found = find_payout(tx, payout.organization, payout.id.str());
    if (!found) return found.error();
    return found->status;
  });
  if (!status) return status.error();
  if (*status == "canceled") return {};
  if (refused(answer)) return Error{Kind::refused, "payout_not_cancelable", answer.refusal->message};
  return Error{Kind::retry, "outcome_unknown", "Stripe has not said whether it canceled the payout; ask again"};
}

std::vector<jobs::Handler> AskStripe::handlers() {
  const auto resolve_later = [this](jobs::Run& run) -> Result<void> {
    const auto id = PayoutId::parse(run.payload().value("payout", std::string{}));
    CHECK(id && run.organization());
    auto known = resolve(*run.organization(), *id);
    if (known) return known;
    if (known.error().kind == Kind::retry) {
      run.retry_after(std::min(std::chrono::milliseconds(1min) * run.attempt(), std::chrono::milliseconds(30min)));
      return known;
    }
    // Stripe's definitive refusal is written down with the payout: the job is done.
    log::info("a payout was refused", {{"payout", id->str()}, {"code", known.error().code}});
    return {};
  };
  const auto settle_shown = [this](jobs::Run& run) -> Result<void> {
    const auto payout = db_.read([&](pg::Tx& tx) {
      return find_payout(tx, *run.organization(), run.payload().value("payout", std::string{}));
    });
    if (!payout) return payout.error();
    return resolve(*run.organization(), payout->id);
  };
  return {{kResolveJob, resolve_later}, {mirror::kSettleInstructionJob, settle_shown}};
}

}  // namespace payoutd::payouts
