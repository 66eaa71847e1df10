#include "app/stripe_client.h"
#include "app/wiring.h"
#include "cli/command.h"
#include "payouts/stripe_payouts.h"

namespace payoutd::cli {
namespace {

constexpr std::int64_t kListed = 1'000;

struct ReviewArguments {
  std::string payout, reason, actor;
  bool not_paid = false;
  bool json = false;
};

OrderedJson to_json(const rails::instructions_store::InReview& one) {
  return {{"payout", one.payout.str()},
          {"organization_id", one.organization.str()},
          {"account", one.account},
          {"amount", one.money.minor},
          {"currency", one.money.currency.str()},
          {"sent_at", one.sent_at ? OrderedJson(to_iso(*one.sent_at)) : OrderedJson(nullptr)},
          {"code", one.code.value_or("")},
          {"message", one.message.value_or("")}};
}

int list_reviews(pg::Database& db, const app::Config&, ReviewArguments& arguments) {
  const auto found =
      db.read([](pg::Tx& tx) -> Result<std::vector<rails::instructions_store::InReview>> {
        return rails::instructions_store::in_review(tx, kListed);
      });
  if (!found) return fail(found.error(), arguments.json);
  OrderedJson all = OrderedJson::array();
  for (const auto& one : *found) {
    if (arguments.json) all.push_back(to_json(one));
    else
      std::puts(fmt::format("{}  {}  {:>14} {}  sent {}  {}", one.payout.str(), one.account,
                            to_decimal(one.money), one.money.currency.str(),
                            one.sent_at ? to_iso(*one.sent_at) : "never", one.message.value_or(""))
                    .c_str());
  }
  if (arguments.json) print(OrderedJson{{"data", all}});
  else if (found->empty()) say("nothing waits for a person");
  return kDone;
}

int settle_review(pg::Database& db, const app::Config& config, ReviewArguments& arguments) {
  const auto id = PayoutId::parse(arguments.payout);
  if (!id) {
    return fail(
        {Kind::invalid, "invalid_id", "a payout's id is a UUID: payoutd review list shows them"},
        arguments.json);
  }
  const SystemClock clock;
  auto client = app::open_stripe(config, db, clock);
  if (!client) return fail(client.error(), arguments.json);
  if (*client == nullptr) {
    return fail({Kind::invalid, "stripe_not_configured", "STRIPE_SECRET_KEY is not set"},
                arguments.json);
  }
  const mirror::Appliers appliers = app::all_appliers();
  mirror::OwnAccount own_account(**client);
  const payouts::SendingParts parts{.db = db,
                                    .client = **client,
                                    .appliers = appliers,
                                    .clock = clock,
                                    .own_account = own_account,
                                    .settings = {}};
  payouts::StripePayouts payouts(parts);
  const auto settled = payouts.settle_not_paid(*id, {arguments.actor, arguments.reason});
  if (!settled) return fail(settled.error(), arguments.json);
  if (arguments.json) print(OrderedJson{{"payout", id->str()}, {"status", "failed"}});
  else say(fmt::format("payout {} has failed: not paid, says {}", id->str(), arguments.actor));
  return kDone;
}

}  // namespace

void add_review(CLI::App& program, Action& action) {
  auto* review = program.add_subcommand(
      "review", "Payouts of which looking has not shown whether Stripe paid them");
  review->require_subcommand(1);
  const auto arguments = std::make_shared<ReviewArguments>();
  auto* listing = review->add_subcommand("list", "The oldest first, with what was tried");
  bind(*listing, action, arguments, list_reviews);
  auto* settling = review->add_subcommand(
      "settle",
      "Call one failed, after another look at Stripe's list; one that it shows is settled by that");
  settling->add_option("payout", arguments->payout, "its id")->required();
  settling
      ->add_flag("--not-paid", arguments->not_paid, "Stripe's dashboard shows that it was not paid")
      ->required();
  const CLI::Validator words(
      [](std::string& text) {
        return text.empty() || text.size() > 500 ? "1 to 500 bytes" : std::string{};
      },
      "TEXT");
  settling->add_option("--reason", arguments->reason, "how that was found, for the audit trail")
      ->required()
      ->check(words);
  settling->add_option("--actor", arguments->actor, "who says so")->required()->check(words);
  bind(*settling, action, arguments, settle_review);
}

}  // namespace payoutd::cli
