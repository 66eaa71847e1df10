#include "mirror/customers_store.h"

namespace payoutd::mirror::customers_store {
namespace {

const pg::Query kKeepCreated{"keep_customers_created", R"sql(
  UPDATE customers AS t SET created = given.created
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[])
         AS given(organization_id, account, stripe_id, created)
   WHERE t.organization_id = given.organization_id AND t.account = given.account
     AND t.stripe_id = given.stripe_id AND t.created IS NULL)sql"};

}  // namespace

void keep_created(pg::Tx& tx, std::span<const Created> known) {
  pg::Array<OrgId> organization;
  pg::Array<std::string> account, stripe_id;
  pg::Array<Time> created;
  for (const Created& one : known) {
    organization.add(one.key.organization);
    account.add(one.key.account);
    stripe_id.add(one.key.stripe_id);
    created.add(one.created);
  }
  tx.exec(kKeepCreated, organization, account, stripe_id, created);
}

}  // namespace payoutd::mirror::customers_store
