// What /openapi.json says of the sync's routes.
#pragma once

#include "http/router.h"

namespace payoutd::sync {

http::Docs sync_docs();
http::Docs runs_docs();
http::Docs run_docs();
http::Docs completeness_docs();

}  // namespace payoutd::sync
