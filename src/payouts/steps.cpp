#include "payouts/steps.h"

namespace payoutd::payouts {

namespace {

using enum Status;

// The first listed step between two statuses counts.
constexpr Step kSteps[] = {
    {pending, approved, Posting::none, StepBy::engine},
    {pending, queued, Posting::none, StepBy::engine},
    {approved, queued, Posting::none, StepBy::engine},
    {queued, processing, Posting::none, StepBy::engine},
    // The send certainly did not arrive: the same key is sent later.
    {processing, queued, Posting::none, StepBy::engine},
    {processing, in_transit, Posting::none, StepBy::engine},
    {processing, paid, Posting::pay, StepBy::engine},
    {in_transit, paid, Posting::pay, StepBy::engine},
    // The hold stays: a retry pays from it, or a cancellation gives it back.
    {processing, failed, Posting::none, StepBy::engine},
    {in_transit, failed, Posting::none, StepBy::engine},
    {failed, queued, Posting::none, StepBy::engine},
    {pending, canceled, Posting::give_back, StepBy::engine},
    {approved, canceled, Posting::give_back, StepBy::engine},
    {queued, canceled, Posting::give_back, StepBy::engine},
    {failed, canceled, Posting::give_back, StepBy::engine},
    {in_transit, canceled, Posting::give_back, StepBy::engine},
    {paid, failed, Posting::take_back, StepBy::engine},

    {pending, processing, Posting::none, StepBy::person},
    {approved, processing, Posting::none, StepBy::person},
    {pending, paid, Posting::pay, StepBy::person},
    {approved, paid, Posting::pay, StepBy::person},
    {queued, paid, Posting::pay, StepBy::person},
    {pending, failed, Posting::none, StepBy::person},
    {approved, failed, Posting::none, StepBy::person},
    {queued, failed, Posting::none, StepBy::person},
    {processing, canceled, Posting::give_back, StepBy::person},
    {paid, canceled, Posting::take_back, StepBy::person},
};

}  // namespace

std::optional<Step> step_between(Status from, Status to, rails::RailName rail) {
  for (const Step& step : kSteps) {
    if (step.from != from || step.to != to) continue;
    if (step.by == StepBy::person && rail != rails::RailName::manual) return std::nullopt;
    return step;
  }
  return std::nullopt;
}

}  // namespace payoutd::payouts
