// Query parameters that many operations share, and what each must do to the answer.
//   value   what is given; a function of the answer without the parameter, where it depends on that
//   with    further parameters
//   shows   whether the answer, beside the one without the parameter, shows the effect
export const every = (holds) => (answer) => answer.json.data.length > 0 && answer.json.data.every(holds);
const first = (answer) => JSON.stringify(answer.json.data[0]);
const startsAtTheSecond = (answer, plain) => first(answer) === JSON.stringify(plain.json.data[1]);
const refuses = (status, code) => ({ status, code });

export const paging = {
  limit: { value: 2, shows: (answer) => answer.json.data.length === 2 && answer.json.has_more },
  cursor: { value: (plain) => plain.one.json.next_cursor, with: { limit: 1 }, shows: startsAtTheSecond },
  starting_after: { value: (plain) => plain.one.json.next_cursor, with: { limit: 1 }, shows: startsAtTheSecond },
  offset: { value: 1, shows: startsAtTheSecond },
  page: { value: 2, with: { limit: 1 }, shows: startsAtTheSecond },
  include: { value: 'total', shows: (answer) => answer.json.total >= answer.json.data.length },
};

export const wrongPaging = [
  { query: { limit: 0 }, status: 400 },
  { query: { limit: 101 }, status: 400 },
  { query: { offset: -1 }, status: 400 },
  { query: { page: 1, offset: 1 }, status: 400, code: 'parameter_ambiguous' },
  { query: { cursor: 'nonsense' }, status: 400, code: 'invalid_cursor' },
  { query: { include: 'nonsense' }, status: 400 },
];

const middle = (plain) => plain.json.data[Math.floor(plain.json.data.length / 2)].created;
const since = { value: middle, shows: (answer, plain) => every((row) => row.created >= middle(plain))(answer) };
const until = { value: middle, shows: (answer, plain) => every((row) => row.created <= middle(plain))(answer) };
export const dates = {
  startDate: since, from_date: since, dateFrom: since,
  endDate: until, to_date: until, dateTo: until,
};
export const wrongDates = [
  { query: { startDate: 'yesterday' }, status: 400 },
  { query: { startDate: '2026-01-01', dateFrom: '2026-01-02' }, status: 400, code: 'parameter_ambiguous' },
];

export const account = {
  value: (_plain, world) => world.accounts[1],
  shows: (answer, _plain, world) => (answer.json.data
    ? every((row) => row.account === world.accounts[1])(answer)
    : answer.json.account === world.accounts[1]),
};
export const foreignAccount = { query: { account: 'acct_1NotOurs' }, ...refuses(404, 'account_not_found') };

// Values that no row has: accepted, and nothing is found.
export const matchesNothing = (value) => ({ value, shows: (answer) => answer.json.data.length === 0 });
