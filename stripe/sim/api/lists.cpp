#include "stripe/sim/api/lists.h"

namespace payoutd::sim {
namespace {
constexpr std::int64_t kMaxLimit = 100;
}

Try<ListRequest> read_list(const Ask& ask) {
  ListRequest request{.after = ask.params.str("starting_after"),
                      .before = ask.params.str("ending_before"),
                      .created = ask.params.range("created"),
                      .url = std::string(ask.path)};
  if (const auto limit = ask.params.num("limit")) {
    if (*limit > kMaxLimit)
      return refuse("parameter_invalid_integer", "This value must be less than or equal to 100.",
                    "limit");
    if (*limit < 1)
      return refuse("parameter_invalid_integer", "This value must be greater than or equal to 1.",
                    "limit");
    request.limit = static_cast<std::size_t>(*limit);
  }
  if (!request.after.empty() && !request.before.empty())
    return refuse("",
                  "You may only specify one of these parameters: starting_after, ending_before.",
                  "ending_before");
  return request;
}

Refused no_such_cursor(const ListRequest& request) {
  const bool after = !request.after.empty();
  return refuse("resource_missing",
                "No such object: '" + (after ? request.after : request.before) + "'",
                after ? "starting_after" : "ending_before");
}

const Series<Document>& series_of(const Ask& ask, std::string_view kind) {
  static const Series<Document> kNone;
  const auto it = ask.account.documents.find(kind);
  return it == ask.account.documents.end() ? kNone : it->second;
}

bool matches(const Ask& ask, const Document& document, const char* field) {
  const auto wanted = ask.params.str(field);
  return wanted.empty() || document.str(field) == wanted;
}

Try<Document*> named(const Ask& ask, std::string_view kind) {
  Document* found = ask.world.store.find(ask.account, kind, ask.ids.at(0));
  if (!found) return no_such(kind, ask.ids.at(0));
  return found;
}

Try<Document*> referenced(const Ask& ask, std::string_view kind, std::string_view param) {
  const auto id = ask.params.str(param);
  if (id.empty()) return nullptr;
  Document* found = ask.world.store.find(ask.account, kind, id);
  if (!found || found->flag("deleted")) return no_such(kind, id, param);
  return found;
}

}  // namespace payoutd::sim
