// How the mirror's parts are joined, for the service and for commands alike.
#pragma once

#include "mirror/apply.h"

namespace payoutd::app {

// Everything that keeps objects of Stripe's.
mirror::Appliers all_appliers();

}  // namespace payoutd::app
