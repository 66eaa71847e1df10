#include "access/accounts_api.h"
#include "access/connected_accounts.h"
#include "base/log.h"
#include "cli/command.h"

namespace payoutd::cli {
namespace {

struct AccountsArguments {
  std::string organization;  // a name or an id; empty: the platform's own
  std::string account;
  bool json = false;
};

void print_account(const access::ConnectedAccount& account) {
  const auto text =
      fmt::format("{:24}  {:12}  {}{}\n", account.id(), account.active ? "active" : "deauthorized",
                  account.fields.name, account.is_default ? "  (default)" : "");
  std::fputs(text.c_str(), stdout);
}

int list_accounts(pg::Database& db, const app::Config&, AccountsArguments& arguments) {
  const auto organization = organization_of(db, arguments.organization);
  if (!organization) return fail(organization.error(), arguments.json);
  OrderedJson all = OrderedJson::array();
  bool none = true;
  http::Page page{.limit = 100};
  do {
    const auto found = access::list_accounts(db, organization->id, page);
    if (!found) return fail(found.error(), arguments.json);
    for (const access::ConnectedAccount& account : found->data) {
      if (arguments.json) all.push_back(access::to_json(account));
      else print_account(account);
    }
    none = none && found->data.empty();
    page.cursor = found->next_cursor;
  } while (page.cursor);
  if (arguments.json) print(OrderedJson{{"data", all}});
  else if (none) say(organization->name + " has no accounts");
  return kDone;
}

int choose_default(pg::Database& db, const app::Config&, AccountsArguments& arguments) {
  const auto organization = organization_of(db, arguments.organization);
  if (!organization) return fail(organization.error(), arguments.json);
  const auto chosen = db.transact(
      [&](pg::Tx& tx) { return access::make_default(tx, organization->id, arguments.account); });
  if (!chosen) return fail(chosen.error(), arguments.json);
  log::info("the default account was chosen", {{"organization", organization->id.str()},
                                               {"account", chosen->id()},
                                               {"actor", "command line"}});
  if (arguments.json) print(access::to_json(*chosen));
  else
    say(fmt::format("payouts of {} without `account` are now paid from {}", organization->name,
                    chosen->id()));
  return kDone;
}

}  // namespace

void add_accounts(CLI::App& program, Action& action) {
  auto* accounts =
      program.add_subcommand("accounts", "Stripe accounts of an organization, and its default one");
  accounts->require_subcommand(1);
  const auto arguments = std::make_shared<AccountsArguments>();
  auto* listing = accounts->add_subcommand("list", "The accounts of an organization, by id");
  auto* choosing = accounts->add_subcommand(
      "default", "Choose the account that payouts without `account` are paid from");
  choosing->add_option("account", arguments->account, "acct_…")->required()->check(account_id());
  for (CLI::App* command : {listing, choosing}) add_organization(*command, arguments->organization);
  bind(*listing, action, arguments, list_accounts);
  bind(*choosing, action, arguments, choose_default);
}

}  // namespace payoutd::cli
