import { account, dates, every, foreignAccount, matchesNothing, paging, wrongDates, wrongPaging } from './shared.mjs';

const known = { id: (world) => world.automatic.id };
const mine = { id: (world) => world.makePayout() };

// Only the engine blocks payouts.
const unseen = ['blocks[].code', 'blocks[].message'];

export default {
  get_payouts: {
    unseen: unseen.map((field) => `data[].${field}`),
    good: [{}, { query: { include: 'total', limit: 100 } }],
    parameters: {
      ...paging, ...dates, account,
      status: { value: 'SETTLED', shows: every((row) => row.status === 'paid') },
      type: { value: 'bank_account', shows: every((row) => row.type === 'bank_account') },
      currency: { value: 'eur', shows: every((row) => row.currency === 'eur') },
      rail: { value: 'stripe_payout', shows: every((row) => row.rail === 'stripe_payout') },
      priority: matchesNothing('instant'),
      origin_module: matchesNothing('sales'),
      origin_entity_id: matchesNothing('user_1'),
      influencerId: matchesNothing('inf_1'),
      campaignId: matchesNothing('camp_1'),
    },
    refused: [...wrongPaging, ...wrongDates, foreignAccount,
      { query: { status: 'nonsense' }, status: 400, code: 'invalid_status' },
      { query: { priority: 'nonsense' }, status: 400 },
      { query: { rail: 'nonsense' }, status: 400 }],
  },
  post_payouts: {
    unseen,
    good: [
      { body: { amount: 100 }, check: (answer) => answer.json.amount === 100 && answer.json.status === 'pending' },
      { body: (world) => ({ amount_decimal: '1.25', currency: 'usd', method: 'standard', description: 'March',
        metadata: { invoice: '7' }, account: world.accounts[0] }),
      check: (answer) => answer.json.amount === 125 && answer.json.metadata.invoice === '7' },
    ],
    refused: [
      { body: { amount: 1.5 }, status: 400 },
      { body: { amount: '100' }, status: 400 },
      { body: {}, status: 400 },
      { body: '[]', status: 400, code: 'invalid_json' },
      { body: { amount: 100, priority: 'instant', method: 'standard' }, status: 400, code: 'ambiguous' },
      { body: { amount: 100, priority: 'instant' }, status: 422 },
      { body: { amount: 10 ** 12 }, status: 422, code: 'balance_insufficient' },
      { body: { amount: 10 ** 15 + 1 }, status: 422, code: 'amount_too_large' },
      { body: { amount_decimal: '1.005', currency: 'usd' }, status: 422 },
      { body: { amount: 100, account: 'acct_1NotOurs' }, status: 404, code: 'account_not_found' },
      { body: { amount: 100, description: 'x'.repeat(70_000) }, status: 413, code: 'body_too_large' },
      { body: { amount: 100 }, headers: { 'Idempotency-Key': '' }, status: 400, code: 'idempotency_key_invalid' },
      { before: (world) => world.deauthorize(world.accounts[0]), after: (world) => world.authorize(world.accounts[0]),
        body: { amount: 100 }, status: 409, code: 'default_account_inactive' },
      // Another request with this key is still waiting for Stripe.
      {
        before: async (world, call) => {
          call.headers = { 'Idempotency-Key': `slow-${Math.random()}` };
          await world.simulator('faults', [{ method: 'POST', path: '/v1/payouts', do: 'latency', ms: 3000 }]);
          const sent = (await world.stats()).requests;
          call.other = world.ask({ method: 'POST', path: '/api/payouts', body: { amount: 100 }, headers: call.headers });
          await world.until(async () => (await world.stats()).requests >= sent + 2);
        },
        body: { amount: 100 }, status: 409, code: 'idempotency_key_in_use',
        after: async (world, call) => (await call.other).status === 201,
      },
      { before: (world) => world.simulator('faults', [{ method: 'POST', path: '/v1/payouts', do: 'status', status: 401, count: 20 }]),
        body: { amount: 100 }, status: 502 },
      { before: (world) => world.simulator('faults', [{ method: 'GET', path: '/v1/balance', do: 'status', status: 503, count: 20 }]),
        body: { amount: 100 }, status: 503 },
    ],
  },
  get_payouts_id: {
    unseen,
    path: known,
    good: [
      { check: (answer) => answer.json.balance_transactions.length > 1 && answer.json.waits_for === null },
      { path: { id: (world) => world.automatic.stripe_payout_id } },
      { path: mine, check: (answer) => answer.json.waits_for.code === 'submission' },
    ],
  },
  get_payouts_id_timeline: { path: known, good: [{ check: (answer) => answer.json.paid !== null }, { path: mine }] },
  get_payouts_id_audit_trail: { path: known, good: [{ check: (answer) => answer.json.data.length > 0 }, { path: mine }] },
  post_payouts_id_cancel: {
    unseen,
    path: mine,
    good: [{ check: (answer) => answer.json.status === 'canceled' }],
    refused: [{ path: known, status: 409, code: 'payout_not_cancelable' },
      { before: (world) => world.simulator('faults', [{ method: 'POST', path: '/v1/payouts/*', do: 'status', status: 503, count: 20 },
        { method: 'GET', path: '/v1/payouts/*', do: 'status', status: 503, count: 20 }]),
        status: 503, code: 'outcome_unknown' }],
  },
};
