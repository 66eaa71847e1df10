// A platform with two connected accounts and another organization with one, and the endpoint in
// front of their inbox.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "access/connected_accounts.h"
#include "access/organizations.h"
#include "access/unavailable.h"
#include "http/client.h"
#include "http/server.h"
#include "payouts/apply.h"
#include "stripe/signature.h"
#include "support/database.h"
#include "webhooks/apply.h"
#include "webhooks/event_types.h"
#include "webhooks/webhooks_api.h"

namespace payoutd::webhooks {

inline const Secret kSecret{"whsec_test_of_the_endpoint"};
inline constexpr std::int64_t kNow = 1'760'000'000;  // 2025-10-09

inline mirror::Appliers appliers() {
  mirror::Appliers all = mirror::Appliers::mirror();
  payouts::add_applier(all);
  return all;
}

struct EventText {
  std::string id = "evt_1";
  std::string type = "payout.created";
  std::string account{};  // empty: the platform's own
  std::int64_t created = kNow;
  bool livemode = false;
  std::string object = R"({"id":"po_1","object":"payout"})";
  std::string api_version = "2026-07-29.dahlia";

  std::string text() const {
    Json event{{"id", id},
               {"object", "event"},
               {"type", type},
               {"created", created},
               {"livemode", livemode},
               {"api_version", api_version},
               {"pending_webhooks", 1},
               {"request", nullptr},
               {"data", {{"object", Json::parse(object)}}}};
    if (!account.empty()) event["account"] = account;
    return event.dump();
  }
};

// A payout as Stripe shows it.
inline std::string payout_object(const std::string& id, const std::string& status,
                                 std::int64_t amount = 1'100) {
  return Json{{"id", id},
              {"object", "payout"},
              {"amount", amount},
              {"currency", "eur"},
              {"arrival_date", kNow + 86'400},
              {"automatic", true},
              {"balance_transaction", "txn_1"},
              {"created", kNow},
              {"description", "STRIPE PAYOUT"},
              {"destination", "ba_1"},
              {"failure_balance_transaction", nullptr},
              {"failure_code", nullptr},
              {"failure_message", nullptr},
              {"livemode", false},
              {"metadata", Json::object()},
              {"method", "standard"},
              {"original_payout", nullptr},
              {"reconciliation_status", "in_progress"},
              {"reversed_by", nullptr},
              {"source_type", "card"},
              {"statement_descriptor", nullptr},
              {"status", status},
              {"trace_id", {{"status", "pending"}, {"value", nullptr}}},
              {"type", "bank_account"}}
      .dump();
}

// One that nothing can be made of.
inline std::string poison_object(const std::string& id) {
  Json payout = Json::parse(payout_object(id, "pending"));
  payout["amount"] = "many";
  return payout.dump();
}

// An account as Stripe shows it.
inline Json account_object(const std::string& id, const std::string& name = "Shop") {
  return {{"id", id},
          {"object", "account"},
          {"business_profile", {{"name", name}}},
          {"charges_enabled", true},
          {"country", "DE"},
          {"default_currency", "eur"},
          {"details_submitted", true},
          {"payouts_enabled", true},
          {"requirements", {{"currently_due", Json::array()}}}};
}

class WebhookTest : public support::DatabaseTest {
 protected:
  WebhookTest() : clock(from_unix(kNow)), all(appliers()), verifier({kSecret}) {
    platform = access::ensure_platform_organization(db(), "Platform")->id;
    other = access::ensure_organization(db(), "Other")->id;
    connect(platform, "acct_platform", true);
    connect(platform, "acct_shop");
    connect(other, "acct_other");
  }
  ~WebhookTest() override {
    server.reset();
    inbox.reset();
  }

  void connect(OrgId org, const std::string& account, bool is_platform = false) {
    const auto done = db().transact([&](pg::Tx& tx) -> Result<access::ConnectedAccount> {
      return access::connect_account(tx, org,
                                     {.fields = {.stripe_account = account, .name = account},
                                      .version = {from_unix(kNow - 100), 0},
                                      .is_platform = is_platform,
                                      .joined_at = from_unix(kNow - 100)});
    });
    ASSERT_TRUE(done) << done.error().message;
  }

  void serve(Inbox::Options options = {}) {
    inbox = std::make_unique<Inbox>(db(), clock, std::move(options));
    http::Router router;
    for (auto& route : webhook_routes(verifier, *inbox, clock)) router.add(std::move(route));
    router.explain_with(access::explain_database_error);
    server = std::make_unique<http::Server>(std::move(router), http::Server::Options{.port = 0});
    ASSERT_TRUE(server->start());
  }

  static std::string request(const std::string& body, const std::string& signature) {
    return http::post("/webhooks/stripe", body, "Stripe-Signature: " + signature + "\r\n");
  }
  std::string signed_request(const std::string& body) const {
    return request(body, stripe::signature_header(body, kSecret, to_unix(clock.now())));
  }
  http::Answered deliver(const EventText& event) {
    http::Client client(server->port());
    return client.ask(signed_request(event.text()), 15'000);
  }

  // Applies all that waits, on this thread.
  std::size_t apply_all(int batch = 100) {
    ApplyWorkers workers(db(), all, {.threads = 0, .batch = batch});
    std::size_t total = 0;
    while (const std::size_t applied = workers.apply_batch()) total += applied;
    return total;
  }

  // The objects that jobs wait to fetch from Stripe, the first one first.
  std::vector<mirror::Refetch> refetches() {
    return *db().transact([&](pg::Tx& tx) -> Result<std::vector<mirror::Refetch>> {
      std::vector<mirror::Refetch> found;
      for (const pg::Row row : tx.exec_unnamed("SELECT organization_id, payload FROM jobs"
                                               " WHERE kind = 'mirror.refetch' ORDER BY id")) {
        const Json payload = Json::parse(row.get<std::string>("payload"));
        found.push_back({.organization = row.get<OrgId>("organization_id"),
                         .account = payload.at("account"),
                         .type = payload.at("type"),
                         .stripe_id = payload.at("id"),
                         .not_before = from_unix(payload.at("not_before").get<std::int64_t>())});
      }
      return found;
    });
  }

  std::int64_t count(const std::string& rest) {
    return *db().transact([&](pg::Tx& tx) -> Result<std::int64_t> {
      return tx.exec_unnamed("SELECT count(*) AS n FROM " + rest).one().get<std::int64_t>("n");
    });
  }
  std::string text(const std::string& select) {
    return *db().transact([&](pg::Tx& tx) -> Result<std::string> {
      return tx.exec_unnamed("SELECT (" + select + ")::text AS t").one().get<std::string>("t");
    });
  }

  ManualClock clock;
  mirror::Appliers all;
  stripe::SignatureVerifier verifier;
  OrgId platform, other;
  std::unique_ptr<Inbox> inbox;
  std::unique_ptr<http::Server> server;
};

}  // namespace payoutd::webhooks
