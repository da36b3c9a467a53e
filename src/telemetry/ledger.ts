import type { CallEnd, CallStart } from '../store/ledger-rows.ts';
export interface Entry {
  end(end: CallEnd): void;
}
export interface Ledger {
  begin(start: CallStart): Entry;
}
