// /api/keys: an admin makes, lists and revokes its organization's keys.
#pragma once

#include <vector>

#include "access/keys.h"
#include "http/router.h"

namespace payoutd::access {

// `keys` must outlive the router.
std::vector<http::Route> keys_routes(Keys& keys);

// The key as answers show it; never its text. Also what the command line prints.
OrderedJson to_json(const ApiKey& key);

}  // namespace payoutd::access
