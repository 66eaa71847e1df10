// What the test asks of each operation, by operationId:
//   path        values of the path's parameters; functions of the world, asked anew for each call
//   good        calls that must succeed; {query, headers, body, key, status, before, check, after}
//   parameters  every documented query parameter: see shared.mjs
//   refused     calls that must be refused with `status` (and `code`)
//   headers, bodyFields   those that a `before` adds
//   unseen      documented fields that nothing here can make appear
// A folder's calls are a file here and a line below; an operation without calls fails the test.
import accounts from './accounts.mjs';
import balance from './balance.mjs';
import keys from './keys.mjs';
import payouts from './payouts.mjs';
import reports from './reports.mjs';
import sync from './sync.mjs';
import system from './system.mjs';
import webhooks from './webhooks.mjs';

export default { ...accounts, ...balance, ...keys, ...payouts, ...reports, ...sync, ...system, ...webhooks };
