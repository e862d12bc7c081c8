import type { TestDetails } from '../attestation/index.ts';
import type { BuiltImage } from '../build/index.ts';
import type { NewEvent } from '../events/index.ts';
import type { Descriptor, Digest } from '../oci/index.ts';
import type { Alternative, MissingUpdate, RecipeKind, Strategy } from '../plan/index.ts';
import type { Attached, BuildSummary, Place } from '../publish/index.ts';
import type { RolloutOutcome } from '../runtime/index.ts';

/** Where the recipe of an image came from, when not from beside the fleet file. */
export interface ImageSource {
  /** URL or path, without credentials. */
  readonly location: string;
  /** Folder within; '' for all of it. */
  readonly path: string;
  /** Of git: full name of the ref, and the commit it named. */
  readonly ref?: string;
  readonly commit?: string;
  /** Digest of its files. */
  readonly tree: Digest;
}

/** An image as the fleet file declares it. */
export interface FleetImage extends Place {
  /** Name of another image of the fleet. */
  readonly base: string | undefined;
  readonly recipe: RecipeKind;
  /** Digest of recipe and files it names; undefined without a recipe. */
  readonly recipeDigest: string | undefined;
  readonly state: 'enabled' | 'disabled' | 'locked';
  readonly source?: ImageSource;
}

/** An image of the fleet with what is released of it. */
export interface ReleasedImage extends FleetImage {
  readonly digest: Digest;
}

export interface FeedPort {
  /** Brings the package indexes up to date; cheap when nothing appeared. */
  refresh(signal: AbortSignal): Promise<void>;
}

export interface InventoryPort {
  /** Missing updates by image name, against the indexes as they are now. Looks into images it does not know yet. */
  survey(images: readonly ReleasedImage[], signal: AbortSignal): Promise<ReadonlyMap<string, readonly MissingUpdate[]>>;
}

export interface BuildRequest {
  readonly image: FleetImage;
  readonly strategy: Strategy;
  /** The others, as planned: those that are `next` are tried in their order when it refuses. */
  readonly alternatives?: readonly Alternative[];
  /** The released image that is to be replaced. */
  readonly previous: Digest | undefined;
  /** The fleet's base as it is released now. */
  readonly baseDigest: Digest | undefined;
  /** Digest the base had when `previous` was built. */
  readonly previousBaseDigest: Digest | undefined;
}

export interface BuildPort {
  /**
   * Makes the image; all its blobs lie in the store, synced, when it resolves. Same request and same indexes → same
   * digest. Runs again after a crash.
   */
  build(request: BuildRequest, signal: AbortSignal): Promise<BuiltImage>;
  /**
   * Whether an image holds what is released already, times, order and caches aside. Asked where the bytes differ;
   * without it every difference counts.
   */
  holdsSame?(built: BuiltImage, released: Digest): Promise<boolean>;
}

/** A build that statements are made about. */
export interface AttestedBuild {
  readonly place: Place;
  readonly built: BuiltImage;
  readonly request: BuildRequest;
  /** Id of the run: the same plan has the same one. */
  readonly run: string;
}

export interface SigningPort {
  /** Signed statements: what the image was made of, and what is inside. The blobs lie in the store when it resolves. */
  attest(build: AttestedBuild, signal: AbortSignal): Promise<Attached>;
  /** The image's signature and the statement of its tests; nothing when it is signed already. */
  sign(
    candidate: CandidateImage,
    checks: readonly string[],
    signal: AbortSignal,
    report?: TestReport,
  ): Promise<Attached>;
  /** The statement that its tests failed; the image itself is not signed. */
  reject(candidate: CandidateImage, tests: FailedTests, signal: AbortSignal): Promise<Attached>;
  /** The signature of an image that was released unsigned; nothing when it has one. */
  signAlone(place: Place, subject: Descriptor): Promise<Attached>;
}

export interface CandidateImage extends Place {
  readonly descriptor: Descriptor;
  /** Layers of the statements that were published with it. */
  readonly statements: readonly Descriptor[];
  readonly previous: Digest | undefined;
  readonly summary: BuildSummary;
}

/** What an image was rejected for. */
export interface FailedTests {
  readonly passed: readonly string[];
  readonly failed: readonly string[];
  readonly report?: TestReport;
}

/** How the tests of an image went, for the statement about them. */
export interface TestReport {
  /** Under which the result is kept. */
  readonly id: string;
  /** Everything that said what to test: settings, files of tests, compose files. */
  readonly configuration: Digest;
  readonly details: TestDetails;
}

/** `event`: the stage's own image.verified, with every step; it commits with the outcome. */
export type Verification =
  | {
      readonly kind: 'passed';
      readonly checks: readonly string[];
      readonly event?: NewEvent;
      readonly report?: TestReport;
    }
  | {
      readonly kind: 'rejected';
      readonly reason: string;
      readonly event?: NewEvent;
      /** For the statement about it; none is made without. */
      readonly tests?: FailedTests;
    };

export interface VerifyPort {
  /** Tests a candidate that can be pulled by digest. An error is a failed test run, not a bad image. */
  verify(candidate: CandidateImage, signal: AbortSignal): Promise<Verification>;
}

export interface RolloutPort {
  /**
   * Brings a released image to the workloads that run what it supersedes; healthy, or back where it was. Announces
   * image.rolledout and image.rolledback, and quarantines a digest that is to blame, as each workload is done: after a
   * crash only the stage itself knows which of them it had touched.
   */
  rollout(released: CandidateImage, signal: AbortSignal): Promise<readonly RolloutOutcome[]>;
}

/** Another registry that is to have what is released. */
export interface PushPort {
  /** Whether it is to have an image of the fleet, by name. */
  takes(name: string): boolean;
  /** Where an image goes: `host/repository:tag`. */
  target(place: Pick<Place, 'repository' | 'tag'>): string;
  /** Puts the image there by digest and tag; doing it twice changes nothing. */
  push(image: Pick<Place, 'repository' | 'tag'> & { readonly digest: Digest }, signal: AbortSignal): Promise<void>;
}

/** The stages the engine drives. */
export interface PipelinePorts {
  readonly feed: FeedPort;
  readonly inventory: InventoryPort;
  readonly build: BuildPort;
  readonly verify: VerifyPort;
  /** Undefined: nothing is signed. */
  readonly signing?: SigningPort;
  /** Undefined: nothing runs here; images end released. */
  readonly rollout?: RolloutPort;
  /** Other registries; none: released images stay in our own. */
  readonly pushes?: readonly PushPort[];
}
