// One `payoutd dev` in a folder of its own, and requests to it.
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const READY_WITHIN_MS = 120_000;

// Resolves with what `payoutd dev --json` prints once it is ready, and `stop()`.
export async function start(program) {
  const folder = mkdtempSync(join(tmpdir(), 'payoutd-openapi-'));
  chmodSync(folder, 0o755);  // run as root, the database's own user must reach it
  const child = spawn(program, ['dev', '--json', '--no-activity', '--listen', '127.0.0.1:0',
    '--sim-listen', '127.0.0.1:0', '--data-dir', join(folder, 'data')],
  { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, PAYOUTD_LOG: 'warn' } });
  let complaints = '';
  child.stderr.on('data', (bytes) => { complaints = (complaints + bytes).slice(-20_000); });
  const ended = new Promise((resolve) => child.once('exit', (code) => resolve(code)));
  process.once('exit', () => child.kill('SIGKILL'));
  const stop = async () => {
    child.kill('SIGTERM');
    const code = await ended;
    rmSync(folder, { recursive: true, force: true });
    return code;
  };
  const ready = new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', (line) => resolve(JSON.parse(line)));
    ended.then((code) => reject(new Error(`payoutd dev ended with ${code} before it was ready:\n${complaints}`)));
    setTimeout(() => reject(new Error(`not ready in time:\n${complaints}`)), READY_WITHIN_MS).unref();
  });
  try {
    return { ...(await ready), stop, complaints: () => complaints };
  } catch (error) {
    await stop();
    throw error;
  }
}

// One request. `key`: the name of one of the service's keys, or null for none. `body` is sent as it is
// when it is a string, else as JSON.
export async function ask(service, { method = 'GET', path, query = {}, headers = {}, key = 'admin', body }) {
  const url = new URL(service.url + path);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  const given = { ...headers };
  if (key) given.authorization = `Bearer ${service.keys[key] ?? key}`;
  if (body !== undefined) given['content-type'] ??= 'application/json';
  const response = await fetch(url, {
    method, headers: given, body: typeof body === 'string' || body === undefined ? body : JSON.stringify(body),
  });
  const text = await response.text();
  const type = (response.headers.get('content-type') ?? '').split(';')[0];
  return { status: response.status, type, headers: response.headers, text,
    json: type === 'application/json' ? JSON.parse(text) : undefined };
}

// Faults and the clock of the simulated Stripe.
export async function simulator(service, path, body) {
  const response = await fetch(`${service.stripe_api_base}/_sim/${path}`,
    { method: 'POST', body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`the simulator refused ${path}: ${await response.text()}`);
  return response.json();
}
