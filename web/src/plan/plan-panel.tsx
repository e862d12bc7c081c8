import type { Alternative, Plan, PlanTask, TaskStatus } from '../../../src/http/contract.ts';
import { plural, seconds } from '../format.ts';
import { EmptyState } from '../parts/states.tsx';

/** States after which a task does not move any more. */
const DONE: ReadonlySet<TaskStatus> = new Set(['succeeded', 'unchanged', 'finished', 'excluded', 'disabled', 'locked']);
const BAD: ReadonlySet<TaskStatus> = new Set(['failed', 'broken', 'unresolvable']);

function toneOf(status: TaskStatus): string {
  if (BAD.has(status)) return 'bad';
  if (status === 'building') return 'busy';
  if (status === 'succeeded' || status === 'finished') return 'good';
  return 'idle';
}

const OTHER_WAYS: Readonly<Record<Alternative['verdict'], string>> = {
  next: 'comes next',
  unfit: 'does not fit',
  excluded: 'excluded',
  refused: 'refused',
};

/** The other strategies, and why each was not taken. */
function OtherWays({ ways }: { readonly ways: PlanTask['alternatives'] }) {
  if (ways.length === 0) return null;
  return (
    <details className="ways">
      <summary>{plural(ways.length, 'other way')}</summary>
      <ul>
        {ways.map(({ strategy, verdict, because }) => (
          <li key={strategy}>
            <span className="tag">{strategy}</span> {OTHER_WAYS[verdict]}: {because}
          </li>
        ))}
      </ul>
    </details>
  );
}

interface TaskProps {
  readonly task: PlanTask;
  readonly select: (name: string) => void;
}

function Task({ task, select }: TaskProps) {
  return (
    <li className={`task task-${toneOf(task.status)}`}>
      <i aria-hidden="true" />
      <div>
        <button type="button" className="link" onClick={() => select(task.image)}>
          {task.image}
        </button>{' '}
        <span className="tag">{task.strategy}</span>
        <p className="quiet" title={task.because}>
          {task.error ?? task.because}
        </p>
        <OtherWays ways={task.alternatives} />
      </div>
      <span className="task-state">
        {task.status}
        {task.seconds === null ? null : <small className="quiet">{seconds(task.seconds)}</small>}
      </span>
    </li>
  );
}

export function PlanPanel({ plan, select }: { readonly plan: Plan; readonly select: (name: string) => void }) {
  const { tasks } = plan;
  const done = tasks.filter(({ status }) => DONE.has(status)).length;
  const failed = tasks.filter(({ status }) => BAD.has(status)).length;
  const share = tasks.length === 0 ? 0 : (100 * (done + failed)) / tasks.length;
  return (
    <>
      <div className="card-head">
        <h2 id="plan-title">Current plan</h2>
        {tasks.length === 0 ? null : (
          <span className="quiet">
            {done + failed} of {tasks.length}
            {failed > 0 ? <b className="bad"> · {plural(failed, 'failure')}</b> : null}
          </span>
        )}
      </div>
      {tasks.length === 0 ? (
        <EmptyState title="Nothing to do">Every image has what its repositories offer.</EmptyState>
      ) : (
        <>
          <progress className="progress" max={100} value={share} aria-label="Plan progress" />
          <ol className="tasks">
            {tasks.map((task) => (
              <Task key={task.image} task={task} select={select} />
            ))}
          </ol>
        </>
      )}
    </>
  );
}
