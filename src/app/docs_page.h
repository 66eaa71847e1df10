// The contract as a page: one file, nothing fetched but /openapi.json.
#pragma once

#include <string_view>

namespace payoutd::app {

std::string_view docs_page();

}  // namespace payoutd::app
