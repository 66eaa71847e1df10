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

const Query kJoinsTenants{"test_joins_tenants", R"sql(
  SELECT n.id FROM tenant_notes n
    JOIN tenant_tags t ON t.organization_id = n.organization_id AND t.id = n.id
   WHERE n.organization_id = $1 AND NOT EXISTS (
         SELECT FROM tenant_tags o
          WHERE o.organization_id = n.organization_id AND o.id > n.id))sql"};
const Query kForgetsOne{"test_forgets_one", R"sql(
  SELECT n.id FROM tenant_notes n JOIN tenant_tags t ON t.id = n.id
   WHERE n.organization_id = $1)sql"};
const Query kComparesOnly{"test_compares_only", R"sql(
  SELECT n.id FROM tenant_notes n
    JOIN tenant_tags t ON t.organization_id = n.organization_id AND t.id = n.id)sql"};
const Query kWithinTenant{"test_within_tenant", R"sql(
  UPDATE tenant_notes SET body = $2
   WHERE organization_id = $1
     AND id IN (SELECT id FROM tenant_tags WHERE organization_id = $1))sql"};
const Query kGivenTenants{"test_given_tenants", R"sql(
  INSERT INTO tenant_tags (organization_id, id)
  SELECT n.organization_id, n.id
    FROM unnest($1::uuid[], $2::bigint[]) AS given(organization_id, id)
    JOIN tenant_notes n ON n.organization_id = given.organization_id AND n.id = given.id
  ON CONFLICT (organization_id, id) DO NOTHING)sql"};
const Query kDeletesAll{"test_deletes_all", R"sql(
  WITH gone AS (DELETE FROM tenant_tags RETURNING id)
  SELECT n.id FROM tenant_notes n JOIN gone USING (id) WHERE n.organization_id = $1)sql"};
const Query kConflictsAcross{"test_conflicts_across", R"sql(
  INSERT INTO tenant_tags (organization_id, id) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING)sql"};

struct Queries : Notes {
  Queries() {
    run("CREATE TABLE tenant_notes (organization_id uuid, id bigint, body text)");
    run("CREATE TABLE tenant_tags (organization_id uuid, id bigint UNIQUE,"
        " UNIQUE (organization_id, id))");
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
  EXPECT_EQ(found[0],
            "test_forgets_tenant reads tenant_notes as tenant_notes and does not bind its"
            " organization_id");
}

TEST_F(Queries, ThatNameTheTenantForOneOfTwoTablesAreFound) {
  EXPECT_EQ(faults({&kJoinsTenants, &kWithinTenant, &kGivenTenants}), std::vector<std::string>{});
  EXPECT_EQ(faults({&kForgetsOne}).size(), 1u);
  EXPECT_EQ(faults({&kComparesOnly}).size(), 1u);
  EXPECT_EQ(faults({&kDeletesAll}).size(), 1u);
  EXPECT_EQ(faults({&kConflictsAcross}).size(), 1u);
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
