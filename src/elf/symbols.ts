import type { Dynamic } from './dynamic.ts';
import type { ExportedSymbol, ImportedSymbol } from './types.ts';
import { readVersions } from './versions.ts';
import { type ElfView, invalid, overLimit } from './view.ts';

const MAX_SYMBOLS = 5_000_000;
const EM_S390 = 22;
const EM_ALPHA = 0x9026;
const UNDEFINED = 0;
const Binding = { global: 1, weak: 2, unique: 10 } as const;
const Visibility = { default: 0, protected: 3 } as const;
const HIDDEN_VERSION = 0x8000;

/** DT_HASH: nbucket, nchain; nchain is the number of symbols. 64-bit s390 and alpha use 8-byte words. */
function countByHash(view: ElfView, at: number): number {
  const machine = view.u16(18);
  const isWide = view.is64 && (machine === EM_S390 || machine === EM_ALPHA);
  return isWide ? view.u64(at + 8) : view.u32(at + 4);
}

/** DT_GNU_HASH does not say how many symbols there are: the last chain's end does. */
function countByGnuHash(view: ElfView, at: number): number {
  const [buckets, first, bloom] = [view.u32(at), view.u32(at + 4), view.u32(at + 8)];
  const bucketsAt = at + 16 + bloom * view.wordBytes;
  const chains = bucketsAt + buckets * 4;
  if (chains > view.bytes.length) invalid('its GNU hash table lies outside the file');
  let last = 0;
  for (let bucket = 0; bucket < buckets; bucket += 1) last = Math.max(last, view.u32(bucketsAt + bucket * 4));
  if (last < first) return first;
  while ((view.u32(chains + (last - first) * 4) & 1) === 0) last += 1;
  return last + 1;
}

function symbolCount(view: ElfView, dynamic: Dynamic): number {
  if (dynamic.hash !== undefined) return countByHash(view, dynamic.hash);
  if (dynamic.gnuHash !== undefined) return countByGnuHash(view, dynamic.gnuHash);
  return 0;
}

interface RawSymbol {
  readonly name: number;
  readonly binding: number;
  readonly isVisible: boolean;
  readonly section: number;
}

function readSymbol(view: ElfView, at: number): RawSymbol {
  const { is64 } = view;
  const visibility = view.u8(at + (is64 ? 5 : 13)) & 3;
  return {
    name: view.u32(at),
    binding: view.u8(at + (is64 ? 4 : 12)) >> 4,
    isVisible: visibility === Visibility.default || visibility === Visibility.protected,
    section: view.u16(at + (is64 ? 6 : 14)),
  };
}

const isShared = ({ binding, isVisible }: RawSymbol): boolean =>
  isVisible && (binding === Binding.global || binding === Binding.weak || binding === Binding.unique);

/** Symbols a file gives to others and asks of others. */
export function readSymbols(
  view: ElfView,
  dynamic: Dynamic,
): { exported: ExportedSymbol[]; imported: ImportedSymbol[] } {
  const exported: ExportedSymbol[] = [];
  const imported: ImportedSymbol[] = [];
  const { symbols, strings } = dynamic;
  if (symbols === undefined) return { exported, imported };
  const count = symbolCount(view, dynamic);
  if (count > MAX_SYMBOLS) overLimit(`${count} symbols`, MAX_SYMBOLS);
  const size = view.is64 ? 24 : 16;
  if (symbols + count * size > view.bytes.length) invalid('its symbols lie outside the file');
  const versions = readVersions(view, dynamic);
  for (let index = 1; index < count; index += 1) {
    const raw = readSymbol(view, symbols + index * size);
    const name = isShared(raw) ? view.text(strings.start + raw.name, strings.end) : '';
    if (name === '') continue;
    const number = dynamic.symbolVersions === undefined ? 1 : view.u16(dynamic.symbolVersions + index * 2);
    const version = versions.get(number & ~HIDDEN_VERSION);
    const symbol = version === undefined ? { name } : { name, version: version.name };
    if (raw.section === UNDEFINED) imported.push({ ...symbol, isWeak: raw.binding === Binding.weak });
    else {
      // Version 0 says local, but whoever asks without a version is given it (glibc's do_lookup_x).
      // A version of another library on a symbol of ours: a copy a program keeps of the library's variable.
      exported.push({ ...symbol, isDefault: (number & HIDDEN_VERSION) === 0 && version?.isOwn !== false });
    }
  }
  return { exported, imported };
}
