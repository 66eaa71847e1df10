// What is sent to Stripe for a payout, as it is kept: committed before the first byte leaves,
// repeated byte for byte under the same key, and settled once it is known what became of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/money.h"
#include "base/time.h"
#include "payouts/payout.h"
#include "pg/database.h"

namespace payoutd::payouts {

struct Instruction {
  OrgId organization;
  InstructionId id;
  PayoutId payout;  // its only one: Stripe's own payouts are never netted
  std::string account;
  Money money;
  std::int32_t attempt = 1;
  std::string key;    // Idempotency-Key
  std::string path;   // "/v1/payouts"
  std::string body;   // the exact bytes
  std::string state;  // ready, sending, unknown, done, not_done, needs_review
  bool was_unknown = false;
  std::int32_t sends = 1;  // the one that creates it counts
  OptionalTime first_sent_at{}, last_sent_at{}, absent_since{};
  std::int32_t looks = 0;  // into what became of it
  OptionalTime next_look_at{};
  OptionalText outcome_code{}, outcome_message{};
};

// What was asked for.
struct NewPayout {
  OrgId organization;
  PayoutId id;
  std::string account;
  Money money;
  std::string method;  // standard, instant
  OptionalText description{}, external_id{};
  Json metadata = Json::object();
  std::string actor;
};

namespace instructions {

// The payout (processing), its instruction (sending, by `now`), and the event that says who asked.
// All of it or nothing. False: a payout with this external_id is there already.
bool create(pg::Tx& tx, const NewPayout& payout, const Instruction& instruction, Time now);

// The payout that was asked for with that Idempotency-Key. `metadata` holds our own keys as well;
// `body` is what was sent for it, absent where a restored database has forgotten that.
struct Asked {
  PayoutId id;
  std::string account;
  Money money;
  OptionalText method{}, description{}, body{};
  Json metadata{};
};
std::optional<Asked> find_by_external_id(pg::Tx& tx, OrgId organization, const std::string& key);

// The latest instruction of a payout, locked; nothing for a payout that Stripe made by itself. Lock
// the payout first: sending and canceling meet there.
std::optional<Instruction> lock_of(pg::Tx& tx, OrgId organization, PayoutId payout);

// Of all organizations: those whose outcome is not known, and those that a person must look into.
struct Unresolved {
  std::int64_t unknown = 0;
  std::optional<Time> unknown_since{};  // the oldest one's first send
  std::int64_t needs_review = 0;
};
Unresolved unresolved(pg::Tx& tx);

// Those that a person must look into, of all organizations; the oldest first, at most `limit`.
struct InReview {
  OrgId organization;
  PayoutId payout;
  std::string account;
  Money money;
  OptionalTime sent_at{};
  OptionalText code{}, message{};
};
std::vector<InReview> in_review(pg::Tx& tx, std::int64_t limit);
std::optional<InReview> in_review(pg::Tx& tx, PayoutId payout);

// The same for a reader.
std::optional<Instruction> find_of(pg::Tx& tx, OrgId organization, PayoutId payout);

// When it is looked into next, after that many looks. Settling it ends that.
void plan(pg::Tx& tx, const Instruction& instruction, std::int32_t looks, Time next);

// Another send of the same bytes begins at `now`; `was_unknown` is kept with it. A send or an
// outcome that repeats the one before is no event of its own: `sends` counts them.
void sending(pg::Tx& tx, const Instruction& instruction, Time now);
void done(pg::Tx& tx, const Instruction& instruction, const std::string& stripe_id,
          const std::string& request_id, Time now);
// Stripe has definitively not paid: the payout fails with the reason, or waits to be sent again.
void not_done(pg::Tx& tx, const Instruction& instruction, const std::string& code,
              const std::string& message, Time now);
// It certainly never arrived: the same key is sent later.
void not_arrived(pg::Tx& tx, const Instruction& instruction, const std::string& message, Time now);
void unknown(pg::Tx& tx, const Instruction& instruction, const std::string& code,
             const std::string& message, Time now);
void absent(pg::Tx& tx, const Instruction& instruction, Time now);  // a complete list without it
void needs_review(pg::Tx& tx, const Instruction& instruction, const std::string& code,
                  const std::string& message, Time now);
// A person has found that Stripe has not paid it: the payout fails.
void not_paid(pg::Tx& tx, const Instruction& instruction, const std::string& actor,
              const std::string& reason, Time now);
// Before anything was sent, or where it certainly never arrived.
void canceled(pg::Tx& tx, const Instruction& instruction, const std::string& actor, Time now);
// Stripe is going to be asked to cancel it: for the audit trail.
void cancel_asked(pg::Tx& tx, const Payout& payout, const std::string& actor, Time now);

// Those whose outcome is not known and whose look was due `before`; the oldest ones, at most
// `limit`. Of all organizations.
struct Unsettled {
  OrgId organization;
  PayoutId payout;
};
std::vector<Unsettled> unsettled(pg::Tx& tx, Time before, std::int64_t limit);

// Which life of which database this is. It changes whenever the rows may have gone back in time: a
// server that was started again, another server, a database or a table that was made again.
std::string lineage(pg::Tx& tx);
// Since when Stripe's records of that account have to be read to find all that this database may
// have forgotten, or does not know the fate of; nothing: since ever.
OptionalTime horizon(pg::Tx& tx, OrgId organization, const std::string& account);
// Gives rows of Stripe's payouts back the Idempotency-Keys that they were asked for with.
struct Reclaimed {
  std::string stripe_payout_id, key;
};
void reclaim(pg::Tx& tx, OrgId organization, const std::string& account,
             const std::vector<Reclaimed>& payouts);

}  // namespace instructions

}  // namespace payoutd::payouts
