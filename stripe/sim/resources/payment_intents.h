// Payment intents: one attempt after another to be paid, with at most one charge that succeeds.
#pragma once

#include "stripe/sim/resources/charges.h"

namespace payoutd::sim {

struct IntentOrder {
  ChargeOrder charge{};
  bool confirm = false;
  std::string return_url{};
};

Document& make_intent(World& world, Account& account, const IntentOrder& order);

// Charges the intent's card. A decline is the refusal; the intent is open again.
Try<Document*> confirm_intent(World& world, Account& account, Document& intent);

}  // namespace payoutd::sim
