// All reports.
#pragma once

#include <span>

#include "reports/report.h"

namespace payoutd::reports {

std::span<const Report* const> all_reports();

}  // namespace payoutd::reports
