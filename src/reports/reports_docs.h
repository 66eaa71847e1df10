// What /openapi.json says of the reports: every field of every answer, with examples.
#pragma once

#include "http/router.h"

namespace payoutd::reports {

http::Docs revenue_docs();
http::Docs fees_docs();
http::Docs customers_docs();
http::Docs reconciliation_docs();
http::Docs balance_docs();

}  // namespace payoutd::reports
