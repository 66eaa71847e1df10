// Stripe's JSON, read although a text in it holds what simdjson refuses.
#pragma once

#include <simdjson.h>

#include <string_view>

namespace payoutd::stripe {

// Half of a surrogate pair in one text says nothing of the rest: it is read as U+FFFD, and so are
// bytes that are no UTF-8, unless they are `refused`. `root` is the parser's, as after its own
// parse().
enum class BadBytes { replaced, refused };
simdjson::error_code parse_text(simdjson::dom::parser& parser, std::string_view text,
                                simdjson::dom::element& root,
                                BadBytes bad_bytes = BadBytes::replaced);

}  // namespace payoutd::stripe
