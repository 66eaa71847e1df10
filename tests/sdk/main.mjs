// One process and one simulator: the files run in turn, since injected faults belong to everybody.
// Needs STRIPE_API_BASE ("http://127.0.0.1:12111") and STRIPE_SECRET_KEY of a running simulator.
import { after } from 'node:test';
import { agent } from './simulator.mjs';
import './objects_test.mjs';
import './lists_test.mjs';
import './errors_test.mjs';
import './retries_test.mjs';
import './webhooks_test.mjs';

after(() => agent.destroy());
