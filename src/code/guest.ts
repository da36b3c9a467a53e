import type { RunLimits } from './sandbox-messages.ts';

/**
 * What runs around the caller's code, in the sandbox: servers to call, a console that is collected, artifacts, and a report of
 * the end. The code could get round all of it and gain nothing: whatever it may do is decided outside.
 */
const PRELUDE = String.raw`
const __asbru = ((call, serverNames, { maxOutput, maxCalls, maxArtifacts }) => {
  const { stringify, parse } = JSON;
  const printed = { all: '', unsent: '', isCut: false };
  const pending = new Set();
  let calls = 0;
  // Uses up the one byte that the console outside has left.
  globalThis.console.log('  ');
  function show(value) {
    if (typeof value === 'string') return value;
    try {
      if (value instanceof Error) return value.name + ': ' + value.message;
      return stringify(value) ?? String(value);
    } catch {
      return '[cannot be shown]';
    }
  }
  function print(...values) {
    if (printed.isCut) return;
    const line = values.map(show).join(' ') + '\n';
    const fits = line.slice(0, maxOutput - printed.all.length);
    printed.isCut = fits.length < line.length;
    printed.all += fits;
    printed.unsent += fits;
  }
  class ToolError extends Error {
    name = 'ToolError';
  }
  function valueOf({ isError, structuredContent, content = [] }, facts) {
    const isText = content.every(({ type }) => type === 'text');
    const text = content.map((block) => block.text ?? '').join('');
    if (isError) throw Object.assign(new ToolError(text || 'the tool failed'), facts, { code: 'tool_error' });
    if (structuredContent !== undefined) return structuredContent;
    if (!isText) return content;
    try {
      const value = parse(text);
      // A number that would lose digits stays a text.
      return typeof value === 'object' || stringify(value) === text.trim() ? value : text;
    } catch {
      return text;
    }
  }
  async function ask(server, tool, args) {
    if ((calls += 1) > maxCalls)
      throw Object.assign(new ToolError('this run has made its ' + maxCalls + ' calls'), { server, tool, code: 'too_many_calls' });
    const [first = {}] = args;
    if (args.length > 1 || typeof first !== 'object' || first === null || Array.isArray(first))
      throw new TypeError(server + '.' + tool + ' takes one object: ' + server + '.' + tool + '({ name: value })');
    const said = printed.unsent;
    printed.unsent = '';
    const answer = await call(server, tool, stringify(first) ?? '', said);
    const body = parse(answer.slice(1));
    if (answer[0] === 'R') return valueOf(body, { server, tool });
    throw Object.assign(new ToolError(body.message), { server, tool, code: body.code });
  }
  function track(asked) {
    // Where the code called is known only now: a promise that fails does not tell.
    const { stack } = new Error();
    const promise = asked.catch((error) => {
      if (error instanceof Error) error.stack = stack;
      throw error;
    });
    pending.add(promise);
    const done = () => pending.delete(promise);
    promise.then(done, done);
    return promise;
  }
  const globals = {
    console: Object.freeze({ log: print, info: print, debug: print, warn: print, error: print }),
    artifacts: {},
  };
  for (const server of serverNames)
    globals[server] = new Proxy(Object.freeze({}), {
      get: (target, tool) =>
        typeof tool === 'symbol' || tool === 'then' || tool in target
          ? target[tool]
          : (...args) => track(ask(server, tool, args)),
    });
  const before = new Map();
  async function load() {
    Object.assign(globals.artifacts, parse(await call('', 'artifacts', '{}', '')));
    for (const name of Object.keys(globals.artifacts)) before.set(name, stringify(globals.artifacts[name]));
  }
  function changes() {
    const set = {};
    const removed = [...before.keys()].filter((name) => globals.artifacts[name] === undefined);
    let size = 0;
    for (const name of Object.keys(globals.artifacts)) {
      let text;
      try {
        text = stringify(globals.artifacts[name]);
      } catch {}
      if (text === undefined || text === before.get(name)) continue;
      size += name.length + text.length;
      if (size > maxArtifacts) print('artifact "' + name + '" was not kept: too large');
      else set[name] = text;
    }
    return { set, removed };
  }
  function describe(error) {
    const text = (read) => {
      try {
        const value = read();
        return value === undefined ? undefined : String(value).slice(0, 4000);
      } catch {
        return undefined;
      }
    };
    if (!(error instanceof Error)) return { name: 'Error', message: show(error).slice(0, 4000) };
    return {
      name: text(() => error.name),
      message: text(() => error.message),
      code: text(() => error.code),
      stack: text(() => error.stack),
    };
  }
  async function run(body) {
    const end = {};
    try {
      const value = await body();
      const text = stringify(value, null, 2);
      if (text !== undefined) Object.assign(end, { value: text.slice(0, maxOutput), size: text.length });
    } catch (error) {
      end.error = describe(error);
    }
    // Calls that nobody awaited run all the same.
    while (pending.size > 0) await Promise.allSettled([...pending]);
    const artifacts = changes();
    return stringify({ ...end, artifacts, output: printed.all, isCut: printed.isCut });
  }
  return { globals, load, run };
})`.trim();

/** Characters of artifacts that one run may add. */
export const MAX_ARTIFACTS = 512 * 1024;
/** The lines that the sandbox itself puts before all source. */
const WRAPPER_LINES = 2;

interface Guest {
  readonly servers: readonly string[];
  readonly limits: Pick<RunLimits, 'output' | 'calls'>;
  readonly hasArtifacts: boolean;
}

/** The whole source of a run, around code that has no types left. */
export function writeGuest(code: string, { servers, limits, hasArtifacts }: Guest): string {
  const names = ['console', 'artifacts', ...servers].join(', ');
  const bounds = { maxOutput: limits.output, maxCalls: limits.calls, maxArtifacts: MAX_ARTIFACTS };
  const head = [
    `${PRELUDE}(asbru.call, ${JSON.stringify(servers)}, ${JSON.stringify(bounds)});`,
    hasArtifacts ? 'await __asbru.load();' : '',
    `const { ${names} } = __asbru.globals;`,
    // A function of its own, so that the code may give its variables any name.
    'return await __asbru.run(async () => { "use strict";',
  ].join('\n');
  return `${head}\n${code}\n});`;
}

/** How many lines stand before the caller's code. */
const OFFSET = PRELUDE.split('\n').length + 3;

/** The line of the caller's code that a stack names first; a stack from inside also counts the lines of the sandbox. */
export function lineIn(stack: string | undefined, isFromInside: boolean): number | undefined {
  for (const [, line] of (stack ?? '').matchAll(/run\.js:(\d+)/g)) {
    const own = Number(line) - OFFSET - (isFromInside ? WRAPPER_LINES : 0);
    if (own >= 1) return own;
  }
  return undefined;
}
