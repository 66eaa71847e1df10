// The payouts' routes in /openapi.json.
#pragma once

#include "http/router.h"

namespace payoutd::payouts {

// A payout as every route shows it, and an example.
Json payout_schema();
Json payout_example();

http::Docs list_docs();
http::Docs show_docs();
http::Docs timeline_docs();
http::Docs audit_trail_docs();
http::Docs create_docs();
http::Docs cancel_docs();

}  // namespace payoutd::payouts
