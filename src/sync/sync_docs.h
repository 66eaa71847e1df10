// The sync's routes in /openapi.json.
#pragma once

#include "http/router.h"

namespace payoutd::sync {

http::Docs sync_docs();
http::Docs runs_docs();
http::Docs run_docs();
http::Docs completeness_docs();

}  // namespace payoutd::sync
