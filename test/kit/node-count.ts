/** So many gateways stand for one in a run of `npm run nodes`, behind a balancer that sends each request to the next. */
export const NODE_COUNT = Number(process.env['ASBRU_TEST_NODES'] ?? 1);
