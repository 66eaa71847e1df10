#include "support/queries.h"

#include "payouts/world.h"

namespace payoutd::payouts {
namespace {

struct PayoutQueries : PayoutsTest {};

TEST_F(PayoutQueries, ArePreparedAndNameTheirTenant) {
  EXPECT_EQ(support::faults_of_queries(url()), std::vector<std::string>{});
}

}  // namespace
}  // namespace payoutd::payouts
