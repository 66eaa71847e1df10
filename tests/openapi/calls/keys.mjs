import { paging, wrongPaging } from './shared.mjs';

const name = 'made by the contract test';
const body = { name, role: 'viewer', expires_at: '2099-01-01T00:00:00Z' };

async function makeKey(world) {
  const made = await world.ask({ method: 'POST', path: '/api/keys', body: { name, role: 'viewer' } });
  return made.json.id;
}

export default {
  post_keys: {
    good: [{ body, check: (answer) => answer.json.key.startsWith('pk_payoutd_') },
      { body: { name, role: 'system' } }],
    refused: [
      { body: {}, status: 422, code: 'validation_error' },
      { body: { name, role: 'emperor' }, status: 422 },
      { body: { name, role: 'viewer', colour: 'red' }, status: 422 },
      { body: '{', status: 400, code: 'invalid_json' },
      { body: { ...body, name: 'x'.repeat(70_000) }, status: 413, code: 'body_too_large' },
    ],
  },
  get_keys: { good: [{}, { query: { include: 'total' } }], parameters: paging, refused: wrongPaging },
  get_keys_id: { path: { id: makeKey }, good: [{}] },
  delete_keys_id: {
    path: { id: makeKey },
    good: [{ check: (answer) => answer.json.revoked_at !== null }],
    refused: [{ path: { id: (world) => world.onlyAdminKey() }, key: 'other_organization', status: 409, code: 'last_admin_key' }],
  },
};
