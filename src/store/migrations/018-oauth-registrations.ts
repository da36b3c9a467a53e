import type { ReversibleMigration } from './reversible.ts';

/** As which client a sign-in began and a token was given: a later registration is not good for them. */
export function oauthRegistrations(): ReversibleMigration {
  return {
    async up({ schema }) {
      await schema.alterTable('oauth_flows').addColumn('registration', 'text').execute();
      await schema.alterTable('oauth_tokens').addColumn('registration', 'text').execute();
    },
    async down({ schema }) {
      await schema.alterTable('oauth_tokens').dropColumn('registration').execute();
      await schema.alterTable('oauth_flows').dropColumn('registration').execute();
    },
  };
}
