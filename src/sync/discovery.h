// Which accounts there are: the key's own, and those that are connected to it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "mirror/own_account.h"
#include "pg/database.h"
#include "stripe/client.h"

namespace payoutd::sync {

struct Discovered {
  std::size_t joined = 0;  // that nobody knew here; they are the platform's organization's
  std::size_t shown = 0;
  std::size_t refused = 0;  // that could not be taken; the others were
  // Why not all accounts are known, in words: an account that could not be taken, or the list that
  // Stripe refused. Empty: all are.
  std::string trouble{};
};
// Error: as Client::call, where not even the key's own account could be asked for. A key of an
// account without Connect has none connected, and that is no trouble. Jobs that apply the events of
// those that joined stand in the transactions that let them join.
Result<Discovered> discover_accounts(pg::Database& db, stripe::Client& client, bool livemode);

// 409 `another_platform` where the key is of another platform than this database. Nothing while
// that can't be said: the platform's own account is not known yet, or Stripe does not show whose
// key it is.
std::optional<Error> another_platform(pg::Database& db, mirror::OwnAccount& own);

// An Account object of Stripe's, as shown at `at`.
struct ShownAccount {
  std::string_view object;
  Time at{};
  bool livemode = false;
  bool is_platform = false;
};
// Puts it under the organization that has it, or under `platform`, and asks for its events to be
// applied where it is new. True: nobody knew it here. Error: why it can't be taken.
Result<bool> take_account(pg::Tx& tx, OrgId platform, const ShownAccount& shown);

// Whether Stripe says that the key's account has no Connect: then it has no connected accounts.
bool has_no_connect(const Error& error);

// Stripe's refusal in words, with the permission that is missing where that is the reason.
std::string trouble_with(std::string_view path, const Error& error);

}  // namespace payoutd::sync
