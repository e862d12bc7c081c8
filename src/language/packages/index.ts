// Entered on its own, by who found something: the library below it takes a while to load.
export { languagePackages } from './language-packages.ts';
export { packageOfPurl } from './purl.ts';
