import { errorFactory } from '../base/index.ts';

export const recipeErrors = {
  RECIPE_INVALID: {
    kind: 'usage',
    retryable: false,
    meaning: 'A recipe or fleet file is not YAML, or not what its schema asks for.',
  },
  RECIPE_UNREADABLE: { kind: 'usage', retryable: false, meaning: 'A recipe or fleet file cannot be read.' },
} as const;

export const recipeError = errorFactory(recipeErrors);
