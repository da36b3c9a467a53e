import { parseArgs } from 'node:util';
import type { TargetName } from './targets.ts';
import { isModelTarget, TARGETS } from './targets.ts';

/** What a run measures. `start` is the time to start and the idle memory of the gateway. */
export type Part = TargetName | 'start';

/** The settings of one run. */
export interface Options {
  parts: Part[];
  connections: number;
  seconds: number;
  rounds: number;
  /** All that is usually measured, and nothing else. */
  isWhole: boolean;
  profile?: TargetName;
  /** Folder of another build, to be measured in the same rounds. */
  against?: string;
}

const parts = [...(Object.keys(TARGETS) as TargetName[]), 'start'] as const;

/** Targets with their like of another build. */
const BEFORE: readonly [now: TargetName, before: TargetName][] = [
  ['asbru', 'asbru-before'],
  ['pages-asbru', 'pages-before'],
  ['chat-asbru', 'chat-before'],
  ['paced-asbru', 'paced-before'],
  ['whole-asbru', 'whole-before'],
  ['tools-asbru', 'tools-before'],
];
/** What is measured where nothing is said. */
const usual = parts.filter((part) => !BEFORE.some(([, before]) => before === part));

const help = `node bench/run.ts [options]     measures the gateway against its budgets, in seven minutes

  --only A,B          only these parts, or "mcp" and "inference" for all of a kind:
                      ${parts.join(', ')}
  --connections N     clients that call at the same time (32)
  --seconds N         length of one measurement (2)
  --rounds N          measurements of each target (7)
  --profile NAME      profiles the process of that target and prints where its time goes; without --only
                      it runs only NAME and what is behind it, and it never counts as a result
  --against DIR       also measures the build of another checkout, DIR/dist, beside the same targets of this one
  --help              this text

Linux only: CPU time and memory are read from /proc.`;

/** Reads the command line. Undefined: the help was asked for, and is printed. */
export function readOptions(args: string[]): Options | undefined {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string' },
      connections: { type: 'string', default: '32' },
      seconds: { type: 'string', default: '2' },
      rounds: { type: 'string', default: '7' },
      profile: { type: 'string' },
      against: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    console.log(help);
    return undefined;
  }
  const profile =
    values.profile === undefined ? undefined : (asPart(values.profile, Object.keys(TARGETS)) as TargetName);
  const only =
    values.only ??
    (profile === undefined ? 'mcp,inference' : `${isModelTarget(profile) ? 'chat-model' : 'direct'},${profile}`);
  const asked = new Set(only.split(',').flatMap((name) => partsIn(name.trim())));
  if (profile !== undefined) asked.add(profile);
  for (const [now, before] of values.against === undefined ? [] : BEFORE) if (asked.has(now)) asked.add(before);
  return {
    parts: parts.filter((part) => asked.has(part)),
    isWhole: asked.size === usual.length && values.against === undefined,
    connections: asNumber('connections', values.connections, 1, true),
    seconds: asNumber('seconds', values.seconds, 0.1, false),
    rounds: asNumber('rounds', values.rounds, 1, true),
    ...(profile === undefined ? {} : { profile }),
    ...(values.against === undefined ? {} : { against: values.against }),
  };
}

function partsIn(name: string): Part[] {
  if (name === 'mcp') return usual.filter((part) => part === 'start' || !isModelTarget(part));
  return name === 'inference' ? usual.filter((part) => part !== 'start' && isModelTarget(part)) : [asPart(name, parts)];
}

function asPart(name: string, known: readonly string[]): Part {
  if (!known.includes(name)) throw new Error(`there is no "${name}"; there are ${known.join(', ')}`);
  return name as Part;
}

function asNumber(name: string, text: string, least: number, isWhole: boolean): number {
  const value = Number(text);
  const isRight = value >= least && (!isWhole || Number.isInteger(value));
  if (!isRight) throw new Error(`--${name} must be a ${isWhole ? 'whole ' : ''}number of at least ${least}`);
  return value;
}
