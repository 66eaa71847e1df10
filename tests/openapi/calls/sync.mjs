import { foreignAccount, paging, wrongPaging } from './shared.mjs';

const onlySecond = (answer, world) => answer.json.account === world.accounts[1];

export default {
  post_balance_transactions_sync: {
    good: [
      { check: (answer) => answer.json.status === 'succeeded' && answer.json.streams.length > 0 },
      { body: (world) => ({ account: world.accounts[1] }), check: onlySecond },
      { query: (world) => ({ account: world.accounts[1] }), headers: { Prefer: 'respond-async' }, status: 202,
        check: (answer) => answer.headers.get('location') === `/api/sync/runs/${answer.json.id}`,
        after: (world, _call, answer) => world.ended(answer.json.id) },
    ],
    parameters: { account: { value: (_plain, world) => world.accounts[1], shows: (answer, _plain, world) => onlySecond(answer, world) } },
    refused: [foreignAccount,
      { body: { account: 'acct_1NotOurs' }, status: 404, code: 'account_not_found' },
      { body: { colour: 'red' }, status: 400, code: 'parameter_unknown' },
      { body: '{', status: 400, code: 'invalid_json' },
      { body: { account: 'x'.repeat(70_000) }, status: 413, code: 'body_too_large' },
      // Another request with this key is still waiting for Stripe.
      {
        before: async (world, call) => {
          const key = `slow-${Math.random()}`;
          call.headers = { 'Idempotency-Key': key };
          await world.simulator('faults', [{ method: 'GET', path: '/v1/*', do: 'latency', ms: 1500, count: 0 }]);
          call.other = world.ask({ method: 'POST', path: '/api/balance/transactions/sync', headers: call.headers });
          await world.until(() => world.sql(`SELECT count(*) FROM idempotency_keys WHERE key = '${key}'`) === '1');
        },
        status: 409, code: 'idempotency_key_in_use',
        after: async (world, call) => {
          await world.clearFaults();
          return (await call.other).status === 200;
        },
      }],
  },
  get_sync_runs: { good: [{}, { query: { include: 'total' } }], parameters: paging, refused: wrongPaging },
  get_sync_runs_id: {
    path: { id: (world) => world.run },
    good: [{ check: (answer) => answer.json.streams.length > 0 }],
  },
  get_mirror_completeness: {
    good: [{ check: (answer) => answer.json.complete && answer.json.balances.length > 0 },
      { before: (world) => world.damage(), check: (answer) => !answer.json.complete,
        after: (world) => world.repair() }],
    parameters: { account: { value: (_plain, world) => world.accounts[1],
      shows: (answer, _plain, world) => answer.json.balances.every((one) => one.account === world.accounts[1]) } },
    refused: [foreignAccount],
  },
};
