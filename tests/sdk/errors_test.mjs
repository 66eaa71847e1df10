import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { connect, seller, stripe, withFaults } from './simulator.mjs';

let as;

describe('errors', () => {
  before(async () => {
    ({ as } = await seller({ available: 20_000 }));
  });

  async function rejection(promise) {
    try {
      await promise;
    } catch (error) {
      return error;
    }
    return assert.fail('nothing was refused');
  }

  const usd = { amount: 100, currency: 'usd' };
  for (const [what, call, expected] of [
    [
      'an unknown id',
      () => stripe.payouts.retrieve('po_missing', {}, as),
      { statusCode: 404, code: 'resource_missing', param: 'id' },
    ],
    [
      'an unknown parameter',
      () => stripe.payouts.create({ ...usd, nonsense: '1' }, as),
      { statusCode: 400, code: 'parameter_unknown', param: 'nonsense' },
    ],
    [
      'a missing parameter',
      () => stripe.payouts.create({ currency: 'usd' }, as),
      { statusCode: 400, code: 'parameter_missing', param: 'amount' },
    ],
    [
      'an amount that is no integer',
      () => stripe.payouts.create({ ...usd, amount: '1.50' }, as),
      { statusCode: 400, code: 'parameter_invalid_integer', param: 'amount' },
    ],
    [
      'more than there is',
      () => stripe.payouts.create({ ...usd, amount: 1_000_000 }, as),
      { statusCode: 400, code: 'balance_insufficient' },
    ],
    [
      'a manual payout as a filter of rows',
      async () => {
        const payout = await stripe.payouts.create(usd, as);
        return stripe.balanceTransactions.list({ payout: payout.id }, as);
      },
      { statusCode: 400 },
    ],
  ]) {
    it(`${what} is a StripeInvalidRequestError`, async () => {
      const error = await rejection(call());
      assert.ok(
        error instanceof stripe.errors.StripeInvalidRequestError,
        `${error.type}: ${error.message}`,
      );
      for (const [field, value] of Object.entries(expected))
        assert.equal(error[field], value, field);
      assert.match(error.requestId, /^req_/);
    });
  }

  it('an unknown path is a StripeInvalidRequestError', async () => {
    const error = await rejection(stripe.rawRequest('GET', '/v1/nonsense'));
    assert.equal(error.type, 'StripeInvalidRequestError');
    assert.equal(error.statusCode, 404);
    assert.match(error.message, /^Unrecognized request URL \(GET: \/v1\/nonsense\)/);
  });

  it('a declined card is a StripeCardError', async () => {
    const error = await rejection(
      stripe.charges.create({ ...usd, source: 'tok_chargeDeclined' }, as),
    );
    assert.ok(error instanceof stripe.errors.StripeCardError);
    assert.equal(error.statusCode, 402);
    assert.equal(error.code, 'card_declined');
    assert.equal(error.decline_code, 'generic_decline');
    assert.match(error.charge, /^ch_/);
    const charge = await stripe.charges.retrieve(error.charge, {}, as);
    assert.equal(charge.status, 'failed');
  });

  it('a declined payment intent is a StripeCardError that carries the intent', async () => {
    const error = await rejection(
      stripe.paymentIntents.create(
        {
          ...usd,
          payment_method: 'pm_card_visa_chargeDeclinedInsufficientFunds',
          payment_method_types: ['card'],
          confirm: true,
        },
        as,
      ),
    );
    assert.ok(error instanceof stripe.errors.StripeCardError);
    assert.equal(error.decline_code, 'insufficient_funds');
    assert.equal(error.payment_intent.status, 'requires_payment_method');
  });

  it('a wrong key is a StripeAuthenticationError that does not repeat the key', async () => {
    const error = await rejection(connect('sk_test_wrongwrongwrong').balance.retrieve());
    assert.ok(error instanceof stripe.errors.StripeAuthenticationError);
    assert.equal(error.statusCode, 401);
    assert.doesNotMatch(error.message, /wrongwrongwrong/);
  });

  it('an account without a link is a StripePermissionError', async () => {
    const error = await rejection(stripe.balance.retrieve({}, { stripeAccount: 'acct_missing' }));
    assert.ok(error instanceof stripe.errors.StripePermissionError);
    assert.equal(error.statusCode, 403);
    assert.equal(error.code, 'account_invalid');
    assert.match(error.message, /does not have access to account 'acct_missing'/);
  });

  it('one key for two requests is a StripeIdempotencyError', async () => {
    const options = { ...as, idempotencyKey: `key_${Date.now()}_mismatch` };
    await stripe.payouts.create(usd, options);
    const error = await rejection(stripe.payouts.create({ ...usd, amount: 101 }, options));
    assert.ok(error instanceof stripe.errors.StripeIdempotencyError);
    assert.equal(error.statusCode, 400);
    assert.match(
      error.message,
      /^Keys for idempotent requests can only be used with the same parameters/,
    );
  });

  it('a limiter is a StripeRateLimitError with its reason, and is not retried', async () => {
    const fault = {
      method: 'POST',
      path: '/v1/payouts',
      do: 'status',
      status: 429,
      reason: 'endpoint-rate',
    };
    const error = await withFaults([fault], () => rejection(stripe.payouts.create(usd, as)));
    assert.ok(error instanceof stripe.errors.StripeRateLimitError);
    assert.equal(error.statusCode, 429);
    assert.equal(error.headers['stripe-rate-limited-reason'], 'endpoint-rate');
  });

  it('Stripe-Should-Retry: false ends the retries of a server error', async () => {
    const fault = { path: '/v1/balance', do: 'status', status: 500, should_retry: false };
    const error = await withFaults([fault], () => rejection(stripe.balance.retrieve({}, as)));
    assert.ok(error instanceof stripe.errors.StripeAPIError);
    assert.equal(error.statusCode, 500);
  });
});
