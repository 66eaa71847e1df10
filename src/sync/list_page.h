// A page of one of Stripe's lists cut into its objects, without reading what is inside them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace payoutd::sync {

struct ListPage {
  std::vector<std::string_view> items;  // each object's JSON text, a part of the body
  bool has_more = false;
  std::string last_id;  // the cursor of what comes after
  std::int64_t first_created =
      0;  // unix seconds of the newest and the oldest item; 0 where none is told
  std::int64_t last_created = 0;
};

// The views are into `body`, which is made to end in simdjson's padding.
// Error: upstream `stripe_list_malformed`.
Result<ListPage> cut_page(std::string& body);

// An item of the list of events.
struct ListedEvent {
  std::string id, type;
  std::string api_version{};  // empty where the event gives none
  Time created{};
  std::string_view object;  // data.object's text, a part of the item
  std::string object_type;  // its "object"
};
// `item` must lie in a body that cut_page() has padded. Error: upstream `stripe_list_malformed`.
Result<ListedEvent> read_event(std::string_view item);

}  // namespace payoutd::sync
