/** Plain data of a YAML document. Loads the library when it is first needed. @throws with a message that names no content */
export async function parseYaml(text: string): Promise<unknown> {
  const { parse } = await import('yaml');
  try {
    return parse(text, { maxAliasCount: 100, logLevel: 'silent', uniqueKeys: false, schema: 'core' });
  } catch {
    throw new Error('is no YAML');
  }
}
