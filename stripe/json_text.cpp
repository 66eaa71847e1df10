#include "stripe/json_text.h"

#include "base/json.h"

namespace payoutd::stripe {

simdjson::error_code parse_text(simdjson::dom::parser& parser, std::string_view text,
                                simdjson::dom::element& root, BadBytes bad_bytes) {
  const auto error = parser.parse(text.data(), text.size()).get(root);
  const bool mends = error == simdjson::STRING_ERROR ||
                     (error == simdjson::UTF8_ERROR && bad_bytes == BadBytes::replaced);
  if (!mends) return error;
  return parser.parse(mended_json(text)).get(root);
}

}  // namespace payoutd::stripe
