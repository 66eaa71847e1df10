#include "jobs/handler.h"

namespace payoutd::jobs {

void Run::finish(pg::Tx& tx) {
  if (!lease_store::finish_beside(tx, {job_.id, job_.lease})) {
    throw LeaseLost("job " + job_.id.str() + " was taken over by another worker");
  }
  finished_ = true;
}

}  // namespace payoutd::jobs
