#include "stripe/sim/resources/accounts.h"

#include <algorithm>
#include <array>

#include "stripe/sim/api/lists.h"
#include "stripe/sim/world/events.h"

namespace payoutd::sim {
namespace {

OrderedJson nulls(std::initializer_list<const char*> fields) {
  OrderedJson out = OrderedJson::object();
  for (const char* field : fields) out[field] = nullptr;
  return out;
}

OrderedJson address() {
  return nulls({"city", "country", "line1", "line2", "postal_code", "state"});
}

OrderedJson requirements() {
  OrderedJson out{{"alternatives", OrderedJson::array()}, {"current_deadline", nullptr}};
  out["currently_due"] = OrderedJson::array();
  out["disabled_reason"] = nullptr;
  for (const char* field : {"errors", "eventually_due", "past_due", "pending_verification"})
    out[field] = OrderedJson::array();
  return out;
}

OrderedJson settings(const World& world, const std::string& name) {
  OrderedJson out;
  out["bacs_debit_payments"] = nulls({"display_name", "service_user_number"});
  out["branding"] = nulls({"icon", "logo", "primary_color", "secondary_color"});
  out["card_issuing"] = {{"tos_acceptance", nulls({"date", "ip"})}};
  out["card_payments"] = {{"decline_on", {{"avs_failure", true}, {"cvc_failure", true}}},
                          {"statement_descriptor_prefix", nullptr},
                          {"statement_descriptor_prefix_kana", nullptr},
                          {"statement_descriptor_prefix_kanji", nullptr}};
  out["dashboard"] = {{"display_name", or_null(name)}, {"timezone", "Etc/UTC"}};
  out["invoices"] = nulls({"default_account_tax_ids", "hosted_payment_method_save"});
  out["payments"] =
      nulls({"statement_descriptor", "statement_descriptor_kana", "statement_descriptor_kanji",
             "statement_descriptor_prefix_kana", "statement_descriptor_prefix_kanji"});
  out["payouts"] = {
      {"debit_negative_balances", true},
      {"schedule", {{"delay_days", world.options.timings.settlement_days}, {"interval", "daily"}}},
      {"statement_descriptor", nullptr}};
  out["sepa_debit_payments"] = OrderedJson::object();
  return out;
}

OrderedJson account_object(const World& world, const AccountOrder& order, const std::string& id) {
  OrderedJson out{{"id", id}, {"object", "account"}};
  out["business_profile"] = {{"annual_revenue", nulls({"amount", "currency", "fiscal_year_end"})},
                             {"estimated_worker_count", nullptr},
                             {"mcc", nullptr},
                             {"minority_owned_business_designation", nullptr},
                             {"name", or_null(order.name)},
                             {"product_description", nullptr},
                             {"support_address", address()},
                             {"support_email", nullptr},
                             {"support_phone", nullptr},
                             {"support_url", nullptr},
                             {"url", nullptr}};
  out["business_type"] = nullptr;
  out["capabilities"] = {{"card_payments", "active"}, {"transfers", "active"}};
  out["charges_enabled"] = true;
  out["controller"] = {{"type", "account"}};
  out["country"] = order.country;
  out["created"] = world.now;
  out["default_currency"] = order.currency;
  out["details_submitted"] = true;
  out["email"] = or_null(order.email);
  out["external_accounts"] = {{"object", "list"},
                              {"data", OrderedJson::array()},
                              {"has_more", false},
                              {"url", "/v1/accounts/" + id + "/external_accounts"}};
  out["future_requirements"] = requirements();
  out["metadata"] = order.metadata;
  out["payouts_enabled"] = true;
  out["requirements"] = requirements();
  out["settings"] = settings(world, order.name);
  out["tos_acceptance"] = nulls({"date", "ip", "user_agent"});
  out["type"] = order.type;
  return out;
}

OrderedJson& schedule_json(OrderedJson& account) {
  return account["settings"]["payouts"]["schedule"];
}

}  // namespace

Try<void> check_schedule(const PayoutSchedule& schedule) {
  static constexpr std::array kIntervals = {"manual", "daily", "weekly", "monthly"};
  static constexpr std::array kDays = {"monday", "tuesday",  "wednesday", "thursday",
                                       "friday", "saturday", "sunday"};
  const auto known = [](const auto& words, const std::string& word) {
    return std::ranges::find(words, word) != words.end();
  };
  if (!known(kIntervals, schedule.interval))
    return refuse("", "Invalid interval: must be one of manual, daily, weekly, or monthly",
                  "settings[payouts][schedule][interval]");
  if (!known(kDays, schedule.weekly_anchor) || schedule.monthly_anchor < 1 ||
      schedule.monthly_anchor > 31)
    return refuse("", "Invalid anchor of a payout schedule.", "settings[payouts][schedule]");
  if (schedule.delay_days < 0 || schedule.delay_days > 31)
    return refuse("", "delay_days must be between 0 and 31.",
                  "settings[payouts][schedule][delay_days]");
  return {};
}

Account& open_account(World& world, const AccountOrder& order) {
  const bool first = world.store.accounts().empty();
  const std::string platform = first ? std::string() : world.platform().id;
  const std::string id = order.id.empty() ? world.ids.account(world.now) : order.id;
  Account& account = world.store.add_account(id, platform);
  account.object = &world.store.add(account, account_object(world, order, id));
  account
      .totals[*Currency::parse(order.currency)];  // Stripe lists the default currency even at zero
  return account;
}

PayoutSchedule schedule_of(const Account& account) {
  auto& json = schedule_json(account.object->json);
  PayoutSchedule out;
  out.interval = json.value("interval", out.interval);
  out.delay_days = json.value("delay_days", out.delay_days);
  out.weekly_anchor = json.value("weekly_anchor", out.weekly_anchor);
  out.monthly_anchor = json.value("monthly_anchor", out.monthly_anchor);
  return out;
}

Try<void> set_schedule(World& world, Account& account, const PayoutSchedule& schedule) {
  if (auto ok = check_schedule(schedule); !ok) return ok;
  Edit edit(world, *account.object);
  OrderedJson json{{"delay_days", schedule.delay_days}, {"interval", schedule.interval}};
  if (schedule.interval == "weekly") json["weekly_anchor"] = schedule.weekly_anchor;
  if (schedule.interval == "monthly") json["monthly_anchor"] = schedule.monthly_anchor;
  schedule_json(edit.json()) = json;
  edit.emit_if_changed("account.updated");
  return {};
}

Currency settlement_currency(const Account& account, Currency charged) {
  const auto own = *Currency::parse(account.object->str("default_currency"));
  if (charged == own) return own;
  for (const char* kind : {"bank_account", "card"}) {
    const auto it = account.documents.find(kind);
    if (it == account.documents.end()) continue;
    for (const Document* bank : it->second)
      if (bank->listed && bank->str("account") == account.id &&
          bank->str("currency") == charged.str())
        return charged;
  }
  return own;
}

void demand(World& world, Account& account, Demand what) {
  Edit edit(world, *account.object);
  edit["charges_enabled"] = what != Demand::more_before_charges;
  edit["payouts_enabled"] = what != Demand::more_before_payouts;
  const bool blocked = what == Demand::more_before_charges || what == Demand::more_before_payouts;
  const auto due = OrderedJson::array({"individual.verification.document"});
  auto& requirements = edit["requirements"];
  requirements["currently_due"] = what == Demand::nothing ? OrderedJson::array() : due;
  requirements["past_due"] = blocked ? due : OrderedJson::array();
  requirements["disabled_reason"] =
      blocked ? OrderedJson("requirements.past_due") : OrderedJson(nullptr);
  edit.emit_if_changed("account.updated");
}

bool payouts_enabled(const Account& account) { return account.object->flag("payouts_enabled"); }
bool charges_enabled(const Account& account) { return account.object->flag("charges_enabled"); }

std::string application_id(const Account& platform) { return "ca_" + platform.id.substr(5); }

}  // namespace payoutd::sim
