import { useCallback, useState } from 'react';
import { useFleet, usePlan } from './api.ts';
import { EventFeed } from './events/event-feed.tsx';
import { FleetTable } from './fleet/fleet-table.tsx';
import { ImagePanel } from './image/image-panel.tsx';
import { ErrorState, Skeleton } from './parts/states.tsx';
import { PlanPanel } from './plan/plan-panel.tsx';
import { RolloutsPage } from './rollouts/rollouts-page.tsx';
import { Header } from './summary/header.tsx';
import { Summary } from './summary/summary.tsx';
import { useLiveEvents } from './use-live-events.ts';
import { usePage } from './use-page.ts';

export function App() {
  const fleet = useFleet();
  const live = useLiveEvents();
  const page = usePage();
  const [selected, setSelected] = useState<string>();
  const close = useCallback(() => setSelected(undefined), []);
  const image = fleet.data?.images.find(({ name }) => name === selected);
  return (
    <>
      <Header page={page} connection={live.connection} generatedAt={fleet.data?.generatedAt} />
      <main>
        {page === 'rollouts' ? <RolloutsPage /> : <FleetPage selected={selected} select={setSelected} live={live} />}
      </main>
      {image === undefined ? null : <ImagePanel key={image.name} image={image} close={close} select={setSelected} />}
    </>
  );
}

interface FleetPageProps {
  readonly selected: string | undefined;
  readonly select: (name: string) => void;
  readonly live: ReturnType<typeof useLiveEvents>;
}

function FleetPage({ selected, select, live: { events, connection } }: FleetPageProps) {
  const fleet = useFleet();
  const plan = usePlan();
  return (
    <>
      {fleet.isPending ? <Skeleton lines={2} label="Loading totals" /> : null}
      {fleet.data === undefined ? null : <Summary totals={fleet.data.totals} />}
      <div className="columns">
        <section className="card" aria-labelledby="fleet-title">
          {fleet.isPending ? <Skeleton lines={10} label="Loading the fleet" /> : null}
          {fleet.isError && fleet.data === undefined ? (
            <ErrorState title="The fleet cannot be shown" error={fleet.error} retry={() => void fleet.refetch()} />
          ) : null}
          {fleet.data === undefined ? null : (
            <FleetTable images={fleet.data.images} selected={selected} select={select} />
          )}
        </section>
        <aside>
          <section className="card" aria-labelledby="plan-title">
            {plan.isPending ? <Skeleton lines={5} label="Loading the plan" /> : null}
            {plan.isError && plan.data === undefined ? (
              <ErrorState title="The plan cannot be shown" error={plan.error} retry={() => void plan.refetch()} />
            ) : null}
            {plan.data === undefined ? null : <PlanPanel plan={plan.data} select={select} />}
          </section>
          <section className="card" aria-labelledby="events-title">
            <EventFeed events={events} connection={connection} />
          </section>
        </aside>
      </div>
    </>
  );
}
