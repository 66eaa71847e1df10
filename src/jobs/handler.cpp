#include "jobs/handler.h"

namespace payoutd::jobs {

void Run::finish(pg::Tx& tx) {
  const Held held{job_.id, job_.lease};
  if (jobs::finish(tx, std::span(&held, 1)).empty()) {
    throw LeaseLost("job " + job_.id.str() + " was taken over by another worker");
  }
  finished_ = true;
}

}  // namespace payoutd::jobs
