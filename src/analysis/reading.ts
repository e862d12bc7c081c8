/** One number, or why there is none. No answer is not a good answer: who reads it decides what it is worth. */
export type Reading =
  | { readonly kind: 'value'; readonly value: number }
  | { readonly kind: 'none'; readonly reason: string };

export const none = (reason: string): Reading => ({ kind: 'none', reason });

/** NaN is what dividing nothing by nothing gives: no answer. Infinity is a number, and more than any limit. */
export const readingOf = (value: number, what: string): Reading =>
  Number.isNaN(value) ? none(`${what} is not a number (nothing was counted?)`) : { kind: 'value', value };
