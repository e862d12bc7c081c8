/** Bytes of one desc file; the largest real ones (texlive, with thousands of provides) have 100 KB. */
export const MAX_DESCRIPTION_BYTES = 4 * 1024 * 1024;

/** `%FIELD%` and the lines below it, up to an empty one. */
export type Description = ReadonlyMap<string, readonly string[]>;

const FIELD = /^%([A-Z0-9]+)%$/;

/**
 * A desc file of a local or a repository database (alpm-desc in the ALPM specifications). What stands under no field is
 * passed over; a field that is there twice keeps its last lines, as in libalpm.
 *
 * @see https://alpm.archlinux.page/specifications/alpm-repo-desc.5.html
 */
export function readDescription(bytes: Uint8Array): Description {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, MAX_DESCRIPTION_BYTES));
  const fields = new Map<string, string[]>();
  let values: string[] | undefined;
  for (const line of text.toString('utf8').split('\n')) {
    const name = FIELD.exec(line)?.[1];
    if (name !== undefined) {
      values = [];
      fields.set(name, values);
    } else if (line === '') {
      values = undefined;
    } else {
      values?.push(line);
    }
  }
  return fields;
}

export function firstOf(description: Description, field: string): string {
  return description.get(field)?.[0] ?? '';
}

/** 0 where it is no whole number. */
export function numberOf(text: string): number {
  const number = Number(text);
  return Number.isSafeInteger(number) && number >= 0 ? number : 0;
}
