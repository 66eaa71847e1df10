// Instructions and their members as rows. A state changes in three statements only: move(),
// begin_send() and note_absence(), each guarded by the state that the locked row showed.
//
// Callers lock the members' payouts first, in the order of their ids, then the instruction.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pg/database.h"
#include "rails/instruction.h"

namespace payoutd::rails::instructions_store {

// Committed with the payouts' own change; sending, by `now`. CHECKs that the members' amounts sum
// to the instruction's.
void insert(pg::Tx& tx, const Instruction& instruction,
            const std::vector<std::int64_t>& member_amounts, Time now);

// The latest instruction of a payout; nothing for a payout that Stripe made by itself.
std::optional<Instruction> find_of(pg::Tx& tx, OrgId organization, PayoutId payout);
std::optional<Instruction> lock_of(pg::Tx& tx, OrgId organization, PayoutId payout);
// The exact body of a payout's latest instruction.
OptionalText body_of(pg::Tx& tx, OrgId organization, PayoutId payout);

struct Change {
  InstructionState to;
  OptionalText code{}, message{};  // the rail's own words, or ours
  OptionalText stripe_id{};        // po_… or tr_… that it became
  std::string request_id{};        // req_… of the answer; empty: none
  Time at{};
};
// `known` is the locked row. CHECKs that it may become that, and that it still stood as known. What
// settles it ends its looks; not_done ends its members' lives, so that another instruction may name
// them.
void move(pg::Tx& tx, const Instruction& known, const Change& change);

// Another send of the same bytes begins at `now`; `was_unknown` is kept with it.
void begin_send(pg::Tx& tx, const Instruction& known, Time now);
// A complete list that began at `at` does not show it.
void note_absence(pg::Tx& tx, const Instruction& known, Time at);
// When it is looked into next, after that many looks.
void plan(pg::Tx& tx, const Instruction& known, std::int32_t looks, Time next);

// Counts of all organizations: instructions of unknown outcome, and those for a person.
struct Unresolved {
  std::int64_t unknown = 0;
  OptionalTime unknown_since{};  // the oldest one's first send
  std::int64_t needs_review = 0;
};
Unresolved unresolved(pg::Tx& tx);

// Instructions for a person, of all organizations; the oldest first, at most `limit`.
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

// Instructions of unknown outcome whose look was due `before`, of all organizations; the oldest
// ones, at most `limit`.
struct Unsettled {
  OrgId organization;
  PayoutId payout;
};
std::vector<Unsettled> unsettled(pg::Tx& tx, Time before, std::int64_t limit);

// The due instructions of one account, the oldest first: one payout of each.
struct Due {
  OrgId organization;
  std::string account;
  RailName rail = RailName::stripe_payout;
  Time before{};
  std::int64_t limit = 0;
};
std::vector<PayoutId> due_of(pg::Tx& tx, const Due& due);

// Which life of which database this is. It changes whenever the rows may have gone back in time: a
// server that was started again, another server, a database or a table that was made again.
std::string lineage(pg::Tx& tx);
// Since when Stripe's records of that account have to be read to find all that this database may
// have forgotten, or does not know the fate of; nothing: since ever.
OptionalTime horizon(pg::Tx& tx, OrgId organization, const std::string& account);

}  // namespace payoutd::rails::instructions_store
