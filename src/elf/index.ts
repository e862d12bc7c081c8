export { type LinkFacts, readLinkFacts } from './link-facts.ts';
export { type KeptParts, LinkStream } from './link-stream.ts';
export { linkerFacts } from './linker-facts.ts';
export { type LoadedPart, type LoadMap, readLoadMap } from './load-map.ts';
export { NeededStream } from './needed-stream.ts';
export { isElf, readElf, readNeeded } from './read-elf.ts';
export type { ElfFile, ElfSymbol, ElfType, ExportedSymbol, ImportedSymbol } from './types.ts';
