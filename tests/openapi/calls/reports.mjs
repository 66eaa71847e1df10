import { account, foreignAccount, paging, wrongPaging } from './shared.mjs';

const DAY_MS = 86_400_000;
const dayAfter = (time, days) => new Date(Date.parse(time) + days * DAY_MS).toISOString().slice(0, 10);

const start = { value: (plain) => dayAfter(plain.json.start, 5),
  shows: (answer, plain) => answer.json.start.startsWith(dayAfter(plain.json.start, 5)) };
const end = { value: (plain) => dayAfter(plain.json.end, -4),
  shows: (answer, plain) => answer.json.end.startsWith(dayAfter(plain.json.end, -3)) };  // the day is included
const zone = { value: 'Asia/Tokyo', shows: (answer) => answer.json.timezone === 'Asia/Tokyo' };
const group = { value: 'week', shows: (answer, plain) => answer.json.group_by === 'week'
  && answer.json.periods.length < plain.json.periods.length };

// What every report takes.
const common = {
  startDate: start, from_date: start, dateFrom: start,
  endDate: end, to_date: end, dateTo: end,
  timezone: zone, time_zone: zone, tz: zone,
  currency: { value: 'GBP', shows: (answer) => answer.json.currency === 'gbp' },
  account,
  format: { value: 'csv', shows: (answer) => answer.type === 'text/csv' && answer.text.includes('\r\n') },
};
const asCsv = { headers: { Accept: 'text/csv' }, check: (answer) => answer.type === 'text/csv' };
const wrong = [
  foreignAccount,
  { query: { startDate: 'yesterday' }, status: 400 },
  { query: { startDate: '2026-02-01', endDate: '2026-01-01' }, status: 400 },
  { query: { timezone: 'Nowhere/Atlantis' }, status: 400, code: 'timezone_unknown' },
  { query: { currency: 'xyz1' }, status: 400, code: 'currency_invalid' },
  { query: { format: 'xml' }, status: 400 },
];

export default {
  get_reports_revenue: {
    good: [{ check: (answer) => answer.json.total > 0 && answer.json.periods.length === 30 }, asCsv],
    parameters: { ...common, groupBy: group, group_by: group },
    refused: [...wrong, { query: { groupBy: 'year' }, status: 400 }],
  },
  get_reports_fees: {
    good: [{ check: (answer) => answer.json.total_paid > 0 }, asCsv],
    parameters: common,
    refused: wrong,
  },
  get_reports_customers: {
    good: [{ check: (answer) => answer.json.unique_customers > 0 }, asCsv],
    parameters: { ...common, limit: { value: 1, shows: (answer) => answer.json.top.length === 1 } },
    refused: [...wrong, { query: { limit: 0 }, status: 400 }],
  },
  get_reports_payout_reconciliation: {
    good: [{ check: (answer) => answer.json.data.length > 1 }, asCsv],
    parameters: {
      ...common, ...paging,
      payout: {
        value: (_plain, world) => world.automatic.stripe_payout_id,
        shows: (answer, _plain, world) => answer.json.data.length === 1 && answer.json.data[0].id === world.automatic.id,
      },
    },
    refused: [...wrong, ...wrongPaging, { query: { payout: 'po_1NotOurs' }, status: 404, code: 'payout_not_found' }],
  },
  get_reports_balance: {
    good: [{ check: (answer) => answer.json.ending_balance
      === answer.json.starting_balance + answer.json.activity.net + answer.json.payouts.net }, asCsv],
    parameters: common,
    refused: wrong,
  },
};
