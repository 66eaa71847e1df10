#include "stripe/sim/activity.h"

#include <fmt/format.h>

#include <array>

#include "stripe/sim/acts.h"

namespace payoutd::sim {

namespace {
constexpr std::int64_t kMost = 10'000;  // of one kind in one call
}

Result<OrderedJson> make_activity(World& world, const std::string& id, const Json& counts) {
  Account* account = id.empty() ? &world.platform() : world.store.account(id);
  if (!account) return Error{Kind::missing, "account_unknown", "no such account: " + id, "account"};
  for (const auto& [kind, count] : counts.items()) {
    if (!act_named(kind)) {
      std::string known;
      for (const auto& each : all_acts())
        known += fmt::format("{}{}", known.empty() ? "" : ", ", each.kind);
      return Error{Kind::invalid, "activity_unknown",
                   fmt::format("no activity `{}`; there are {}", kind, known), kind};
    }
    if (!count.is_number_integer() || count.get<std::int64_t>() < 0 ||
        count.get<std::int64_t>() > kMost)
      return Error{Kind::invalid, "activity_count", "a count is a whole number from 0 to 10,000",
                   kind};
  }
  OrderedJson made = OrderedJson::object();
  for (const auto& [kind, count] : counts.items()) {
    made[kind] = OrderedJson::array();
    for (std::int64_t i = 0; i < count.get<std::int64_t>(); ++i)
      if (auto done = act_named(kind)(world, *account); !done.empty())
        made[kind].push_back(std::move(done));
  }
  return made;
}

void live_a_little(World& world) {
  // As often as they stand here.
  static constexpr std::array<std::string_view, 20> kUsual = {
      "charges", "charges",       "charges",   "charges",        "charges",
      "charges", "charges",       "charges",   "charges",        "charges",
      "charges", "refunds",       "customers", "failed_charges", "instant_payouts",
      "payouts", "subscriptions", "transfers", "charges",        "canceled_payouts"};
  const auto& accounts = world.store.accounts();
  auto& account = *accounts[static_cast<std::size_t>(
      world.random.between(0, static_cast<std::int64_t>(accounts.size()) - 1))];
  if (account.object->hidden.contains("deauthorized")) return;
  const auto kind = kUsual[static_cast<std::size_t>(world.random.between(0, kUsual.size() - 1))];
  act_named(kind)(world, account);
}

}  // namespace payoutd::sim
