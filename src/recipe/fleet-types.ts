import type { RetentionRule } from '../registry/index.ts';
import type { FleetHost, FleetRollout, FleetZone } from './fleet-rollout-types.ts';
import type { FleetGitSource, FleetGrades } from './fleet-shared-types.ts';
import type { VerifyChecks } from './test-types.ts';

/** `kind: Fleet`: which images are kept patched. Validated against `schemas/fleet.schema.json`. */
export interface Fleet {
  readonly apiVersion: 'heraklit/v1';
  readonly kind: 'Fleet';
  readonly name?: string;
  /** By distribution name, `debian/trixie`. */
  readonly distributions?: Readonly<Record<string, FleetDistribution>>;
  readonly images: readonly FleetImage[];
  readonly registry?: FleetRegistry;
  readonly access?: FleetAccess;
  readonly events?: FleetEvents;
  /** For every image that names no checks of its own. */
  readonly verify?: VerifyChecks;
  readonly rollout?: FleetRollout;
  /** Networks that images reach one after the other. */
  readonly zones?: readonly FleetZone[];
  readonly policy?: FleetPolicy;
  readonly forges?: readonly FleetForge[];
  readonly signing?: FleetSigning;
  /** Advisories that explain and rank what is found. */
  readonly advisories?: readonly FleetAdvisories[];
  /** Where further images are, which `serve` puts into the inventory time and again. */
  readonly sources?: readonly FleetCrawlSource[];
  /** Engine hosts besides the one that heraklit runs on. */
  readonly hosts?: readonly FleetHost[];
  /** Kubernetes clusters: `serve` keeps what runs there known, and rolls out on them. */
  readonly clusters?: readonly FleetCluster[];
}

export interface FleetCluster {
  /** What ids of its workloads call it: `kubernetes:NAME/NAMESPACE/KIND/NAME`. */
  readonly name: string;
  /** Beside the fleet file unless absolute; else KUBECONFIG, the home's, or the cluster we run in. */
  readonly kubeconfig?: string;
  /** The kubeconfig's own when left out. */
  readonly context?: string;
  /** Only these; the whole cluster when left out. */
  readonly namespaces?: readonly string[];
  /** False: only looked at, with rights to read alone. */
  readonly rollout?: boolean;
}

/** Exactly one of `registry`, `engine`, `kubernetes` and `folder`. */
export interface FleetCrawlSource {
  /** `HOST[:PORT]` */
  readonly registry?: string;
  /** podman or Docker: `auto`, or the path of its API socket. */
  readonly engine?: string;
  /** Context of the kubeconfig; `current` for its own, or the cluster we run in. */
  readonly kubernetes?: string;
  /** OCI layouts below it, beside the fleet file unless absolute. */
  readonly folder?: string;
  /** Of a registry: globs. */
  readonly repositories?: readonly string[];
  readonly tags?: readonly string[];
  /** Of a registry: its certificate need not verify, and it may speak plain HTTP. */
  readonly insecure?: boolean;
  /** Of a cluster. */
  readonly kubeconfig?: string;
  readonly namespaces?: readonly string[];
  /** `os/architecture[/variant]` of multi-platform indexes. */
  readonly platform?: string;
  /** Seconds between two crawls; an hour by default. */
  readonly interval?: number;
  /** Images looked at side by side; 2 by default. */
  readonly concurrency?: number;
}

/** Every released image is signed, and says what it was made of. */
export interface FleetSigning {
  /** Private key (PEM or cosign.key), beside the fleet file unless absolute. */
  readonly key: string;
  /** Holds the key's passphrase; else HERAKLIT_KEY_PASSPHRASE or COSIGN_PASSWORD. */
  readonly passphraseFile?: string;
  /** Public keys whose signatures count as well: those of the time before the key was changed. */
  readonly trust?: readonly string[];
  /** URI of who vouches for the build, in provenance. */
  readonly builder?: string;
  /** Forms of the bill of materials that is attached; CycloneDX unless said otherwise. */
  readonly sbom?: readonly ('cyclonedx' | 'spdx')[];
  /** Attach statements as sigstore bundles, too. */
  readonly bundles?: boolean;
}

export interface FleetAdvisories {
  /** File or folder beside the fleet file, or a URL. */
  readonly location: string;
  readonly type?: 'debian-tracker' | 'secdb' | 'osv' | 'csaf' | 'openvex' | 'oval' | 'updateinfo';
  /** For documents that do not name theirs. */
  readonly distribution?: string;
}

export interface FleetDistribution {
  /** Root URLs, first reachable wins. */
  readonly mirrors?: readonly string[];
  /** The same for the security pocket, where that lies elsewhere. */
  readonly securityMirrors?: readonly string[];
  /** Where past states of its repositories lie, for recipes with `asOf`. */
  readonly snapshotMirror?: string;
  /** Names of pockets or repositories that are known of the distribution. */
  readonly pockets?: readonly string[];
  readonly components?: readonly string[];
  /** Instead of the known ones. */
  readonly repositories?: readonly FleetRepository[];
  /** Files with the public keys that sign its repositories, beside the fleet file unless absolute: PEM for apk. */
  readonly keys?: readonly string[];
  /** True: unsigned or expired indexes are taken. */
  readonly trusted?: boolean;
}

/** A repository of a distribution whose layout is not known, or is one's own (rpm). */
export interface FleetRepository {
  readonly name: string;
  /** Folders with `repodata`, best first; `{architecture}` stands for the distribution's word. */
  readonly urls: readonly string[];
  /** All that it offers are security updates. */
  readonly security?: boolean;
  /** Files beside the fleet file with keys that sign its index. */
  readonly keys?: readonly string[];
  /** True: an unsigned index is taken. */
  readonly trusted?: boolean;
}

/** Exactly one of them. Files of credentials lie beside the fleet file unless absolute. */
export interface FleetSource {
  readonly git?: FleetGitSource;
  readonly archive?: { readonly location: string; readonly sha256?: string; readonly path?: string };
  readonly folder?: string;
}

/** A GitHub, GitLab or Gitea whose webhooks are taken and whose commits are told what became of them. */
export interface FleetForge {
  readonly type: 'github' | 'gitlab' | 'gitea';
  readonly url: string;
  readonly api?: string;
  readonly tokenFile?: string;
  readonly webhookSecretFile?: string;
}

/** Exactly one of `recipe`, `dockerfile`, `kiwi` (paths beside the fleet file) and `upstream` (a reference). */
export interface FleetImage {
  /** Needed for all but `recipe`, which names itself. */
  readonly name?: string;
  readonly recipe?: string;
  readonly dockerfile?: string;
  readonly kiwi?: string;
  readonly upstream?: string;
  /** How a Dockerfile or a KIWI description is built. */
  readonly build?: FleetBuild;
  /** Where the recipe or Dockerfile lies, when not beside the fleet file; their paths are then relative to it. */
  readonly source?: FleetSource;
  readonly verify?: VerifyChecks;
  /** In place of policy.strategies: those allowed for this image, in the order they are tried. */
  readonly strategies?: readonly ('compose' | 'rebase' | 'patch' | 'rebuild')[];
}

export interface FleetBuild {
  /** Folder that COPY and ADD take from, beside the fleet file; the Dockerfile's own without it. */
  readonly context?: string;
  /** Values of ARG. */
  readonly args?: Readonly<Record<string, string>>;
  readonly target?: string;
  /** Profiles of a KIWI description; those that it imports by default without them. */
  readonly profiles?: readonly string[];
  /** MiB that all processes of a build may use together. */
  readonly memory?: number;
  /** Processes that a build may have at once. */
  readonly processes?: number;
  /** URLs, or their first parts, that it may fetch although they are no package repositories. */
  readonly allow?: readonly string[];
  /** Seconds. */
  readonly timeout?: number;
}

export interface FleetRegistry {
  /** Where blobs lie instead of the home's folder: `s3://BUCKET/PREFIX?endpoint=URL&…` */
  readonly storage?: string;
  /** `HOST[:PORT][/PREFIX]` that released images are pushed to. */
  readonly push?: string;
  /** That registry's certificate need not verify, and it may speak plain HTTP. */
  readonly insecure?: boolean;
  /** Further registries that released images are pushed to. */
  readonly replicas?: readonly FleetReplica[];
  /** Repositories of the built-in registry that mirror others. */
  readonly mirrors?: readonly FleetMirror[];
  /** Garbage collection by `serve`. */
  readonly collect?: {
    /** Seconds between two collections, each after retention; one day by default. */
    readonly interval?: number;
    /** Seconds that blobs stay which nothing names; one day by default. */
    readonly grace?: number;
  };
  /** The first rule that fits a repository is its own; where none fits nothing is ever removed. */
  readonly retention?: readonly RetentionRule[];
  readonly limits?: FleetLimits;
  /** Every quota that fits a repository counts. */
  readonly quotas?: readonly FleetQuota[];
}

/** Of the built-in registry. */
export interface FleetLimits {
  readonly manifestBytes?: number;
  readonly blobBytes?: number;
  /** Under way at once. */
  readonly uploads?: number;
  /** Seconds. */
  readonly uploadExpiry?: number;
  /** Seconds of waiting for a body in which `bodyBytes` must come. */
  readonly bodyIdle?: number;
  readonly bodyBytes?: number;
  /** Of the disk, left free by pushes. */
  readonly reserveBytes?: number;
  readonly repositories?: number;
  readonly connections?: number;
}

export interface FleetQuota {
  /** Glob over repository names. */
  readonly repositories: string;
  readonly bytes?: number;
  readonly tags?: number;
  /** Each repository for itself, or all that fit together. */
  readonly per?: 'repository' | 'all';
}

export interface FleetReplica {
  /** `HOST[:PORT][/PREFIX]` */
  readonly to: string;
  /** Names of images, `*` for any run of characters; all without it. */
  readonly images?: readonly string[];
  readonly insecure?: boolean;
}

export interface FleetMirror {
  /** First parts of the repository names here. */
  readonly prefix: string;
  /** `HOST[:PORT][/PREFIX]` */
  readonly upstream: string;
  /** Seconds for which a tag is served without asking upstream again. */
  readonly maxAge?: number;
  readonly insecure?: boolean;
}

/** Who may reach what `heraklit serve` serves, and how. */
export interface FleetAccess {
  /** How clients reach the server, `https://registry.example.org`. */
  readonly url?: string;
  /** PEM files, beside the fleet file unless absolute. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly clientCa?: string };
  /** Of one account, or of one address without account. */
  readonly requestsPerSecond?: number;
  /** Days the audit log is kept; 0 for ever. */
  readonly auditDays?: number;
  readonly grants?: readonly FleetGrant[];
  readonly oidc?: FleetIdentityProvider;
}

/** An OpenID provider that people sign in with. */
export interface FleetIdentityProvider {
  readonly issuer: string;
  readonly clientId: string;
  /** Holds the client's secret; left out for a public client. */
  readonly clientSecretFile?: string;
  readonly name?: string;
  readonly scope?: string;
  readonly nameClaim?: string;
  readonly groupsClaim?: string;
}

export interface FleetGrant {
  /** Account, `group:NAME` or `anonymous`. */
  readonly to: string;
  readonly role: 'pull' | 'push' | 'delete' | 'admin' | 'view' | 'metrics' | 'report';
  /** Pattern of repositories, `team/**`; left out for all, and for view and metrics. */
  readonly on?: string;
}

export interface FleetEvents {
  readonly amqp?: string;
  readonly exchange?: string;
  readonly namespace?: string;
  /** Days that delivered events are kept; 90 when undefined. */
  readonly retentionDays?: number;
}

export interface FleetPolicy {
  /** Seconds between two looks at the repositories. */
  readonly interval?: number;
  /** True: only findings of security repositories start a build. */
  readonly securityOnly?: boolean;
  readonly strategies?: readonly ('compose' | 'rebase' | 'patch' | 'rebuild')[];
  readonly grades?: FleetGrades;
  /** Last day (ISO 8601) of a distribution's support, where it differs from what is known: bought extended support. */
  readonly endOfSupport?: Readonly<Record<string, string>>;
}
