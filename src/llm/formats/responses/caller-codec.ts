import type { CallerCodec } from '../format.ts';
export const responsesCallerCodec = {} as CallerCodec;
