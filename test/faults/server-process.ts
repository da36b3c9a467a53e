/** A server in a process of its own, to be killed or stopped: node server-process.ts PORT, over HTTP. It says which calls it runs. */
import { startUpstream } from '../kit/upstream.ts';

const upstream = await startUpstream({ port: Number(process.argv[2]) });
const { calls } = upstream.host;
const note = calls.push.bind(calls);
calls.push = (...given) => {
  for (const call of given) process.send?.(call.arguments['text']);
  return note(...given);
};
process.once('disconnect', () => process.exit());
process.send?.({ url: upstream.url });
