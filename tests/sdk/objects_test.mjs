import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { order, paymentsOf, seller, sim, stripe } from './simulator.mjs';

describe('objects', () => {
  it('a payout is created, read, changed, listed and canceled', async () => {
    const { as } = await seller();
    const name = order();
    const payout = await stripe.payouts.create(
      {
        amount: 1100,
        currency: 'usd',
        description: 'Zahlung über 11,00',
        metadata: { order: name },
      },
      as,
    );
    assert.match(payout.id, /^po_/);
    assert.equal(payout.object, 'payout');
    assert.equal(payout.amount, 1100);
    assert.equal(payout.currency, 'usd');
    assert.equal(payout.status, 'pending');
    assert.equal(payout.automatic, false);
    assert.equal(payout.method, 'standard');
    assert.equal(payout.type, 'bank_account');
    assert.equal(payout.description, 'Zahlung über 11,00');
    assert.equal(payout.reconciliation_status, 'not_applicable');
    assert.equal(payout.failure_code, null);
    assert.deepEqual(payout.metadata, { order: name });

    const changed = await stripe.payouts.update(
      payout.id,
      { metadata: { note: 'b', order: name } },
      as,
    );
    assert.deepEqual(changed.metadata, { note: 'b', order: name });
    const unset = await stripe.payouts.update(payout.id, { metadata: { note: '' } }, as);
    assert.deepEqual(unset.metadata, { order: name });

    const listed = await stripe.payouts.list({ status: 'pending', limit: 1 }, as);
    assert.equal(listed.object, 'list');
    assert.equal(listed.url, '/v1/payouts');
    assert.equal(listed.data[0].id, payout.id);

    const canceled = await stripe.payouts.cancel(payout.id, {}, as);
    assert.equal(canceled.status, 'canceled');
    assert.match(canceled.failure_balance_transaction, /^txn_/);
    const read = await stripe.payouts.retrieve(payout.id, {}, as);
    assert.equal(read.status, 'canceled');
    await assert.rejects(stripe.payouts.cancel(payout.id, {}, as), {
      type: 'StripeInvalidRequestError',
      statusCode: 400,
    });
    const payments = await paymentsOf(name);
    assert.equal(payments.length, 1);
    assert.equal(payments[0].reversed, true);
  });

  it('a canceled payout gives back exactly what it took', async () => {
    const { as } = await seller();
    const available = async () =>
      (await stripe.balance.retrieve({}, as)).available.find((b) => b.currency === 'usd').amount;
    const before = await available();
    const payout = await stripe.payouts.create({ amount: 5000, currency: 'usd' }, as);
    assert.equal(await available(), before - 5000);
    await stripe.payouts.cancel(payout.id, {}, as);
    assert.equal(await available(), before);
  });

  it('a payout arrives when its day has come, or fails as its bank account says', async () => {
    const good = await seller();
    const closed = await seller({ bank: '000111111113' });
    const arriving = await stripe.payouts.create({ amount: 700, currency: 'usd' }, good.as);
    const failing = await stripe.payouts.create({ amount: 700, currency: 'usd' }, closed.as);
    await sim('POST', 'clock', { advance: 8 * 24 * 3600 });
    assert.equal((await stripe.payouts.retrieve(arriving.id, {}, good.as)).status, 'paid');
    const failed = await stripe.payouts.retrieve(failing.id, {}, closed.as);
    assert.equal(failed.status, 'failed');
    assert.equal(failed.failure_code, 'account_closed');
    assert.match(failed.failure_balance_transaction, /^txn_/);
  });

  it('what is expanded becomes an object', async () => {
    const { as } = await seller();
    const created = await stripe.payouts.create(
      { amount: 900, currency: 'usd', expand: ['balance_transaction', 'destination'] },
      as,
    );
    assert.equal(created.balance_transaction.object, 'balance_transaction');
    assert.equal(created.balance_transaction.amount, -900);
    assert.equal(created.balance_transaction.type, 'payout');
    assert.equal(created.destination.object, 'bank_account');
    assert.equal(created.destination.last4, '6789');

    const charge = await stripe.charges.create(
      { amount: 2000, currency: 'usd', source: 'tok_visa', expand: ['balance_transaction'] },
      as,
    );
    const row = charge.balance_transaction;
    assert.equal(row.amount, 2000);
    assert.equal(row.net, row.amount - row.fee);
    assert.equal(row.status, 'pending');

    const rows = await stripe.balanceTransactions.list({ limit: 2, expand: ['data.source'] }, as);
    assert.deepEqual(
      rows.data.map((r) => r.source.object),
      ['charge', 'payout'],
    );
    const deep = await stripe.balanceTransactions.list(
      { limit: 1, expand: ['data.source.balance_transaction'] },
      as,
    );
    assert.equal(deep.data[0].source.balance_transaction.id, row.id);
    await assert.rejects(stripe.payouts.retrieve(created.id, { expand: ['nonsense'] }, as), {
      type: 'StripeInvalidRequestError',
      statusCode: 400,
    });
  });

  it('the rows of an account sum to its balance', async () => {
    const { as } = await seller({ available: 50_000 });
    const charge = await stripe.charges.create(
      { amount: 3000, currency: 'usd', source: 'tok_visa' },
      as,
    );
    await stripe.refunds.create({ charge: charge.id, amount: 500 }, as);
    await stripe.payouts.create({ amount: 1000, currency: 'usd' }, as);
    const rows = await stripe.balanceTransactions
      .list({ limit: 100 }, as)
      .autoPagingToArray({ limit: 1000 });
    const balance = await stripe.balance.retrieve({}, as);
    const of = (list) =>
      list.filter((b) => b.currency === 'usd').reduce((sum, b) => sum + b.amount, 0);
    assert.equal(
      rows.reduce((sum, row) => sum + row.net, 0),
      of(balance.available) + of(balance.pending),
    );
  });

  it('the platform and its accounts each see their own objects', async () => {
    const one = await seller();
    const two = await seller();
    const payout = await stripe.payouts.create({ amount: 100, currency: 'usd' }, one.as);
    const read = await stripe.payouts.retrieve(payout.id, {}, one.as);
    assert.equal(read.lastResponse.headers['stripe-account'], one.id);
    for (const other of [two.as, {}]) {
      await assert.rejects(stripe.payouts.retrieve(payout.id, {}, other), {
        type: 'StripeInvalidRequestError',
        code: 'resource_missing',
        statusCode: 404,
      });
    }
    const account = await stripe.accounts.retrieve(one.id);
    assert.equal(account.payouts_enabled, true);
    assert.equal(account.settings.payouts.schedule.interval, 'manual');
    assert.equal(account.external_accounts.data[0].default_for_currency, true);
  });

  it('a transfer moves money to a connected account and back', async () => {
    const { id, as } = await seller({ available: 0 });
    await stripe.charges.create({ amount: 10_000, currency: 'usd', source: 'tok_bypassPending' });
    const name = order();
    const transfer = await stripe.transfers.create({
      amount: 4000,
      currency: 'usd',
      destination: id,
      metadata: { order: name },
    });
    assert.match(transfer.destination_payment, /^py_/);
    const balance = async () => (await stripe.balance.retrieve({}, as)).available[0].amount;
    assert.equal(await balance(), 4000);
    await stripe.transfers.createReversal(transfer.id, { amount: 1500 });
    assert.equal(await balance(), 2500);
    const read = await stripe.transfers.retrieve(transfer.id);
    assert.equal(read.amount_reversed, 1500);
    assert.equal(read.reversed, false);
    const [payment] = await paymentsOf(name);
    assert.equal(payment.id, transfer.id);
    assert.equal(payment.amount, 4000);
  });

  it('payment intents, customers and subscriptions answer as the SDK expects', async () => {
    const { as } = await seller({ available: 0 });
    const customer = await stripe.customers.create({ email: 'c@example.com', name: 'C' }, as);
    const intent = await stripe.paymentIntents.create(
      {
        amount: 2500,
        currency: 'usd',
        customer: customer.id,
        payment_method: 'pm_card_visa',
        payment_method_types: ['card'],
        confirm: true,
        expand: ['latest_charge.balance_transaction'],
      },
      as,
    );
    assert.equal(intent.status, 'succeeded');
    assert.equal(intent.latest_charge.amount, 2500);
    assert.equal(intent.latest_charge.balance_transaction.amount, 2500);
    const held = await stripe.paymentIntents.create(
      {
        amount: 1000,
        currency: 'usd',
        payment_method: 'pm_card_visa',
        payment_method_types: ['card'],
        capture_method: 'manual',
        confirm: true,
      },
      as,
    );
    assert.equal(held.status, 'requires_capture');
    const captured = await stripe.paymentIntents.capture(held.id, { amount_to_capture: 600 }, as);
    assert.equal(captured.status, 'succeeded');
    assert.equal(captured.amount_received, 600);
    const deleted = await stripe.customers.del(customer.id, {}, as);
    assert.equal(deleted.deleted, true);
  });
});
