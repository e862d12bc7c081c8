import { CANDIDATE, type TestStep } from '../../recipe/index.ts';

export type StepKind = 'http' | 'tcp' | 'exec' | 'log' | 'test' | 'run';

const of = (service: string | undefined): string =>
  service === undefined || service === CANDIDATE ? '' : ` of ${service}`;

/** What a step is called: its own name, or what it does. */
export function nameOfStep(step: TestStep): { readonly kind: StepKind; readonly name: string } {
  const { http, tcp, exec, log, test, run } = step;
  const told = (kind: StepKind, text: string) => ({ kind, name: step.name ?? text });
  if (http !== undefined) {
    const method = http.method === undefined || http.method === 'GET' ? '' : `${http.method} `;
    return told('http', `http ${method}${http.port ?? ''}${http.path ?? '/'}${of(http.service)}`);
  }
  if (tcp !== undefined) return told('tcp', `tcp ${tcp.port}${of(tcp.service)}`);
  if (exec !== undefined) return told('exec', `exec ${exec.command.join(' ')}${of(exec.service)}`);
  if (log !== undefined) return told('log', `log ${log.matches ?? `without ${log.absent}`}${of(log.service)}`);
  if (test !== undefined) {
    const command = [...(test.entrypoint ?? []), ...(test.command ?? [])].join(' ');
    return told(
      'test',
      test.image === undefined ? `command ${command}` : `test ${test.image}${command === '' ? '' : ` ${command}`}`,
    );
  }
  return told('run', `run ${run?.command.join(' ') ?? ''}`);
}
