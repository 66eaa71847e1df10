// A mirror that was synced over HTTP from a simulated Stripe, the reports behind a running server,
// and Stripe's own lists, read page by page, to add up once more by other means.
#pragma once

#include <functional>
#include <set>

#include "access/guard.h"
#include "http/client.h"
#include "http/server.h"
#include "reports/reports_api.h"
#include "sync/world.h"

namespace payoutd::reports {

using sync::kMondayNoon;

// A balance transaction as /v1/balance_transactions lists it.
struct Listed {
  std::string account, id, currency, type, category, source;
  std::int64_t created = 0, amount = 0, fee = 0, net = 0;
  Json fee_details;
};

// The rollups beside what the rows say, by another formula than the triggers'. 0: they are equal.
inline constexpr const char* kDifferentRollups = R"sql(
  WITH by_row AS (
    SELECT organization_id, account, currency, created,
           to_timestamp(floor(extract(epoch FROM created) / 900) * 900) AS bucket, type, reporting_category,
           amount, fee, net,
           (SELECT coalesce(sum((d ->> 'amount')::bigint), 0) FROM jsonb_array_elements(fee_details) d
             WHERE d ->> 'type' = 'application_fee') AS application,
           (SELECT coalesce(sum((d ->> 'amount')::bigint), 0) FROM jsonb_array_elements(fee_details) d
             WHERE d ->> 'type' = 'payment_method_passthrough_fee') AS passthrough,
           (SELECT coalesce(sum((d ->> 'amount')::bigint), 0) FROM jsonb_array_elements(fee_details) d
             WHERE d ->> 'type' = 'tax') AS tax,
           (SELECT coalesce(sum((d ->> 'amount')::bigint), 0) FROM jsonb_array_elements(fee_details) d
             WHERE d ->> 'type' = 'withheld_tax') AS withheld,
           (SELECT count(*) FROM jsonb_array_elements(fee_details) d
             WHERE d ->> 'type' = 'stripe_fee' AND d ->> 'amount' <> '0') AS of_stripe,
           (SELECT count(*) FROM jsonb_array_elements(fee_details) d
             WHERE d ->> 'type' = 'application_fee' AND d ->> 'amount' <> '0') AS of_application
      FROM balance_transactions WHERE balance_type = 'payments'),
  expected AS (
    SELECT organization_id, account, currency, bucket, type, reporting_category, count(*) AS rows,
           sum(amount) AS amount, sum(fee) AS fee, sum(net) AS net, sum(application) AS application,
           sum(passthrough) AS passthrough, sum(tax) AS tax, sum(withheld) AS withheld,
           sum(of_stripe) AS of_stripe, sum(of_application) AS of_application
      FROM by_row GROUP BY 1, 2, 3, 4, 5, 6),
  found AS (
    SELECT organization_id, account, currency, bucket, type, reporting_category, sum(rows) AS rows,
           sum(amount) AS amount, sum(fee) AS fee, sum(net) AS net, sum(fee_application) AS application,
           sum(fee_passthrough) AS passthrough, sum(fee_tax) AS tax, sum(fee_withheld_tax) AS withheld,
           sum(of_stripe) AS of_stripe, sum(of_application) AS of_application
      FROM balance_rollups WHERE NOT whole_day GROUP BY 1, 2, 3, 4, 5, 6
    HAVING sum(rows) <> 0 OR sum(amount) <> 0 OR sum(fee) <> 0 OR sum(net) <> 0),
  expected_days AS (
    SELECT organization_id, account, currency, (created AT TIME ZONE 'UTC')::date AS day, type,
           reporting_category, count(*) AS rows, sum(amount) AS amount, sum(fee) AS fee, sum(net) AS net,
           sum(application) AS application, sum(tax) AS tax, sum(of_stripe) AS of_stripe
      FROM by_row GROUP BY 1, 2, 3, 4, 5, 6),
  found_days AS (
    SELECT organization_id, account, currency, (bucket AT TIME ZONE 'UTC')::date, type,
           reporting_category, sum(rows), sum(amount), sum(fee), sum(net), sum(fee_application), sum(fee_tax),
           sum(of_stripe)
      FROM balance_rollups WHERE whole_day GROUP BY 1, 2, 3, 4, 5, 6
    HAVING sum(rows) <> 0 OR sum(amount) <> 0 OR sum(fee) <> 0 OR sum(net) <> 0)
  SELECT (SELECT count(*) FROM (TABLE expected EXCEPT TABLE found) a)
       + (SELECT count(*) FROM (TABLE found EXCEPT TABLE expected) b)
       + (SELECT count(*) FROM (TABLE expected_days EXCEPT TABLE found_days) c)
       + (SELECT count(*) FROM (TABLE found_days EXCEPT TABLE expected_days) d))sql";

class ReportsTest : public sync::SyncTest {
 protected:
  explicit ReportsTest(sim::Demo demo = sim::Demo::small)
      : SyncTest(demo), keys(db()), idempotency(db()) {
    http::Router router;
    for (auto& route : report_routes(db(), clock)) router.add(std::move(route));
    access::guard(router, keys, idempotency);
    server = std::make_unique<http::Server>(std::move(router), http::Server::Options{.port = 0});
    CHECK(server->start().ok());
    key = make_key(platform);
    tenant_key = make_key(tenant);
  }

  std::string make_key(OrgId of) {
    const auto made =
        keys.create(of, {.name = "test", .role = access::Role::viewer, .created_by = "test"});
    CHECK(made.ok());
    return made->text.reveal();
  }

  http::Answered get(const std::string& target, const std::string& by,
                     const std::string& headers = "") {
    http::Client connection(server->port());
    return connection.ask(
        fmt::format("GET {} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {}\r\n{}"
                    "Connection: close\r\n\r\n",
                    target, by, headers),
        60'000);
  }
  http::Answered get(const std::string& target) { return get(target, key); }
  // The answer to /api/reports/<target>, which has to be 200.
  Json report(const std::string& target) { return report(target, key); }
  Json report(const std::string& target, const std::string& by) {
    const auto answered = get("/api/reports/" + target, by);
    EXPECT_EQ(answered.status, 200) << target << ": " << answered.body;
    return Json::parse(answered.body, nullptr, false);
  }

  // Everything that a list of the simulated Stripe shows, page by page.
  std::vector<Json> list(const std::string& path, const std::string& account,
                         Json params = Json::object()) {
    std::vector<Json> all;
    params["limit"] = 100;
    for (bool more = true; more;) {
      const Json page = ask("GET", path, params, account);
      EXPECT_TRUE(page.contains("data")) << page.dump();
      for (const Json& one : page["data"]) all.push_back(one);
      more = page["has_more"].get<bool>();
      if (more) params["starting_after"] = all.back()["id"];
    }
    return all;
  }

  std::vector<Listed> listed(const std::string& account) {
    std::vector<Listed> rows;
    for (const Json& one : list("/v1/balance_transactions", account)) {
      rows.push_back({account, one["id"], one["currency"], one["type"], one["reporting_category"],
                      one["source"].is_string() ? one["source"].get<std::string>() : "",
                      one["created"], one["amount"], one["fee"], one["net"], one["fee_details"]});
    }
    return rows;
  }
  std::vector<Listed> listed(const std::vector<std::string>& accounts) {
    std::vector<Listed> rows;
    for (const std::string& account : accounts) {
      for (Listed& row : listed(account)) rows.push_back(std::move(row));
    }
    return rows;
  }

  // The platform's own account and those connected to it in one organization.
  std::vector<std::string> accounts_of_platform() {
    std::vector<std::string> accounts{sim.platform()};
    for (const std::string& account : sim.connected()) {
      if (account != sim.second_tenant()) accounts.push_back(account);
    }
    return accounts;
  }

  // One object that Stripe has not shown before, into the platform's mirror.
  void show(const std::string& account, const Json& object) {
    const std::string text = object.dump();
    const mirror::Version version{
        .organization = platform, .account = account, .object = text, .shown_at = clock.now()};
    const auto applied = db().transact([&](pg::Tx& tx) -> Result<mirror::Applied> {
      return mirror::apply(tx, appliers, {&version, 1});
    });
    ASSERT_TRUE(applied.ok());
    ASSERT_EQ(applied->created, 1u) << applied->verdicts[0].error;
  }

  std::int64_t different_rollups() { return number(kDifferentRollups); }

  access::Keys keys;
  access::Idempotency idempotency;
  std::unique_ptr<http::Server> server;
  std::string key, tenant_key;
};

using Chosen = std::function<bool(const Listed&)>;

inline std::int64_t sum(const std::vector<Listed>& rows, std::int64_t Listed::*of,
                        const Chosen& chosen) {
  std::int64_t total = 0;
  for (const Listed& row : rows) total += chosen(row) ? row.*of : 0;
  return total;
}
inline std::int64_t count(const std::vector<Listed>& rows, const Chosen& chosen) {
  std::int64_t total = 0;
  for (const Listed& row : rows) total += chosen(row);
  return total;
}

}  // namespace payoutd::reports
