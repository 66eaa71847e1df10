#include "pg/query.h"

#include <string>

#include "base/check.h"

namespace payoutd::pg {
namespace {

constexpr std::size_t kLongestName = 63;

std::vector<const Query*>& registry() {
  static std::vector<const Query*> queries;
  return queries;
}

}  // namespace

Query::Query(std::string_view n, std::string_view s, Locks l)
    : Query(n, s, Tenancy::organization, l) {}

Query::Query(std::string_view n, std::string_view s, Tenancy t, Locks l)
    : name(n), sql(s), tenancy(t), locks(l) {
  if (name.empty() || name.size() > kLongestName) {
    throw Broken("a query's name has 1 to 63 bytes: " + std::string(name));
  }
  for (const Query* other : registry()) {
    if (other->name == name) throw Broken("two queries are named " + std::string(name));
  }
  registry().push_back(this);
}

const std::vector<const Query*>& Query::all() { return registry(); }

}  // namespace payoutd::pg
