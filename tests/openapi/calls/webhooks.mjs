import { createHmac, randomUUID } from 'node:crypto';

export const event = () => ({ id: `evt_${randomUUID().replaceAll('-', '')}`, object: 'event', type: 'plan.created',
  created: Math.floor(Date.now() / 1000), livemode: false, account: null,
  api_version: '2025-09-30.clover', data: { object: { id: 'plan_1', object: 'plan' } } });

// A signed delivery of `value`.
export function delivery(world, value) {
  const body = typeof value === 'string' ? value : JSON.stringify(value);
  const time = Math.floor(Date.now() / 1000);
  const signature = createHmac('sha256', world.service.webhook_secret).update(`${time}.${body}`).digest('hex');
  return { body, headers: { 'Stripe-Signature': `t=${time},v1=${signature}` } };
}
const signed = (value) => (world, call) => Object.assign(call, delivery(world, value()));

export default {
  post_webhooks_stripe: {
    good: [{ before: signed(event), check: (answer) => answer.json.received === true }],
    headers: ['Stripe-Signature'],
    bodyFields: Object.keys(event()),
    refused: [
      { body: event(), status: 400 },
      { body: event(), headers: { 'Stripe-Signature': 't=1,v1=00' }, status: 400 },
      { before: signed(() => 'no JSON'), status: 400, code: 'event_not_json' },
      { before: signed(() => ({ object: 'event' })), status: 400, code: 'event_invalid' },
      { before: signed(() => ({ ...event(), filler: 'x'.repeat(2_200_000) })), status: 413, code: 'body_too_large' },
    ],
  },
};
