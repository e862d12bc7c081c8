/** RFC 6838, 4.2 */
const MEDIA_TYPE = /^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}$/;

export const isMediaType = (text: string): boolean => MEDIA_TYPE.test(text);

/** IANA's names, longest ending first: `web.cdx.json` is a CycloneDX document, not just any JSON. */
const BY_ENDING: readonly (readonly [ending: string, mediaType: string])[] = [
  ['.cdx.json', 'application/vnd.cyclonedx+json'],
  ['.cdx.xml', 'application/vnd.cyclonedx+xml'],
  ['.spdx.json', 'application/spdx+json'],
  ['.intoto.jsonl', 'application/vnd.in-toto+json'],
  ['.openvex.json', 'application/vnd.openvex+json'],
  ['.sarif', 'application/sarif+json'],
  ['.tar.gz', 'application/gzip'],
  ['.tgz', 'application/gzip'],
  ['.tar', 'application/x-tar'],
  ['.zst', 'application/zstd'],
  ['.json', 'application/json'],
  ['.yaml', 'application/yaml'],
  ['.yml', 'application/yaml'],
  ['.md', 'text/markdown'],
  ['.txt', 'text/plain'],
];

/** The media type of a file that was named without one. */
export function mediaTypeOf(fileName: string): string {
  const name = fileName.toLowerCase();
  return BY_ENDING.find(([ending]) => name.endsWith(ending))?.[1] ?? 'application/octet-stream';
}
