import type { Relation } from './types.ts';

/** Does an order of two versions (negative, 0, positive) fit an operator between them? */
export function orderFits(order: number, operator: NonNullable<Relation['operator']>): boolean {
  switch (operator) {
    case '<<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '=':
      return order === 0;
    case '>=':
      return order >= 0;
    case '>>':
      return order > 0;
  }
}
