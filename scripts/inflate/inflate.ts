/**
 * Deflate (RFC 1951) decoded in WebAssembly: AssemblyScript, made into data/inflate.wasm by `npm run build` here.
 *
 * Why not zlib: a layer's bytes come out of one stream that one core has to decode, and this takes a sixth less of its
 * time than Node's zlib. It is the scheme of fast decoders: 64 bits at a time, tables that answer most codes at the
 * first look, up to three literals between two refills, copies in 16-byte steps.
 *
 * The host gives memory, and the bounds of input and output with every call. It relies on: nothing is written beyond
 * `outEnd`, nothing is read beyond `inEnd` that counts, and no match reaches before what the stream itself has given.
 * Verdicts are zlib's; their words are the host's (src/archive/wasm-inflate.ts).
 */

// Where tables lie, in bytes from the start of memory. The first KiB is left free, so that no table is at address 0.
const LITLEN_TABLE: usize = 1024; // u32 each; 11 bits need at most 2,342 entries with their subtables
const OFFSET_TABLE: usize = LITLEN_TABLE + 4 * 2400; // 8 bits: at most 402
const PRECODE_TABLE: usize = OFFSET_TABLE + 4 * 512; // 7 bits, no subtables
const LENS: usize = PRECODE_TABLE + 4 * 128; // u8: code lengths as they are read; 286 + 30 and a run of 138 at most
const PRECODE_LENS: usize = LENS + 512; // u8 × 19
const SORTED: usize = PRECODE_LENS + 32; // u16 × 288: symbols by length of their code
const COUNTS: usize = SORTED + 2 * 288; // u32 × 16: codes of each length
const PLACES: usize = COUNTS + 4 * 16; // u32 × 16: where symbols of that length go
/** From here on memory is the host's. */
export const HEAP: u32 = 32768;

const LITLEN_BITS: u32 = 11;
const LITLEN_MASK: usize = (1 << LITLEN_BITS) - 1;
const OFFSET_BITS: u32 = 8;
const OFFSET_MASK: usize = (1 << OFFSET_BITS) - 1;
const PRECODE_BITS: u32 = 7;
const MAX_CODE: u32 = 15;
const WINDOW: u32 = 32768;

// An entry: how many bits go (bits 0-7, extra bits included), how long the code is (8-11), what it stands for (16-30),
// which is 0 where the code stands for nothing.
const LITERAL: u32 = 0x80000000;
const EXCEPTIONAL: u32 = 0x8000; // end of block, or: look again in a subtable, from entry (16-30), by so many bits (8-11)
const SUBTABLE: u32 = 0x4000;
const END_OF_BLOCK: u32 = 0x2000;

const KIND_LITLEN: u32 = 0;
const KIND_OFFSET: u32 = 1;
const KIND_PRECODE: u32 = 2;

// The fast loop runs while so much is left: one round reads no further, and writes three literals, a match of 258 and
// at most 31 bytes that the next round overwrites.
const FAST_INPUT: u32 = 16;
const FAST_OUTPUT: u32 = 320;

const BLOCK_HEADER: u32 = 0;
const STORED_LENGTH: u32 = 1;
const STORED: u32 = 2;
const DYNAMIC_HEADER: u32 = 3;
const PRECODE: u32 = 4;
const CODE_LENGTHS: u32 = 5;
const SYMBOLS: u32 = 6;
const ENDED: u32 = 7;

export const NEEDS_INPUT: i32 = 0;
export const IS_FULL: i32 = 1;
export const HAS_ENDED: i32 = 2;
const BLOCK_ENDED: i32 = 3;
export const BAD_BLOCK_TYPE: i32 = -1;
export const BAD_STORED_LENGTH: i32 = -2;
export const BAD_COUNTS: i32 = -3;
export const BAD_PRECODE: i32 = -4;
export const BAD_REPEAT: i32 = -5;
export const NO_END_OF_BLOCK: i32 = -6;
export const BAD_LITLEN_CODE: i32 = -7;
export const BAD_OFFSET_CODE: i32 = -8;
export const BAD_LITLEN: i32 = -9;
export const BAD_OFFSET: i32 = -10;
export const TOO_FAR_BACK: i32 = -11;

/** Next byte of input, and of output. Set by the host, moved on here. */
export let inNext: u32 = 0;
export let outNext: u32 = 0;

let state: u32 = BLOCK_HEADER;
let bitBuffer: u64 = 0;
let bitCount: u32 = 0;
let isFinal: bool = false;
let storedLeft: u32 = 0;
let litlenCount: u32 = 0;
let offsetCount: u32 = 0;
let precodeCount: u32 = 0;
let lensRead: u32 = 0;
let fixedLoaded: bool = false;
// A match that output had no room for.
let matchLeft: u32 = 0;
let matchOffset: u32 = 0;
// Matches reach no further down.
let floor: u32 = 0;

/** A new stream, whose output begins at `outNext`. */
export function start(): void {
  state = BLOCK_HEADER;
  bitBuffer = 0;
  bitCount = 0;
  isFinal = false;
  matchLeft = 0;
  floor = outNext;
}

/** Output goes on at `to`: brings along what matches may still reach. The host keeps 32 KiB below `to` free. */
export function moveOutput(to: u32): void {
  const keep = min(WINDOW, outNext - floor);
  memory.copy(to - keep, outNext - keep, keep);
  floor = to - keep;
  outNext = to;
}

/** After the end: the next whole byte that was read and is not the stream's, or -1. */
export function spareByte(): i32 {
  if (bitCount < 8) return -1;
  const byte = <i32>(bitBuffer & 0xff);
  bitBuffer >>= 8;
  bitCount -= 8;
  return byte;
}

@inline function consume(bits: u32): void {
  bitBuffer >>= <u64>bits;
  bitCount -= bits;
}

@inline function refill(inEnd: u32): void {
  while (bitCount < 56 && inNext < inEnd) {
    bitBuffer |= (<u64>load<u8>(inNext)) << <u64>bitCount;
    inNext++;
    bitCount += 8;
  }
}

// RFC 1951, 3.2.5: lengths 3 to 258.
function litlenEntry(symbol: u32, codeLength: u32): u32 {
  if (symbol < 256) return LITERAL | (symbol << 16) | codeLength;
  if (symbol == 256) return EXCEPTIONAL | END_OF_BLOCK | codeLength;
  if (symbol > 285) return codeLength;
  const extra: u32 = symbol < 265 || symbol == 285 ? 0 : (symbol - 261) >> 2;
  const base: u32 =
    symbol < 265 ? symbol - 254 : symbol == 285 ? 258 : 3 + ((4 + ((symbol - 261) & 3)) << extra);
  return (base << 16) | (codeLength << 8) | (codeLength + extra);
}

// Distances 1 to 32768.
function offsetEntry(symbol: u32, codeLength: u32): u32 {
  if (symbol > 29) return codeLength;
  const extra: u32 = symbol < 4 ? 0 : (symbol >> 1) - 1;
  const base: u32 = symbol < 4 ? symbol + 1 : 1 + ((2 + (symbol & 1)) << extra);
  return (base << 16) | (codeLength << 8) | (codeLength + extra);
}

function entryOf(kind: u32, symbol: u32, codeLength: u32): u32 {
  if (kind == KIND_LITLEN) return litlenEntry(symbol, codeLength);
  if (kind == KIND_OFFSET) return offsetEntry(symbol, codeLength);
  return (symbol << 16) | codeLength;
}

// The next code of that length, with its bits in the order in which they come: adds one from the other end.
@inline function nextCode(code: u32, length: u32): u32 {
  const bit: u32 = <u32>1 << (31 - clz(code ^ ((<u32>1 << length) - 1)));
  return (code & (bit - 1)) | bit;
}

@inline function countOf(length: u32): u32 {
  return load<u32>(COUNTS + (length << 2));
}

// Counts codes by length, and sorts symbols by it. Returns the share of the code space that is used, of 32768.
function sortByLength(lens: usize, count: u32): u32 {
  memory.fill(COUNTS, 0, 4 * (MAX_CODE + 1));
  for (let i: u32 = 0; i < count; i++) {
    const at = COUNTS + (<usize>load<u8>(lens + i) << 2);
    store<u32>(at, load<u32>(at) + 1);
  }
  let place: u32 = 0;
  let used: u32 = 0;
  for (let length: u32 = 0; length <= MAX_CODE; length++) {
    store<u32>(PLACES + (length << 2), place);
    place += countOf(length);
    if (length > 0) used = (used << 1) + countOf(length);
  }
  for (let i: u32 = 0; i < count; i++) {
    const at = PLACES + (<usize>load<u8>(lens + i) << 2);
    const to = load<u32>(at);
    store<u16>(SORTED + (to << 1), <u16>i);
    store<u32>(at, to + 1);
  }
  return used;
}

// Codes that do not use up the code space: zlib takes one code of one bit, and no code at all as long as none is used.
function buildIncomplete(table: usize, size: u32, used: u32, kind: u32): bool {
  // Of one bit, and standing for nothing. As a length of a code it is a zero: that no block can end is said later.
  const nothing: u32 = 1;
  const single = used == 16384 && countOf(1) == 1;
  if (used == 0 ? kind == KIND_LITLEN : kind == KIND_PRECODE || !single) return false;
  const entry = used == 0 ? nothing : entryOf(kind, <u32>load<u16>(SORTED + (countOf(0) << 1)), 1);
  for (let i: u32 = 0; i < size; i += 2) {
    store<u32>(table + (i << 2), entry);
    store<u32>(table + ((i + 1) << 2), nothing);
  }
  return true;
}

// The table of a canonical code. False: there is no such code.
function build(table: usize, tableBits: u32, lens: usize, count: u32, kind: u32): bool {
  const used = sortByLength(lens, count);
  const size: u32 = <u32>1 << tableBits;
  if (used > 32768) return false;
  if (used < 32768) return buildIncomplete(table, size, used, kind);
  let next = countOf(0);
  let length: u32 = 1;
  while (countOf(length) == 0) length++;
  let left = countOf(length);
  let code: u32 = 0;
  // What is filled so far; twice as much with each bit.
  let filled: u32 = <u32>1 << length;
  while (length <= tableBits) {
    do {
      store<u32>(table + (code << 2), entryOf(kind, <u32>load<u16>(SORTED + (next << 1)), length));
      next++;
      if (code == filled - 1) {
        for (; length < tableBits; length++) {
          memory.copy(table + (filled << 2), table, filled << 2);
          filled <<= 1;
        }
        return true;
      }
      code = nextCode(code, length);
    } while (--left);
    do {
      length++;
      if (length <= tableBits) {
        memory.copy(table + (filled << 2), table, filled << 2);
        filled <<= 1;
      }
      left = countOf(length);
    } while (left == 0);
  }
  // Longer codes: a subtable for all that begin alike.
  let end: u32 = size;
  let begin: u32 = 0;
  let prefix: u32 = 0xffffffff;
  for (;;) {
    if ((code & (size - 1)) != prefix) {
      prefix = code & (size - 1);
      begin = end;
      let bits: u32 = length - tableBits;
      let space: u32 = left;
      while (space < (<u32>1 << bits)) {
        bits++;
        space = (space << 1) + countOf(tableBits + bits);
      }
      end = begin + (<u32>1 << bits);
      store<u32>(table + (prefix << 2), EXCEPTIONAL | SUBTABLE | (begin << 16) | (bits << 8) | tableBits);
    }
    const entry = entryOf(kind, <u32>load<u16>(SORTED + (next << 1)), length - tableBits);
    next++;
    const step: u32 = <u32>1 << (length - tableBits);
    for (let i: u32 = begin + (code >> tableBits); i < end; i += step) store<u32>(table + (i << 2), entry);
    if (code == (<u32>1 << length) - 1) return true;
    code = nextCode(code, length);
    left--;
    while (left == 0) {
      length++;
      left = countOf(length);
    }
  }
  return false;
}

// RFC 1951, 3.2.6.
function loadFixed(): void {
  for (let i: u32 = 0; i < 288; i++) store<u8>(LENS + i, i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8);
  build(LITLEN_TABLE, LITLEN_BITS, LENS, 288, KIND_LITLEN);
  memory.fill(LENS, 5, 32);
  build(OFFSET_TABLE, OFFSET_BITS, LENS, 32, KIND_OFFSET);
  fixedLoaded = true;
}

// RFC 1951, 3.2.7: 16 17 18 0 8 7 9 6 10 5 11 4 12 3 13 2 14 1 15.
@inline function precodeSymbol(i: u32): u32 {
  if (i < 3) return 16 + i;
  if (i == 3) return 0;
  return (i & 1) == 0 ? 8 + ((i - 4) >> 1) : 8 - ((i - 3) >> 1);
}

/**
 * Decodes until input or room for output has run out, or the stream has ended.
 * @returns NEEDS_INPUT, IS_FULL, HAS_ENDED, or what is wrong (negative), after which only `start` makes sense
 */
export function inflate(inEnd: u32, outEnd: u32): i32 {
  for (;;) {
    let status: i32 = BLOCK_ENDED;
    if (state == BLOCK_HEADER) status = readBlockHeader(inEnd);
    else if (state == STORED_LENGTH) status = readStoredLength(inEnd);
    else if (state == STORED) status = copyStored(inEnd, outEnd);
    else if (state == DYNAMIC_HEADER) status = readDynamicHeader(inEnd);
    else if (state == PRECODE) status = readPrecode(inEnd);
    else if (state == CODE_LENGTHS) status = readCodeLengths(inEnd);
    else if (state == SYMBOLS) status = readSymbols(inEnd, outEnd);
    else return HAS_ENDED;
    if (status != BLOCK_ENDED) return status;
  }
  return HAS_ENDED;
}

// Each part below returns BLOCK_ENDED to go on with `state`.

function readBlockHeader(inEnd: u32): i32 {
  if (isFinal) {
    // Back to a whole byte; the bytes behind are the host's (`spareByte`).
    consume(bitCount & 7);
    state = ENDED;
    return HAS_ENDED;
  }
  refill(inEnd);
  if (bitCount < 3) return NEEDS_INPUT;
  isFinal = (bitBuffer & 1) == 1;
  const type = <u32>(bitBuffer >> 1) & 3;
  consume(3);
  if (type == 0) {
    consume(bitCount & 7);
    state = STORED_LENGTH;
  } else if (type == 1) {
    if (!fixedLoaded) loadFixed();
    state = SYMBOLS;
  } else if (type == 2) {
    state = DYNAMIC_HEADER;
  } else return BAD_BLOCK_TYPE;
  return BLOCK_ENDED;
}

function readStoredLength(inEnd: u32): i32 {
  refill(inEnd);
  if (bitCount < 32) return NEEDS_INPUT;
  storedLeft = <u32>bitBuffer & 0xffff;
  if (storedLeft != (~(<u32>(bitBuffer >> 16)) & 0xffff)) return BAD_STORED_LENGTH;
  consume(32);
  state = STORED;
  return BLOCK_ENDED;
}

function copyStored(inEnd: u32, outEnd: u32): i32 {
  while (storedLeft > 0 && bitCount > 0 && outNext < outEnd) {
    store<u8>(outNext, <u8>bitBuffer);
    consume(8);
    outNext++;
    storedLeft--;
  }
  if (storedLeft > 0) {
    if (outNext == outEnd) return IS_FULL;
    const some = min(min(storedLeft, inEnd - inNext), outEnd - outNext);
    memory.copy(outNext, inNext, some);
    inNext += some;
    outNext += some;
    storedLeft -= some;
    if (storedLeft > 0) return outNext == outEnd ? IS_FULL : NEEDS_INPUT;
  }
  state = BLOCK_HEADER;
  return BLOCK_ENDED;
}

function readDynamicHeader(inEnd: u32): i32 {
  refill(inEnd);
  if (bitCount < 14) return NEEDS_INPUT;
  litlenCount = (<u32>bitBuffer & 31) + 257;
  offsetCount = ((<u32>bitBuffer >> 5) & 31) + 1;
  precodeCount = ((<u32>bitBuffer >> 10) & 15) + 4;
  consume(14);
  if (litlenCount > 286 || offsetCount > 30) return BAD_COUNTS;
  memory.fill(PRECODE_LENS, 0, 19);
  lensRead = 0;
  fixedLoaded = false;
  state = PRECODE;
  return BLOCK_ENDED;
}

function readPrecode(inEnd: u32): i32 {
  while (lensRead < precodeCount) {
    refill(inEnd);
    if (bitCount < 3) return NEEDS_INPUT;
    store<u8>(PRECODE_LENS + precodeSymbol(lensRead), <u8>(bitBuffer & 7));
    consume(3);
    lensRead++;
  }
  if (!build(PRECODE_TABLE, PRECODE_BITS, PRECODE_LENS, 19, KIND_PRECODE)) return BAD_PRECODE;
  lensRead = 0;
  state = CODE_LENGTHS;
  return BLOCK_ENDED;
}

function readCodeLengths(inEnd: u32): i32 {
  const all = litlenCount + offsetCount;
  while (lensRead < all) {
    refill(inEnd);
    const entry = load<u32>(PRECODE_TABLE + ((<usize>bitBuffer & ((1 << PRECODE_BITS) - 1)) << 2));
    const bits = entry & 0xff;
    const symbol = entry >> 16;
    if (symbol < 16) {
      if (bits > bitCount) return NEEDS_INPUT;
      store<u8>(LENS + lensRead, <u8>symbol);
      lensRead++;
      consume(bits);
      continue;
    }
    const extra: u32 = symbol == 16 ? 2 : symbol == 17 ? 3 : 7;
    if (bits + extra > bitCount) return NEEDS_INPUT;
    const more = <u32>(bitBuffer >> <u64>bits) & ((<u32>1 << extra) - 1);
    const times = (symbol == 18 ? 11 : 3) + more;
    if (symbol == 16 && lensRead == 0) return BAD_REPEAT;
    if (lensRead + times > all) return BAD_REPEAT;
    memory.fill(LENS + lensRead, symbol == 16 ? load<u8>(LENS + lensRead - 1) : 0, times);
    lensRead += times;
    consume(bits + extra);
  }
  if (load<u8>(LENS + 256) == 0) return NO_END_OF_BLOCK;
  if (!build(LITLEN_TABLE, LITLEN_BITS, LENS, litlenCount, KIND_LITLEN)) return BAD_LITLEN_CODE;
  if (!build(OFFSET_TABLE, OFFSET_BITS, LENS + litlenCount, offsetCount, KIND_OFFSET)) return BAD_OFFSET_CODE;
  state = SYMBOLS;
  return BLOCK_ENDED;
}

// May write up to 31 bytes too many; `length` is 3 or more.
@inline function copyMatch(at: u32, length: u32, offset: u32): void {
  let to = at;
  let from = at - offset;
  const end = at + length;
  if (offset >= 16) {
    v128.store(to, v128.load(from));
    v128.store(to + 16, v128.load(from + 16));
    if (length > 32) {
      to += 32;
      from += 32;
      do {
        v128.store(to, v128.load(from));
        to += 16;
        from += 16;
      } while (to < end);
    }
  } else if (offset == 1) {
    const same = i8x16.splat(<i8>load<u8>(from));
    do {
      v128.store(to, same);
      to += 16;
    } while (to < end);
  } else {
    // Eight bytes of which as many as the offset are right; the next step writes the others again.
    const step = min(offset, 8);
    do {
      store<u64>(to, load<u64>(from));
      to += step;
      from += step;
    } while (to < end);
  }
}

// Leaves a decoding loop: bits above `count` are bytes that `at` has not passed, read once more later.
@inline function leave(buffer: u64, count: u32, at: u32, out: u32): void {
  bitBuffer = buffer & ((<u64>1 << <u64>count) - 1);
  bitCount = count;
  inNext = at;
  outNext = out;
}

@inline function litlenAt(buffer: u64): u64 {
  return load<u32>(LITLEN_TABLE + ((<usize>buffer & LITLEN_MASK) << 2));
}

@inline function offsetAt(buffer: u64): u64 {
  return load<u32>(OFFSET_TABLE + ((<usize>buffer & OFFSET_MASK) << 2));
}

// The entry of a subtable; `buffer` begins behind the bits of the main table.
@inline function subEntry(table: usize, entry: u64, buffer: u64): u64 {
  const bits = <usize>(entry >> 8) & 15;
  return load<u32>(table + ((<usize>(entry >> 16) + (<usize>buffer & ((1 << bits) - 1))) << 2));
}

// Length or distance: base and extra bits, which follow the code in `buffer`.
@inline function valueOf(entry: u64, buffer: u64): u32 {
  return <u32>(entry >> 16) + <u32>((buffer & ((<u64>1 << entry) - 1)) >> ((entry >> 8) & 15));
}

function readSymbols(inEnd: u32, outEnd: u32): i32 {
  if (matchLeft > 0) {
    while (matchLeft > 0 && outNext < outEnd) {
      store<u8>(outNext, load<u8>(outNext - matchOffset));
      outNext++;
      matchLeft--;
    }
    if (matchLeft > 0) return IS_FULL;
  }
  if (inEnd - inNext >= FAST_INPUT && outEnd - outNext >= FAST_OUTPUT) {
    const status = readFast(inEnd - FAST_INPUT, outEnd - FAST_OUTPUT);
    if (status != NEEDS_INPUT) {
      if (status == BLOCK_ENDED) state = BLOCK_HEADER;
      return status;
    }
  }
  const status = readCareful(inEnd, outEnd);
  if (status == BLOCK_ENDED) state = BLOCK_HEADER;
  return status;
}

// A shift takes the lowest six bits of its amount alone, so that a whole entry can be the amount.
function readFast(inLimit: u32, outLimit: u32): i32 {
  let buffer = bitBuffer;
  let count: u64 = bitCount;
  let at = inNext;
  let out = outNext;
  buffer |= load<u64>(at) << count;
  at += <u32>((63 - count) >> 3);
  count |= 56;
  let entry = litlenAt(buffer);
  do {
    let before = buffer;
    buffer >>= entry;
    count -= entry & 0xff;
    if (entry & LITERAL) {
      let literal = entry;
      entry = litlenAt(buffer);
      before = buffer;
      buffer >>= entry;
      count -= entry & 0xff;
      store<u8>(out, <u8>(literal >> 16));
      if (entry & LITERAL) {
        literal = entry;
        entry = litlenAt(buffer);
        before = buffer;
        buffer >>= entry;
        count -= entry & 0xff;
        store<u8>(out, <u8>(literal >> 16), 1);
        if (entry & LITERAL) {
          store<u8>(out, <u8>(entry >> 16), 2);
          out += 3;
          buffer |= load<u64>(at) << count;
          entry = litlenAt(buffer);
          at += <u32>((63 - count) >> 3);
          count |= 56;
          continue;
        }
        out += 2;
      } else out += 1;
    }
    if (entry & EXCEPTIONAL) {
      if (entry & SUBTABLE) {
        entry = subEntry(LITLEN_TABLE, entry, buffer);
        before = buffer;
        buffer >>= entry;
        count -= entry & 0xff;
        if (entry & LITERAL) {
          store<u8>(out, <u8>(entry >> 16));
          out += 1;
          buffer |= load<u64>(at) << count;
          entry = litlenAt(buffer);
          at += <u32>((63 - count) >> 3);
          count |= 56;
          continue;
        }
      }
      if (entry & END_OF_BLOCK) {
        leave(buffer, <u32>count, at, out);
        return BLOCK_ENDED;
      }
    }
    if (entry >> 16 == 0) return BAD_LITLEN;
    const length = valueOf(entry, before);
    // Two literals and a length take up to 11 + 11 + 20 bits of 56; an offset wants up to 28.
    if (count < 28) {
      buffer |= load<u64>(at) << count;
      at += <u32>((63 - count) >> 3);
      count |= 56;
    }
    entry = offsetAt(buffer);
    if (entry & EXCEPTIONAL) {
      buffer >>= OFFSET_BITS;
      count -= OFFSET_BITS;
      entry = subEntry(OFFSET_TABLE, entry, buffer);
    }
    before = buffer;
    buffer >>= entry;
    count -= entry & 0xff;
    const offset = valueOf(entry, before);
    buffer |= load<u64>(at) << count;
    if (entry >> 16 == 0) return BAD_OFFSET;
    if (offset > out - floor) return TOO_FAR_BACK;
    at += <u32>((63 - count) >> 3);
    count |= 56;
    // The next look-up does not wait for the copy.
    entry = litlenAt(buffer);
    copyMatch(out, length, offset);
    out += length;
  } while (at < inLimit && out < outLimit);
  // Whole bytes go back, so that the careful loop can say what is really there.
  leave(buffer, <u32>count & 7, at - <u32>(count >> 3), out);
  return NEEDS_INPUT;
}

// One symbol at a time, none begun that is not there whole.
function readCareful(inEnd: u32, outEnd: u32): i32 {
  for (;;) {
    refill(inEnd);
    let buffer = bitBuffer;
    let used: u32 = 0;
    let entry = litlenAt(buffer);
    if ((entry & (LITERAL | SUBTABLE)) == SUBTABLE) {
      buffer >>= LITLEN_BITS;
      used = LITLEN_BITS;
      entry = subEntry(LITLEN_TABLE, entry, buffer);
    }
    used += <u32>entry & 0xff;
    if (used > bitCount) return NEEDS_INPUT;
    if ((entry & (LITERAL | END_OF_BLOCK)) == END_OF_BLOCK) {
      consume(used);
      return BLOCK_ENDED;
    }
    if (outNext == outEnd) return IS_FULL;
    if (entry & LITERAL) {
      store<u8>(outNext, <u8>(entry >> 16));
      outNext++;
      consume(used);
      continue;
    }
    if (entry >> 16 == 0) return BAD_LITLEN;
    const length = valueOf(entry, buffer);
    buffer >>= entry;
    entry = offsetAt(buffer);
    if (entry & EXCEPTIONAL) {
      buffer >>= OFFSET_BITS;
      used += OFFSET_BITS;
      entry = subEntry(OFFSET_TABLE, entry, buffer);
    }
    used += <u32>entry & 0xff;
    if (used > bitCount) return NEEDS_INPUT;
    if (entry >> 16 == 0) return BAD_OFFSET;
    matchOffset = valueOf(entry, buffer);
    if (matchOffset > outNext - floor) return TOO_FAR_BACK;
    consume(used);
    matchLeft = length;
    while (matchLeft > 0 && outNext < outEnd) {
      store<u8>(outNext, load<u8>(outNext - matchOffset));
      outNext++;
      matchLeft--;
    }
    if (matchLeft > 0) return IS_FULL;
  }
  return IS_FULL;
}
