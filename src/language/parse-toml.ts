/** Plain data of a TOML document. Loads the library when it is first needed. @throws with a message that names no content */
export async function parseToml(text: string): Promise<unknown> {
  const { parse } = await import('smol-toml');
  try {
    return parse(text);
  } catch {
    throw new Error('is no TOML');
  }
}
