#include "app/wiring.h"

#include "payouts/apply.h"

namespace payoutd::app {

mirror::Appliers all_appliers() {
  mirror::Appliers appliers = mirror::Appliers::mirror();
  payouts::add_applier(appliers);
  return appliers;
}

}  // namespace payoutd::app
