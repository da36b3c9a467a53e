import { parseArgs } from 'node:util';

/** What a run tries: everything whose name contains the given text. */
export interface Options {
  readonly client: string;
  readonly server: string;
  readonly way: string;
  /** Show what was sent and answered in each failure. */
  readonly trace: boolean;
  /** Show what was not tried, and why. */
  readonly gaps: boolean;
}

const help = `npm run peers -- [options]     tries real MCP clients and servers, with and without the gateway between them

  --client TEXT   only clients whose name contains it
  --server TEXT   only servers whose name contains it
  --way TEXT      only direct, gateway or "gateway /sse"
  --trace         shows what was sent and answered in each failure
  --gaps          shows what was not tried, and why
  --help          this text`;

/** Reads the command line. Undefined: the help was asked for, and is printed. */
export function readOptions(args: string[]): Options | undefined {
  const text = { type: 'string', default: '' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    args,
    options: { client: text, server: text, way: text, trace: flag, gaps: flag, help: flag },
  });
  if (!values.help) return values;
  console.log(help);
  return undefined;
}
