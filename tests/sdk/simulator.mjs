// The running simulator as the tests see it: through Stripe's SDK, and through its own paths.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import Stripe from 'stripe';

const { STRIPE_API_BASE, STRIPE_SECRET_KEY } = process.env;
if (!STRIPE_API_BASE || !STRIPE_SECRET_KEY) {
  console.error('STRIPE_API_BASE and STRIPE_SECRET_KEY must name a running simulator');
  process.exit(2);
}
const base = new URL(STRIPE_API_BASE);

// Shared, so that it can be closed: the SDK leaves a connection open whose answer it did not read
// before it tried again.
export const agent = new (base.protocol === 'https:' ? https : http).Agent({ keepAlive: true });

export function connect(key = STRIPE_SECRET_KEY, options = {}) {
  return new Stripe(key, {
    protocol: base.protocol.slice(0, -1),
    host: base.hostname,
    port: base.port,
    httpAgent: agent,
    telemetry: false,
    maxNetworkRetries: 2,
    timeout: 10_000,
    ...options,
  });
}

export const stripe = connect();

// A path below /_sim; what it answers must be 200.
export async function sim(method, path, body) {
  const response = await fetch(new URL(`/_sim/${path}`, base), {
    method,
    headers: { 'Content-Type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  assert.equal(response.status, 200, `${method} /_sim/${path}: ${text}`);
  return JSON.parse(text);
}

// Runs `work` with faults armed; none is left over for anybody else.
export async function withFaults(faults, work) {
  await sim('POST', 'faults', faults);
  try {
    return await work();
  } finally {
    await sim('DELETE', 'faults');
  }
}

// What really moved money under this metadata.
export async function paymentsOf(order) {
  const { data } = await sim('GET', 'payments');
  return data.filter((payment) => payment.metadata.order === order);
}

export const order = () => `order_${randomUUID()}`;

// A connected account that pays out by hand, with a bank account and money available at once.
export async function seller({ available = 1_000_000, bank = '000123456789' } = {}) {
  const account = await stripe.accounts.create({
    type: 'custom',
    country: 'US',
    email: 'seller@example.com',
    capabilities: { transfers: { requested: true }, card_payments: { requested: true } },
    settings: { payouts: { schedule: { interval: 'manual' } } },
  });
  await stripe.accounts.createExternalAccount(account.id, {
    external_account: {
      object: 'bank_account',
      country: 'US',
      currency: 'usd',
      routing_number: '110000000',
      account_number: bank,
    },
  });
  const as = { stripeAccount: account.id };
  if (available > 0) {
    await stripe.charges.create(
      { amount: available, currency: 'usd', source: 'tok_bypassPending' },
      as,
    );
  }
  return { id: account.id, as };
}
