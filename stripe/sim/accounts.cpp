#include "stripe/sim/accounts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/check.h"
#include "stripe/sim/events.h"
#include "stripe/sim/lists.h"

namespace payoutd::sim {
namespace {

constexpr std::int64_t kMostKept = 999'999'999'999;  // of a minimum balance

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

// The first of a list of days: the simulated engine pays on one.
std::string first_day(const Params& params, const std::string& name) {
  const Json* days = params.find(name);
  const bool any = days && days->is_array() && !days->empty() && days->front().is_string();
  return any ? days->front().get<std::string>() : std::string();
}

PayoutSchedule read_schedule(const Params& params, const std::string& at, PayoutSchedule schedule) {
  schedule.interval = params.str(at + ".interval", schedule.interval);
  schedule.delay_days = params.num(at + ".delay_days").value_or(schedule.delay_days);
  schedule.weekly_anchor = params.str(at + ".weekly_anchor", schedule.weekly_anchor);
  schedule.monthly_anchor = params.num(at + ".monthly_anchor").value_or(schedule.monthly_anchor);
  if (const auto day = first_day(params, at + ".weekly_payout_days"); !day.empty())
    schedule.weekly_anchor = day;
  if (const auto day = to_integer(first_day(params, at + ".monthly_payout_days")))
    schedule.monthly_anchor = *day;
  return schedule;
}

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

// The account that a path names, seen by the platform; an account sees only itself.
Try<Account*> visible(const Ask& ask) {
  Account* found = ask.world.store.account(ask.ids.at(0));
  if (found == &ask.account || (found && found->platform == ask.account.id)) return found;
  return Refused(
      Refusal{.status = 403,
              .code = "account_invalid",
              .message = fmt::format("The provided key does not have access to account '{}' (or "
                                     "that account does not exist). Application access may have "
                                     "been revoked.",
                                     ask.ids.at(0))});
}

Try<Shown> get_own(const Ask& ask) { return ask.account.object; }

Try<Shown> get_account(const Ask& ask) {
  auto account = visible(ask);
  if (!account) return Refused(account.error());
  return (*account)->object;
}

Try<Shown> list_accounts(const Ask& ask) {
  Series<Document> connected;
  for (const auto& account : ask.world.store.accounts())
    if (account->platform == ask.account.id) connected.push_back(account->object);
  return list_documents(ask, connected, [](const Document&) { return true; });
}

Try<Shown> create_account(const Ask& ask) {
  if (ask.account.connected()) return refuse("", "Only platforms can create connected accounts.");
  AccountOrder order{.country = ask.params.str("country", "US"),
                     .currency = ask.params.str("default_currency", "usd"),
                     .email = ask.params.str("email"),
                     .name = ask.params.str("business_profile.name"),
                     .type = ask.params.str("type", "standard")};
  OrderedJson holder;
  merge_metadata(holder, ask.params);
  order.metadata = holder["metadata"];
  // Checked before there is an account: what is refused leaves nothing behind.
  const auto schedule = read_schedule(ask.params, "settings.payouts.schedule",
                                      {.delay_days = ask.world.options.timings.settlement_days});
  if (auto ok = check_schedule(schedule); !ok) return Refused(ok.error());
  Account& account = open_account(ask.world, order);
  if (auto ok = set_schedule(ask.world, account, schedule); !ok) return Refused(ok.error());
  emit(ask.world, *account.object, "account.updated");
  return account.object;
}

Try<Shown> update_account(const Ask& ask) {
  auto account = visible(ask);
  if (!account) return Refused(account.error());
  const auto schedule =
      read_schedule(ask.params, "settings.payouts.schedule", schedule_of(**account));
  Edit edit(ask.world, *(*account)->object);
  if (ask.params.has("email")) edit["email"] = or_null(ask.params.str("email"));
  if (ask.params.has("business_profile.name"))
    edit["business_profile"]["name"] = or_null(ask.params.str("business_profile.name"));
  merge_metadata(edit.json(), ask.params);
  if (ask.params.has("settings.payouts.debit_negative_balances"))
    edit["settings"]["payouts"]["debit_negative_balances"] =
        ask.params.flag("settings.payouts.debit_negative_balances");
  edit.emit_if_changed("account.updated");
  if (ask.params.has("settings.payouts.schedule"))
    if (auto ok = set_schedule(ask.world, **account, schedule); !ok) return Refused(ok.error());
  return (*account)->object;
}

OrderedJson balance_settings(Account& account) {
  const auto schedule = schedule_of(account);
  const auto& payouts = account.object->json["settings"]["payouts"];
  OrderedJson shown{{"interval", schedule.interval}};
  if (schedule.interval == "weekly")
    shown["weekly_payout_days"] = OrderedJson::array({schedule.weekly_anchor});
  if (schedule.interval == "monthly")
    shown["monthly_payout_days"] = OrderedJson::array({schedule.monthly_anchor});
  const auto minimum = account.object->hidden.find("minimum_balance");
  return {{"object", "balance_settings"},
          {"payments",
           {{"debit_negative_balances", payouts["debit_negative_balances"]},
            {"payouts",
             {{"automatic_transfer_rules_by_currency", nullptr},
              {"minimum_balance_by_currency",
               minimum == account.object->hidden.end() ? OrderedJson(nullptr) : *minimum},
              {"schedule", shown},
              {"statement_descriptor", payouts["statement_descriptor"]},
              {"status", payouts_enabled(account) ? "enabled" : "disabled"}}},
            {"settlement_timing",
             {{"delay_days", schedule.delay_days},
              {"start_of_day", {{"hour", 0}, {"minutes", 0}, {"timezone", "Etc/UTC"}}}}}}}};
}

Try<Shown> get_settings(const Ask& ask) { return balance_settings(ask.account); }

Try<Shown> update_settings(const Ask& ask) {
  auto schedule = read_schedule(ask.params, "payments.payouts.schedule", schedule_of(ask.account));
  schedule.delay_days = ask.params.num("payments.settlement_timing.delay_days_override")
                            .value_or(schedule.delay_days);
  if (const Json* minimum = ask.params.find("payments.payouts.minimum_balance_by_currency");
      minimum && minimum->is_object()) {
    OrderedJson kept = OrderedJson::object();
    for (const auto& [currency, amount] : minimum->items()) {
      const auto value = amount.is_string() ? to_integer(amount.get<std::string>()) : std::nullopt;
      if (!value || *value < 0 || *value > kMostKept || !Currency::parse(currency))
        return refuse("parameter_invalid_integer", "Invalid minimum balance: " + dump(amount),
                      "payments[payouts][minimum_balance_by_currency]");
      if (*value > 0) kept[currency] = *value;
    }
    ask.account.object->hidden["minimum_balance"] = kept;
  }
  if (auto ok = set_schedule(ask.world, ask.account, schedule); !ok) return Refused(ok.error());
  auto shown = balance_settings(ask.account);
  emit_object(ask.world, ask.account, "balance_settings.updated", shown);
  return shown;
}

constexpr std::string_view kAccountParams =
    "country type:standard|express|custom email default_currency:currency business_type "
    "business_profile:hash "
    "capabilities:hash controller:hash individual:hash company:hash tos_acceptance:hash "
    "metadata:map "
    "external_account:any settings:hash";

}  // namespace

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

std::vector<Endpoint> account_endpoints() {
  return {
      {"GET", "/v1/account", "", get_own},
      {"GET", "/v1/accounts", "list created:range", list_accounts},
      {"POST", "/v1/accounts", kAccountParams, create_account},
      {"GET", "/v1/accounts/:id", "", get_account},
      {"POST", "/v1/accounts/:id", kAccountParams, update_account},
      {"GET", "/v1/balance_settings", "", get_settings},
      {"POST", "/v1/balance_settings", "payments:hash", update_settings},
  };
}

}  // namespace payoutd::sim
