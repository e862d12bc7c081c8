export { type ContentSink, LayerReading } from './layer-reading.ts';
export type { LanguagePackage, SurvivingFinding } from './packages/language-packages.ts';
export { ALL_READERS } from './readers.ts';
export type { Ecosystem, FileFinding } from './types.ts';
