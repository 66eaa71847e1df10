// The mirror's kinds of objects: each function makes the batch that reads and writes one kind.
#pragma once

#include <memory>

#include "mirror/apply.h"

namespace payoutd::mirror {

std::unique_ptr<Batch> balance_transactions();
std::unique_ptr<Batch> charges();
std::unique_ptr<Batch> payment_intents();
std::unique_ptr<Batch> refunds();
std::unique_ptr<Batch> disputes();
std::unique_ptr<Batch> customers();
std::unique_ptr<Batch> subscriptions();
std::unique_ptr<Batch> transfers();
std::unique_ptr<Batch> application_fees();  // and the refunds of fees
std::unique_ptr<Batch> accounts();          // kept by access; and that one was deauthorized

}  // namespace payoutd::mirror
