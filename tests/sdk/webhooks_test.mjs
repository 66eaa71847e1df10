import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, describe, it } from 'node:test';
import { seller, sim, stripe, withFaults } from './simulator.mjs';

// Keeps what it is sent; answers with `status`.
class Receiver {
  status = 200;
  deliveries = [];

  async open() {
    this.server = http.createServer(async (request, response) => {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      this.deliveries.push({ headers: request.headers, body: Buffer.concat(chunks) });
      response.writeHead(this.status).end();
    });
    await new Promise((listening) => this.server.listen(0, '127.0.0.1', listening));
    return `http://127.0.0.1:${this.server.address().port}/hook`;
  }

  close() {
    this.server.closeAllConnections?.();
    return new Promise((closed) => this.server.close(closed));
  }

  // Polls until `found` returns something, for at most ten seconds.
  async until(found) {
    for (const deadline = Date.now() + 10_000; Date.now() < deadline;) {
      const result = found(this.deliveries);
      if (result) return result;
      await new Promise((again) => setTimeout(again, 10));
    }
    return assert.fail(`no such delivery among ${this.deliveries.length}`);
  }
}

const receiver = new Receiver();
let endpoint;
let account;

describe('webhooks', () => {
  before(async () => {
    account = await seller();
    endpoint = await stripe.webhookEndpoints.create({
      url: await receiver.open(),
      enabled_events: ['payout.created', 'payout.canceled'],
      connect: true,
    });
  });

  after(async () => {
    if (endpoint) await stripe.webhookEndpoints.del(endpoint.id);
    await receiver.close();
  });

  // Judges a delivery as a receiver must: by its bytes, its header and the time of its arrival.
  async function verified({ headers, body }, secret = endpoint.secret) {
    const { now } = await sim('GET', 'clock');
    return stripe.webhooks.constructEvent(
      body,
      headers['stripe-signature'],
      secret,
      300,
      undefined,
      now * 1000,
    );
  }

  const about = (id, type) => (delivery) => {
    const event = JSON.parse(delivery.body);
    return event.data.object.id === id && event.type === type;
  };

  it('the secret is shown once', async () => {
    assert.match(endpoint.secret, /^whsec_/);
    const read = await stripe.webhookEndpoints.retrieve(endpoint.id);
    assert.equal(read.secret, undefined);
    assert.equal(read.status, 'enabled');
  });

  it('an event of a connected account arrives, signed, and can be read back', async () => {
    const payout = await stripe.payouts.create({ amount: 300, currency: 'usd' }, account.as);
    const delivery = await receiver.until((all) => all.find(about(payout.id, 'payout.created')));
    assert.equal(delivery.headers['content-type'], 'application/json; charset=utf-8');
    const event = await verified(delivery);
    assert.equal(event.object, 'event');
    assert.equal(event.account, account.id);
    assert.equal(event.livemode, false);
    assert.equal(event.data.object.amount, 300);
    assert.equal(event.request.id, payout.lastResponse.requestId);
    const read = await stripe.events.retrieve(event.id, {}, account.as);
    assert.equal(read.type, 'payout.created');
    assert.deepEqual(read.data.object, event.data.object);
  });

  it('a forged body, another secret and an old signature are refused', async () => {
    const [delivery] = receiver.deliveries;
    const forged = { ...delivery, body: Buffer.concat([delivery.body, Buffer.from(' ')]) };
    await assert.rejects(verified(forged), { type: 'StripeSignatureVerificationError' });
    await assert.rejects(verified(delivery, 'whsec_other'), {
      type: 'StripeSignatureVerificationError',
    });
    await sim('POST', 'clock', { advance: 301 });
    await assert.rejects(verified(delivery), { type: 'StripeSignatureVerificationError' });
  });

  it('types that were not asked for do not arrive', async () => {
    const count = receiver.deliveries.length;
    await stripe.charges.create({ amount: 100, currency: 'usd', source: 'tok_visa' }, account.as);
    const payout = await stripe.payouts.create({ amount: 301, currency: 'usd' }, account.as);
    await receiver.until((all) => all.find(about(payout.id, 'payout.created')));
    const types = receiver.deliveries.slice(count).map((d) => JSON.parse(d.body).type);
    assert.deepEqual([...new Set(types)], ['payout.created']);
  });

  it('what was refused comes again, under the same id and a signature of its own', async () => {
    receiver.status = 500;
    const payout = await stripe.payouts.create({ amount: 302, currency: 'usd' }, account.as);
    const first = await receiver.until((all) => all.find(about(payout.id, 'payout.created')));
    receiver.status = 200;
    await sim('POST', 'clock', { advance: 60 });
    const both = await receiver.until((all) => {
      const found = all.filter(about(payout.id, 'payout.created'));
      return found.length === 2 && found;
    });
    assert.notEqual(both[1].headers['stripe-signature'], first.headers['stripe-signature']);
    const again = await verified(both[1]);
    assert.equal(again.id, JSON.parse(first.body).id);
    assert.equal(again.pending_webhooks >= 1, true);
  });

  it('an injected duplicate has the same id', async () => {
    const payout = await withFaults([{ do: 'duplicate', type: 'payout.canceled' }], async () => {
      const made = await stripe.payouts.create({ amount: 303, currency: 'usd' }, account.as);
      await stripe.payouts.cancel(made.id, {}, account.as);
      await receiver.until((all) => all.filter(about(made.id, 'payout.canceled')).length === 2);
      return made;
    });
    const ids = receiver.deliveries
      .filter(about(payout.id, 'payout.canceled'))
      .map((d) => JSON.parse(d.body).id);
    assert.equal(new Set(ids).size, 1);
  });

  it('a deleted endpoint hears no more', async () => {
    const gone = endpoint;
    endpoint = undefined;
    assert.equal((await stripe.webhookEndpoints.del(gone.id)).deleted, true);
    const count = receiver.deliveries.length;
    const other = new Receiver();
    endpoint = await stripe.webhookEndpoints.create({
      url: await other.open(),
      enabled_events: ['*'],
      connect: true,
    });
    const payout = await stripe.payouts.create({ amount: 304, currency: 'usd' }, account.as);
    await other.until((all) => all.find(about(payout.id, 'payout.created')));
    assert.equal(receiver.deliveries.length, count);
    await stripe.webhookEndpoints.del(endpoint.id);
    endpoint = undefined;
    await other.close();
  });
});
