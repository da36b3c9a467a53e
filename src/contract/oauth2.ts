import { z } from 'zod';

/** A client that signed in to `/mcp` with OAuth. */
export const OAuth2SessionView = z.object({
  id: z.string(),
  client_id: z.string(),
  client_name: z.string().meta({ description: 'What the client calls itself.' }),
  principal: z.string().meta({ description: 'On whose behalf it calls, such as "virtual-key:…".' }),
  virtual_key: z.object({ id: z.string(), name: z.string() }).nullable(),
  scopes: z.array(z.string()),
  created_at: z.string(),
  last_used_at: z.string(),
  expires_at: z.string().meta({ description: 'When it ends unless it is used before.' }),
});
export type OAuth2SessionView = z.infer<typeof OAuth2SessionView>;

export const OAuth2SessionList = z.object({ sessions: z.array(OAuth2SessionView) });

/** A sign-in that waits for a decision, as the browser that began it sees it. */
export const ConsentFlow = z.object({
  id: z.string(),
  client_id: z.string(),
  client_name: z.string(),
  redirect_host: z.string(),
  scopes: z.array(z.string()),
  modes: z.array(z.enum(['vk', 'user', 'session'])).meta({ description: 'In whose name the client may call.' }),
  user: z.object({ id: z.string(), name: z.string() }).nullable(),
  expires_at: z.string(),
});
export type ConsentFlow = z.infer<typeof ConsentFlow>;

/** The decision on it. */
export const ConsentDecision = z.discriminatedUnion('mode', [
  z.object({ mode: z.literal('vk'), value: z.string().meta({ description: 'A virtual key.' }) }),
  z.object({ mode: z.literal('user') }),
  z.object({ mode: z.literal('session') }),
  z.object({ mode: z.literal('deny') }),
]);
export type ConsentDecision = z.infer<typeof ConsentDecision>;

export const ConsentResult = z.object({
  redirect_url: z.string().meta({ description: 'Where to send the browser.' }),
});
