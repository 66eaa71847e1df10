// What the calls need of the running service, made through its own API where that is possible.
import { execFileSync, spawnSync } from 'node:child_process';
import { ask, simulator } from './service.mjs';

export class World {
  constructor(service, program) {
    this.service = service;
    this.program = program;
    this.accounts = service.accounts;
  }

  ask = (request) => ask(this.service, request);
  simulator = (path, body) => simulator(this.service, path, body);
  stats = async () => (await fetch(`${this.service.stripe_api_base}/_sim/stats`)).json();

  // The history is mirrored once this has answered: it waits for the run that the start began.
  async fill() {
    const synced = await this.must({ method: 'POST', path: '/api/balance/transactions/sync' });
    this.run = synced.id;
    const paid = await this.must({ path: '/api/payouts', query: { status: 'paid', limit: 1 } });
    this.automatic = paid.data[0];
    if (!this.automatic.automatic) throw new Error('the demo has no automatic payout that is paid');
    await this.makePayout();
  }

  async must(request) {
    const answer = await this.ask(request);
    if (answer.status >= 300) throw new Error(`${request.method ?? 'GET'} ${request.path}: ${answer.status} ${answer.text}`);
    return answer.json;
  }

  makePayout = async () => (await this.must({ method: 'POST', path: '/api/payouts', body: { amount: 100 } })).id;

  onlyAdminKey = async () => (await this.must({ path: '/api/keys', key: 'other_organization' })).data[0].id;

  deauthorize(account) {
    this.sql(`UPDATE connected_accounts SET status = 'deauthorized', deauthorized_at = now() WHERE stripe_account_id = '${account}'`);
  }

  authorize(account) {
    this.sql(`UPDATE connected_accounts SET status = 'active', deauthorized_at = NULL WHERE stripe_account_id = '${account}'`);
    return true;
  }

  clearFaults = () => fetch(`${this.service.stripe_api_base}/_sim/faults`, { method: 'DELETE' });

  async until(holds) {
    for (const deadline = Date.now() + 20_000; Date.now() < deadline;) {
      if (await holds()) return true;
      await new Promise((again) => setTimeout(again, 20));
    }
    throw new Error('this did not come about within 20 seconds');
  }

  ended = (run) => this.until(async () =>
    (await this.must({ path: `/api/sync/runs/${run}` })).status === 'succeeded');

  sql(text) {
    return execFileSync('psql', [this.service.database_url, '-qAtc', text], { encoding: 'utf8' }).trim();
  }

  // A command at the shell, on the settings of the service: {status, lines of JSON}.
  command(...given) {
    const done = spawnSync(this.program, given, { encoding: 'utf8', env: { ...process.env, PAYOUTD_LOG: 'error',
      DATABASE_URL: this.service.database_url, STRIPE_SECRET_KEY: this.service.stripe_secret_key,
      STRIPE_WEBHOOK_SECRETS: this.service.webhook_secret, STRIPE_API_BASE: this.service.stripe_api_base } });
    return { status: done.status, said: done.stderr,
      json: done.stdout.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line)) };
  }

  // A mirrored row is lost, as no bug of ours should ever lose one; the next sync sees it.
  async damage() {
    this.sql(`DELETE FROM balance_transactions
      WHERE payout_id = '${this.automatic.stripe_payout_id}' AND type <> 'payout'`);
    await this.must({ method: 'POST', path: '/api/balance/transactions/sync' });
  }

  async repair() {
    this.command('sync', '--repair');
    return (await this.must({ path: '/api/mirror/completeness' })).complete;
  }
}
