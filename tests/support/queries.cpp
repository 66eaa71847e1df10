#include "support/queries.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <regex>
#include <set>

#include "support/explain.h"

namespace payoutd::support {
namespace {

// Aliases whose organization is known: bound to a parameter, or equal to that of one that is.
class Bound {
 public:
  Bound(const Plan& plan, const std::set<std::string>& tenant_aliases) {
    static const std::regex kBinding(R"((\w+)\.organization_id (?:=|IS DISTINCT FROM) )"
                                     R"((ANY \(\$\d+\)|\$\d+|(\w+)\.organization_id|'[^']*'))");
    // The first partition of i is bound as i_1.
    const auto named = [&](const std::string& alias) {
      const std::string whole = without_number(alias);
      return tenant_aliases.contains(alias)   ? alias
             : tenant_aliases.contains(whole) ? whole
                                              : alias;
    };
    for (const std::string& condition : plan.conditions) {
      for (std::sregex_iterator at(condition.begin(), condition.end(), kBinding), end; at != end;
           ++at) {
        const std::string one = named((*at)[1]), other = named((*at)[3]);
        // An array, a subquery: what feeds it is judged by itself.
        if (!tenant_aliases.contains(other)) bound_.insert(one);
        else equal_.insert({one, other});
        if (!other.empty() && !tenant_aliases.contains(one)) bound_.insert(other);
      }
    }
    for (std::size_t before = 0; before != bound_.size();) {
      before = bound_.size();
      for (const auto& [one, other] : equal_) {
        if (bound_.contains(one)) bound_.insert(other);
        else if (bound_.contains(other)) bound_.insert(one);
      }
    }
  }

  bool contains(const std::string& alias) const { return bound_.contains(alias); }

 private:
  std::set<std::string> bound_;
  std::set<std::pair<std::string, std::string>> equal_;
};

std::string fault_of_tenancy(const pg::Query& query, const Plan& plan,
                             const std::set<std::string>& tables,
                             const std::set<std::string>& indexes) {
  std::set<std::string> aliases;
  for (const Scan& scan : plan.scans) {
    if (tables.contains(scan.table) && !scan.alias.empty()) aliases.insert(scan.alias);
  }
  const Bound bound(plan, aliases);
  for (const Scan& scan : plan.scans) {
    if (!aliases.contains(scan.alias) || bound.contains(scan.alias)) continue;
    return fmt::format("{} reads {} as {} and does not bind its organization_id", query.name,
                       scan.table, scan.alias);
  }
  for (const std::string& index : plan.arbiters) {
    if (indexes.contains(index)) continue;
    return fmt::format("{} has a conflict on {}, which crosses organizations", query.name, index);
  }
  return {};
}

std::set<std::string> set_of(std::vector<std::string> names) {
  return {std::make_move_iterator(names.begin()), std::make_move_iterator(names.end())};
}

}  // namespace

std::vector<std::string> faults_of_queries(const Secret& url,
                                           const std::vector<const pg::Query*>& queries) {
  Explainer explainer(url);
  const auto tables = set_of(
      explainer.column("SELECT DISTINCT table_name FROM information_schema.columns"
                       " WHERE column_name = 'organization_id' AND table_schema = 'public'"));
  const auto indexes = set_of(explainer.column(
      "SELECT DISTINCT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
      " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname IN ('organization_id', 'tenant')"));
  std::vector<std::string> faults;
  for (const pg::Query* query : queries) {
    if (const auto refused = explainer.prepare(*query)) {
      faults.push_back(fmt::format("{}: {}", query->name, *refused));
      continue;
    }
    if (query->tenancy == pg::Tenancy::global) continue;
    std::vector<std::string> arguments;
    for (const std::string& type : explainer.parameter_types(*query)) {
      arguments.push_back(plausible(type));
    }
    const Plan plan = explainer.explain(*query, {.arguments = arguments, .generic = true});
    if (auto fault = fault_of_tenancy(*query, plan, tables, indexes); !fault.empty()) {
      faults.push_back(std::move(fault));
    }
  }
  return faults;
}

}  // namespace payoutd::support
