import type { LayerFactsReader } from '../build/index.ts';
import type { LayerCache } from '../inventory/index.ts';
import type { Digest, ResolvedImage } from '../oci/index.ts';
import type { VerifyChecks } from '../recipe/index.ts';
import type { EngineRuntime } from '../runtime/index.ts';

export interface VerifyStep {
  readonly name: string;
  readonly passed: boolean;
  /** One line: what was found, or what is wrong. */
  readonly detail: string;
  readonly milliseconds: number;
}

export interface Verification {
  readonly digest: Digest;
  readonly passed: boolean;
  readonly steps: readonly VerifyStep[];
  /** `static`: no engine could be used, so nothing was started; the step `start` says why. */
  readonly mode: 'engine' | 'static';
  readonly milliseconds: number;
}

export interface Candidate {
  readonly image: ResolvedImage;
  /** Where an engine pulls it: `host:port/repository@sha256:…`; without it nothing is started. */
  readonly reference?: string;
}

export interface VerifyOptions {
  readonly facts: LayerFactsReader;
  /** What the inventory keeps of layers; without it those of rpm, apk and pacman are read once more. */
  readonly layerCache?: LayerCache;
  readonly runtime?: EngineRuntime;
  readonly checks?: VerifyChecks;
  /** Milliseconds a service must stay up; 2000 when undefined. */
  readonly stayUp?: number;
  readonly signal?: AbortSignal;
}

/** Undefined: as it should be. */
export type Problem = string | undefined;
