import type {
  BudgetOverride,
  BudgetView,
  QuotaView,
  VirtualKeyCreate,
  VirtualKeyUpdate,
  VirtualKeyView,
} from '../contract/governance.ts';
import type { KeyPage } from '../store/virtual-keys.ts';
import type { Actor } from './audit.ts';

/** A budget and what it allows with its override. */
export interface OverrideView {
  readonly budget: BudgetView;
  readonly effective_max_limit: number;
}

/** Reads and writes of virtual keys. */
export interface KeyDirectory {
  /** A page, oldest first, and how many there are in all. */
  list(page: KeyPage): Promise<{ virtual_keys: VirtualKeyView[]; total_count: number }>;
  get(id: string): Promise<VirtualKeyView>;
  create(body: VirtualKeyCreate, actor: Actor): Promise<VirtualKeyView>;
  update(id: string, body: VirtualKeyUpdate, actor: Actor): Promise<VirtualKeyView>;
  remove(id: string, actor: Actor): Promise<void>;
  rotate(id: string, actor: Actor): Promise<VirtualKeyView>;
  /** All of them or, when one is unknown, none. */
  rotateAll(ids: readonly string[], actor: Actor): Promise<VirtualKeyView[]>;
  /** Allows more than a budget says. */
  override(budget: BudgetOfKey, body: BudgetOverride, actor: Actor): Promise<OverrideView>;
  endOverride(budget: BudgetOfKey, actor: Actor): Promise<OverrideView>;
  quota(id: string): Promise<QuotaView>;
  /** Deletes the keys that have expired and are to be deleted then; gives how many. */
  removeExpired(now: number): Promise<number>;
}

/** Which budget of which key. */
export interface BudgetOfKey {
  readonly id: string;
  readonly budgetId: string;
}
