import type { Rollout, RolloutSlot } from '../../../src/http/rollouts-contract.ts';
import { ago, plural } from '../format.ts';

/** Rows drawn; what goes on and what went wrong come first. */
const SHOWN = 100;

const WORDS: Readonly<Record<string, string>> = { rolledout: 'rolled out', rolledback: 'rolled back' };
const isTelling = ({ outcome }: RolloutSlot): boolean => outcome !== 'rolledout' && outcome !== 'unchanged';

function toneOf({ outcome }: RolloutSlot): string {
  if (outcome === null) return 'busy';
  if (outcome === 'rolledout' || outcome === 'unchanged') return 'good';
  return outcome === 'rolledback' ? 'bad' : 'idle';
}

function Step({ step, steps, weight, outcome }: RolloutSlot) {
  if (step === null || outcome !== null) return <>–</>;
  return (
    <>
      step {step} of {steps}
      {weight === null ? null : (
        <>
          {' '}
          <progress className="progress" max={100} value={weight} aria-label={`${weight} per cent of the requests`} />
          <small className="quiet">{weight} %</small>
        </>
      )}
    </>
  );
}

function Copies({ ready, wanted }: RolloutSlot) {
  if (ready === null || wanted === null) return <>–</>;
  return (
    <span className={ready < wanted ? 'bad' : 'ok'}>
      {ready} of {wanted} ready
    </span>
  );
}

export function SlotTable({ rollout: { id, workloads } }: { readonly rollout: Rollout }) {
  if (workloads.length === 0) return <p className="quiet rollout-why">No workload is changed yet.</p>;
  const ordered = [...workloads.filter(isTelling), ...workloads.filter((slot) => !isTelling(slot))];
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls sideways is reached by keyboard, too
    <section className="scroll" tabIndex={0} aria-label={`Workloads of rollout ${id}`}>
      <table className="fleet slots">
        <thead>
          <tr>
            <th scope="col">Workload</th>
            <th scope="col">Step</th>
            <th scope="col">Health</th>
            <th scope="col">Outcome</th>
            <th scope="col">Since</th>
          </tr>
        </thead>
        <tbody>
          {ordered.slice(0, SHOWN).map((slot) => (
            <tr key={`${slot.workload} ${slot.container} ${slot.started}`}>
              <th scope="row" title={`before: ${slot.previous}`}>
                {slot.workload} <small className="quiet">{slot.container}</small>
              </th>
              <td>
                <Step {...slot} />
              </td>
              <td>
                <Copies {...slot} />
              </td>
              <td className="slot-outcome">
                <span className={`tag state-${toneOf(slot)}`}>
                  {slot.outcome === null ? 'under way' : (WORDS[slot.outcome] ?? slot.outcome)}
                </span>
                {slot.reason === '' ? null : <small className="quiet"> {slot.reason}</small>}
              </td>
              <td>
                <time dateTime={slot.finished ?? slot.started}>{ago(slot.finished ?? slot.started)}</time>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {ordered.length > SHOWN ? (
        <p className="quiet rollout-why">and {plural(ordered.length - SHOWN, 'workload')} that came through</p>
      ) : null}
    </section>
  );
}
