// Every route of the service: a folder's own stand in its _api files.
#include "access/accounts_api.h"
#include "access/guard.h"
#include "access/keys_api.h"
#include "app/parts.h"
#include "app/system_api.h"
#include "balances/balances_api.h"
#include "mirror/balance_transactions_api.h"
#include "payouts/payouts_api.h"
#include "payouts/stripe_payouts_api.h"
#include "reports/reports_api.h"
#include "sync/sync_api.h"
#include "webhooks/webhooks_api.h"

namespace payoutd::app {

http::Router Service::Parts::router() {
  http::Router router;
  const auto add = [&router](std::vector<http::Route> routes) {
    for (http::Route& route : routes) router.add(std::move(route));
  };
  add(system_routes({.db = db,
                     .metrics = metrics,
                     .migrated = [this] { return pg::check_migrated(migrations); },
                     .publish = [this] { publish(); },
                     .contract = [this]() -> const std::string& { return contract; },
                     .page = [this]() -> const std::string& { return page; }}));
  add(access::keys_routes(keys));
  add(access::accounts_routes(db));
  add(balances::balance_routes(db, balances));
  add(mirror::balance_transaction_routes(db));
  add(payouts::payout_routes(db));
  add(payouts::stripe_payout_routes(db, stripe_payouts.get(), balances));
  add(webhooks::webhook_routes(verifier, inbox, clock));
  add(sync::sync_routes(db, syncer.get(), clock));
  add(reports::report_routes(db, clock));
  access::guard(router, keys, idempotency);
  return router;
}

}  // namespace payoutd::app
