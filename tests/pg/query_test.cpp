#include "pg/query.h"

#include <gtest/gtest.h>

#include "pg/notes.h"
#include "support/queries.h"

namespace payoutd::pg {
namespace {

const Query kTenantRead{"test_tenant_read", R"sql(
  SELECT id FROM tenant_notes WHERE organization_id = $1)sql"};
const Query kForgetsTenant{"test_forgets_tenant", R"sql(
  SELECT id /* organization_id */ FROM tenant_notes  -- organization_id
   WHERE body <> 'organization_id')sql"};
const Query kOtherTable{"test_other_table", "SELECT id FROM notes"};
const Query kSaysWhyNot{"test_says_why_not", "SELECT id FROM tenant_notes", Tenancy::global};
const Query kMisspelt{"test_misspelt", "SELECT idd FROM notes", Tenancy::global};

struct Queries : Notes {
  Queries() {
    run("CREATE TABLE tenant_notes (organization_id uuid, id bigint, body text)");
  }
  std::vector<std::string> faults(const std::vector<const Query*>& queries) {
    return support::faults_of_queries(url(), queries);
  }
};

TEST_F(Queries, ThatNameTheTenantOrTouchNoneAreFine) {
  EXPECT_TRUE(faults({&kTenantRead, &kOtherTable, &kSaysWhyNot, &kInsertNote}).empty());
}

TEST_F(Queries, ThatForgetTheTenantAreFound) {
  const auto found = faults({&kForgetsTenant});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0], "test_forgets_tenant touches tenant_notes and does not name organization_id");
}

TEST_F(Queries, ThatCanNotBePreparedAreFound) {
  const auto found = faults({&kMisspelt});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_NE(found[0].find("idd"), std::string::npos);
}

TEST(QueryNames, AreUniqueAndShort) {
  EXPECT_THROW(Query("test_insert_note", "SELECT 1"), Broken);
  EXPECT_THROW(Query("", "SELECT 1"), Broken);
  EXPECT_THROW(Query(std::string(64, 'x'), "SELECT 1"), Broken);
}

}  // namespace
}  // namespace payoutd::pg
