// The OpenAPI document against the running program: node main.mjs <path of payoutd>
// Every operation, parameter, field, error and example of the document is tried, and what the program
// answers beyond the document fails too. What is asked of each operation stands in calls/.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import calls from './calls/index.mjs';
import { Contract, fieldsOf } from './contract.mjs';
import { testOperations } from './operations_test.mjs';
import { ask, start } from './service.mjs';
import { World } from './world.mjs';

// Shared answers that no test can bring about in a healthy program.
const UNPROVOKED = new Set(['500']);
const KEY_OF = { '': null, read: 'viewer', write: 'operator', approve: 'approver', admin: 'admin', system: 'system' };

const program = realpathSync(process.argv[2]);
const service = await start(program);
after(async () => assert.equal(await service.stop(), 0, 'payoutd dev ends with 0 when it is asked to'));
const contract = new Contract((await ask(service, { path: '/openapi.json', key: null })).json);
const world = new World(service, program);
await world.fill();

const seenFields = new Map();    // "operationId status" → fields of its answers
const seenStatuses = new Map();  // operationId → statuses answered
const seenShared = new Set();    // statuses of shared answers

const keyOf = (operation) => KEY_OF[operation['x-access'] ?? ''];
const value = (given, ...with_) => (typeof given === 'function' ? given(...with_) : given);

async function request(operation, call) {
  const names = { ...calls[operation.operationId].path, ...call.path };
  let path = call.rawPath ?? operation.path;
  for (const [name, one] of Object.entries(names)) path = path.replace(`{${name}}`, encodeURIComponent(await value(one, world)));
  return { method: operation.method, path, key: call.key === undefined ? keyOf(operation) : call.key,
    query: await value(call.query, world), headers: call.headers, body: await value(call.body, world) };
}

// Whether an answer is one of those that the document promises.
function examine(operation, answer) {
  const said = contract.response(operation, answer.status);
  const where = `${operation.operationId} ${answer.status}`;
  assert.ok(said, `${where} is not documented: ${answer.text.slice(0, 500)}`);
  assert.ok(answer.headers.get('x-request-id'), `${where} has no X-Request-Id`);
  assert.ok(answer.type in (said.response.content ?? {}), `${where} is ${answer.type}, which is not documented`);
  if (answer.json !== undefined) {
    assert.deepEqual(contract.problems(said.body.schema, answer.json), [], `${where}: ${answer.text.slice(0, 3000)}`);
    if (!seenFields.has(where)) seenFields.set(where, new Set());
    for (const field of fieldsOf(answer.json)) seenFields.get(where).add(field);
  }
  if (!seenStatuses.has(operation.operationId)) seenStatuses.set(operation.operationId, new Set());
  seenStatuses.get(operation.operationId).add(String(answer.status));
  if (said.shared) seenShared.add(String(answer.status));
}

async function run(operation, given, status) {
  const call = { ...given };
  await call.before?.(world, call);
  const answer = await ask(service, await request(operation, call));
  const expected = call.status ?? status;
  assert.equal(answer.status, expected, `${operation.operationId}: ${answer.text.slice(0, 500)}`);
  examine(operation, answer);
  if (call.code) assert.equal(answer.json.error.code, call.code, answer.text);
  if (call.check) assert.ok(await call.check(answer, world), `${operation.operationId}: ${answer.text.slice(0, 3000)}`);
  if (call.after) assert.ok(await call.after(world, call, answer), `${operation.operationId}, afterwards`);
  await world.clearFaults();
  return answer;
}

const success = (operation) => Number(Object.keys(operation.responses).find((one) => one.startsWith('2')));

describe('the document', () => {
  it('is OpenAPI 3.1', async () => {
    const validator = new Validator();
    const result = await validator.validate(structuredClone(contract.document));
    assert.ok(result.valid, JSON.stringify(result.errors, null, 2));
    assert.equal(validator.version, '3.1');
  });

  it('names each operation once, and the test has calls for exactly these', () => {
    const ids = contract.operations.map((one) => one.operationId);
    assert.equal(new Set(ids).size, ids.length);
    assert.deepEqual(Object.keys(calls).sort(), [...ids].sort());
  });

  for (const operation of contract.operations) {
    it(`${operation.operationId} has a summary, a tag, examples, and schemas that say everything`, () => {
      assert.ok(operation.summary?.length > 5, 'summary');
      assert.equal(operation.tags?.length, 1, 'tag');
      const inPath = operation.parameters.filter((one) => one.in === 'path');
      assert.deepEqual(inPath.map((one) => one.name), [...operation.path.matchAll(/{(.*?)}/g)].map((one) => one[1]));
      for (const one of operation.parameters) {
        assert.ok(one.description, `${one.name} has no description`);
        if (one.example !== undefined) assert.deepEqual(contract.problems(one.schema, one.example), [], one.name);
      }
      for (const status of Object.keys(operation.responses)) {
        const { type, body, response } = contract.response(operation, status);
        assert.ok(response.description, `${status} has no description`);
        if (status >= '400') assert.equal(body.schema.$ref, '#/components/schemas/Error', status);
        if (type === 'application/json') examineBody(body, `${operation.operationId} ${status}`);
      }
      const body = contract.resolve(operation.requestBody)?.content['application/json'];
      if (body) examineBody(body, `${operation.operationId} request`);
    });
  }

  function examineBody(body, where) {
    assert.deepEqual(contract.vague(body.schema), [], `${where}: objects without fields`);
    const examples = body.example === undefined ? Object.values(body.examples ?? {}).map((one) => one.value) : [body.example];
    assert.ok(examples.length > 0, `${where} has no example`);
    for (const one of examples) assert.deepEqual(contract.problems(body.schema, one), [], `the example of ${where}`);
  }
});

for (const operation of contract.operations.filter((one) => calls[one.operationId])) {
  const { operationId: id, method, path } = operation;
  const own = calls[id];
  const queries = operation.parameters.filter((one) => one.in === 'query').map((one) => one.name);

  describe(`${method} ${path}`, () => {
    it('answers what its schema says', async () => {
      for (const call of own.good) await run(operation, call, success(operation));
    });

    it('takes each of its parameters, and each does something', async () => {
      assert.deepEqual(Object.keys(own.parameters ?? {}).sort(), [...queries].sort(), 'the calls try exactly the documented ones');
      for (const [name, tried] of Object.entries(own.parameters ?? {})) {
        const plain = await run(operation, own.good[0], success(operation));
        plain.one = queries.includes('limit') ? await run(operation, { query: { limit: 1 } }, success(operation)) : undefined;
        const query = { ...tried.with, [name]: await value(tried.value, plain, world) };
        const answer = await run(operation, { ...own.good[0], check: undefined, query }, success(operation));
        assert.ok(tried.shows(answer, plain, world), `${name}=${query[name]} has no effect: ${answer.text.slice(0, 1000)}`);
      }
    });

    it('has no other fields in its request than the document says', async () => {
      const headers = operation.parameters.filter((one) => one.in === 'header').map((one) => one.name);
      const tried = new Set([...(own.headers ?? []), 'Idempotency-Key', 'X-Payoutd-Actor',
        ...own.good.flatMap((call) => Object.keys(call.headers ?? {}))]);
      for (const name of headers) assert.ok(tried.has(name), `no call sends ${name}`);
      const schema = contract.resolve(operation.requestBody)?.content['application/json'].schema;
      const bodies = await Promise.all(own.good.map((call) => value(call.body, world)));
      const sent = new Set([...(own.bodyFields ?? []), ...bodies.flatMap((body) => Object.keys(body ?? {}))]);
      assert.deepEqual([...sent].sort(), Object.keys(schema?.properties ?? {}).sort(), 'the calls send exactly the documented fields');
      for (const body of bodies.filter(Boolean)) assert.deepEqual(contract.problems(schema, body), []);
    });

    it('refuses in the documented words', async () => {
      for (const call of own.refused ?? []) await run(operation, call, call.status);
      await refuseStrangers();
    });

    it('says which parameters there are', async () => {
      if (keyOf(operation) === null) return;
      const answer = await run(operation, { ...own.good[0], check: undefined, after: undefined, query: { no_such: '1' } }, 400);
      const { code, message, param } = answer.json.error;
      assert.deepEqual([code, param], ['parameter_unknown', 'no_such']);
      const named = message.split('there are: ')[1].split(', ').filter((one) => one !== 'none');
      assert.deepEqual(named.sort(), [...queries].sort(), 'the program takes exactly the documented parameters');
    });

    it('takes the name of a person from a service, where a service may ask', { skip: keyOf(operation) === null }, async () => {
      const documented = operation.parameters.some((one) => one.name === 'X-Payoutd-Actor');
      const call = { ...own.good[0], key: 'system', check: undefined, headers: { 'X-Payoutd-Actor': 'alice' } };
      await run(operation, call, documented ? success(operation) : 403);
      if (documented) await run(operation, { ...call, headers: { 'X-Payoutd-Actor': 'no good name' }, code: 'actor_invalid' }, 400);
    });

    it('also answers without /api', { skip: !path.startsWith('/api/') }, async () => {
      await run(operation, { ...own.good[0], rawPath: path.slice(4) }, success(operation));
    });

    it('gives the same answer to the same Idempotency-Key', { skip: method !== 'POST' || keyOf(operation) === null }, async () => {
      const call = await request(operation, { ...own.good[0], headers: { 'Idempotency-Key': randomUUID() } });
      const first = await ask(service, call);
      assert.equal(first.headers.get('idempotent-replayed'), null, first.text);
      const second = await ask(service, call);
      examine(operation, first);
      examine(operation, second);
      assert.equal(second.headers.get('idempotent-replayed'), 'true', second.text);
      assert.deepEqual({ ...second.json, key: null }, { ...first.json, key: null });  // an API key is shown once
      const other = await ask(service, { ...call, body: { something: 'else' } });
      examine(operation, other);
      assert.deepEqual([other.status, other.json.error.code], [422, 'idempotency_key_reused']);
    });

    it('has no other methods', async () => {
      const { path: at } = await request(operation, own.good[0]);
      const answer = await ask(service, { method: 'PATCH', path: at });
      assert.equal(answer.status, 405);
      const item = contract.document.paths[path];
      const allowed = ['get', 'post', 'put', 'delete'].filter((one) => item[one]).map((one) => one.toUpperCase());
      if (item.get) allowed.push('HEAD');
      assert.deepEqual(answer.headers.get('allow').split(', ').sort(), allowed.sort());
      assert.deepEqual(contract.problems({ $ref: '#/components/schemas/Error' }, answer.json), []);
    });
  });

  // Without a key, with a wrong one, with one that may not, and for what belongs to others.
  async function refuseStrangers() {
    if (keyOf(operation) === null) return run(operation, { ...own.good[0], check: undefined, rawPath: `${path}?x=%zz` }, 400);
    const plain = { ...own.good[0], check: undefined, before: undefined, after: undefined };
    await run(operation, { ...plain, key: null, code: 'api_key_missing' }, 401);
    await run(operation, { ...plain, key: 'pk_payoutd_nonsense', code: 'api_key_invalid' }, 401);
    await run(operation, { ...plain, headers: { 'X-Payoutd-Actor': 'alice' }, code: 'actor_not_allowed' }, 403);
    if (operation['x-access'] !== 'read') await run(operation, { ...plain, key: 'viewer' }, 403);
    if (!path.includes('{')) return undefined;
    await run(operation, { ...plain, path: { id: randomUUID() } }, 404);
    await run(operation, { ...plain, path: { id: 'nonsense' } }, 404);
    return run(operation, { ...plain, key: 'other_organization' }, 404);
  }
}

describe('the program', () => {
  it('answers an unknown path in the form of every error', async () => {
    const answer = await ask(service, { path: '/api/no-such-path' });
    assert.equal(answer.status, 404);
    assert.deepEqual(contract.problems({ $ref: '#/components/schemas/Error' }, answer.json), []);
  });

  it('shows the document as a page that needs neither the internet nor a script', async () => {
    const page = await ask(service, { path: '/docs', key: null });
    assert.match(page.headers.get('content-security-policy'), /default-src 'none'/);
    const bare = page.text.replaceAll(/<script>.*?<\/script>/gs, '');
    assert.doesNotMatch(page.text.replaceAll(/<pre>.*?<\/pre>/gs, ''), /https?:|\/\/[a-z]|src=|@import|url\(|<link/i);
    const text = bare.replaceAll(/<[^>]*>/g, '').replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
    for (const operation of contract.operations) {
      assert.ok(text.includes(`${operation.method} ${operation.path}`), `${operation.method} ${operation.path} is not on the page`);
      assert.ok(text.includes(operation.summary), `the summary of ${operation.operationId} is not on the page`);
      for (const one of operation.parameters) assert.ok(text.includes(one.name), `${one.name} is not on the page`);
    }
  });
});

testOperations(world);

// Last: what was documented, and never seen.
describe('everything that the document promises', () => {
  it('of an error was seen', () => {
    const seen = new Set([...seenFields].filter(([where]) => / [45]/.test(where)).flatMap(([, fields]) => [...fields]));
    assert.deepEqual(contract.fields({ $ref: '#/components/schemas/Error' }).filter((field) => !seen.has(field)), []);
  });

  for (const operation of contract.operations.filter((one) => calls[one.operationId])) {
    it(`of ${operation.operationId} was seen`, () => {
      const missing = [];
      const answered = seenStatuses.get(operation.operationId) ?? new Set();
      for (const status of Object.keys(operation.responses)) {
        const { shared, type, body } = contract.response(operation, status);
        const seen = shared ? seenShared.has(status) || UNPROVOKED.has(status) : answered.has(status);
        if (!seen) missing.push(`status ${status}`);
        if (status >= '400' || type !== 'application/json') continue;
        const fields = seenFields.get(`${operation.operationId} ${status}`) ?? new Set();
        for (const field of contract.fields(body.schema)) {
          if (!fields.has(field) && !calls[operation.operationId].unseen?.includes(field)) missing.push(`${status} ${field}`);
        }
      }
      assert.deepEqual(missing, []);
    });
  }
});
