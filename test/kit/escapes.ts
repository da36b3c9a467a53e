/** One attempt of code to get out of its sandbox, or to harm whoever else is served. */
export interface Escape {
  readonly name: string;
  readonly code: string;
  /** What the answer of the run must look like when the attempt failed. */
  readonly ends: RegExp;
}

/** The call that code can make, with any server that has the test tools. */
const ECHO = (args: string): string => `await c1.echo(${args})`;
const DONE = /Execution completed successfully/;
/** Ends such as this show only after the whole time of a run. */
export const TIME = /the run took more than/;
/** Nothing of Node, and nothing that the host keeps. */
const NOTHING = /Return value: "nothing"/;
const MEMORY = /MB of memory/;

/** Code that tries every way out that we know of. Each attempt returns "nothing" where it got nothing. */
export const ESCAPES: readonly Escape[] = [
  {
    name: 'globals of Node',
    code: `const names = ['process', 'require', 'module', 'Buffer', 'fetch', 'setTimeout', 'XMLHttpRequest', 'WebAssembly', 'SharedArrayBuffer', 'Atomics', 'std', 'os', 'Deno', 'Bun'];
      return names.filter((name) => globalThis[name] !== undefined).join() || 'nothing'`,
    ends: NOTHING,
  },
  { name: 'eval', code: `return eval('1')`, ends: /not a function/ },
  {
    name: 'the Function constructor',
    code: `return Function('return this')()`,
    ends: /Function constructor is not allowed/,
  },
  {
    name: 'constructors of functions of every kind',
    code: `const kinds = [() => 1, async () => 1, function* () {}, async function* () {}, c1.echo, console.log, Object.getPrototypeOf];
      const got = kinds.map((kind) => { try { return kind.constructor('return 1')(); } catch { return undefined; } });
      return got.some((value) => value === 1) ? 'code from text' : 'nothing'`,
    ends: NOTHING,
  },
  {
    name: 'the constructor of what a tool answers',
    code: `const answer = ${ECHO(`{ text: '{"a":1}' }`)};
      try { return answer.constructor.constructor('return process')().pid } catch { return 'nothing' }`,
    ends: NOTHING,
  },
  {
    name: 'the constructor of what a tool throws',
    code: `try { await c1.fail() } catch (error) {
        try { return error.constructor.constructor('return process')().pid } catch { return 'nothing' } }`,
    ends: NOTHING,
  },
  {
    name: 'prototypes of builtins',
    code: `Object.prototype.isError = false; return 'changed'`,
    ends: /TypeError/,
  },
  {
    name: 'prototypes that the report goes through',
    code: `Array.prototype.map = () => ['x']; return 'changed'`,
    ends: /TypeError/,
  },
  {
    name: 'JSON itself',
    code: `JSON.stringify = () => '{"forged":true}'; return 'changed'`,
    ends: /TypeError/,
  },
  {
    name: '__proto__ in arguments',
    code: `const answer = await c1.echo(JSON.parse('{"text":"x","__proto__":{"isError":true}}')); return answer`,
    ends: DONE,
  },
  {
    name: 'toJSON of arguments',
    code: `return ${ECHO(`{ toJSON() { return 'no object'; } }`)}`,
    ends: /arguments of a tool are one object/,
  },
  {
    name: 'getters and symbols of the servers',
    code: `const got = [c1[Symbol.toPrimitive], c1[Symbol.iterator], c1.then, c1.__proto__, Object.getPrototypeOf(c1) === Object.prototype];
      return String(got) === ',,,[object Object],true' ? 'nothing' : String(got)`,
    ends: NOTHING,
  },
  {
    name: 'the bridge by hand',
    code: `const answer = await asbru.call('c1', 'echo', '[1]', ''); return answer[0] === 'E' ? 'nothing' : answer`,
    ends: NOTHING,
  },
  {
    name: 'the bridge with things that are no texts',
    code: `const answer = await asbru.call({}, [], null, new Map()); return answer[0] === 'E' ? 'nothing' : answer`,
    ends: NOTHING,
  },
  {
    name: 'other functions of the bridge',
    code: `try { return await asbru.constructor('return process') } catch { return 'nothing' }`,
    ends: NOTHING,
  },
  {
    name: 'a way out of the wrapper',
    code: `}); globalThis.out = 1; (async () => {`,
    ends: /Execution|left without a report/,
  },
  { name: 'import()', code: `const fs = await import('node:fs'); return fs`, ends: /Execution runtime error/ },
  { name: 'import', code: `import fs from 'node:fs'; return fs`, ends: /Execution syntax error/ },
  { name: 'import.meta', code: `return import.meta.url`, ends: /Execution syntax error/ },
  { name: 'an endless loop', code: `while (true) {}`, ends: TIME },
  {
    name: 'an endless loop with calls',
    code: `while (true) { try { ${ECHO(`{ text: 'x' }`)} } catch {} }`,
    ends: TIME,
  },
  { name: 'a promise that never settles', code: `await new Promise(() => {})`, ends: TIME },
  {
    name: 'promises that beget promises',
    code: `const beget = () => Promise.resolve().then(beget); await beget()`,
    ends: /the run took more than|MB of memory/,
  },
  { name: 'a regular expression that backtracks', code: `return /(a+)+$/.test('a'.repeat(40) + 'b')`, ends: TIME },
  { name: 'a long native loop', code: `return new Array(1e9).join('x').length`, ends: TIME },
  {
    name: 'a bomb of texts',
    code: `const all = []; while (true) all.push('x'.repeat(1e6) + all.length)`,
    ends: MEMORY,
  },
  { name: 'a bomb of objects', code: `const all = []; while (true) all.push({ all })`, ends: MEMORY },
  {
    name: 'a bomb of buffers',
    code: `const all = []; while (true) all.push(new Uint8Array(1e6).fill(1))`,
    ends: MEMORY,
  },
  { name: 'one huge text', code: `return 'x'.repeat(2 ** 29)`, ends: MEMORY },
  {
    name: 'endless recursion',
    code: `const down = () => down() + 1; return down()`,
    ends: /call stack|Execution runtime error/,
  },
  {
    name: 'huge output',
    code: `for (let i = 0; i < 1000; i += 1) console.log('x'.repeat(1000)); return 1`,
    ends: /is not shown/,
  },
  { name: 'a huge value', code: `return 'x'.repeat(1e6)`, ends: /the first \d+ of 1000002 characters/ },
  {
    name: 'a value with a hostile toJSON',
    code: `return { toJSON() { while (true) {} } }`,
    ends: TIME,
  },
  {
    name: 'a thrown thing that must not be looked at',
    code: `throw new Proxy({}, { get() { throw 1 }, getPrototypeOf() { throw 2 } })`,
    ends: /Execution runtime error/,
  },
  {
    name: 'a flood of calls',
    code: `await Promise.all(Array.from({ length: 2000 }, () => c1.echo({ text: 'x' })))`,
    ends: /too_many_calls/,
  },
  {
    name: 'a flood of calls past the counter',
    code: `await Promise.all(Array.from({ length: 2000 }, () => asbru.call('c1', 'echo', '{"text":"x"}', '')))`,
    ends: /Execution runtime error/,
  },
  {
    name: 'a flood of artifacts',
    code: `for (let i = 0; i < 50; i += 1) artifacts['a' + i] = 'x'.repeat(1e5); return 'done'`,
    ends: /was not kept/,
  },
  {
    name: 'nesting that breaks parsers',
    code: `x = ${'['.repeat(20_000)}${']'.repeat(20_000)}`,
    ends: /nested too deeply/,
  },
  {
    name: 'the console of the host',
    code: `globalThis.console.log('ESCAPED'); globalThis.console.error('ESCAPED'); return 'nothing'`,
    ends: NOTHING,
  },
];
