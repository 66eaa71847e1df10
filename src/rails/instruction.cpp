#include "rails/instruction.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"

namespace payoutd::rails {

namespace {

using enum InstructionState;

constexpr std::array kAllStates{ready, sending, unknown, done, not_done, needs_review};

constexpr std::pair<InstructionState, InstructionState> kChanges[] = {
    {ready, sending},        {ready, unknown},         {ready, done},
    {ready, not_done},       {ready, needs_review},    {sending, sending},
    {sending, ready},        {sending, unknown},       {sending, done},
    {sending, not_done},     {sending, needs_review},  {unknown, sending},
    {unknown, unknown},      {unknown, done},          {unknown, not_done},
    {unknown, needs_review}, {needs_review, done},     {needs_review, not_done},
    {done, needs_review},    {not_done, needs_review},
};

}  // namespace

std::string_view word_of(InstructionState state) {
  switch (state) {
    case ready: return "ready";
    case sending: return "sending";
    case unknown: return "unknown";
    case done: return "done";
    case not_done: return "not_done";
    case needs_review: return "needs_review";
  }
  CHECK(false);
}

std::optional<InstructionState> instruction_state_of(std::string_view word) {
  const auto* found =
      std::ranges::find_if(kAllStates, [&](InstructionState one) { return word_of(one) == word; });
  return found == kAllStates.end() ? std::nullopt : std::optional(*found);
}

bool may_become(InstructionState from, InstructionState to) {
  return std::ranges::find(kChanges, std::pair(from, to)) != std::end(kChanges);
}

}  // namespace payoutd::rails
