import type { EventRecord } from '../../../src/http/contract.ts';
import { ago } from '../format.ts';
import { EmptyState } from '../parts/states.tsx';
import type { Connection } from '../use-live-events.ts';
import { describeEvent } from './describe-event.ts';

interface EventFeedProps {
  readonly events: readonly EventRecord[];
  readonly connection: Connection;
}

export function EventFeed({ events, connection }: EventFeedProps) {
  return (
    <>
      <div className="card-head">
        <h2 id="events-title">Events</h2>
        {connection === 'lost' ? <span className="bad">connection lost, trying again</span> : null}
      </div>
      {events.length === 0 ? (
        <EmptyState title="Quiet so far">
          What happens to the fleet shows up here the moment it is committed.
        </EmptyState>
      ) : (
        <ol className="events" aria-live="polite" aria-relevant="additions">
          {events.map((event) => {
            const { word, subject, tone } = describeEvent(event);
            return (
              <li key={event.sequence} className={`event event-${tone}`}>
                <i aria-hidden="true" />
                <span className="event-text">
                  <b>{word}</b> <span title={event.subject}>{subject}</span>
                </span>
                <time dateTime={event.time} className="quiet">
                  {ago(event.time)}
                </time>
              </li>
            );
          })}
        </ol>
      )}
    </>
  );
}
