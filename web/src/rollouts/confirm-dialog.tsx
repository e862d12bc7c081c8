import { useEffect, useId, useRef, useState } from 'react';
import type { Rollout, RolloutWord } from '../../../src/http/rollouts-contract.ts';
import type { Offered } from './actions.ts';

interface ConfirmDialogProps {
  readonly rollout: Rollout;
  readonly offered: Offered;
  readonly say: (word: RolloutWord) => void;
  readonly close: () => void;
}

const WHAT: Readonly<Record<string, string>> = {
  abort: 'What is half-way is taken back; what is done stays.',
  rollback: 'Every workload that it changed goes back to what ran before.',
};

/** The browser's own modal dialog: focus stays inside and returns to the button, Escape cancels. */
export function ConfirmDialog({ rollout, offered, say, close }: ConfirmDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [reason, setReason] = useState('');
  const [bad, setBad] = useState(false);
  const [title, words, check] = [useId(), useId(), useId()];
  useEffect(() => {
    const element = dialog.current;
    if (element !== null && !element.open) element.showModal();
  }, []);
  return (
    <dialog ref={dialog} className="confirm" aria-labelledby={title} onClose={close}>
      <form
        method="dialog"
        onSubmit={() => say({ ...(reason === '' ? {} : { reason }), ...(bad ? { quarantine: true } : {}) })}
      >
        <h2 id={title}>
          {offered.label} rollout {rollout.id} of {rollout.image}?
        </h2>
        <p className="quiet">{WHAT[offered.action]}</p>
        <label htmlFor={words}>Reason, kept in the history</label>
        <input
          id={words}
          type="text"
          maxLength={1000}
          value={reason}
          onChange={(change) => setReason(change.target.value)}
        />
        {offered.action === 'rollback' ? (
          <label className="check" htmlFor={check}>
            <input id={check} type="checkbox" checked={bad} onChange={(change) => setBad(change.target.checked)} />
            The image is bad: never offer this digest again
          </label>
        ) : null}
        <div className="confirm-buttons">
          <button type="button" className="button" onClick={close}>
            Cancel
          </button>
          <button type="submit" className="button button-bad">
            {offered.label}
          </button>
        </div>
      </form>
    </dialog>
  );
}
