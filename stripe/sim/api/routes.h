// All endpoints by method and path. Fixed segments win over `:id`.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stripe/sim/api/endpoint.h"

namespace payoutd::sim {

struct Route {
  Endpoint endpoint;
  ParamRules rules{};
  std::vector<std::string> segments{};
  bool list = false;
};

struct Match {
  const Route* route = nullptr;
  std::vector<std::string_view> ids{};
};

class Routes {
 public:
  Routes();
  std::optional<Match> match(std::string_view method, std::string_view path) const;
  const std::vector<Route>& all() const { return routes_; }

 private:
  std::vector<Route> routes_;
};

}  // namespace payoutd::sim
