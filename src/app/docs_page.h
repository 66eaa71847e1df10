// The OpenAPI document as a page for people: complete without a script, and nothing comes from
// elsewhere.
#pragma once

#include <string>

#include "base/json.h"

namespace payoutd::app {

std::string docs_page(const OrderedJson& document);

}  // namespace payoutd::app
