// A database that went back in time: a backup restored, a standby promoted that had lagged. It does
// not know of payouts that were made since, so a caller who asks again with the Idempotency-Key of
// one of them would be paid twice. Nothing outside has to remember anything: Stripe's own records
// tell.
//
// Before a process sends a new payout of an account for the first time, and again whenever the
// database is not the one that it was (see rails::instructions_store::lineage), it lists that
// account's payouts since the last instruction that the database knows, applies them, and gives
// those that carry our metadata their Idempotency-Key back. A key that was asked for with before
// then finds its payout. New payouts collide with nothing: their ids, and the keys derived from
// them, are UUIDv7.
//
// Instructions that the database still knows need none of this: each is looked for in Stripe's list
// before it is sent again, and then sent under its own key (Resolver).
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "access/connected_accounts.h"
#include "mirror/apply.h"
#include "pg/database.h"
#include "stripe/client.h"

namespace payoutd::payouts {

class Restored {
 public:
  // All must outlive it.
  Restored(pg::Database& db, stripe::Client& client, const mirror::Appliers& appliers)
      : db_(db), client_(client), appliers_(appliers) {}

  // Whether this transaction's database has been matched with Stripe's records of that account.
  bool is_matched(pg::Tx& tx, const access::ConnectedAccount& account);
  // Matches it. Threads that ask for one account at once wait for one list.
  // Errors: as Client::call; then nothing may be sent.
  Result<void> match(const access::ConnectedAccount& account);

 private:
  struct Matched {
    std::mutex listing;
    std::string lineage;  // guarded by mutex_
  };
  Matched& of(const std::string& account);
  bool is_matched(const Matched& matched, const std::string& lineage);
  Result<void> list(const access::ConnectedAccount& account);

  pg::Database& db_;
  stripe::Client& client_;
  const mirror::Appliers& appliers_;
  std::mutex mutex_;
  std::map<std::string, Matched> accounts_;  // entries stay where they are
};

}  // namespace payoutd::payouts
