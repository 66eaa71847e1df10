import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { seller, stripe } from './simulator.mjs';

const kCount = 23;
let as;
let oldestFirst = [];

describe('lists', () => {
  before(async () => {
    ({ as } = await seller());
    for (let i = 0; i < kCount; ++i) {
      const payout = await stripe.payouts.create({ amount: 100 + i, currency: 'usd' }, as);
      oldestFirst.push(payout.id);
    }
  });

  const newestFirst = () => [...oldestFirst].reverse();

  it('a list is newest first, ten at a time by default', async () => {
    const page = await stripe.payouts.list({}, as);
    assert.deepEqual(
      page.data.map((p) => p.id),
      newestFirst().slice(0, 10),
    );
    assert.equal(page.has_more, true);
  });

  it('for await walks every page once, newest first', async () => {
    const seen = [];
    for await (const payout of stripe.payouts.list({ limit: 5 }, as)) seen.push(payout.id);
    assert.deepEqual(seen, newestFirst());
  });

  it('autoPagingEach stops when it is told to', async () => {
    const seen = [];
    await stripe.payouts.list({ limit: 3 }, as).autoPagingEach((payout) => {
      seen.push(payout.id);
      return seen.length < 7;
    });
    assert.deepEqual(seen, newestFirst().slice(0, 7));
  });

  it('autoPagingToArray starts after an object', async () => {
    const list = stripe.payouts.list({ limit: 4, starting_after: oldestFirst[9] }, as);
    const seen = await list.autoPagingToArray({ limit: 1000 });
    assert.deepEqual(
      seen.map((p) => p.id),
      oldestFirst.slice(0, 9).reverse(),
    );
  });

  it('ending_before gives the page next to the cursor, newest first inside', async () => {
    const page = await stripe.payouts.list({ limit: 3, ending_before: oldestFirst[5] }, as);
    assert.deepEqual(
      page.data.map((p) => p.id),
      oldestFirst.slice(6, 9).reverse(),
    );
    assert.equal(page.has_more, true);
    const last = await stripe.payouts.list(
      { limit: 3, ending_before: oldestFirst[kCount - 3] },
      as,
    );
    assert.deepEqual(
      last.data.map((p) => p.id),
      oldestFirst.slice(kCount - 2).reverse(),
    );
    assert.equal(last.has_more, false);
  });

  it('auto-paging backwards goes forward in time', async () => {
    const seen = [];
    for await (const payout of stripe.payouts.list(
      { limit: 4, ending_before: oldestFirst[2] },
      as,
    )) {
      seen.push(payout.id);
    }
    assert.deepEqual(seen, oldestFirst.slice(3));
  });

  it('filters are kept from page to page', async () => {
    await stripe.payouts.cancel(oldestFirst[4], {}, as);
    await stripe.payouts.cancel(oldestFirst[8], {}, as);
    const canceled = await stripe.payouts
      .list({ limit: 1, status: 'canceled' }, as)
      .autoPagingToArray({ limit: 100 });
    assert.deepEqual(
      canceled.map((p) => p.id),
      [oldestFirst[8], oldestFirst[4]],
    );
  });

  it('created takes a range', async () => {
    const payout = await stripe.payouts.retrieve(oldestFirst[0], {}, as);
    const since = await stripe.payouts.list({ created: { gte: payout.created }, limit: 100 }, as);
    assert.equal(since.data.length, kCount);
    const until = await stripe.payouts.list({ created: { lt: payout.created } }, as);
    assert.deepEqual(until.data, []);
    assert.equal(until.has_more, false);
  });

  it('objects made while paging do not shift the pages', async () => {
    const seen = [];
    for await (const payout of stripe.payouts.list({ limit: 10 }, as)) {
      if (seen.length === 5) await stripe.payouts.create({ amount: 50, currency: 'usd' }, as);
      seen.push(payout.id);
    }
    assert.deepEqual(seen, newestFirst());
  });

  for (const [what, params, param] of [
    ['a limit of 0', { limit: 0 }, 'limit'],
    ['a limit above 100', { limit: 101 }, 'limit'],
    ['a cursor that does not exist', { starting_after: 'po_missing' }, 'starting_after'],
  ]) {
    it(`${what} is refused`, async () => {
      await assert.rejects(stripe.payouts.list(params, as), {
        type: 'StripeInvalidRequestError',
        statusCode: 400,
        param,
      });
    });
  }

  it('both cursors at once are refused', async () => {
    const params = { starting_after: oldestFirst[0], ending_before: oldestFirst[1] };
    await assert.rejects(stripe.payouts.list(params, as), { type: 'StripeInvalidRequestError' });
  });
});
