import { z } from 'zod'
import { proofSchema } from '../../src/identity/proofs.ts'
import { receiptSchema } from '../../src/protocol/receipt.ts'
import { runDocumentSchema } from '../../src/protocol/run-document.ts'
import { taskFileSchema } from '../../src/protocol/task-file-schema.ts'
import { taskSpecSchema } from '../../src/protocol/task.ts'

type JsonSchema = z.core.JSONSchema.BaseSchema

/** Without patterns that only some regular expression engines know: a validator that does not refuses the whole schema. */
function portable({ jsonSchema }: { jsonSchema: JsonSchema }): void {
  if (jsonSchema.pattern?.includes('\\p{') === true) delete jsonSchema.pattern
}

/** The task file as an editor checks it. */
export function taskFileJsonSchema(): JsonSchema {
  return z.toJSONSchema(taskFileSchema, { io: 'input', override: portable })
}

const text = (schema: JsonSchema): string => `${JSON.stringify(schema, null, 2)}\n`

function titled({ schema, title, description }: { schema: z.ZodType; title: string; description: string }): string {
  const { $schema, ...rest } = z.toJSONSchema(schema, { override: portable })
  return text({ $schema, title, description, ...rest } as JsonSchema)
}

/** schema/*.json by path. */
export const SCHEMAS: Readonly<Record<string, () => string>> = {
  'schema/task.schema.json': () => text(taskFileJsonSchema()),
  'schema/task-spec.schema.json': () =>
    titled({
      schema: taskSpecSchema,
      title: 'souk task spec',
      description:
        'A task as it crosses the wire: sizes are bytes, times milliseconds, files are named by digest and length.',
    }),
  'schema/receipt.schema.json': () =>
    titled({
      schema: receiptSchema,
      title: 'souk receipt',
      description: "A provider's signed statement of what a task came to.",
    }),
  'schema/run-document.schema.json': () =>
    titled({
      schema: runDocumentSchema,
      title: 'souk run document',
      description: 'What `souk run --json` prints and `souk verify` takes.',
    }),
  'schema/proof.schema.json': () =>
    titled({
      schema: proofSchema,
      title: 'souk proof',
      description:
        'What shows others that a provider lied (equivocation), or that one of several did (disagreement); `souk verify` takes it.',
    }),
}
