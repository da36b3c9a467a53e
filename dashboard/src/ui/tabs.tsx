import { Tabs as Base } from '@base-ui/react/tabs';
import type { ReactNode } from 'react';

/** One view of a page. */
export interface Tab<T extends string> {
  readonly value: T;
  readonly label: string;
  /** A number beside the label, or a mark that something in it is wrong. */
  readonly mark?: ReactNode;
  readonly content: ReactNode;
}

interface TabsProps<T extends string> {
  readonly value: T;
  /** Put it in the URL, so that the view can be shared. */
  readonly onValue: (value: T) => void;
  readonly tabs: readonly Tab<T>[];
  readonly label: string;
}

/** Several views of one thing; arrow keys move between them. */
export function Tabs<T extends string>({ value, onValue, tabs, label }: TabsProps<T>) {
  return (
    <Base.Root value={value} onValueChange={(next) => onValue(next as T)}>
      <Base.List aria-label={label} className="flex gap-1 overflow-x-auto border-b">
        {tabs.map((tab) => (
          <Base.Tab
            key={tab.value}
            value={tab.value}
            className="-mb-px flex h-9 items-center gap-1.5 border-b-2 border-transparent px-3 text-sm font-medium whitespace-nowrap text-muted outline-offset-[-2px] hover:text-ink data-active:border-accent data-active:text-ink"
          >
            {tab.label}
            {tab.mark}
          </Base.Tab>
        ))}
      </Base.List>
      {tabs.map((tab) => (
        <Base.Panel key={tab.value} value={tab.value} className="pt-4 outline-offset-4">
          {tab.content}
        </Base.Panel>
      ))}
    </Base.Root>
  );
}
