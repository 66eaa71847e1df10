// The request to a rail for one payout, or for several of one beneficiary. It is committed before
// the first byte leaves, repeated byte for byte under the same key, and settled once its outcome is
// known.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/money.h"
#include "base/time.h"
#include "rails/rail_name.h"

namespace payoutd::rails {

using OptionalText = std::optional<std::string>;
using OptionalTime = std::optional<Time>;

enum class InstructionState : std::uint8_t {
  ready,         // to be sent; what was sent so far certainly did not arrive
  sending,       // a send has begun, and its outcome is not on record
  unknown,       // nobody knows whether the rail took it
  done,          // the rail took it
  not_done,      // definitively not, and never under this key
  needs_review,  // a person has to decide
};
std::string_view word_of(InstructionState state);
std::optional<InstructionState> instruction_state_of(std::string_view word);

// Whether an instruction may go from one state to another. What was not_done and shows as done, and
// what was done and shows twice, is a finding: it needs review.
bool may_become(InstructionState from, InstructionState to);

struct Instruction {
  OrgId organization;
  InstructionId id;
  RailName rail = RailName::stripe_payout;
  std::vector<PayoutId> members;  // in order, each once
  std::string account;            // acct_… that it draws on
  Money money;                    // what is sent: the members' nets
  std::int32_t attempt = 1;
  std::string key;   // Idempotency-Key
  std::string path;  // "/v1/payouts"
  std::string body;  // the exact bytes
  InstructionState state = InstructionState::sending;
  bool was_unknown = false;  // after some send; see stripe::History
  std::int32_t sends = 1;    // the one that creates it counts
  OptionalTime first_sent_at{}, last_sent_at{};
  OptionalTime absent_since{};  // the first complete list without it since the last send
  std::int32_t looks = 0;       // into what became of it
  OptionalTime next_look_at{};
  OptionalText outcome_code{}, outcome_message{};

  bool is_settled() const {  // nothing is sent or looked for any more
    return state == InstructionState::done || state == InstructionState::not_done ||
           state == InstructionState::needs_review;
  }
};

}  // namespace payoutd::rails
