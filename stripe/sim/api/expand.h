// `expand[]=a.b`: puts whole objects where ids stand, to four levels.
#pragma once

#include <string>
#include <vector>

#include "stripe/sim/api/endpoint.h"

namespace payoutd::sim {

using Expansions = std::vector<std::vector<std::string>>;  // each a path, split at its dots

// Errors: more than four levels; a name that nothing expandable has. They come before the endpoint
// runs, so that no object is made and then not answered with.
Try<Expansions> read_expansions(const Params& params);

// Error: a path that leads to nothing expandable.
Try<void> expand(const Ask& ask, OrderedJson& object, const Expansions& paths);

}  // namespace payoutd::sim
