/** What a process does with messages of the others on its database. */
export interface LinkOptions {
  /** What to do with the messages of each channel. Its own do not have to come back, but may. */
  readonly hear: Readonly<Record<string, (message: object) => void>>;
  /** Messages were lost. */
  readonly reloadAll: () => Promise<void>;
  readonly onError: (error: unknown) => void;
}

/** The way to the other processes on a database. */
export interface Link {
  /** Sends a message to everybody who hears this channel. Messages of one process arrive in their order. */
  send(channel: string, message: object): Promise<void>;
  close(): Promise<void>;
}
