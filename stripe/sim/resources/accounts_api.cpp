// /v1/accounts, /v1/account and /v1/balance_settings.
#include <fmt/format.h>

#include "stripe/sim/api/lists.h"
#include "stripe/sim/resources/accounts.h"
#include "stripe/sim/world/events.h"

namespace payoutd::sim {
namespace {

constexpr std::int64_t kMostKept = 999'999'999'999;  // of a minimum balance

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
