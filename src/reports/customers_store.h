// The statements behind the customer report.
#pragma once

#include "pg/database.h"
#include "reports/customers.h"

namespace payoutd::reports::customers_store {

// Each fills in its own fields. `limit` is how many top customers are wanted.
void count_customers(pg::Tx& tx, Customers& customers, std::int64_t limit);
void count_churn(pg::Tx& tx, Customers& customers);
void value_subscriptions(pg::Tx& tx, Customers& customers);

}  // namespace payoutd::reports::customers_store
