// A service with nothing but access in front of its routes, two organizations with keys, and a
// client that speaks to it over a socket.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "access/accounts_api.h"
#include "access/guard.h"
#include "access/keys_api.h"
#include "access/organizations.h"
#include "access/principal.h"
#include "http/server.h"
#include "support/database.h"

namespace payoutd::access {

inline Result<ConnectedAccount> pick_account_to_pay_from(
    pg::Database& db, OrgId organization, std::optional<std::string_view> stripe_account) {
  return db.read(
      [&](pg::Tx& tx) { return pick_account_to_pay_from(tx, organization, stripe_account); });
}

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Answer {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;

  std::string header(const std::string& lower_case_name) const;  // "" where absent
  Json json() const { return Json::parse(body); }
  std::string code() const { return json().at("error").at("code"); }
};

// One request on a connection of its own.
Answer call(std::uint16_t port, const std::string& method, const std::string& target,
            const Headers& headers = {}, const std::string& body = {});

// Waits until `condition` holds; false after ten seconds.
bool eventually(const std::function<bool()>& condition);

class AccessTest : public support::DatabaseTest {
 protected:
  AccessTest();
  ~AccessTest() override;

  // Serves /api/keys and /api/accounts, one route for each right under GET and POST
  // /api/may/<right>, and `more`.
  void serve(std::vector<http::Route> more = {}, int workers = 16);
  Answer get(const std::string& target, const Secret& key, Headers headers = {});
  Answer post(const std::string& target, const Secret& key, const std::string& body,
              Headers headers = {});
  Answer send(const std::string& method, const std::string& target, const Secret& key,
              Headers headers = {}, const std::string& body = {});

  CreatedKey make_key(OrgId of, Role role, std::optional<Time> expires_at = std::nullopt);
  const Secret& key(Role role) const;  // of `org`

  // A row's only column, as text; runs on a session of its own.
  std::string sql(const std::string& statement);

  static constexpr int kLeaseMs = 30'000;
  OrgId org;
  OrgId other;
  Keys keys;
  Idempotency idempotency;
  std::map<Role, CreatedKey> made;
  Secret other_admin;
  std::unique_ptr<http::Server> server;
};

}  // namespace payoutd::access
