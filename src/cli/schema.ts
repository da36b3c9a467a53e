import { z } from 'zod';
import { ConfigFile } from '../contract/config.ts';

/** The JSON Schema of config.json, for editors: `asbru schema > config.schema.json`. */
export function configSchema(): string {
  const schema = z.toJSONSchema(ConfigFile, { io: 'input', unrepresentable: 'any' });
  return JSON.stringify({ title: 'Asbru config.json', ...schema }, undefined, 2);
}
