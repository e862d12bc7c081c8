import type { Verification } from './types.ts';

/** What is no character of XML 1.0, not even escaped: most control characters, halves of surrogate pairs. */
const FORBIDDEN = /[^\t\n\r -\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu;
const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

const escaped = (text: string): string =>
  text.replace(FORBIDDEN, '').replace(/[&<>"]/g, (letter) => ENTITIES[letter] as string);
const attribute = (text: string): string => escaped(text).replace(/[\r\n\t]/g, ' ');
const seconds = (milliseconds: number): string => (milliseconds / 1000).toFixed(3);

/** A verification as the JUnit XML that continuous integration servers read; steps are its test cases. */
export function renderJunit(reference: string, verification: Verification): string {
  const { steps, logs, environment, milliseconds, digest } = verification;
  const cases = steps.map(({ name, kind = 'check', passed, detail, milliseconds: took }) => {
    const head = `    <testcase classname="${attribute(kind)}" name="${attribute(name)}" time="${seconds(took)}"`;
    return passed ? `${head}/>` : `${head}>\n      <failure message="${attribute(detail)}"/>\n    </testcase>`;
  });
  if (environment !== undefined) {
    cases.push(
      `    <testcase classname="check" name="environment" time="0.000">\n      <error message="${attribute(environment)}"/>\n    </testcase>`,
    );
  }
  const failures = steps.filter(({ passed }) => !passed).length;
  const errors = environment === undefined ? 0 : 1;
  const counts = `tests="${cases.length}" failures="${failures}" errors="${errors}" time="${seconds(milliseconds)}"`;
  const said = logs.map(({ part, text }) => `==> ${part} <==\n${text}`).join('\n');
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${counts}>`,
    `  <testsuite name="${attribute(reference)}" ${counts}>`,
    `    <properties><property name="digest" value="${attribute(digest)}"/></properties>`,
    ...cases,
    ...(said === '' ? [] : [`    <system-out>${escaped(said)}</system-out>`]),
    '  </testsuite>',
    '</testsuites>',
  ].join('\n');
}
