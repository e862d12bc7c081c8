/** Predicate types by the short names that `cosign verify-attestation --type` takes, and those of ours. */
export const PREDICATES = {
  slsaprovenance1: 'https://slsa.dev/provenance/v1',
  cyclonedx: 'https://cyclonedx.org/bom',
  spdxjson: 'https://spdx.dev/Document',
  'test-result': 'https://in-toto.io/attestation/test-result/v0.1',
  /** The report of a rebase: what it replaced, which paths both sides touch, which libraries it checked. */
  'rebase-report': 'https://heraklit.io/attestation/rebase-report/v1',
  openvex: 'https://openvex.dev/ns',
  vuln: 'https://cosign.sigstore.dev/attestation/vuln/v1',
  custom: 'https://cosign.sigstore.dev/attestation/v1',
} as const;

/** A type as it stands in statements: a short name's, or the URI itself. */
export const predicateType = (name: string): string => (PREDICATES as Readonly<Record<string, string>>)[name] ?? name;

/** Its short name, or the URI where it has none. */
export const predicateName = (uri: string): string =>
  Object.entries(PREDICATES).find(([, known]) => known === uri)?.[0] ?? uri;
