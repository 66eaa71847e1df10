import { paging, wrongPaging } from './shared.mjs';

const byDefault = (world) => world.accounts[0];

export default {
  get_accounts: {
    good: [{ check: (answer, world) => answer.json.data.find((one) => one.is_default).id === byDefault(world) },
      { query: { include: 'total' } }],
    parameters: paging,
    refused: wrongPaging,
  },
  put_accounts_id_default: {
    path: { id: byDefault },
    good: [{ check: (answer, world) => answer.json.is_default && answer.json.id === byDefault(world) }],
    refused: [{ before: (world) => world.deauthorize(world.accounts[0]), after: (world) => world.authorize(world.accounts[0]),
      status: 409, code: 'account_deauthorized' }],
  },
};
