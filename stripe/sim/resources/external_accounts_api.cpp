// /v1/accounts/:id/external_accounts.
#include <algorithm>

#include "stripe/sim/api/lists.h"
#include "stripe/sim/resources/accounts.h"
#include "stripe/sim/resources/external_accounts.h"
#include "stripe/sim/world/events.h"

namespace payoutd::sim {
namespace {

// The account in the path, or the caller's own; the platform reaches those connected to it.
Try<Account*> holder(const Ask& ask) {
  Account* found = ask.world.store.account(ask.ids.at(0));
  if (found == &ask.account || (found && found->platform == ask.account.id)) return found;
  return no_such("account", ask.ids.at(0));
}

Try<Document*> destination_external_account(const Ask& ask) {
  auto account = holder(ask);
  if (!account) return Refused(account.error());
  for (Document* found : destinations_of(**account))
    if (found->id == ask.ids.at(1)) return found;
  return no_such("external account", ask.ids.at(1));
}

Try<Shown> create_external_account(const Ask& ask) {
  auto account = holder(ask);
  if (!account) return Refused(account.error());
  if (auto ok = check_external(ask.params); !ok) return Refused(ok.error());
  Document* added = &attach_external(ask.world, **account, ask.params);
  Edit edit(ask.world, *added);
  merge_metadata(edit.json(), ask.params);
  edit.save();
  if (ask.params.flag("default_for_currency")) make_default(ask.world, **account, *added);
  show_on_account(ask.world, **account);
  return added;
}

Try<Shown> list_external_accounts(const Ask& ask) {
  auto account = holder(ask);
  if (!account) return Refused(account.error());
  const auto all = destinations_of(**account);
  const auto wanted = ask.params.str("object");
  return list_documents(ask, all,
                        [&](const Document& d) { return wanted.empty() || d.kind == wanted; });
}

Try<Shown> get_external_account(const Ask& ask) {
  auto found = destination_external_account(ask);
  if (!found) return Refused(found.error());
  return *found;
}

Try<Shown> update_external_account(const Ask& ask) {
  auto found = destination_external_account(ask);
  if (!found) return Refused(found.error());
  Account& account = *ask.world.store.account((*found)->account);
  if (ask.params.flag("default_for_currency")) make_default(ask.world, account, **found);
  Edit edit(ask.world, **found);
  merge_metadata(edit.json(), ask.params);
  if (ask.params.has("account_holder_name")) {
    edit["account_holder_name"] = or_null(ask.params.str("account_holder_name"));
    if (edit["status"] == "errored") edit["status"] = "new";  // its holder mended it
  }
  edit.emit_if_changed("account.external_account.updated");
  show_on_account(ask.world, account);
  return *found;
}

Try<Shown> remove_external_account(const Ask& ask) {
  auto found = destination_external_account(ask);
  if (!found) return Refused(found.error());
  Document& gone = **found;
  Account& account = *ask.world.store.account(gone.account);
  const auto all = destinations_of(account);
  const auto same_currency = std::ranges::count_if(
      all, [&](const Document* d) { return d->str("currency") == gone.str("currency"); });
  if (gone.flag("default_for_currency") && same_currency > 1)
    return refuse(
        "",
        "You cannot delete the default external account for your default currency. Please "
        "make another external account the default using the `default_for_currency` param, "
        "and then delete this one.");
  emit(ask.world, gone, "account.external_account.deleted");
  OrderedJson shown{{"id", gone.id}, {"object", gone.kind}, {"deleted", true}};
  ask.world.store.remove(gone);
  show_on_account(ask.world, account);
  return shown;
}

}  // namespace

std::vector<Endpoint> external_account_endpoints() {
  constexpr std::string_view kAll = "/v1/accounts/:id/external_accounts";
  constexpr std::string_view kOne = "/v1/accounts/:id/external_accounts/:id";
  return {
      {"POST", kAll, "external_account:any! default_for_currency:bool metadata:map",
       create_external_account},
      {"GET", kAll, "list object:bank_account|card", list_external_accounts},
      {"GET", kOne, "", get_external_account},
      {"POST", kOne,
       "account_holder_name account_holder_type default_for_currency:bool metadata:map",
       update_external_account},
      {"DELETE", kOne, "", remove_external_account},
  };
}

}  // namespace payoutd::sim
