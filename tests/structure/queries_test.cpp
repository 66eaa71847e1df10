#include "support/database.h"
#include "support/queries.h"

namespace payoutd {
namespace {

struct Queries : support::DatabaseTest {};

// The whole program is linked in here, so these are all of its statements.
TEST_F(Queries, OfTheWholeProgramArePreparedAndNameTheOrganization) {
  EXPECT_GT(pg::Query::all().size(), 80u);
  for (const std::string& fault : support::faults_of_queries(url())) ADD_FAILURE() << fault;
}

}  // namespace
}  // namespace payoutd
