import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import type { EventRecord } from '../../src/http/contract.ts';

/** Events kept on the page. */
const KEPT = 100;
/** A burst of events makes one look at the fleet. */
const SETTLE = 400;

export type Connection = 'connecting' | 'live' | 'lost';

/** Newest first. The browser reconnects by itself and resumes after the last event it saw. */
export function useLiveEvents(): { readonly events: readonly EventRecord[]; readonly connection: Connection } {
  const client = useQueryClient();
  const [events, setEvents] = useState<readonly EventRecord[]>([]);
  const [connection, setConnection] = useState<Connection>('connecting');
  useEffect(() => {
    const source = new EventSource('/api/v1/events?last=50');
    let timer: ReturnType<typeof setTimeout> | undefined;
    source.onopen = () => setConnection('live');
    source.onerror = () => setConnection('lost');
    source.addEventListener('heraklit', (message) => {
      const event = JSON.parse(message.data as string) as EventRecord;
      setEvents((known) =>
        known.some(({ sequence }) => sequence === event.sequence) ? known : [event, ...known].slice(0, KEPT),
      );
      timer ??= setTimeout(() => {
        timer = undefined;
        void client.invalidateQueries();
      }, SETTLE);
    });
    return () => {
      clearTimeout(timer);
      source.close();
    };
  }, [client]);
  return { events, connection };
}
