export default {
  get_healthz: { good: [{ check: (answer) => answer.json.status === 'ok' }] },
  get_readyz: { good: [{ check: (answer) => answer.json.status === 'ready' }] },
  get_metrics: { good: [{ check: (answer) => answer.text.includes('# TYPE payoutd_database_up gauge') }] },
  get_openapi_json: { good: [{ check: (answer) => answer.json.openapi === '3.1.0' }] },
  get_docs: { good: [{ check: (answer) => answer.text.startsWith('<!doctype html>') }] },
};
