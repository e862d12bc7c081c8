import { redact } from '../../base/index.ts';
import type { TestPlan } from './plan.ts';

const SECRET_NAME = /pass|secret|token|key|credential|auth/i;
/** Shorter values stand in too many words to be taken out of them. */
const SHORTEST = 4;

/** Takes values of variables with telling names, and what looks like a credential, out of what is kept. */
export function redactorOf({ parts, steps }: TestPlan): (text: string) => string {
  const environments = [
    ...parts.map(({ part }) => part.environment),
    ...steps.map(({ test, run }) => (test ?? run)?.environment ?? {}),
  ];
  const secrets = environments.flatMap((environment) =>
    Object.entries(environment).flatMap(([name, value]) =>
      SECRET_NAME.test(name) && String(value).length >= SHORTEST ? [String(value)] : [],
    ),
  );
  // Longest first: one may hold another.
  const known = [...new Set(secrets)].sort((a, b) => b.length - a.length);
  return (text) => known.reduce((left, secret) => left.replaceAll(secret, '***'), redact(text));
}
