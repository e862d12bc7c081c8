// Entered on its own, by who compares versions: nothing of it is needed to read an image.
export { isLanguageEcosystem, languageVersionOrder } from './order.ts';
