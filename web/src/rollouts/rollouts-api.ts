import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type {
  Quarantine,
  RolloutAction,
  RolloutFindings,
  RolloutHistory,
  RolloutPage,
  RolloutWord,
} from '../../../src/http/rollouts-contract.ts';
import { get, post } from '../api.ts';

/** Milliseconds; steps and copies change without an event. */
const REFRESH = 5_000;
const SHOWN = 50;

export const useRollouts = (all: boolean) =>
  useQuery({
    queryKey: ['rollouts', all],
    queryFn: ({ signal }) => get<RolloutPage>(`rollouts?limit=${SHOWN}${all ? '&all=true' : ''}`, signal),
    refetchInterval: REFRESH,
  });

export const useHistory = (id: number, open: boolean) =>
  useQuery({
    queryKey: ['rollout', id],
    queryFn: ({ signal }) => get<RolloutHistory>(`rollouts/${id}`, signal),
    enabled: open,
  });

export const useZoneFindings = () =>
  useQuery({ queryKey: ['zone-findings'], queryFn: ({ signal }) => get<RolloutFindings>('rollouts/findings', signal) });

export const useQuarantine = () =>
  useQuery({ queryKey: ['quarantine'], queryFn: ({ signal }) => get<Quarantine>('quarantine', signal) });

export interface Said {
  readonly id: number;
  readonly action: RolloutAction;
  readonly word: RolloutWord;
}

/** The server decides who may; what it refuses is shown in its own words. */
export function useSay() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, action, word }: Said) => post<RolloutPage>(`rollouts/${id}/${action}`, word),
    // Not waited for: buttons are free as soon as the server has answered.
    onSettled: () => void client.invalidateQueries(),
  });
}
