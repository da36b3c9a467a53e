import { join } from 'node:path';
import type { Call, Peer } from './peer-server.ts';
import { filesystemServer, startHttpServer, startPython, stdioServer } from './start-server.ts';

const work = 'trigger-long-running-operation';

const everything = {
  tools: ['echo', 'get-sum', 'get-tiny-image', 'get-structured-content', 'get-resource-links', work],
  call: { tool: 'get-sum', args: { a: 2, b: 40 }, text: '42' },
  resource: { uri: 'demo://resource/static/document/features.md', text: 'Features' },
  prompt: { name: 'args-prompt', args: { city: 'Oslo' }, text: 'Oslo' },
  elicitation: { tool: 'trigger-elicitation-request', args: {}, text: 'Ada' },
  sampling: {
    tool: 'trigger-sampling-request',
    args: { prompt: 'Hello', maxTokens: 10 },
    text: 'Said by the model of the client',
  } satisfies Call,
  work,
};

/** The servers; each stands behind a gateway of its own. */
export const SERVERS: readonly Peer[] = [
  { name: 'everything stdio', subject: everything, start: (home) => stdioServer(home, 'everything', ['stdio']) },
  { name: 'everything HTTP', subject: everything, start: (home) => startHttpServer(home, 'streamableHttp') },
  { name: 'everything SSE', subject: everything, start: (home) => startHttpServer(home, 'sse') },
  {
    name: 'filesystem stdio',
    subject: {
      tools: ['read_text_file', 'list_directory', 'write_file'],
      call: { tool: 'read_text_file', args: { path: 'hello.txt' }, text: 'Hello from the file' },
    },
    start: filesystemServer,
  },
  {
    name: 'memory stdio',
    subject: {
      tools: ['create_entities', 'read_graph', 'search_nodes'],
      call: { tool: 'read_graph', args: {}, text: '"entities"' },
      resource: { uri: 'memory://knowledge-graph', text: 'entities' },
    },
    start: (home) => stdioServer(home, 'memory', [], [`MEMORY_FILE_PATH=${join(home.folder, 'memory.jsonl')}`]),
  },
  {
    name: 'Python HTTP',
    subject: {
      tools: ['echo', 'ask_name', 'ask_llm', 'work'],
      call: { tool: 'echo', args: { message: 'hello' }, text: 'Echo: hello' },
      resource: { uri: 'peer://greeting', text: 'Good morning' },
      prompt: { name: 'greet', args: { city: 'Oslo' }, text: 'Oslo' },
      elicitation: { tool: 'ask_name', args: {}, text: 'The name is Ada' },
      sampling: { tool: 'ask_llm', args: {}, text: 'Said by the model of the client' },
      work: 'work',
    },
    start: startPython,
  },
];
