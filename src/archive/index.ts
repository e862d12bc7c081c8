export type { ArchiveLimits, TarEntry, TarEntryType, TarHeader } from './types.ts';
