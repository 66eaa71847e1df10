import { account, dates, every, foreignAccount, paging, wrongDates, wrongPaging } from './shared.mjs';

const stripeAnswers = (status) => async (world) => {
  // The balance is kept for ten seconds: a payout makes the service forget it.
  await world.makePayout();
  await world.simulator('faults', [{ method: 'GET', path: '/v1/balance', do: 'status', status, count: 20 }]);
};

export default {
  get_balance: {
    good: [{ check: (answer, world) => answer.json.account === world.accounts[0] }],
    parameters: { account },
    refused: [
      foreignAccount,
      { before: stripeAnswers(401), status: 502 },
      { before: stripeAnswers(500), status: 503 },
    ],
  },
  get_balance_transactions: {
    good: [{}, { query: { include: 'total', limit: 100 } }],
    parameters: {
      ...paging, ...dates, account,
      type: { value: 'payout', shows: every((row) => row.type === 'payout') },
      reporting_category: { value: 'refund', shows: every((row) => row.reporting_category === 'refund') },
      currency: { value: 'GBP', shows: every((row) => row.currency === 'gbp') },
      status: { value: 'available', shows: every((row) => row.status === 'available') },
      payout: {
        value: (_plain, world) => world.automatic.stripe_payout_id,
        shows: (answer, _plain, world) => every((row) => row.payout === world.automatic.stripe_payout_id)(answer),
      },
    },
    refused: [...wrongPaging, ...wrongDates, foreignAccount,
      { query: { currency: 'xyz1' }, status: 400, code: 'currency_invalid' },
      { query: { status: 'nonsense' }, status: 400 },
      { query: { currency: 'xyz1', status: 'nonsense', limit: 0 }, status: 400, code: 'validation_error' }],
  },
};
