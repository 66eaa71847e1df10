#include "reports/reports.h"

#include <array>

#include "reports/balance.h"
#include "reports/customers.h"
#include "reports/fees.h"
#include "reports/reconciliation.h"
#include "reports/revenue.h"

namespace payoutd::reports {

std::span<const Report* const> all_reports() {
  static const std::array all{&revenue_report(), &fees_report(), &customers_report(),
                              &reconciliation_report(), &balance_report()};
  return all;
}

}  // namespace payoutd::reports
