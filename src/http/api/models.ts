import { z } from 'zod';
import { FoundModels } from '../../contract/model.ts';
import type { FindModels } from '../../llm/find-models.ts';
import { commaList, flag, refuse, unlessEmpty, wholeNumber } from '../query.ts';
import { route, type Route } from '../route.ts';

const ModelQuery = z.object({
  query: z.string().max(256, 'must be at most 256 characters').optional().meta({
    description: 'Words that all stand in "provider/name", in any case. Names that begin with it come first.',
  }),
  provider: z.string().optional().meta({ description: 'Only the models of this provider.' }),
  keys: commaList('Comma list of ids of provider keys: only the models that one of them may be used for.'),
  limit: wholeNumber('Models in the answer, 1 to 1000; 5 unless said.'),
  unfiltered: flag('Also the models that no key may be used for.'),
});

/** `/api/models`: what there is to choose from where a model is to be named. */
export function modelRoutes(findModels: FindModels): readonly Route[] {
  return [
    route({
      method: 'get',
      path: '/api/models',
      summary: 'Find models',
      description:
        'The models of the configured providers that may be used with a key of theirs, or with none where none is wanted: what ' +
        'the providers list (kept for an hour, as for /v1/models), and what `models` and `aliases` of the keys name. A provider ' +
        'that fails or takes longer than two seconds is named in `problems`; the answer has what is known without it. Whose ' +
        'virtual key may ask for a model is not looked at.',
      scope: 'read',
      query: ModelQuery,
      response: FoundModels,
      handle({ query: { query, provider, keys, limit = 5, unfiltered = false } }) {
        if (limit < 1 || limit > 1000) throw refuse('limit', 'must be 1 to 1000');
        return findModels({ query, provider, keyIds: unlessEmpty(keys), limit, isUnfiltered: unfiltered });
      },
    }),
  ];
}
