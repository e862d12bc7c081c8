import { type TSchema, Type } from 'typebox';

export const closed = { additionalProperties: false } as const;
export const orNull = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
export const text = Type.String();
export const count = Type.Integer({ minimum: 0 });
export const time = Type.String({ description: 'RFC 3339' });
export const next = orNull(Type.String({ description: '`after` of the next page; null at the end' }));
export const oneOf = <const T extends readonly string[]>(words: T) =>
  Type.Unsafe<T[number]>({ type: 'string', enum: [...words] });

/** Does not compile when a schema and its contract part ways. */
export type Matches<Contract, Schema extends Contract> = Schema;
