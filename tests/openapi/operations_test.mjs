// What docs/operations.md tells an operator to watch and to do, against the running program.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { delivery, event } from './calls/webhooks.mjs';

const read = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

export function testOperations(world) {
  const metrics = async () => (await world.ask({ path: '/metrics', key: null })).text;
  // The value of "name" or 'name{label="…"}', or nothing.
  const metric = async (line) => {
    const found = (await metrics()).split('\n').find((one) => one.startsWith(`${line} `));
    return found === undefined ? undefined : Number(found.split(' ').at(-1));
  };
  const becomes = (line, holds) => world.until(async () => holds(await metric(line)));
  const is = (expected) => (value) => value === expected;

  describe('docs/operations.md', () => {
    const manual = read('docs/operations.md');

    it('names metrics that there are, and all of payoutd\'s', async () => {
      const served = new Set([...(await metrics()).matchAll(/^# TYPE (\S+) /gm)].map((one) => one[1]));
      const named = new Set([...manual.matchAll(/\b(?:payoutd|http)_[a-z_]+/g)].map((one) => one[0]));
      named.delete('payoutd_payout_id');  // metadata at Stripe
      named.delete('payoutd_key');
      assert.deepEqual([...named].filter((one) => !served.has(one)), ['payoutd_mirror_difference'], 'named, not served');
      assert.deepEqual([...served].filter((one) => one.startsWith('payoutd_') && !named.has(one)), [], 'served, not named');
    });

    it('lists the events that are handled', () => {
      const handled = [...read('src/mirror/event_types.cpp').matchAll(/^ {4}\{"([a-z_.]+)", [^}]+\},$/gm)].map((one) => one[1]);
      const block = manual.split('<!-- the types of src/mirror/event_types.cpp -->')[1].split('```')[1];
      assert.deepEqual(block.trim().split('\n').map((line) => line.split(' ')[0]), handled);
      assert.ok(handled.length > 40);
    });

    it('names commands that there are', () => {
      const named = new Set([...manual.matchAll(/payoutd ((?:keys|events|dlq|review) [a-z]+|doctor|migrate|serve|sync|verify)/g)].map((one) => one[1]));
      assert.ok(named.size > 8);
      for (const one of named) assert.equal(world.command(...one.split(' '), '--help').status, 0, one);
    });
  });

  describe('an operator', () => {
    it('sees that the mirror differs, and that it is whole again', async () => {
      const { account, currency, amount } = world.automatic;
      const difference = `payoutd_mirror_difference{account="${account}",currency="${currency}",organization="${world.service.organization_id}"}`;
      await becomes('payoutd_mirror_balances{state="different"}', is(0));
      assert.equal(await metric(difference), undefined);
      await world.damage();
      await becomes('payoutd_mirror_balances{state="different"}', is(1));
      assert.equal(await metric(difference), amount, 'what the payout settled is gone');
      assert.equal(await metric('payoutd_mirror_payouts_unsummed'), 1);
      const verified = world.command('verify', '--json');
      assert.equal(verified.status, 3);
      assert.equal(verified.json.find((one) => one.organization_id === world.service.organization_id).complete, false);
      assert.ok(await world.repair());
      await becomes('payoutd_mirror_balances{state="different"}', is(0));
      assert.equal(await metric(difference), 0);
      assert.equal(await metric('payoutd_mirror_payouts_unsummed'), 0);
      assert.equal(world.command('verify').status, 0);
    });

    it('sees jobs that were given up, takes one away and has the other done', async () => {
      const [nonsense, sound] = [randomUUID(), randomUUID()];
      const values = (id, kind) => `('${id}', '${kind}', 2, '{"n": 1}', 'dead', 5, 5, 'it broke', now())`;
      world.sql(`INSERT INTO jobs (id, kind, priority, payload, state, attempts, max_attempts, last_error, died_at)
                 VALUES ${values(nonsense, 'no.such_kind')}, ${values(sound, 'access.purge_idempotency_keys')}`);
      await becomes('payoutd_jobs{state="dead"}', is(2));
      const listed = world.command('dlq', 'list', '--kind', 'no.such_kind', '--json').json[0].data;
      assert.deepEqual(listed.map((job) => [job.id, job.error, job.payload.n]), [[nonsense, 'it broke', 1]]);
      assert.equal(world.command('dlq', 'discard', nonsense).status, 0);
      assert.equal(world.command('dlq', 'discard', nonsense).status, 1, 'there is no such job any more');
      assert.equal(world.command('dlq', 'requeue', sound).status, 0);
      await becomes('payoutd_jobs{state="dead"}', is(0));
      await world.until(() => world.sql(`SELECT count(*) FROM jobs WHERE id = '${sound}'`) === '0');
    });

    it('sees an event that could not be applied, and why', async () => {
      // Whole but for its amount: a stub would be fetched instead.
      const nothing = ['balance_transaction', 'description', 'destination', 'failure_balance_transaction', 'failure_code',
        'failure_message', 'original_payout', 'reversed_by', 'statement_descriptor', 'trace_id'];
      const brokenPayout = { ...Object.fromEntries(nothing.map((name) => [name, null])), id: 'po_1Broken', object: 'payout',
        amount: 'ten', arrival_date: 1760000000, automatic: true, created: 1760000000, currency: 'eur', metadata: {},
        method: 'standard', reconciliation_status: 'completed', source_type: 'card', status: 'paid', type: 'bank_account' };
      const broken = { ...event(), type: 'payout.paid', data: { object: brokenPayout } };
      const answer = await world.ask({ method: 'POST', path: '/webhooks/stripe', key: null, ...delivery(world, broken) });
      assert.equal(answer.status, 200, answer.text);
      await becomes('payoutd_events_set_aside', is(1));
      const failed = world.command('events', 'list', '--state', 'failed', '--json').json[0].data;
      assert.equal(failed[0].id, broken.id);
      assert.match(failed[0].error, /amount/);
      assert.equal(world.command('events', 'replay', broken.id).status, 1, 'it is as broken as before');
      assert.equal(world.command('events', 'show', broken.id).status, 0);
    });

    it('sees a payout of which nobody knows, until it is resolved under the same key', async () => {
      await becomes('payoutd_instructions_unknown', is(0));
      await world.simulator('faults', [{ method: 'POST', path: '/v1/payouts', do: 'status', status: 503, count: 0 }]);
      const asked = await world.must({ method: 'POST', path: '/api/payouts', body: { amount: 100 } });
      assert.equal(asked.status, 'processing');
      await becomes('payoutd_instructions_unknown', is(1));
      await becomes('payoutd_instructions_unknown_seconds', (seconds) => seconds > 0);
      await world.clearFaults();
      await world.simulator('clock', { advance: 120 });
      await becomes('payoutd_instructions_unknown', is(0));
      const made = (await (await fetch(`${world.service.stripe_api_base}/_sim/payments`)).json()).data;
      assert.equal(made.filter((one) => one.metadata.payoutd_payout_id === asked.id).length, 1);
    });

    it('is told what is missing', () => {
      const { checks } = world.command('doctor', '--json').json[0];
      assert.deepEqual(checks.filter((one) => !one.ok), []);
      for (const check of ['schema', 'freshness', 'Stripe, /v1/account', 'Stripe, /v1/accounts'])
        assert.ok(checks.some((one) => one.check === check), check);
      assert.equal(world.command('migrate').status, 0);
    });
  });
}
