import { type TSchema, Type } from 'typebox';

/** What the registry's maintenance is asked for, for the API's description; the registry itself checks what it gets. */

const dryRun = Type.Optional(Type.Boolean({ description: 'Says what would go, and removes nothing.' }));
const whole = (description: string) => Type.Optional(Type.Integer({ minimum: 0, description }));

const Rule = Type.Object({
  repositories: Type.String({ description: 'Glob; the first rule that fits a repository is its own.' }),
  newest: whole('The n tags pushed last.'),
  newerThan: whole('Tags pushed in the last days.'),
  tags: Type.Optional(Type.Array(Type.String(), { description: 'Globs over tags.' })),
  running: Type.Optional(Type.Boolean({ description: 'What runs; true unless said otherwise.' })),
  released: Type.Optional(Type.Boolean({ description: 'What the fleet released; true unless said otherwise.' })),
  lineage: Type.Optional(Type.Boolean({ description: 'Bases in use, and what a rollback would go back to.' })),
  untagged: whole('Days after which manifests go that have no tag and that nothing names.'),
});

interface Described {
  readonly operationId: string;
  readonly summary: string;
  readonly body: TSchema;
}

export const MAINTENANCE = {
  collect: {
    operationId: 'registryCollect',
    summary: 'Removes blobs that nothing needs',
    body: Type.Object({ grace: whole('Seconds that a blob stays after it was last counted on.'), dryRun }),
  },
  retention: {
    operationId: 'registryRetention',
    summary: 'Removes tags and manifests that no rule keeps',
    body: Type.Object({ rules: Type.Optional(Type.Array(Rule)), dryRun }),
  },
  verify: {
    operationId: 'registryVerify',
    summary: 'Reads what the registry holds and says what is missing or corrupt',
    body: Type.Object({
      since: whole('Only blobs written or renewed since, in milliseconds since the epoch.'),
      part: Type.Optional(
        Type.Object(
          { number: Type.Integer({ minimum: 1 }), of: Type.Integer({ minimum: 1 }) },
          {
            description: 'One part of many: all of them together read everything.',
          },
        ),
      ),
      repair: Type.Optional(Type.Boolean({ description: 'Puts corrupt blobs aside.' })),
    }),
  },
  usage: {
    operationId: 'registryUsage',
    summary: 'Bytes, blobs and tags of each repository',
    body: Type.Object({}),
  },
} as const satisfies Readonly<Record<string, Described>>;

/** One line of the answer: `progress` any number of times, then `result` or `error`. */
export const MaintenanceLine = Type.Object({
  progress: Type.Optional(
    Type.Object({
      step: Type.String(),
      done: Type.Number(),
      total: Type.Number({ description: '0 where nobody knows.' }),
      note: Type.Optional(Type.String()),
    }),
  ),
  result: Type.Optional(Type.Object({}, { description: 'As the command line prints it with --format json.' })),
  error: Type.Optional(
    Type.Object({
      code: Type.String(),
      message: Type.String(),
      hint: Type.Union([Type.String(), Type.Null()]),
      retryable: Type.Boolean(),
    }),
  ),
});
