import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { connect, order, paymentsOf, seller, stripe, withFaults } from './simulator.mjs';

let as;

describe('retries', () => {
  before(async () => {
    ({ as } = await seller());
  });

  const payout = (name) => ({ amount: 100, currency: 'usd', metadata: { order: name } });
  const onPayouts = (fault) => [{ method: 'POST', path: '/v1/payouts', ...fault }];

  it('a key gives the first answer again', async () => {
    const name = order();
    const options = { ...as, idempotencyKey: name };
    const first = await stripe.payouts.create(payout(name), options);
    const again = await stripe.payouts.create(payout(name), options);
    assert.equal(again.id, first.id);
    assert.deepEqual({ ...again }, { ...first });
    assert.equal(first.lastResponse.headers['idempotent-replayed'], undefined);
    assert.equal(first.lastResponse.idempotencyKey, name);
    assert.equal(again.lastResponse.headers['idempotent-replayed'], 'true');
    assert.equal(again.lastResponse.headers['original-request'], first.lastResponse.requestId);
    assert.notEqual(again.lastResponse.requestId, first.lastResponse.requestId);
    assert.equal((await paymentsOf(name)).length, 1);
  });

  it('a key replays a refusal that was executed', async () => {
    const options = { ...as, idempotencyKey: order() };
    const declined = () =>
      stripe.charges
        .create({ amount: 100, currency: 'usd', source: 'tok_chargeDeclined' }, options)
        .then(
          () => assert.fail('nothing was declined'),
          (error) => error,
        );
    const first = await declined();
    const again = await declined();
    assert.equal(again.charge, first.charge);
    assert.equal(again.headers['idempotent-replayed'], 'true');
  });

  it('keys of two accounts do not meet', async () => {
    const other = await seller();
    const name = order();
    const one = await stripe.payouts.create(payout(name), { ...as, idempotencyKey: name });
    const two = await stripe.payouts.create(payout(name), { ...other.as, idempotencyKey: name });
    assert.notEqual(one.id, two.id);
  });

  // The SDK retries by itself, under the key that it made up for the first try.
  for (const fault of [
    { do: 'status', status: 500 },
    { do: 'status', status: 503, count: 2 },
    { do: 'reset_before' },
    { do: 'reset_after' },
    { do: 'status_after', status: 503 },
    { do: 'status', status: 409, code: 'idempotency_key_in_use' },
    { do: 'status', status: 429, code: 'lock_timeout', should_retry: true },
  ]) {
    it(`one payout is made in spite of ${JSON.stringify(fault)}`, async () => {
      const name = order();
      const made = await withFaults(onPayouts(fault), () =>
        stripe.payouts.create(payout(name), as),
      );
      const payments = await paymentsOf(name);
      assert.deepEqual(
        payments.map((p) => p.id),
        [made.id],
      );
    });
  }

  it('a 500 that did execute is replayed, and still made one payout', async () => {
    const name = order();
    const fault = onPayouts({ do: 'status_after', status: 500 });
    await withFaults(fault, () =>
      assert.rejects(stripe.payouts.create(payout(name), as), (error) => {
        assert.ok(error instanceof stripe.errors.StripeAPIError);
        assert.equal(error.headers['idempotent-replayed'], 'true');
        return true;
      }),
    );
    assert.equal((await paymentsOf(name)).length, 1);
  });

  it('a timeout is retried without a second payout', async () => {
    const impatient = connect(undefined, { timeout: 300, maxNetworkRetries: 2 });
    const name = order();
    const made = await withFaults(onPayouts({ do: 'latency', ms: 600 }), () =>
      impatient.payouts.create(payout(name), as),
    );
    const payments = await paymentsOf(name);
    assert.deepEqual(
      payments.map((p) => p.id),
      [made.id],
    );
  });

  it('a read is repeated after a reset', async () => {
    const faults = [{ method: 'GET', path: '/v1/balance', do: 'reset_before', count: 2 }];
    const balance = await withFaults(faults, () => stripe.balance.retrieve({}, as));
    assert.equal(balance.object, 'balance');
  });
});
