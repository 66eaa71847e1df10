// The SQL of idempotency keys. The unique index decides who runs, not a look before the insert.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/json.h"
#include "pg/database.h"

namespace payoutd::access {

struct KeyClaim {
  OrgId organization;
  std::string key;
  std::string fingerprint;  // 32 bytes
  std::string route;        // "POST /api/payouts", for people
  bool kept_for_ever = false;
  Uuid id;   // of the row, when it is inserted
  Uuid run;  // of this request
};

// The claim of a running request on its key.
struct ClaimedKey {
  OrgId organization;
  std::string key;
  Uuid id;
  Uuid run;
  bool resumed = false;
};

struct StoredReply {
  int status = 200;
  std::string content_type;
  Json headers = Json::array();  // [[name, value], …]
  std::string body;
};

struct KeyInUse {
  int seconds_left = 1;
};
struct KeyReused {
  std::string route;  // where it was used
};

using ClaimAnswer = std::variant<ClaimedKey, StoredReply, KeyInUse, KeyReused>;

namespace idempotency_store {

// Returns nothing when the row that stood in the way went away meanwhile: ask again.
std::optional<ClaimAnswer> claim(pg::Tx& tx, const KeyClaim& wanted, std::int64_t lease_ms);

// False when another request took the row over.
bool finish(pg::Tx& tx, const ClaimedKey& key, const StoredReply& reply);

void drop(pg::Tx& tx, const ClaimedKey& key);       // the key may be used again for anything
void end_lease(pg::Tx& tx, const ClaimedKey& key);  // the next request resumes at once
void renew(pg::Tx& tx, const std::vector<ClaimedKey>& keys, std::int64_t lease_ms);
std::int64_t purge(pg::Tx& tx, int days, std::int64_t limit);

}  // namespace idempotency_store
}  // namespace payoutd::access
