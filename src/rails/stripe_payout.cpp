#include "rails/stripe_payout.h"

#include <simdjson.h>

#include "base/check.h"
#include "stripe/metadata_keys.h"

namespace payoutd::rails {
namespace {

// Stripe asks to come again: by status, or by a code that it has also sent with others.
bool is_limit(const stripe::StripeError& error) {
  return error.status == 429 || error.code == "rate_limit" || error.code == "lock_timeout";
}

std::string text_in(const Json& json, const char* name) {
  const auto at = json.is_object() ? json.find(name) : json.end();
  return json.is_object() && at != json.end() && at->is_string() ? at->get<std::string>() : "";
}

// Whether an item of a list says that this instruction asked for it. One of another amount is no
// proof of absence: a person looks at it.
bool names(const simdjson::dom::object& object, const Instruction& instruction) {
  CHECK(instruction.members.size() == 1);
  std::string_view id, attempt;
  return object.at_pointer(std::string("/metadata/") + stripe::kPayoutIdKey).get(id) ==
             simdjson::SUCCESS &&
         object.at_pointer(std::string("/metadata/") + stripe::kAttemptKey).get(attempt) ==
             simdjson::SUCCESS &&
         id == instruction.members.front().str() && attempt == std::to_string(instruction.attempt);
}

}  // namespace

OrderRequest StripePayoutRail::request(const Order& order) const {
  CHECK(order.money.minor > 0 && order.attempt >= 1);
  CHECK(!order.method.empty() && order.metadata.is_object());
  stripe::Form form;
  form.add("amount", order.money.minor).add("currency", order.money.currency.str());
  form.add("method", order.method);
  if (order.description) form.add("description", *order.description);
  for (const auto& [key, value] : order.metadata.items())
    form.metadata(key, value.get<std::string>());
  form.metadata(stripe::kPayoutIdKey, order.payout.str());
  form.metadata(stripe::kAttemptKey, std::to_string(order.attempt));
  if (order.request_key) form.metadata(stripe::kRequestKey, *order.request_key);
  return {.path = "/v1/payouts", .body = form.str()};
}

SendVerdict StripePayoutRail::classify(const stripe::Answer& answer, const Instruction& sent,
                                       const Instruction& known) const {
  CHECK(known.id == sent.id && known.key == sent.key && known.sends >= sent.sends);
  switch (answer.outcome) {
    case stripe::Outcome::done: return SendVerdict::done;
    case stripe::Outcome::unknown: return SendVerdict::unknown;
    case stripe::Outcome::not_done: break;
  }
  const bool alone = known.sends == sent.sends && known.was_unknown == sent.was_unknown;
  if (!alone && !answer.response.replayed) return SendVerdict::unknown;
  return is_refusal(answer) ? SendVerdict::refused : SendVerdict::not_arrived;
}

Recognised StripePayoutRail::recognise(std::string_view object,
                                       const Instruction& instruction) const {
  CHECK(instruction.members.size() == 1);  // Stripe's own payouts are never netted
  const Json json = Json::parse(object, nullptr, false);
  const Json metadata = json.is_object() ? json.value("metadata", Json()) : Json();
  Recognised shown{.stripe_id = text_in(json, "id")};
  if (text_in(json, "object") != "payout" || shown.stripe_id.empty() ||
      text_in(metadata, stripe::kPayoutIdKey) != instruction.members.front().str() ||
      text_in(metadata, stripe::kAttemptKey) != std::to_string(instruction.attempt)) {
    return {};
  }
  const Money& asked = instruction.money;
  const bool same = json.value("amount", Json()) == asked.minor &&
                    text_in(json, "currency") == asked.currency.str();
  shown.match = same ? Match::its_payment : Match::another_amount;
  return shown;
}

std::vector<RecognisedItem> StripePayoutRail::recognise(const stripe::Page& page,
                                                        std::span<const Instruction> open) const {
  std::vector<RecognisedItem> found;
  for (std::size_t item = 0; item < page.items.size(); ++item) {
    for (std::size_t one = 0; one < open.size(); ++one) {
      if (!names(page.items[item].object, open[one])) continue;
      found.push_back({item, one, recognise(page.items[item].raw, open[one])});
    }
  }
  return found;
}

bool is_refusal(const stripe::Answer& answer) {
  return answer.refusal && answer.refusal->status >= 400 && answer.refusal->status < 500 &&
         !is_limit(*answer.refusal);
}

const Rail& rail_named(RailName name) {
  static const StripePayoutRail kStripePayout;
  CHECK(name == RailName::stripe_payout);
  return kStripePayout;
}

}  // namespace payoutd::rails
