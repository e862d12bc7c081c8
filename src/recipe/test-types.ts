/** What an image is tested with before it is released: `verify` of a fleet file, or a file of its own (`kind: Tests`). */
export interface TestSuite {
  /** Seconds for all checks of one image. */
  readonly timeout?: number;
  /** Each must exit with 0 inside the image. */
  readonly commands?: readonly (readonly string[])[];
  readonly http?: { readonly port: number; readonly path?: string; readonly status?: number };
  /** For the candidate, and for every service and test container that names none of its own. */
  readonly limits?: TestLimits;
  /** What the candidate depends on, by the name it is reached under. */
  readonly services?: Readonly<Record<string, TestService>>;
  readonly candidate?: TestCandidate;
  readonly steps?: readonly TestStep[];
  /** A compose file instead of `services` and `candidate`; its service `candidate` is the image under test. */
  readonly compose?: string;
}

export interface TestLimits {
  /** `512MiB` */
  readonly memory?: string;
  readonly cpus?: number;
  readonly pids?: number;
}

export type TestEnvironment = Readonly<Record<string, string | number | boolean>>;

/** How a container of a test is started. */
interface TestContainer {
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly environment?: TestEnvironment;
  readonly user?: string;
  readonly workdir?: string;
  readonly ready?: TestReady;
  readonly tmpfs?: readonly string[];
  /** `NAME:/PATH[:ro]`; a NAME that begins with `/` or `.` is a folder of the host, and has to be allowed. */
  readonly volumes?: readonly string[];
  readonly limits?: TestLimits;
}

export interface TestService extends TestContainer {
  /** A reference, or the name of an image of the fleet. */
  readonly image: string;
  /** Services that are ready before it starts. */
  readonly needs?: readonly string[];
}

export interface TestCandidate extends TestContainer {
  /** Besides those the image exposes. */
  readonly ports?: readonly number[];
}

/** Exactly one of `tcp`, `http`, `exec` and `log`. */
export interface TestReady {
  readonly tcp?: number;
  readonly http?: { readonly port: number; readonly path?: string; readonly status?: number | readonly number[] };
  readonly exec?: readonly string[];
  readonly log?: string;
  /** Seconds. */
  readonly within?: number;
}

/** Exactly one of `http`, `tcp`, `exec`, `log`, `test` and `run`. */
export interface TestStep {
  readonly name?: string;
  /** Seconds. */
  readonly within?: number;
  readonly http?: HttpStep;
  readonly tcp?: { readonly service?: string; readonly port: number; readonly send?: string; readonly expect?: string };
  readonly exec?: ExecStep;
  readonly log?: { readonly service?: string; readonly matches?: string; readonly absent?: string };
  /** A container in the same network that ends with 0. */
  readonly test?: ContainerStep;
  /** A command on this host; the fleet file has to allow it. */
  readonly run?: { readonly command: readonly string[]; readonly environment?: TestEnvironment };
}

export interface HttpStep {
  readonly service?: string;
  /** The candidate's first one when undefined. */
  readonly port?: number;
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Any of 200 to 399 when undefined. */
  readonly status?: number | readonly number[];
  readonly contains?: string;
  readonly matches?: string;
  /** JSON pointer (RFC 6901) → the value there. */
  readonly json?: Readonly<Record<string, unknown>>;
  /** Further tries; as many as fit into `within` for GET and HEAD, none for other methods, when undefined. */
  readonly retries?: number;
}

export interface TextExpectation {
  readonly contains?: string;
  readonly matches?: string;
}

export interface ExecStep {
  readonly command: readonly string[];
  readonly service?: string;
  readonly user?: string;
  readonly status?: number;
  readonly stdout?: TextExpectation;
  readonly stderr?: TextExpectation;
}

export interface ContainerStep {
  /** A reference, or the name of an image of the fleet; the candidate when undefined. */
  readonly image?: string;
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly environment?: TestEnvironment;
  readonly user?: string;
  readonly status?: number;
  readonly limits?: TestLimits;
}

/** `verify` of a fleet file: what its author alone may say, besides the tests. */
export interface VerifyChecks extends TestSuite {
  /** A file of `kind: Tests`, beside the fleet file. */
  readonly tests?: string;
  /** `run`: commands on this host. `mounts`: folders of this host in containers. */
  readonly allow?: readonly ('run' | 'mounts')[];
  /** Tests run there, not on the engine of this host. */
  readonly kubernetes?: VerifyCluster;
}

/** A namespace of a cluster for tests. */
export interface VerifyCluster {
  readonly namespace: string;
  /** Of the fleet's `clusters`; else KUBECONFIG, the home's, or the cluster we run in. */
  readonly cluster?: string;
  /** `HOST[:PORT]` under which its nodes reach our registry; the fleet's own when left out. */
  readonly registry?: string;
  /** A Secret of the namespace that its nodes pull with. */
  readonly pullSecret?: string;
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly runtimeClass?: string;
}
