/** HTTP towards a place that somebody else named; the guard against private addresses is behind it. */
export type Fetch = (url: string | URL, init?: RequestInit) => Promise<Response>;

/** The way out for what concerns the MCP server at this address, which decides where documents that it names may lead. */
export type FetchFor = (server: string | undefined) => Fetch;
