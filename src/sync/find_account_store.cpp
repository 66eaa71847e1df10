#include "sync/find_account_store.h"

namespace payoutd::sync::find_account_store {

namespace {

const pg::Query kRefuse{"refused_accounts_add", R"sql(
  INSERT INTO refused_accounts AS r (account, error, ask_again_at)
  VALUES ($1, $2, $3::timestamptz + interval '1 hour')
  ON CONFLICT (account) DO UPDATE
     SET times = r.times + 1, error = excluded.error,
         ask_again_at =
           $3::timestamptz + least(interval '1 day', interval '1 hour' * power(2, least(r.times, 5)))
)sql",
                        pg::Tenancy::global};

const pg::Query kIsRefused{"refused_accounts_find", R"sql(
  SELECT account FROM refused_accounts WHERE account = $1 AND ask_again_at > $2)sql",
                           pg::Tenancy::global};

const pg::Query kForget{"refused_accounts_forget", R"sql(
  DELETE FROM refused_accounts WHERE account = $1)sql",
                        pg::Tenancy::global};

}  // namespace

void refuse(pg::Tx& tx, const std::string& account, const std::string& why, Time now) {
  tx.exec(kRefuse, account, why, now);
}

bool is_refused(pg::Tx& tx, const std::string& account, Time now) {
  return tx.exec(kIsRefused, account, now).size() == 1;
}

void forget(pg::Tx& tx, const std::string& account) { tx.exec(kForget, account); }

}  // namespace payoutd::sync::find_account_store
