// The one place where a payout's status is written, with the event that tells of it, and the rows
// of payouts that were asked for.
//
// Callers lock the payouts first, in the order of their ids (lock_payout): canceling, sending and
// settling meet there, and an event's number is given under that lock.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/money.h"
#include "payouts/payout.h"
#include "payouts/shown_row.h"
#include "payouts/status.h"
#include "pg/database.h"

namespace payoutd::payouts::moves_store {

// Why a payout changes, as its audit trail tells it.
struct Cause {
  std::string_view kind;          // "sent", "refused", "canceled", …
  std::string actor = "payoutd";  // who did it
  OptionalText notes{};
  Json detail = Json::object();
  Time at{};                                       // of the business clock
  OptionalText failure_code{}, failure_message{};  // kept with a payout that fails
  // Told only where it differs, in kind or detail, from the last event of the engine's: a payout
  // that is sent and not taken, over and over, fills no history. Between two sends stands what came
  // of the first, so a send is compared with the last of all, any other with the last that is no
  // send.
  bool news_only = false;
};

struct Move {
  OrgId organization;
  std::span<const PayoutId> ids;  // in order, each once
  Statuses from;
  Status to;
};

// Moves each of the payouts, and appends its event. CHECKs that each stood in one of `from`, hidden
// ones too, and that the table of steps has that step on the payout's rail. A failed Stripe payout
// gives its Idempotency-Key back; the engine's keep theirs, and their hold.
void move(pg::Tx& tx, const Move& move, const Cause& cause);

// How each of the payouts stands, in the order of their ids. CHECKs that all are there.
struct Standing {
  PayoutId id;
  StatusWord status;
  bool shown_by_stripe = false;  // it has a row of Stripe's: what Stripe says of it stands
};
std::vector<Standing> standing(pg::Tx& tx, OrgId organization, std::span<const PayoutId> ids);

// Stripe's own payouts take Stripe's word, whichever it is, in the place of the status that the
// locked row shows, and all else that the row shows. CHECKs that each row showed that status.
struct ShownMove {
  StatusWord from;
  ShownRow to;
};
void save_as_shown(pg::Tx& tx, std::span<const ShownMove> moves);

// Appends an event of a change that moves no status.
void note(pg::Tx& tx, OrgId organization, PayoutId payout, const Cause& cause);
// A payout that was asked for.
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
// Made as processing, with its first send counted and the event that says who asked; `next_look` is
// shown as next_attempt_at. False: a payout with this external_id is there already.
bool insert(pg::Tx& tx, const NewPayout& payout, Time next_look, Time now);

// How many sends were begun.
void count_sends(pg::Tx& tx, OrgId organization, PayoutId payout, std::int32_t sends);
// When it is looked into, or sent again, next; none: not any more.
void plan(pg::Tx& tx, OrgId organization, PayoutId payout, OptionalTime next);

// Gives rows of Stripe's payouts back the Idempotency-Keys that they were asked for with.
struct Reclaimed {
  std::string stripe_payout_id, key;
};
void reclaim(pg::Tx& tx, OrgId organization, const std::string& account,
             const std::vector<Reclaimed>& payouts);

}  // namespace payoutd::payouts::moves_store
