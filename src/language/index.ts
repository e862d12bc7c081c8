export { type ContentSink, LayerReading } from './layer-reading.ts';
export type { LanguagePackage, SurvivingFinding } from './packages/language-packages.ts';
export { ALL_READERS } from './readers.ts';
export { accountsOf } from './secrets/accounts.ts';
export { type SecretKind, secretsOf } from './secrets/secret-files.ts';
export type { Ecosystem, FileFinding } from './types.ts';
