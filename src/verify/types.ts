import type { LayerFactsReader } from '../build/index.ts';
import type { LayerCache } from '../inventory/index.ts';
import type { Digest, ResolvedImage } from '../oci/index.ts';
import type { VerifyChecks } from '../recipe/index.ts';
import type { EngineRuntime } from '../runtime/index.ts';
import type { TestRunner } from './runner/port.ts';
import type { LoadedSuite } from './suite/load-suite.ts';

export interface VerifyStep {
  readonly name: string;
  /** Of a step of a test; undefined for what is always looked at. */
  readonly kind?: 'http' | 'tcp' | 'exec' | 'log' | 'test' | 'run';
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
  readonly mode: 'engine' | 'kubernetes' | 'static';
  /** Why the candidate could not be tested, where it is not to blame; it has not passed then either. */
  readonly environment?: string;
  readonly logs: readonly PartLog[];
  readonly milliseconds: number;
}

/** The end of what one container of a test said. */
export interface PartLog {
  readonly part: string;
  readonly text: string;
  /** It said more. */
  readonly truncated: boolean;
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
  /** Tests, with the files they name read; in place of the start-up test where there are any. */
  readonly suite?: LoadedSuite;
  /** Where tests run; `runtime` when undefined. */
  readonly runner?: TestRunner;
  /** What an engine pulls of an image that tests name; references stand for themselves without it. */
  readonly resolve?: (image: string) => string;
  /** Milliseconds a service must stay up; 2000 when undefined. */
  readonly stayUp?: number;
  readonly signal?: AbortSignal;
}

/** Undefined: as it should be. */
export type Problem = string | undefined;
